/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it costs to get to a BPF program on a uprobe and back, which the
 * kernel's own figures of the program (bpf_prog_info.run_time_ns) leave out:
 * measured, not assumed, as it differs tenfold between machines. A short-lived
 * process of our own puts empty programs on functions of its own, in the way
 * that the capture attaches its probes, and times some hundred calls.
 */
#ifndef LEAKTRACE_CAPTURE_TRAP_COSTS_H
#define LEAKTRACE_CAPTURE_TRAP_COSTS_H

#include <stdbool.h>

#include "capture/uprobe_link.h"

/* ns a hit, of a program that does nothing. */
struct trap_costs {
	double entry;	/* at an instruction that the kernel emulates */
	double stepped; /* at one that it single-steps out of line */
	double return_; /* what a return adds to its entry */
	double empty;	/* run time that the kernel counts for the program */
};

/*
 * Starts to measure, beside whatever else is going on. Returns a descriptor
 * for trap_costs_read(), or -errno.
 */
int trap_costs_begin(enum attach_method method);

/*
 * Takes the result, waiting for at most so many milliseconds. Returns 1 when
 * it is there, 0 when it is not yet, -errno when there will be none; unless 0,
 * the descriptor is to be closed.
 */
int trap_costs_read(int fd, int milliseconds, struct trap_costs *costs);

#endif
