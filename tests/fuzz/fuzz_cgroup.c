// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzes what reads a process's control groups and the mounts of them: names
 * that containers choose.
 */
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/cgroup.h"
#include "capture/memory_limit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was found is a text that the input could hold. */
static void check(const char *found, size_t room, size_t size)
{
	size_t length = strnlen(found, room);

	if (length == room || length > size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = { "MemTotal", "MemAvailable" };
	char path[64], point[64], root[64];
	char *text = strndup((const char *)data, size), *place;
	uint64_t bytes;
	int version = 0;

	if (!text)
		return 0;
	for (int wanted = 1; wanted <= 2; wanted++) {
		if (cgroup_path(text, wanted, path, sizeof(path)))
			check(path, sizeof(path), size);
		if (cgroup_mount(text, wanted, point, root, sizeof(point))) {
			check(point, sizeof(point), size);
			check(root, sizeof(root), size);
		}
	}
	place = cgroup_mount_parse(text, &version);
	if (place) {
		check(place, size + 1, size);
		if (*place != '/' || (version != 1 && version != 2))
			abort();
	}
	free(place);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (meminfo_bytes(text, keys[i], &bytes) && bytes % 1024)
			abort();
	free(text);
	return 0;
}
