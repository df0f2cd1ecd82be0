// SPDX-License-Identifier: GPL-2.0-or-later
/* The areas of an address space and what of them is resident: see smaps.h. */
#include "capture/smaps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unwind/process_maps.h"
#include "util/cleanup.h"

/* A line has a path of PATH_MAX bytes at most, each escaped to four. */
#define PIECE (64u << 10)

#define STATUS_MAX (16u << 10)

/* How often a process that changes its areas is read anew. */
#define ATTEMPTS 3

static bool begins(const char *text, const char *beginning)
{
	return !strncmp(text, beginning, strlen(beginning));
}

/* Of memory that belongs to no file of a disk. */
static bool is_shared_memory(const struct process_mapping *mapping)
{
	static const char *const paths[] = {
		"/dev/shm/", "/memfd:", "/SYSV", "/dev/zero", "[anon_shmem:",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (begins(mapping->path, paths[i]))
			return true;
	return false;
}

static enum area_kind kind_of(const struct process_mapping *mapping)
{
	const char *path = mapping->path;

	if (!path)
		return mapping->inode ? AREA_FILE : AREA_ANONYMOUS;
	if (is_shared_memory(mapping))
		return AREA_SHARED;
	if (mapping->inode)
		return AREA_FILE;
	if (!strcmp(path, "[heap]") || begins(path, "[anon: glibc: malloc"))
		return AREA_HEAP;
	if (begins(path, "[stack") ||
	    begins(path, "[anon: glibc: pthread stack"))
		return AREA_STACK;
	return begins(path, "[anon:") ? AREA_ANONYMOUS : AREA_SPECIAL;
}

static int area_add(memory_area_vector *areas, const char *line,
		    const char *end)
{
	const struct memory_area *last =
		areas->count ? &areas->items[areas->count - 1] : NULL;
	struct process_mapping mapping;
	struct memory_area *area;
	int result = process_mapping_parse(&mapping, line, end);

	if (result)
		return result;
	if (last && mapping.start < last->end)
		result = -EAGAIN;
	else if (areas->count >= SMAPS_AREAS_MAX)
		result = -E2BIG;
	area = result ? NULL : vector_push(areas);
	if (area)
		*area = (struct memory_area){
			.start = mapping.start,
			.end = mapping.end,
			.kind = kind_of(&mapping),
			.accessible = mapping.writable || mapping.executable,
		};
	free(mapping.path);
	return result ? result : area ? 0 : -ENOMEM;
}

/* "  132 kB", in bytes. */
static bool kilobytes_parse(const char *text, const char *end, uint64_t *bytes)
{
	uint64_t value = 0;

	while (text < end && (*text == ' ' || *text == '\t'))
		text++;
	if (text == end || *text < '0' || *text > '9')
		return false;
	for (; text < end && *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'),
					   &value))
			return false;
	if (end - text != 3 || memcmp(text, " kB", 3) != 0)
		return false;
	return !__builtin_mul_overflow(value, 1024, bytes);
}

/* "Name:   132 kB" if it is one of those that are wanted; others pass. */
static int field_take(struct memory_area *area, const char *line,
		      const char *end)
{
	const struct {
		const char *name;
		uint64_t *bytes;
	} fields[] = {
		{ "Rss:", &area->rss },
		{ "Anonymous:", &area->anonymous },
		{ "Swap:", &area->swap },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		size_t length = strlen(fields[i].name);

		if ((size_t)(end - line) <= length ||
		    memcmp(line, fields[i].name, length) != 0)
			continue;
		if (!kilobytes_parse(line + length, end, fields[i].bytes) ||
		    *fields[i].bytes > area->end - area->start)
			return -EINVAL;
	}
	return 0;
}

/* Fields begin with a capital letter, areas with an address. */
static int line_take(memory_area_vector *areas, const char *line,
		     const char *end)
{
	if (line == end || *line < 'A' || *line > 'Z')
		return area_add(areas, line, end);
	if (!areas->count)
		return -EINVAL;
	return field_take(&areas->items[areas->count - 1], line, end);
}

int smaps_parse(memory_area_vector *areas, const char *text, size_t size)
{
	const char *end = text + size;

	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		int result;

		if (!stop)
			stop = end;
		result = line_take(areas, text, stop);
		if (result)
			return result;
		text = stop + 1;
	}
	return 0;
}

/* A whole file, a piece of whole lines at a time. */
static int pieces_parse(memory_area_vector *areas, int fd, char *piece)
{
	size_t have = 0;
	int result = 0;

	while (!result) {
		ssize_t got = read(fd, piece + have, PIECE - have);
		const char *last;
		size_t whole;

		if (got < 0)
			return errno == EINTR ? -EAGAIN : -errno;
		have += (size_t)got;
		if (!got)
			return smaps_parse(areas, piece, have);
		last = memrchr(piece, '\n', have);
		if (!last && have == PIECE)
			return -EINVAL;
		if (!last)
			continue;
		whole = (size_t)(last + 1 - piece);
		result = smaps_parse(areas, piece, whole);
		have -= whole;
		memmove(piece, piece + whole, have);
	}
	return result;
}

int smaps_read(memory_area_vector *areas, int pid)
{
	auto_free char *piece = malloc(PIECE);
	char path[64];
	int result = -EAGAIN;

	if (!piece)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	for (int i = 0; result == -EAGAIN && i < ATTEMPTS; i++) {
		auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);

		areas->count = 0;
		if (fd < 0)
			return errno == ENOENT ? -ESRCH : -errno;
		result = pieces_parse(areas, fd, piece);
	}
	/* A process that has ended has no areas. */
	return result || areas->count ? result : -ESRCH;
}

/* The value behind a name at the beginning of a line. */
static bool status_find(const char *text, const char *name, uint64_t *bytes)
{
	size_t length = strlen(name);

	while (*text) {
		const char *end = text + strcspn(text, "\n");

		if (!strncmp(text, name, length))
			return kilobytes_parse(text + length, end, bytes);
		text = end + (*end == '\n');
	}
	return false;
}

bool memory_sums_parse(const char *text, struct memory_sums *sums)
{
	return status_find(text, "RssAnon:", &sums->anonymous) &&
	       status_find(text, "RssFile:", &sums->file) &&
	       status_find(text, "RssShmem:", &sums->shared) &&
	       status_find(text, "VmSwap:", &sums->swap);
}

int memory_sums_read(int pid, struct memory_sums *sums)
{
	char path[64], text[STATUS_MAX];
	auto_close int fd = -1;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (got < 0)
		return -ESRCH;
	text[got] = '\0';
	return memory_sums_parse(text, sums) ? 0 : -ESRCH;
}
