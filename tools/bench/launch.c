// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * launch FD COMMAND [ARG...]: waits for the other end of FD to be closed, then
 * becomes COMMAND. Tracers attach while it waits, so that they trace the whole
 * of COMMAND, and the times of COMMAND are without their start.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd = argc > 2 ? atoi(argv[1]) : -1;
	char byte;

	if (fd < 3) {
		fputs("usage: launch FD COMMAND [ARG...]\n", stderr);
		return 2;
	}
	if (read(fd, &byte, 1) < 0) {
		perror("launch");
		return 1;
	}
	close(fd);
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
