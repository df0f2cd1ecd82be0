// SPDX-License-Identifier: GPL-2.0-or-later
/* Watches what a capture costs while it goes on: see cost_watch.h. */
#include "capture/cost_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "capture/program_totals.h"
#include "util/cleanup.h"
#include "util/clock.h"

#define PERIOD_NS 400000000u
#define SLICE_NS 16000000u

/* A report that cannot say what traps cost waits for it so long. */
#define CALIBRATION_MS 300

/* leaktrace works in bursts, at reports; the controller sees a mean. */
#define OWN_SMOOTHING 0.1

void cost_watch_init(struct cost_watch *watch)
{
	*watch = (struct cost_watch){
		.wait_fd = -1,
		.timer_fd = -1,
		.slice_fd = -1,
		.calibration_fd = -1,
		.hits_fd = -1,
	};
}

void cost_watch_calibrate(struct cost_watch *watch, enum attach_method method)
{
	watch->calibration_fd = trap_costs_begin(method);
	watch->rates.skips_returns = method == ATTACH_SESSION;
}

static void calibration_take(struct cost_watch *watch, int milliseconds)
{
	if (watch->calibration_fd < 0)
		return;
	switch (trap_costs_read(watch->calibration_fd, milliseconds,
				&watch->traps)) {
	case 0:
		return;
	case 1:
		watch->rates.traps = &watch->traps;
	}
	close(watch->calibration_fd);
	watch->calibration_fd = -1;
}

/* Adds up what the CPUs counted. */
static void hits_read(const struct cost_watch *watch, struct abi_hits *hits)
{
	int cpus = libbpf_num_possible_cpus();
	auto_free struct abi_hits *each = NULL;
	__u32 only = 0;

	memset(hits, 0, sizeof(*hits));
	if (watch->hits_fd < 0 || cpus < 1)
		return;
	each = calloc((size_t)cpus, sizeof(*each));
	if (!each || bpf_map_lookup_elem(watch->hits_fd, &only, each))
		return;
	for (int i = 0; i < cpus; i++) {
		hits->entries += each[i].entries;
		hits->frees += each[i].frees;
		hits->stepped += each[i].stepped;
		hits->returns += each[i].returns;
		hits->recorded += each[i].recorded;
		hits->timed += each[i].timed;
		hits->timed_ns += each[i].timed_ns;
	}
}

static struct cost_reading reading_take(const struct cost_watch *watch)
{
	struct cost_reading reading = watch->slices;

	reading.taken_ns = clock_monotonic_ns();
	reading.own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	hits_read(watch, &reading.hits);
	return reading;
}

static void slice_begin(struct cost_watch *watch)
{
	struct program_totals totals;

	watch->slice_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (watch->slice_fd < 0)
		return;
	totals = program_totals_read(watch->object, watch->type);
	watch->slice.taken_ns = clock_monotonic_ns();
	watch->slice.runs = totals.runs;
	watch->slice.run_ns = totals.run_ns;
}

static void slice_end(struct cost_watch *watch)
{
	struct program_totals totals;

	if (watch->slice_fd < 0)
		return;
	totals = program_totals_read(watch->object, watch->type);
	watch->slices.slices_ns += clock_monotonic_ns() - watch->slice.taken_ns;
	watch->slices.runs += totals.runs - watch->slice.runs;
	watch->slices.run_ns += totals.run_ns - watch->slice.run_ns;
	close(watch->slice_fd);
	watch->slice_fd = -1;
}

/*
 * The first slice lasts until something ran in it, so that the mean is known
 * however short the program is.
 */
static bool slice_is_done(const struct cost_watch *watch)
{
	struct program_totals totals;

	if (watch->slices.runs)
		return true;
	totals = program_totals_read(watch->object, watch->type);
	return totals.runs - watch->slice.runs >= COST_RUNS_MIN;
}

static int timer_set(const struct cost_watch *watch, uint64_t after_ns)
{
	const struct itimerspec when = {
		.it_value = { (time_t)(after_ns / NS_PER_SECOND),
			      (long)(after_ns % NS_PER_SECOND) },
	};

	return timerfd_settime(watch->timer_fd, 0, &when, NULL);
}

static int wait_on(const struct cost_watch *watch, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(watch->wait_fd, EPOLL_CTL_ADD, fd, &event);
}

int cost_watch_open(struct cost_watch *watch, struct bpf_object *object,
		    enum bpf_prog_type type, int hits_fd, int events_fd,
		    struct error *error)
{
	watch->object = object;
	watch->type = type;
	watch->hits_fd = hits_fd;
	watch->rates.counted = hits_fd >= 0;
	watch->wait_fd = epoll_create1(EPOLL_CLOEXEC);
	watch->timer_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	watch->on = true;
	if (watch->wait_fd < 0 || watch->timer_fd < 0 ||
	    wait_on(watch, events_fd) || wait_on(watch, watch->timer_fd) ||
	    timer_set(watch, SLICE_NS))
		return error_set(error, errno, "cannot set a timer: %s",
				 strerror(errno));
	watch->period = watch->reported = reading_take(watch);
	slice_begin(watch);
	return 0;
}

void cost_watch_regulate(struct cost_watch *watch, double percent,
			 unsigned lowest, unsigned highest)
{
	watch->regulates = true;
	watch->overhead = (struct overhead){
		.budget = percent,
		.lowest = lowest,
		.highest = highest,
		.level = lowest,
	};
}

static double percent_of(double ns, const struct own_cost *cost)
{
	return 100 * ns / (double)cost->period_ns;
}

/* The period from watch->period to now, as the controller wants it. */
static void period_judge(struct cost_watch *watch,
			 const struct cost_reading *now)
{
	const struct cost_reading *from = &watch->period;
	struct own_cost cost = cost_between(from, now, &watch->rates);
	double one = cost_of_recording(from, now, &watch->rates), recording;
	uint64_t entries = now->hits.entries - from->hits.entries;
	uint64_t frees = now->hits.frees - from->hits.frees;
	uint64_t recorded = now->hits.recorded - from->hits.recorded;
	struct overhead_sample sample;

	watch->own_percent +=
		(percent_of(cost.own_ns, &cost) - watch->own_percent) *
		OWN_SMOOTHING;
	recording = one * (double)recorded;
	/* The two are measured apart. */
	if (recording > cost.bpf_ns + cost.traps_ns)
		recording = cost.bpf_ns + cost.traps_ns;
	sample = (struct overhead_sample){
		.recording = percent_of(recording, &cost),
		.recording_one = percent_of(one, &cost),
		.recording_all =
			percent_of(one * (double)(entries - frees), &cost),
	};
	sample.rest = watch->own_percent - sample.recording +
		      percent_of(cost.bpf_ns + cost.traps_ns, &cost);
	overhead_control(&watch->overhead, &sample);
}

bool cost_watch_tick(struct cost_watch *watch)
{
	struct cost_reading now;
	bool sliced = false;
	uint64_t ticks;

	if (!watch->on ||
	    read(watch->timer_fd, &ticks, sizeof(ticks)) != sizeof(ticks))
		return false;
	calibration_take(watch, 0);
	if (watch->slice_fd >= 0 && slice_is_done(watch)) {
		slice_end(watch);
		timer_set(watch, PERIOD_NS - SLICE_NS);
		return false;
	}
	now = reading_take(watch);
	/* The first one may have begun before the traps were known. */
	if (watch->regulates && now.taken_ns > watch->period.taken_ns)
		period_judge(watch, &now);
	if (watch->slice_fd < 0 &&
	    (!watch->rates.counted ||
	     now.hits.entries != watch->period.hits.entries)) {
		slice_begin(watch);
		sliced = true;
	}
	watch->period = now;
	timer_set(watch, sliced ? SLICE_NS : PERIOD_NS);
	return watch->regulates;
}

struct own_cost cost_watch_report(struct cost_watch *watch)
{
	struct own_cost cost = { 0 };
	struct cost_reading now;

	if (!watch->on)
		return cost;
	/* An open slice counts with what it has. */
	if (watch->slice_fd >= 0) {
		slice_end(watch);
		if (!watch->slices.runs)
			slice_begin(watch);
		timer_set(watch, PERIOD_NS - SLICE_NS);
	}
	calibration_take(watch, CALIBRATION_MS);
	now = reading_take(watch);
	cost = cost_between(&watch->reported, &now, &watch->rates);
	watch->reported = now;
	if (watch->regulates) {
		cost.budget_percent = watch->overhead.budget;
		cost.over_budget = watch->overhead.over;
	}
	return cost;
}

void cost_watch_close(struct cost_watch *watch)
{
	const int fds[] = { watch->timer_fd, watch->slice_fd,
			    watch->calibration_fd,
			    watch->on ? watch->wait_fd : -1 };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	cost_watch_init(watch);
}
