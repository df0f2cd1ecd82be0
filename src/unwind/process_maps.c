// SPDX-License-Identifier: GPL-2.0-or-later
/* The memory mappings of a process: see process_maps.h. */
#include "unwind/process_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "util/cleanup.h"

#define MAPS_SIZE_MAX (256u << 20) /* vm.max_map_count lines and to spare */

static bool hex_digit(char c, unsigned *value)
{
	if (c >= '0' && c <= '9')
		*value = (unsigned)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*value = (unsigned)(c - 'a') + 10;
	else
		return false;
	return true;
}

/* Reads a number of the given base up to the character that ends it. */
static bool scan_number(const char **cursor, const char *end, unsigned base,
			char stop, uint64_t *number)
{
	const char *at = *cursor;
	uint64_t value = 0;
	unsigned digit;

	for (; at < end && hex_digit(*at, &digit) && digit < base; at++) {
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			return false;
	}
	if (at == *cursor || at >= end || *at != stop)
		return false;
	*number = value;
	*cursor = at + 1;
	return true;
}

/* seq_path() writes newlines in names as \012 and nothing else escaped. */
static char *path_unescape(const char *text, size_t size)
{
	char *path = malloc(size + 1);
	size_t used = 0;

	if (!path)
		return NULL;
	for (size_t i = 0; i < size; i++) {
		if (size - i >= 4 && !memcmp(text + i, "\\012", 4)) {
			path[used++] = '\n';
			i += 3;
		} else {
			path[used++] = text[i];
		}
	}
	path[used] = '\0';
	return path;
}

int process_mapping_parse(struct process_mapping *mapping, const char *line,
			  const char *end)
{
	const char *at = line;
	uint64_t major_number, minor_number;
	struct process_mapping parsed = { 0 };

	if (!scan_number(&at, end, 16, '-', &parsed.start) ||
	    !scan_number(&at, end, 16, ' ', &parsed.end) ||
	    parsed.end <= parsed.start || end - at < 5 || at[4] != ' ')
		return -EINVAL;
	parsed.writable = at[1] == 'w';
	parsed.executable = at[2] == 'x';
	parsed.shared = at[3] == 's';
	at += 5;
	if (!scan_number(&at, end, 16, ' ', &parsed.offset) ||
	    !scan_number(&at, end, 16, ':', &major_number) ||
	    !scan_number(&at, end, 16, ' ', &minor_number))
		return -EINVAL;
	if (major_number > UINT32_MAX || minor_number > UINT32_MAX)
		return -EINVAL;
	parsed.device_major = (uint32_t)major_number;
	parsed.device_minor = (uint32_t)minor_number;
	/* The inode is followed by a space even where there is no path. */
	if (!scan_number(&at, end, 10, ' ', &parsed.inode))
		return -EINVAL;
	while (at < end && *at == ' ')
		at++;
	if (at < end) {
		parsed.path = path_unescape(at, (size_t)(end - at));
		if (!parsed.path)
			return -ENOMEM;
	}
	*mapping = parsed;
	return 0;
}

int process_maps_parse(struct process_maps *maps, const char *text, size_t size,
		       struct error *error)
{
	cleanup(process_maps_free) struct process_maps parsed = { 0 };
	const char *line = text, *end = text + size;
	uint64_t last_end = 0;

	while (line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		struct process_mapping mapping;
		struct process_mapping *slot;
		int result;

		if (!stop)
			stop = end;
		result = process_mapping_parse(&mapping, line, stop);
		if (result == -ENOMEM)
			return error_set(error, ENOMEM, "out of memory");
		if (result || mapping.start < last_end) {
			if (!result)
				free(mapping.path);
			return error_set(
				error, EINVAL,
				"line %zu of the process's maps is not understood",
				parsed.mappings.count + 1);
		}
		last_end = mapping.end;
		slot = vector_push(&parsed.mappings);
		if (!slot) {
			free(mapping.path);
			return error_set(error, ENOMEM, "out of memory");
		}
		*slot = mapping;
		line = stop + 1;
	}
	*maps = parsed;
	parsed = (struct process_maps){ 0 };
	return 0;
}

int process_maps_read(struct process_maps *maps, int pid, struct error *error)
{
	VECTOR(char) text = { 0 };
	auto_close int fd = -1;
	char path[64];
	ssize_t got;
	int result = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		int code = errno == ENOENT ? ESRCH : errno;

		return error_set(error, code, "PID %d: cannot read %s: %s", pid,
				 path, strerror(code));
	}
	do {
		if (vector_reserve(&text, 65536)) {
			result = error_set(error, ENOMEM, "out of memory");
			break;
		}
		got = read(fd, text.items + text.count, 65536);
		if (got < 0)
			result = error_set(error, errno,
					   "PID %d: cannot read %s: %s", pid,
					   path, strerror(errno));
		else
			text.count += (size_t)got;
	} while (got > 0 && text.count < MAPS_SIZE_MAX);
	if (!result && text.count == 0)
		result = error_set(
			error, ESRCH,
			"PID %d has no memory: it is a kernel thread or has exited",
			pid);
	if (!result)
		result =
			process_maps_parse(maps, text.items, text.count, error);
	vector_free(&text);
	return result;
}

void process_maps_free(struct process_maps *maps)
{
	for (size_t i = 0; i < maps->mappings.count; i++)
		free(maps->mappings.items[i].path);
	vector_free(&maps->mappings);
}

const struct process_mapping *process_maps_find(const struct process_maps *maps,
						uint64_t address)
{
	size_t low = 0, high = maps->mappings.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct process_mapping *mapping =
			&maps->mappings.items[middle];

		if (address < mapping->start)
			high = middle;
		else if (address >= mapping->end)
			low = middle + 1;
		else
			return mapping;
	}
	return NULL;
}

bool process_mapping_same_file(const struct process_mapping *a,
			       const struct process_mapping *b)
{
	return a->inode && a->inode == b->inode &&
	       a->device_major == b->device_major &&
	       a->device_minor == b->device_minor;
}

int process_mapping_open(const struct process_mapping *mapping, int pid)
{
	char path[PATH_MAX + 64];
	struct stat status;
	int fd;

	if (!mapping->inode)
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64,
		 pid, mapping->start, mapping->end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (!mapping->path || mapping->path[0] != '/')
		return -errno;
	snprintf(path, sizeof(path), "/proc/%d/root%s", pid, mapping->path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	/* The path may lead to another file by now. */
	if (fstat(fd, &status) || !S_ISREG(status.st_mode) ||
	    status.st_ino != mapping->inode) {
		close(fd);
		return -ESTALE;
	}
	return fd;
}
