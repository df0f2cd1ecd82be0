/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the running kernel and the traced process allow of the sites of
 * probes.
 */
#ifndef LEAKTRACE_CAPTURE_PROBE_CONDITIONS_H
#define LEAKTRACE_CAPTURE_PROBE_CONDITIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/uprobe_link.h"

struct probe_conditions {
	bool cookies;	   /* a probe can carry a cookie */
	bool nops;	   /* struct prologue_query's */
	bool shadow_stack; /* struct prologue_query's */
};

/*
 * The conditions now for probes in process pid. What cannot be found out is
 * taken as what leaves fewer sites.
 */
struct probe_conditions probe_conditions_of(int pid, enum attach_method method);

/* Whether a kernel of this release ("6.18.4-cloud") emulates nops. */
bool probe_conditions_nops(const char *release);

/*
 * Whether a process runs with a user shadow stack or may yet turn it on; asked
 * on x86-64 processors that have them. status: the text of its
 * /proc/PID/status (arch/x86/kernel/cpu/proc.c, dump_x86_features()).
 */
bool probe_conditions_shadow_stack(const char *status, size_t size);

#endif
