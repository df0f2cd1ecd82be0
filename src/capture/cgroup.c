// SPDX-License-Identifier: GPL-2.0-or-later
/* The processes of a control group: see cgroup.h. */
#include "capture/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"

#define DEPTH_MAX 32 /* of groups in groups */
#define PROCESSES_FILE "cgroup.procs"

/* A character that is escaped is a backslash and three octal digits. */
char *mountinfo_unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' &&
		    from[2] >= '0' && from[2] <= '7' && from[3] >= '0' &&
		    from[3] <= '7') {
			*to = (char)((from[1] - '0') << 6 |
				     (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return text;
}

char *cgroup_mount_parse(const char *line, int *version)
{
	const char *separator = strstr(line, " - ");
	char type[16], *place;
	size_t length;

	if (!separator || sscanf(separator, " - %15s", type) != 1)
		return NULL;
	if (!strcmp(type, "cgroup2"))
		*version = 2;
	else if (!strcmp(type, "cgroup"))
		*version = 1;
	else
		return NULL;
	/* The fifth field, before the options. */
	for (int field = 0; field < 4; field++) {
		line += strcspn(line, " ");
		if (*line++ != ' ')
			return NULL;
	}
	length = strcspn(line, " ");
	if (*line != '/' || line + length > separator)
		return NULL;
	place = strndup(line, length);
	return place ? mountinfo_unescape(place) : NULL;
}

static bool is_group(const char *directory)
{
	auto_free char *file = NULL;

	return asprintf(&file, "%s/" PROCESSES_FILE, directory) >= 0 &&
	       !access(file, R_OK);
}

static int not_found(const char *path, struct error *error)
{
	return error_set(
		error, ENOENT,
		"there is no control group %s: give its directory, or its path as in /proc/PID/cgroup",
		path);
}

int cgroup_find(const char *path, char **directory, struct error *error)
{
	auto_fclose FILE *mounts = fopen("/proc/self/mountinfo", "re");
	auto_free char *line = NULL, *found = NULL;
	size_t size = 0;

	if (is_group(path)) {
		*directory = strdup(path);
		return *directory ? 0
				  : error_set(error, ENOMEM, "out of memory");
	}
	while (mounts && getline(&line, &size, mounts) > 0) {
		int version = 0;
		auto_free char *place = cgroup_mount_parse(line, &version);
		char *candidate = NULL;

		if (!place || asprintf(&candidate, "%s%s%s", place,
				       *path == '/' ? "" : "/", path) < 0)
			continue;
		if (is_group(candidate) && (version == 2 || !found)) {
			free(found);
			found = candidate;
		} else {
			free(candidate);
		}
	}
	if (!found)
		return not_found(path, error);
	*directory = take(found);
	return 0;
}

static int processes_read(const char *directory, pid_vector *pids)
{
	auto_free char *path = NULL;
	auto_fclose FILE *file = NULL;
	int pid;

	if (asprintf(&path, "%s/" PROCESSES_FILE, directory) < 0)
		return -ENOMEM;
	file = fopen(path, "re");
	if (!file)
		return -ENOENT;
	while (fscanf(file, "%d", &pid) == 1) {
		int *slot;

		if (pid <= 0)
			continue; /* not in the reader's namespace */
		slot = vector_push(pids);
		if (!slot)
			return -ENOMEM;
		*slot = pid;
	}
	return 0;
}

static int group_read(const char *directory, pid_vector *pids, int depth)
{
	int result = processes_read(directory, pids);
	struct dirent *entry;
	DIR *listing;

	if (result || depth == DEPTH_MAX)
		return result;
	listing = opendir(directory);
	while (listing && !result && (entry = readdir(listing))) {
		auto_free char *below = NULL;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (asprintf(&below, "%s/%s", directory, entry->d_name) < 0)
			result = -ENOMEM;
		else
			result = group_read(below, pids, depth + 1);
		if (result == -ENOENT)
			result = 0;
	}
	if (listing)
		closedir(listing);
	return result;
}

int cgroup_processes(const char *directory, pid_vector *pids)
{
	return group_read(directory, pids, 0);
}
