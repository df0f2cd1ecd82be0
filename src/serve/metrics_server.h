/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Serves the last figures over HTTP, in OpenMetrics text, at /metrics. Runs in
 * the caller's loop: no thread, and no figure that is half of one report and
 * half of the next.
 */
#ifndef LEAKTRACE_SERVE_METRICS_SERVER_H
#define LEAKTRACE_SERVE_METRICS_SERVER_H

#include <stddef.h>

#include "util/listen_address.h"
#include "util/error.h"

struct metrics_server;

/*
 * Listens. 0, or -errno with a message (address in use, not permitted, not
 * this machine's). What is served at first is empty.
 */
int metrics_server_new(struct metrics_server **server,
		       const struct listen_address *address,
		       struct error *error);
void metrics_server_free(struct metrics_server *server); /* NULL is fine */

/* Where it listens, the port that the kernel chose included. */
struct listen_address_text
metrics_server_address(const struct metrics_server *server);

/* Readable when metrics_server_run() has something to do. */
int metrics_server_fd(const struct metrics_server *server);

/* Milliseconds after which to call it all the same; -1 = no limit. */
int metrics_server_timeout(struct metrics_server *server);

/* Answers what was asked, without waiting. */
void metrics_server_run(struct metrics_server *server);

/* Serves text from now on; takes it over, from malloc. */
void metrics_server_publish(struct metrics_server *server, char *text,
			    size_t size);

#endif
