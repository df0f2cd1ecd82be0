// SPDX-License-Identifier: GPL-2.0-or-later
/* The separate debug file of an object: see debug_file.h. */
#include "resolve/debug_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <zlib.h>

#include "util/cleanup.h"

#define CHUNK (256 << 10)

static bool write_all(int fd, const unsigned char *bytes, size_t size)
{
	while (size) {
		ssize_t written = write(fd, bytes, size);

		if (written <= 0)
			return false;
		bytes += written;
		size -= (size_t)written;
	}
	return true;
}

/* CRC-32 of the file, copied on the way if copy >= 0; false on any error. */
static bool file_crc(int fd, int copy, uint32_t *crc)
{
	auto_free unsigned char *chunk = malloc(CHUNK);
	uLong sum = crc32(0, NULL, 0);
	off_t offset = 0;
	ssize_t got;

	if (!chunk)
		return false;
	while ((got = pread(fd, chunk, CHUNK, offset)) > 0) {
		sum = crc32(sum, chunk, (uInt)got);
		if (copy >= 0 && (!write_all(copy, chunk, (size_t)got) ||
				  offset + got > DEBUG_FILE_COPY_MAX))
			return false;
		offset += got;
	}
	*crc = (uint32_t)sum;
	return got == 0;
}

static int debug_file_open(const char *path, uint32_t wanted)
{
	auto_close int copy = -1, fd = -1;
	struct stat status;
	uint32_t crc;

	/* O_NONBLOCK: a FIFO of that name must not hold leaktrace up. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode))
		return -ENOENT;
	if (status.st_size <= DEBUG_FILE_COPY_MAX) {
		copy = memfd_create("leaktrace debug file", MFD_CLOEXEC);
		if (copy < 0)
			return -ENOENT;
	}
	if (!file_crc(fd, copy, &crc) || crc != wanted)
		return -ENOENT;
	return copy >= 0 ? take_fd(&copy) : take_fd(&fd);
}

int debug_file_by_name(const char *path, const char *link, uint32_t crc)
{
	static const struct {
		const char *before, *after; /* of the object's directory */
	} places[] = {
		{ "", "" },
		{ "", ".debug/" },
		{ "/usr/lib/debug", "" },
	};
	const char *base = strrchr(path, '/');
	char candidate[PATH_MAX];
	int length, fd;

	if (path[0] != '/' || !link[0] || strchr(link, '/'))
		return -ENOENT;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		length = snprintf(candidate, sizeof(candidate), "%s%.*s%s%s",
				  places[i].before, (int)(base + 1 - path),
				  path, places[i].after, link);
		if (length < 0 || (size_t)length >= sizeof(candidate))
			continue;
		fd = debug_file_open(candidate, crc);
		if (fd >= 0)
			return fd;
	}
	return -ENOENT;
}
