// SPDX-License-Identifier: GPL-2.0-or-later
/* Serves the last figures over HTTP by libmicrohttpd: see metrics_server.h. */
#include "serve/metrics_server.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "util/cleanup.h"

#define CONTENT_TYPE \
	"application/openmetrics-text; version=1.0.0; charset=utf-8"

/* leaktrace runs as root: strangers get little of it. */
#define CONNECTIONS_MAX 32
#define CONNECTION_SECONDS 10
#define CONNECTION_BYTES 16384

struct metrics_server {
	struct MHD_Daemon *daemon;
	struct MHD_Response *figures;
	struct MHD_Response *not_found, *not_allowed;
	struct sockaddr_storage address;
	int epoll_fd;
};

static enum MHD_Result answer(void *own, struct MHD_Connection *connection,
			      const char *url, const char *method,
			      const char *version, const char *body,
			      size_t *body_size, void **request)
{
	const struct metrics_server *server = own;

	(void)version;
	(void)body;
	(void)request;
	/* A body is of no interest, but has to be passed over. */
	if (*body_size) {
		*body_size = 0;
		return MHD_YES;
	}
	if (strcmp(method, MHD_HTTP_METHOD_GET) &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD))
		return MHD_queue_response(connection,
					  MHD_HTTP_METHOD_NOT_ALLOWED,
					  server->not_allowed);
	if (strcmp(url, "/metrics"))
		return MHD_queue_response(connection, MHD_HTTP_NOT_FOUND,
					  server->not_found);
	return MHD_queue_response(connection, MHD_HTTP_OK, server->figures);
}

/* Of MHD_RESPMEM_MUST_FREE text is freed on failure, too. */
static struct MHD_Response *response_new(const char *type, void *text,
					 size_t size,
					 enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(size, text, mode);

	if (!response) {
		if (mode == MHD_RESPMEM_MUST_FREE)
			free(text);
		return NULL;
	}
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				    type) != MHD_YES) {
		MHD_destroy_response(response);
		return NULL;
	}
	return response;
}

static struct MHD_Response *plain_response(const char *text)
{
	return response_new("text/plain", (void *)text, strlen(text),
			    MHD_RESPMEM_PERSISTENT);
}

/* A socket that listens, or -errno. */
static int listen_at(const struct listen_address *address)
{
	auto_close int fd = socket(address->address.ss_family,
				   SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				   0);
	int yes = 1;

	if (fd < 0)
		return -errno;
	/* The port of the leaktrace before this one is free at once. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (const struct sockaddr *)&address->address,
		 address->length) ||
	    listen(fd, CONNECTIONS_MAX))
		return -errno;
	return take_fd(&fd);
}

static int daemon_start(struct metrics_server *server, int listening)
{
	const union MHD_DaemonInfo *info;

	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, answer, server,
		MHD_OPTION_LISTEN_SOCKET, listening,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
		MHD_OPTION_END);
	if (!server->daemon) {
		close(listening);
		return -EIO;
	}
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -EIO;
	server->epoll_fd = info->epoll_fd;
	return 0;
}

int metrics_server_new(struct metrics_server **server,
		       const struct listen_address *address,
		       struct error *error)
{
	struct metrics_server *made = calloc(1, sizeof(*made));
	socklen_t length = sizeof(made->address);
	int listening, result;

	if (!made)
		return error_set(error, ENOMEM, "out of memory");
	made->not_found = plain_response("the figures are at /metrics\n");
	made->not_allowed = plain_response("only to be read\n");
	made->figures = response_new(CONTENT_TYPE, (void *)"# EOF\n", 6,
				     MHD_RESPMEM_PERSISTENT);
	if (!made->not_found || !made->not_allowed || !made->figures) {
		metrics_server_free(made);
		return error_set(error, ENOMEM, "out of memory");
	}
	listening = listen_at(address);
	result = listening < 0 ? listening : 0;
	if (!result &&
	    getsockname(listening, (struct sockaddr *)&made->address, &length))
		result = -errno;
	if (!result)
		result = daemon_start(made, listening);
	if (result) {
		metrics_server_free(made);
		return error_set(error, -result,
				 "cannot serve metrics at %s: %s",
				 listen_address_text(&address->address).text,
				 strerror(-result));
	}
	*server = made;
	return 0;
}

void metrics_server_free(struct metrics_server *server)
{
	if (!server)
		return;
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	if (server->figures)
		MHD_destroy_response(server->figures);
	if (server->not_found)
		MHD_destroy_response(server->not_found);
	if (server->not_allowed)
		MHD_destroy_response(server->not_allowed);
	free(server);
}

struct listen_address_text
metrics_server_address(const struct metrics_server *server)
{
	return listen_address_text(&server->address);
}

int metrics_server_fd(const struct metrics_server *server)
{
	return server->epoll_fd;
}

int metrics_server_timeout(struct metrics_server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	if (MHD_get_timeout(server->daemon, &timeout) != MHD_YES)
		return -1;
	return timeout > INT_MAX ? INT_MAX : (int)timeout;
}

void metrics_server_run(struct metrics_server *server)
{
	MHD_run(server->daemon);
}

void metrics_server_publish(struct metrics_server *server, char *text,
			    size_t size)
{
	struct MHD_Response *figures =
		response_new(CONTENT_TYPE, text, size, MHD_RESPMEM_MUST_FREE);

	/* Without memory the last figures stay, and their time says so. */
	if (!figures)
		return;
	/* Answers under way hold references of their own. */
	MHD_destroy_response(server->figures);
	server->figures = figures;
}
