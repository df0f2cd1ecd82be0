// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads what a BPF iterator writes: see iterator.h. */
#include "capture/iterator.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "util/cleanup.h"

#define BUFFER_BYTES (32u << 10)

int iterator_visit(const struct bpf_link *link, size_t record_size,
		   iterator_visitor *visitor, void *context)
{
	auto_close int fd = bpf_iter_create(bpf_link__fd(link));
	alignas(max_align_t) char buffer[BUFFER_BYTES];
	size_t have = 0, at;
	int result;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t got = read(fd, buffer + have, sizeof(buffer) - have);

		/* bpf_seq_read() pauses after a million silent elements. */
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		have += (size_t)got;
		for (at = 0; have - at >= record_size; at += record_size) {
			result = visitor(context, buffer + at);
			if (result < 0)
				return result;
		}
		have -= at;
		memmove(buffer, buffer + at, have);
	}
}
