// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The demo's leaking server: answers requests that it makes itself. Sessions
 * come and go and give back what they take; every request's log line is kept
 * by mistake, and its eventfd, an object of the kernel's, is left open.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>

struct session {
	char *name;
	char *buffer;
};

static void *volatile last_log_line;

static __attribute__((noinline)) struct session *session_open(unsigned number)
{
	struct session *session = malloc(sizeof(*session));
	char name[32];

	snprintf(name, sizeof(name), "session-%u", number);
	session->name = strdup(name);
	session->buffer = malloc(4096);
	return session;
}

static __attribute__((noinline)) void session_close(struct session *session)
{
	free(session->name);
	free(session->buffer);
	free(session);
}

/* The leak: the line before is forgotten, not freed. */
static __attribute__((noinline)) void log_request(unsigned number)
{
	char *line = malloc(256);

	snprintf(line, 256, "request %u: 200 OK", number);
	last_log_line = line;
}

static __attribute__((noinline)) void handle_request(unsigned number)
{
	struct session *session = session_open(number);

	memset(session->buffer, 'x', 4096);
	eventfd(0, 0); /* until no descriptor is left */
	log_request(number);
	session_close(session);
}

int main(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct rlimit files;

	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	for (unsigned number = 1;; number++) {
		handle_request(number);
		nanosleep(&pause, NULL);
	}
}
