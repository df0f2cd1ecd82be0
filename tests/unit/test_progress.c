// SPDX-License-Identifier: GPL-2.0-or-later
/* What takes long, on a terminal and elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>

#include "util/progress.h"

#define ERASE "\r\033[K"

/* Standard error is a terminal of 40 columns: its other end. */
struct terminal {
	int other, saved;
	char text[4096];
	size_t length;
};

static void terminal_open(struct terminal *terminal)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 40 };
	int own;

	memset(terminal, 0, sizeof(*terminal));
	assert_int_equal(openpty(&terminal->other, &own, NULL, NULL, &size), 0);
	terminal->saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	assert_true(terminal->saved >= 0);
	assert_int_equal(dup2(own, STDERR_FILENO), STDERR_FILENO);
	close(own);
}

static void terminal_close(struct terminal *terminal)
{
	assert_int_equal(dup2(terminal->saved, STDERR_FILENO), STDERR_FILENO);
	close(terminal->saved);
	close(terminal->other);
}

/* Waits until the terminal has shown the text. */
static void terminal_wait(struct terminal *terminal, const char *text)
{
	while (!strstr(terminal->text, text)) {
		ssize_t got =
			read(terminal->other, terminal->text + terminal->length,
			     sizeof(terminal->text) - 1 - terminal->length);

		assert_true(got > 0);
		terminal->length += (size_t)got;
		terminal->text[terminal->length] = '\0';
	}
}

static void long_work(void **state)
{
	struct terminal terminal;
	struct progress *progress;

	(void)state;
	terminal_open(&terminal);
	progress = progress_new();
	assert_non_null(progress);
	progress_note(progress, "not begun");
	progress_begin(progress, "reading %s", "x\033[2J\n\xff");
	terminal_wait(&terminal, ERASE "leaktrace: reading x?[2J??");
	progress_count(progress, "naming", 12, 500);
	terminal_wait(&terminal, ERASE "leaktrace: naming (12 of 500)");
	/* Within another piece of work, and cut to the terminal's width. */
	progress_begin(progress, "%s",
		       "0123456789012345678901234567890123456789");
	terminal_wait(&terminal,
		      ERASE "leaktrace: 0123456789012345678901234567");
	progress_end(progress);
	progress_end(progress);
	progress_free(progress);
	/* The end of it all is an empty line. */
	assert_int_equal(write(STDERR_FILENO, "end", 3), 3);
	terminal_wait(&terminal, "end");
	assert_non_null(strstr(terminal.text, "4567" ERASE "end"));
	assert_null(strstr(terminal.text, "not begun"));
	terminal_close(&terminal);
}

/* What ends soon is not shown; if it was, it is gone. */
static void short_work(void **state)
{
	struct terminal terminal;
	struct progress *progress;

	(void)state;
	terminal_open(&terminal);
	progress = progress_new();
	for (int i = 0; i < 20; i++) {
		progress_begin(progress, "short %d", i);
		progress_end(progress);
	}
	assert_int_equal(write(STDERR_FILENO, "end", 3), 3);
	terminal_wait(&terminal, "end");
	assert_true(terminal.length == 3 ||
		    !strcmp(terminal.text + terminal.length - 7, ERASE "end"));
	progress_free(progress);
	terminal_close(&terminal);
}

static void no_terminal(void **state)
{
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	struct progress *progress;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	progress = progress_new();
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[0]);
	close(ends[1]);
	assert_null(progress);
	progress_begin(progress, "nothing");
	progress_count(progress, "nothing", 1, 2);
	progress_end(progress);
	progress_free(progress);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_work),
		cmocka_unit_test(short_work),
		cmocka_unit_test(no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
