// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A server that does the same work for each request, with one leak:
 *
 *	round_server SOCKET		listens at this path until it is killed
 *	round_server SOCKET COUNT	the client: so many requests
 *
 * A request leaks 3 blocks of 64 bytes (leaks), churns 20 (churns), adds a
 * block to a cache that is full after 10 (fills), one to a pile that is thrown
 * away when it has 5 (piles up), and replaces one of 6 (replaces). The first
 * one sets up 50 blocks (starts up). The answer is the number of the request.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "truth.h"

static void *volatile sink;

static TRUTH_CALLER void leaks(void)
{
	for (int i = 0; i < 3; i++)
		sink = malloc(64);
}

static TRUTH_CALLER void churns(void)
{
	for (int i = 0; i < 20; i++)
		free(TRUTH_OPAQUE(malloc(100)));
}

static TRUTH_CALLER void fills(void)
{
	static unsigned full;

	if (full < 10) {
		sink = malloc(200);
		full++;
	}
}

static TRUTH_CALLER void piles_up(void)
{
	static void *pile[5];
	static unsigned count;

	if (count == 5)
		while (count)
			free(pile[--count]);
	pile[count++] = malloc(300);
}

static TRUTH_CALLER void replaces(unsigned request)
{
	static void *slots[6];

	free(slots[request % 6]);
	slots[request % 6] = malloc(400);
}

static TRUTH_CALLER void starts_up(void)
{
	for (int i = 0; i < 50; i++)
		sink = malloc(500);
}

static void work(unsigned request)
{
	if (request == 1)
		starts_up();
	leaks();
	churns();
	fills();
	piles_up();
	replaces(request);
}

static _Noreturn void serve(const struct sockaddr_un *address)
{
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	uint32_t request = 0;

	truth_require(!bind(listener, (const struct sockaddr *)address,
			    sizeof(*address)) &&
			      !listen(listener, 8),
		      "cannot listen");
	alarm(TRUTH_SECONDS);
	for (;;) {
		int client = accept(listener, NULL, NULL);
		char byte;

		while (read(client, &byte, 1) == 1) {
			work(++request);
			truth_require(write(client, &request,
					    sizeof(request)) == sizeof(request),
				      "cannot answer");
		}
		close(client);
	}
}

static int ask(const struct sockaddr_un *address, int count)
{
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	uint32_t request = 0;

	if (connect(server, (const struct sockaddr *)address, sizeof(*address)))
		return 1;
	while (count--)
		if (write(server, "x", 1) != 1 ||
		    read(server, &request, sizeof(request)) != sizeof(request))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	truth_require(argc > 1 && strlen(argv[1]) < sizeof(address.sun_path),
		      "usage: round_server SOCKET [COUNT]");
	strcpy(address.sun_path, argv[1]);
	if (argc > 2)
		return ask(&address, atoi(argv[2]));
	serve(&address);
}
