// SPDX-License-Identifier: GPL-2.0-or-later
/* Whole files into memory: see read_all.h. */
#include "resolve/read_all.h"

#include <errno.h>

#include "util/cleanup.h"
#include "util/vector.h"

#define CHUNK (64 << 10)

int read_all(int fd, size_t limit, char **bytes, size_t *size)
{
	VECTOR(char) text = { 0 };
	int error = 0;
	ssize_t got;

	for (;;) {
		error = vector_reserve(&text, CHUNK);
		if (error)
			break;
		got = read(fd, text.items + text.count, CHUNK);
		if (got < 0 && errno == EINTR)
			continue;
		error = got < 0 ? -errno : 0;
		if (got <= 0)
			break;
		text.count += (size_t)got;
		if (text.count > limit) {
			error = -EFBIG;
			break;
		}
	}
	if (error) {
		vector_free(&text);
		return error;
	}
	*bytes = text.items;
	*size = text.count;
	return 0;
}
