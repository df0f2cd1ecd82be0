/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processes of a control group and of the groups below it, of either
 * version: cgroups(7).
 */
#ifndef LEAKTRACE_CAPTURE_CGROUP_H
#define LEAKTRACE_CAPTURE_CGROUP_H

#include <stddef.h>

#include "util/error.h"
#include "util/vector.h"

typedef VECTOR(int) pid_vector;

/*
 * The directory of a group: path itself, or below one of the places where
 * control groups are mounted, cgroup2 first. Returns 0 and a string on the
 * heap; -ENOENT: there is no such group; -ENOMEM.
 */
int cgroup_find(const char *path, char **directory, struct error *error);

/*
 * Appends the PIDs of all processes in the group and below it, as the reader's
 * namespace has them. Groups that vanish meanwhile are passed over. 0,
 * -ENOENT when the group itself is gone, -ENOMEM.
 */
int cgroup_processes(const char *directory, pid_vector *pids);

/* Undoes mountinfo's escapes of a field, in place; returns it. */
char *mountinfo_unescape(char *text);

/*
 * The place where control groups are mounted that a line of
 * /proc/PID/mountinfo (proc_pid_mountinfo(5)) names, escapes undone, in a
 * string on the heap; NULL: none, or no memory. version: 1 or 2.
 */
char *cgroup_mount_parse(const char *line, int *version);

#endif
