// SPDX-License-Identifier: GPL-2.0-or-later
/* Keeps the record of the planted sites and speaks the protocol of truth.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "truth.h"

#define NOTES_MAX 16

extern struct truth_site *const __start_truth_sites[] __attribute__((weak));
extern struct truth_site *const __stop_truth_sites[] __attribute__((weak));

static struct {
	const char *name;
	long long value;
} notes[NOTES_MAX];
static unsigned note_count;

static char output[16384];
static size_t output_length;
static char line[256];
static int output_file = -1;

void truth_require(bool what, const char *message)
{
	static const char prefix[] = "truth: ";

	if (what)
		return;
	if (write(STDERR_FILENO, prefix, sizeof(prefix) - 1) < 0 ||
	    write(STDERR_FILENO, message, strlen(message)) < 0 ||
	    write(STDERR_FILENO, "\n", 1) < 0)
		_exit(98);
	_exit(99);
}

static void add(long long *field, long long change)
{
	__atomic_fetch_add(field, change, __ATOMIC_RELAXED);
}

void truth_changed(struct truth_site *site, long long blocks, long long bytes)
{
	add(&site->blocks, blocks);
	add(&site->bytes, bytes);
}

void truth_allocated(struct truth_site *site, size_t bytes)
{
	truth_changed(site, 1, (long long)bytes);
	add(&site->allocations, 1);
	add(&site->allocated_bytes, (long long)bytes);
}

void truth_freed(struct truth_site *site, size_t bytes)
{
	truth_changed(site, -1, -(long long)bytes);
}

void truth_note(const char *name, long long value)
{
	unsigned i;

	for (i = 0; i < note_count; i++)
		if (strcmp(notes[i].name, name) == 0)
			break;
	truth_require(i < NOTES_MAX, "too many notes");
	if (i == note_count)
		note_count++;
	notes[i].name = name;
	notes[i].value = value;
}

unsigned truth_random(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	size_t room = sizeof(output) - output_length;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(output + output_length, room, format, arguments);
	va_end(arguments);
	truth_require(length >= 0 && (size_t)length < room, "truth too long");
	output_length += (size_t)length;
}

static void flush(void)
{
	const char *path = getenv("TRUTH_OUT");
	size_t done = 0;
	ssize_t length;

	if (output_file < 0 && path)
		output_file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	else if (output_file < 0)
		output_file = STDOUT_FILENO;
	truth_require(output_file >= 0, "cannot open TRUTH_OUT");
	while (done < output_length) {
		length =
			write(output_file, output + done, output_length - done);
		if (length < 0 && errno == EINTR)
			continue;
		truth_require(length > 0, "cannot write the truth");
		done += (size_t)length;
	}
	output_length = 0;
}

/* Byte by byte: what follows the line is left to whoever reads next. */
static bool wait_line(void)
{
	size_t length = 0;
	ssize_t got;
	char byte;

	for (;;) {
		got = read(STDIN_FILENO, &byte, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got != 1 || byte == '\n')
			break;
		truth_require(length < sizeof(line) - 1, "line too long");
		line[length++] = byte;
	}
	line[length] = '\0';
	return got == 1;
}

const char *truth_line(void)
{
	return line;
}

void truth_ready(void)
{
	alarm(TRUTH_SECONDS);
	say("ready %d\n", (int)getpid());
	flush();
	wait_line();
}

static void say_site(const struct truth_site *site)
{
	say("{\"name\":\"%s\",\"space\":\"%s\",\"blocks\":%lld,"
	    "\"bytes\":%lld,\"allocations\":%lld,\"allocated_bytes\":%lld}",
	    site->name, site->space == TRUTH_HEAP ? "heap" : "mapping",
	    site->blocks, site->bytes, site->allocations,
	    site->allocated_bytes);
}

bool truth_report(void)
{
	struct truth_site *const *site;
	unsigned i;

	say("{\"truth\":1,\"pid\":%d,\"sites\":[", (int)getpid());
	for (site = __start_truth_sites; site < __stop_truth_sites; site++) {
		say("%s", site == __start_truth_sites ? "" : ",");
		say_site(*site);
	}
	say("],\"notes\":{");
	for (i = 0; i < note_count; i++)
		say("%s\"%s\":%lld", i ? "," : "", notes[i].name,
		    notes[i].value);
	say("}}\n");
	flush();
	return wait_line();
}
