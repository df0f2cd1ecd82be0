/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches what a capture costs while it goes on, and has it sampled more
 * sparsely to stay under a budget.
 *
 * The kernel's measuring of BPF programs adds about a tenth to their hits and
 * slows all programs of the machine a little, so it is on for a slice of each
 * period only, and not at all while no probe is hit.
 */
#ifndef LEAKTRACE_CAPTURE_COST_WATCH_H
#define LEAKTRACE_CAPTURE_COST_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <bpf/libbpf.h>

#include "capture/cost.h"
#include "capture/overhead.h"
#include "capture/trap_costs.h"
#include "model/cost.h"
#include "util/error.h"

struct cost_watch {
	bool on; /* what follows is used only then, wait_fd apart */
	int wait_fd;
	int timer_fd, slice_fd, calibration_fd; /* -1 = none */
	struct bpf_object *object;
	enum bpf_prog_type type; /* of the programs on the probes */
	int hits_fd;		 /* map of struct abi_hits, -1 = none */
	struct trap_costs traps;
	struct cost_rates rates;
	struct cost_reading slices;   /* of closed ones; the rest is unused */
	struct cost_reading slice;    /* as the open one began */
	struct cost_reading reported; /* at the last report */
	struct cost_reading period;   /* as the period began */
	double own_percent;	      /* of leaktrace, smoothed */
	bool regulates;
	struct overhead overhead;
};

/* Before anything else: what cost_watch_close() can be called with. */
void cost_watch_init(struct cost_watch *watch);

/*
 * Starts to measure what traps cost, which takes a while and goes on beside
 * the loading of the programs. Failure shows only in the figures.
 */
void cost_watch_calibrate(struct cost_watch *watch, enum attach_method method);

/*
 * Begins. events_fd stays the caller's; from now on wait_fd is readable also
 * when cost_watch_tick() is due. 0 or -errno.
 */
int cost_watch_open(struct cost_watch *watch, struct bpf_object *object,
		    enum bpf_prog_type type, int hits_fd, int events_fd,
		    struct error *error);

/*
 * Keeps the cost within `percent` of a core by levels of sampling (struct
 * abi_block) from lowest to highest.
 */
void cost_watch_regulate(struct cost_watch *watch, double percent,
			 unsigned lowest, unsigned highest);

/* Does what is due; returns whether overhead.level may have changed. */
bool cost_watch_tick(struct cost_watch *watch);

/* The cost since the last call, or since the beginning. */
struct own_cost cost_watch_report(struct cost_watch *watch);

void cost_watch_close(struct cost_watch *watch);

#endif
