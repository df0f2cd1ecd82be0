// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a server listens: see listen_address.h. */
#include "util/listen_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOPBACK "127.0.0.1"

static int parse_port(const char *text, in_port_t *port)
{
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (*end || errno || value > 65535)
		return -EINVAL;
	*port = htons((in_port_t)value);
	return 0;
}

static int parse_host(const char *host, in_port_t port,
		      struct listen_address *address)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&address->address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address->address;

	if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = port;
		address->length = sizeof(*four);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = port;
		address->length = sizeof(*six);
		return 0;
	}
	return -EINVAL;
}

int listen_address_parse(const char *text, struct listen_address *address,
			 struct error *error)
{
	struct listen_address parsed = { .given = true };
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;
	bool bracketed = length > 1 && text[0] == '[' &&
			 text[length - 1] == ']';
	char host[INET6_ADDRSTRLEN] = LOOPBACK;
	in_port_t port;

	if (bracketed) {
		text++;
		length -= 2;
	}
	if (parse_port(colon ? colon + 1 : text, &port) ||
	    (colon && (!length || length >= sizeof(host))))
		goto invalid;
	if (colon)
		snprintf(host, sizeof(host), "%.*s", (int)length, text);
	/* 1::2:80 is an address without a port, or is it not? */
	if (strchr(host, ':') && !bracketed)
		goto invalid;
	if (parse_host(host, port, &parsed))
		goto invalid;
	*address = parsed;
	return 0;
invalid:
	return error_set(error, EINVAL,
			 "'%s' is nowhere to listen: give PORT, ADDRESS:PORT "
			 "or [IPV6-ADDRESS]:PORT, with a numeric address",
			 text - bracketed);
}

struct listen_address_text
listen_address_text(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
	char host[INET6_ADDRSTRLEN] = "?";
	struct listen_address_text result;

	if (address->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof(host));
		snprintf(result.text, sizeof(result.text), "[%s]:%u", host,
			 ntohs(six->sin6_port));
	} else {
		inet_ntop(AF_INET, &four->sin_addr, host, sizeof(host));
		snprintf(result.text, sizeof(result.text), "%s:%u", host,
			 ntohs(four->sin_port));
	}
	return result;
}
