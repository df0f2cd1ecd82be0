/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What bounds the memory of a process: the control groups that it is in
 * (cgroups(7), both versions), else the machine.
 */
#ifndef LEAKTRACE_CAPTURE_MEMORY_LIMIT_H
#define LEAKTRACE_CAPTURE_MEMORY_LIMIT_H

#include "model/report.h"

/*
 * Fills the limit that leaves the least room to the process; pid 0: the
 * machine's. LIMIT_NONE where nothing can be read; a process that is gone has
 * the machine's.
 */
void memory_limit_read(struct memory_limit *limit, int pid);

/*
 * The parts, pure, for its tests. Each returns whether it was found; text is
 * a whole file with a NUL behind it.
 */

/* The path of the process's group in /proc/PID/cgroup; version 1 or 2. */
bool cgroup_path(const char *text, int version, char *path, size_t size);

/*
 * Where /proc/self/mountinfo has the hierarchy: its mount point, and which
 * group of the hierarchy is mounted there.
 */
bool cgroup_mount(const char *text, int version, char *point, char *root,
		  size_t size);

/* The bytes of a line such as "MemTotal:  2048 kB" in /proc/meminfo. */
bool meminfo_bytes(const char *text, const char *key, uint64_t *bytes);

#endif
