// SPDX-License-Identifier: GPL-2.0-or-later
/* The program under unwind_check: see unwind_check_target.h. */
#include "tests/live/unwind_check_target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void check_die(const char *what)
{
	fprintf(stderr, "unwind_check: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* In the child: the descriptors where the program expects them. */
__attribute__((noreturn)) static void run(const char *preload, int from, int to,
					  char **command)
{
	char text[64];
	int null = open("/dev/null", O_RDWR);

	if (!preload) {
		dup2(from, 0);
		dup2(to, 1);
	} else {
		dup2(null, 0);
		dup2(null, 1);
		snprintf(text, sizeof(text), "%d %d", dup(from), dup(to));
		setenv("UNWIND_TRUTH", text, 1);
		setenv("LD_PRELOAD", preload, 1);
	}
	execvp(command[0], command);
	check_die(command[0]);
}

/* One line, byte by byte: what follows it is for somebody else to read. */
static bool read_line(int fd, char *line, size_t size)
{
	size_t length = 0;

	while (length + 1 < size && read(fd, line + length, 1) == 1)
		if (line[length++] == '\n')
			break;
	line[length] = '\0';
	return length;
}

void check_target_start(struct check_target *target, const char *preload,
			char **command)
{
	int to[2], from[2];
	char line[128];

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		check_die("pipe");
	target->pid = fork();
	if (target->pid < 0)
		check_die("fork");
	if (!target->pid)
		run(preload, to[0], from[1], command);
	close(to[0]);
	close(from[1]);
	target->to = to[1];
	target->from = from[0];
	if (!read_line(target->from, line, sizeof(line)) ||
	    sscanf(line, "ready %" SCNx64 " %" SCNx64, &target->mark,
		   &target->probed) != 2)
		check_die("the program is not ready");
}

void check_target_go(const struct check_target *target)
{
	if (write(target->to, "go\n", 3) != 3)
		check_die("go");
}

bool check_target_asks(const struct check_target *target, int milliseconds)
{
	struct pollfd event = { .fd = target->from, .events = POLLIN };
	char line[16];

	if (poll(&event, 1, milliseconds) != 1 || !(event.revents & POLLIN))
		return false;
	return read_line(target->from, line, sizeof(line)) &&
	       !strcmp(line, "mapped\n");
}
