/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events that count the page faults of one process's threads, present and
 * future ones, and run a BPF program on one in so many: perf_event_open(2).
 */
#ifndef LEAKTRACE_CAPTURE_FAULT_EVENTS_H
#define LEAKTRACE_CAPTURE_FAULT_EVENTS_H

#include <stdint.h>

#include <bpf/libbpf.h>

#include "util/error.h"
#include "util/vector.h"

struct fault_event {
	int thread;
	struct bpf_link *link; /* owns the event */
};

/* All zero = none. */
struct fault_events {
	VECTOR(struct fault_event) threads;
};

/* Returns 0, or -errno: -ESRCH when the process has ended. */
int fault_events_attach(struct fault_events *events, int pid, uint64_t period,
			struct bpf_program *program, struct error *error);

void fault_events_detach(struct fault_events *events);

#endif
