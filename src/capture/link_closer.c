// SPDX-License-Identifier: GPL-2.0-or-later
/* Closes links beside the work: see link_closer.h. */
#include "capture/link_closer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct link_closer {
	pthread_t thread;
	int queue[2]; /* a pipe of descriptors' numbers */
};

static void *closer_run(void *context)
{
	const struct link_closer *closer = context;
	ssize_t got;
	int fd;

	for (;;) {
		got = read(closer->queue[0], &fd, sizeof(fd));
		if (got < 0 && errno == EINTR)
			continue;
		if (got != sizeof(fd))
			return NULL;
		close(fd);
	}
}

struct link_closer *link_closer_new(void)
{
	struct link_closer *closer = calloc(1, sizeof(*closer));

	if (!closer)
		return NULL;
	if (pipe2(closer->queue, O_CLOEXEC)) {
		free(closer);
		return NULL;
	}
	if (pthread_create(&closer->thread, NULL, closer_run, closer)) {
		close(closer->queue[0]);
		close(closer->queue[1]);
		free(closer);
		return NULL;
	}
	return closer;
}

void link_closer_close(struct link_closer *closer, int fd)
{
	/* A pipe takes so few bytes whole or not at all. */
	if (!closer || write(closer->queue[1], &fd, sizeof(fd)) != sizeof(fd))
		close(fd);
}

void link_closer_free(struct link_closer *closer)
{
	if (!closer)
		return;
	close(closer->queue[1]);
	pthread_join(closer->thread, NULL);
	close(closer->queue[0]);
	free(closer);
}
