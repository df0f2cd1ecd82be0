// SPDX-License-Identifier: GPL-2.0-or-later
/* What bounds the memory of a process: see memory_limit.h. */
#include "capture/memory_limit.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/cgroup.h"
#include "util/cleanup.h"

#define TEXT_MAX (1u << 20) /* of a file of /proc */

/* Version 1 says "no limit" by the largest number of whole pages. */
#define NO_LIMIT (UINT64_C(1) << 60)

/* The files of a group, by version. */
static const struct {
	const char *limit, *used;
} group_files[] = {
	[1] = { "memory.limit_in_bytes", "memory.usage_in_bytes" },
	[2] = { "memory.max", "memory.current" },
};

/* A whole file of /proc or a cgroup, to be freed; NULL = none. */
static char *text_read(const char *path)
{
	auto_fclose FILE *file = fopen(path, "re");
	auto_free char *text = NULL;
	size_t length = 0, size = 4096, got;

	while (file && size <= TEXT_MAX) {
		char *larger = realloc(text, size);

		if (!larger)
			return NULL;
		text = larger;
		got = fread(text + length, 1, size - 1 - length, file);
		length += got;
		text[length] = '\0';
		if (!got)
			return take(text);
		if (length == size - 1)
			size *= 2;
	}
	return NULL;
}

static bool text_copy(char *to, size_t size, const char *from, size_t length)
{
	if (length >= size)
		return false;
	memcpy(to, from, length);
	to[length] = '\0';
	return true;
}

/* Whether a list with commas has a word. */
static bool list_has(const char *list, size_t length, const char *word)
{
	size_t wanted = strlen(word);

	while (length) {
		const char *comma = memchr(list, ',', length);
		size_t part = comma ? (size_t)(comma - list) : length;

		if (part == wanted && !memcmp(list, word, wanted))
			return true;
		if (!comma)
			break;
		list += part + 1;
		length -= part + 1;
	}
	return false;
}

bool cgroup_path(const char *text, int version, char *path, size_t size)
{
	/* hierarchy-ID:controller-list:path */
	while (*text) {
		size_t length = strcspn(text, "\n");
		const char *list = memchr(text, ':', length);
		const char *group =
			list ? memchr(list + 1, ':',
				      length - (size_t)(list + 1 - text))
			     : NULL;

		if (group) {
			size_t listed = (size_t)(group - list - 1);
			bool found = version == 2 ? !listed && text[0] == '0' &&
							    list == text + 1
						  : list_has(list + 1, listed,
							     "memory");

			if (found)
				return text_copy(
					path, size, group + 1,
					length - (size_t)(group + 1 - text));
		}
		text += length;
		text += *text == '\n';
	}
	return false;
}

bool cgroup_mount(const char *text, int version, char *point, char *root,
		  size_t size)
{
	/* ID parent major:minor root point options [tags] - type source opts */
	while (*text) {
		size_t length = strcspn(text, "\n");
		auto_free char *line = strndup(text, length);
		char *fields[5] = { NULL }, *rest = line, *type = NULL,
		     *options;

		if (!line)
			return false;
		for (int i = 0; i < 5; i++)
			fields[i] = strsep(&rest, " ");
		if (rest && (type = strstr(rest, " - "))) {
			rest = type + 3;
			type = strsep(&rest, " ");
			strsep(&rest, " ");
			options = rest;
			if ((version == 2 && !strcmp(type, "cgroup2")) ||
			    (version == 1 && !strcmp(type, "cgroup") &&
			     options &&
			     list_has(options, strlen(options), "memory"))) {
				mountinfo_unescape(fields[3]);
				mountinfo_unescape(fields[4]);
				return text_copy(root, size, fields[3],
						 strlen(fields[3])) &&
				       text_copy(point, size, fields[4],
						 strlen(fields[4]));
			}
		}
		text += length;
		text += *text == '\n';
	}
	return false;
}

bool meminfo_bytes(const char *text, const char *key, uint64_t *bytes)
{
	size_t length = strlen(key);

	while (*text) {
		if (!strncmp(text, key, length) && text[length] == ':') {
			uint64_t kibibytes;

			if (sscanf(text + length + 1, "%" SCNu64, &kibibytes) !=
			    1)
				return false;
			*bytes = kibibytes * 1024;
			return true;
		}
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return false;
}

/* A number in a group's file; false for "max" and what is not there. */
static bool group_number(const char *directory, const char *name,
			 uint64_t *number)
{
	char path[PATH_MAX];
	auto_free char *text = NULL;
	char *end;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >=
	    (int)sizeof(path))
		return false;
	text = text_read(path);
	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return !errno;
}

static uint64_t room(const struct memory_limit *limit)
{
	return limit->limit_bytes > limit->used_bytes
		       ? limit->limit_bytes - limit->used_bytes
		       : 0;
}

/* One group's limit, if it leaves less room than what is known so far. */
static void group_read(struct memory_limit *limit, const char *directory,
		       int version)
{
	struct memory_limit found = { .kind = LIMIT_CGROUP };

	if (!group_number(directory, group_files[version].limit,
			  &found.limit_bytes) ||
	    found.limit_bytes >= NO_LIMIT ||
	    !group_number(directory, group_files[version].used,
			  &found.used_bytes))
		return;
	if (limit->kind == LIMIT_NONE || room(&found) < room(limit))
		*limit = found;
}

/* A group's limits and those of all groups above it. */
static void groups_read(struct memory_limit *limit, const char *groups,
			const char *mounts, int version)
{
	char path[PATH_MAX], point[PATH_MAX], root[PATH_MAX];
	char directory[2 * PATH_MAX];
	size_t above;

	if (!cgroup_path(groups, version, path, sizeof(path)) ||
	    !cgroup_mount(mounts, version, point, root, PATH_MAX))
		return;
	above = strcmp(root, "/") ? strlen(root) : 0;
	if (strncmp(path, root, above))
		return;
	snprintf(directory, sizeof(directory), "%s%s", point, path + above);
	while (strlen(directory) >= strlen(point)) {
		char *slash;

		group_read(limit, directory, version);
		slash = strrchr(directory, '/');
		if (!slash || slash == directory)
			break;
		*slash = '\0';
	}
}

static void machine_read(struct memory_limit *limit)
{
	auto_free char *text = text_read("/proc/meminfo");
	uint64_t total, available;

	if (!text || !meminfo_bytes(text, "MemTotal", &total) ||
	    !meminfo_bytes(text, "MemAvailable", &available))
		return;
	if (limit->kind != LIMIT_NONE && limit->limit_bytes <= total)
		return;
	limit->kind = LIMIT_MACHINE;
	limit->limit_bytes = total;
	limit->used_bytes = total > available ? total - available : 0;
}

void memory_limit_read(struct memory_limit *limit, int pid)
{
	auto_free char *groups = NULL, *mounts = NULL;
	char path[64];

	*limit = (struct memory_limit){ .kind = LIMIT_NONE };
	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	if (pid)
		groups = text_read(path);
	if (groups)
		mounts = text_read("/proc/self/mountinfo");
	for (int version = 1; groups && mounts && version <= 2; version++)
		groups_read(limit, groups, mounts, version);
	machine_read(limit);
}
