/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a server listens: "9100", "127.0.0.1:9100", "[::1]:9100". Addresses
 * are numeric: what is opened must not depend on a name server.
 */
#ifndef LEAKTRACE_UTIL_LISTEN_ADDRESS_H
#define LEAKTRACE_UTIL_LISTEN_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "util/error.h"

struct listen_address {
	bool given;
	socklen_t length;
	struct sockaddr_storage address; /* AF_INET or AF_INET6 */
};

/* "[2001:db8::1]:65535" and its NUL. */
struct listen_address_text {
	char text[64];
};

/*
 * Reads "[ADDRESS:]PORT"; without ADDRESS the loopback's is meant. Port 0 lets
 * the kernel choose. 0, or -EINVAL with a message that quotes the text; the
 * result is untouched then.
 */
int listen_address_parse(const char *text, struct listen_address *address,
			 struct error *error);

struct listen_address_text
listen_address_text(const struct sockaddr_storage *address);

#endif
