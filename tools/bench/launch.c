// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * launch SOCKET COMMAND [ARG...]: writes a byte to the descriptor SOCKET, waits
 * for one, then becomes COMMAND. Tracers attach while it waits, so that they
 * trace the whole of COMMAND, and its times are without their start.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int socket = argc > 2 ? atoi(argv[1]) : -1;
	char byte = '\n';

	if (socket < 3) {
		fputs("usage: launch SOCKET COMMAND [ARG...]\n", stderr);
		return 2;
	}
	if (write(socket, &byte, 1) != 1 || read(socket, &byte, 1) != 1) {
		perror("launch");
		return 1;
	}
	close(socket);
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
