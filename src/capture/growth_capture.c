// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Capture of a process's growth: owns the growth object's skeleton. Page
 * faults are sampled, and of the pages that they brought in those count that
 * are resident still.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "bpf/growth.skel.h"
#include "bpf/growth_basic.skel.h"
#include "capture/atomics.h"
#include "capture/address_space.h"
#include "capture/capture.h"
#include "capture/fault_events.h"
#include "capture/growth_pages.h"
#include "capture/guardian.h"
#include "capture/python_stack.h"
#include "capture/records.h"
#include "capture/resident.h"
#include "capture/target_program.h"
#include "capture/target.h"
#include "util/clock.h"

/* For how long a program may still run whose probe is gone. */
#define HELD_WAIT_MS 20

/* At 16 no cost was measurable. */
#define FAULT_PERIOD 16

/* How often mappings are read again at most, for stacks that missed some. */
#define REFRESH_PAUSE_NS 50000000u

/* How often the resident set is read between reports. */
#define RESIDENT_PAUSE_NS 100000000u

struct growth_capture {
	struct capture capture;
	struct capture_options options;
	struct target *target; /* not owned */
	struct growth_bpf *skeleton;
	struct ring_buffer *events;
	struct fault_events faults;
	struct records records;
	struct unwind_tables *tables;
	struct address_space space;
	struct guardian guardian;
	uint64_t image;			/* owner of the current image's pages */
	uint64_t resident_at_start;	/* bytes */
	uint64_t resident;		/* when it was last known */
	uint64_t no_resident_before_ns; /* CLOCK_MONOTONIC */
	uint64_t no_refresh_before_ns;	/* CLOCK_MONOTONIC */
	int failed;			/* first error while handling events */
	struct error error;
};

static struct growth_capture *growth_of(struct capture *capture)
{
	return (struct growth_capture *)capture;
}

static int growth_event_fd(const struct capture *capture)
{
	return ring_buffer__epoll_fd(
		((const struct growth_capture *)capture)->events);
}

static int growth_drain(struct capture *capture, struct error *error)
{
	struct growth_capture *growth = growth_of(capture);
	int result = ring_buffer__consume(growth->events);

	if (result < 0)
		return error_set(error, -result, "cannot read BPF events: %s",
				 strerror(-result));
	if (growth->failed) {
		*error = growth->error;
		return growth->failed;
	}
	return 0;
}

/* Reads the mappings, and tells BPF of an interpreter in them. */
static int growth_refresh(struct growth_capture *growth, struct error *error)
{
	const struct growth_bpf *skeleton = growth->skeleton;
	uint32_t pid = (uint32_t)growth->target->pid;
	int result = address_space_refresh(&growth->space, error);

	if (growth->space.python.found &&
	    !bpf_map__update_elem(skeleton->maps.python_processes, &pid,
				  sizeof(pid), &growth->space.python.frames,
				  sizeof(growth->space.python.frames), BPF_ANY))
		skeleton->bss->python_processes_known = 1;
	return result;
}

/* Reads the mappings anew after a stack met an address that none holds. */
static bool refresh_after_miss(struct growth_capture *growth)
{
	uint64_t now = clock_monotonic_ns();

	if (now < growth->no_refresh_before_ns)
		return false;
	growth->no_refresh_before_ns = now + REFRESH_PAUSE_NS;
	return !growth_refresh(growth, NULL);
}

static int on_stack(struct growth_capture *growth, const void *data,
		    size_t size)
{
	struct known_stack *known;
	int result = records_add_stack(&growth->records, data, size,
				       OBJECT_NONE, &known);
	size_t native;

	if (result)
		return result;
	native = python_stack_native(known->locations, known->location_count);
	for (size_t i = 0; i < native; i++) {
		struct location *location = &known->locations[i];
		uint64_t frame = location->address;

		if (!address_space_locate(&growth->space, frame, location) &&
		    (!refresh_after_miss(growth) ||
		     !address_space_locate(&growth->space, frame, location)) &&
		    known->flaw == FLAW_NONE)
			known->flaw = FLAW_NO_MAPPING;
	}
	if (known->flaw == FLAW_NO_MAPPING)
		refresh_after_miss(growth);
	if (native < known->location_count)
		result = address_space_add_python(&growth->space,
						  known->locations, native,
						  &known->location_count);
	return result;
}

/* The process is another program now: nothing of the old one is left. */
static int on_exec(struct growth_capture *growth,
		   const struct abi_event_process *event, struct error *error)
{
	int result;

	if (event->held)
		target_wait_stopped(growth->target);
	growth->image = event->new_owner;
	target_refresh_name(growth->target);
	result = records_drop_owner(&growth->records, event->owner, error);
	if (!result)
		result = growth_refresh(growth, error);
	resident_bytes(growth->target->pid, &growth->resident_at_start);
	if (event->held)
		target_continue(growth->target);
	return result;
}

/*
 * The resident set is read with new stacks as well, so that something is known
 * of a process that ends before a report.
 */
static void resident_read(struct growth_capture *growth, bool now)
{
	uint64_t time = clock_monotonic_ns();

	if (!now && time < growth->no_resident_before_ns)
		return;
	growth->no_resident_before_ns = time + RESIDENT_PAUSE_NS;
	resident_bytes(growth->target->pid, &growth->resident);
}

static int on_event(void *context, void *data, size_t size)
{
	struct growth_capture *growth = context;
	const struct abi_event_process *event = data;
	struct error error = { "" };
	int result = 0;

	if (size < sizeof(uint32_t))
		return 0;
	resident_read(growth, event->type == ABI_EVENT_EXEC);
	if (event->type == ABI_EVENT_STACK)
		result = on_stack(growth, data, size);
	if (event->type == ABI_EVENT_EXEC)
		result = on_exec(growth, event, &error);
	/* A process that has exited meanwhile is no failure of ours. */
	if (result && result != -ESRCH && !growth->failed) {
		growth->failed = result;
		growth->error = error;
	}
	return 0;
}

static void generated_code_name(struct growth_capture *growth)
{
	if (!address_space_read_names(&growth->space))
		return;
	for (size_t i = 0; i < growth->records.stacks.count; i++) {
		struct known_stack *known = &growth->records.stacks.items[i];

		for (size_t j = 0; j < known->location_count; j++)
			address_space_name(&growth->space,
					   &known->locations[j]);
	}
}

static int growth_snapshot(struct capture *capture, struct snapshot *snapshot,
			   struct error *error)
{
	struct growth_capture *growth = growth_of(capture);
	const struct growth_request request = {
		.pid = growth->target->pid,
		.owner = growth->image,
		.period = FAULT_PERIOD,
		.older_ns = growth->options.older_ns,
	};
	int result;

	generated_code_name(growth);
	result = growth_pages_snapshot(&growth->records, &request, snapshot,
				       error);
	if (result)
		return result;
	/* Of a process that has ended, what was known last. */
	resident_read(growth, true);
	snapshot->fault_period = FAULT_PERIOD;
	snapshot->resident_bytes = growth->resident;
	snapshot->resident_at_start = growth->resident_at_start;
	if (records_losses(&growth->records, snapshot))
		return error_set(error, ENOMEM, "out of memory");
	return 0;
}

static void growth_detach(struct capture *capture)
{
	struct growth_capture *growth = growth_of(capture);

	fault_events_detach(&growth->faults);
	if (growth->skeleton)
		growth_bpf__detach(growth->skeleton);
	/* An exec since the last events were read may have been held. */
	while (growth->guardian.pid && growth->events &&
	       ring_buffer__poll(growth->events, HELD_WAIT_MS) > 0)
		;
	guardian_stop(&growth->guardian);
}

static void growth_free(struct capture *capture)
{
	struct growth_capture *growth = growth_of(capture);

	growth_detach(capture);
	records_close(&growth->records);
	ring_buffer__free(growth->events);
	growth_bpf__destroy(growth->skeleton);
	address_space_free(&growth->space);
	unwind_tables_free(growth->tables);
	free(growth);
}

static const struct capture_operations growth_operations = {
	.event_fd = growth_event_fd,
	.drain = growth_drain,
	.snapshot = growth_snapshot,
	.detach = growth_detach,
	.free = growth_free,
};

static int skeleton_load(struct growth_capture *growth, struct error *error)
{
	struct growth_bpf *skeleton = ATOMICS_OPEN_SKELETON(growth);
	struct record_maps maps;
	int result;

	if (!skeleton)
		return error_set(error, EINVAL,
				 "cannot open the BPF object: %s",
				 strerror(errno));
	growth->skeleton = skeleton;
	maps = RECORD_MAPS(skeleton);
	result = records_prepare(&maps, &growth->options, error);
	if (result)
		return result;
	skeleton->rodata->traced_pid = (uint32_t)growth->target->pid;
	skeleton->rodata->config.hold = growth->target->child;
	skeleton->rodata->config.page_size = (uint32_t)sysconf(_SC_PAGESIZE);
	skeleton->bss->image = growth->image;
	result = growth_bpf__load(skeleton);
	if (result)
		return records_load_failed(result, error);
	maps = RECORD_MAPS(skeleton);
	result = records_open(&growth->records, &maps, &growth->options, error);
	if (result)
		return result;
	growth->events = ring_buffer__new(bpf_map__fd(skeleton->maps.events),
					  on_event, growth, NULL);
	if (!growth->events)
		return error_set(error, errno, "cannot read BPF events: %s",
				 strerror(errno));
	return 0;
}

static int tables_open(struct growth_capture *growth, struct resolver *resolver,
		       struct error *error)
{
	const struct unwind_maps maps = UNWIND_MAPS(growth->skeleton);
	int result = unwind_tables_new(&growth->tables, &maps, error);

	address_space_init(&growth->space, growth->target->pid, resolver,
			   growth->tables);
	growth->space.python_wanted = growth->options.python;
	return result;
}

static int lifecycle_attach(struct growth_capture *growth, struct error *error)
{
	struct growth_bpf *skeleton = growth->skeleton;

	skeleton->links.growth_exec =
		bpf_program__attach(skeleton->progs.growth_exec);
	if (!skeleton->links.growth_exec)
		return error_set(error, errno,
				 "cannot attach to the tracepoint of exec: %s",
				 strerror(errno));
	return 0;
}

/* Runs a spawned command; it is held at exec until on_exec() is done. */
static int command_start(struct growth_capture *growth, struct error *error)
{
	int result = guardian_start(&growth->guardian, growth->target->pid_fd,
				    -1, error);

	if (!result)
		result = target_release(growth->target, error);
	if (!result)
		result = target_program_check(growth->target, error);
	return result;
}

int growth_capture_new(struct capture **capture, struct target *target,
		       const struct capture_options *options,
		       struct resolver *resolver, struct error *error)
{
	struct growth_capture *growth = calloc(1, sizeof(*growth));
	int result;

	if (!growth)
		return error_set(error, ENOMEM, "out of memory");
	growth->capture.operations = &growth_operations;
	growth->options = *options;
	growth->target = target;
	growth->image = 1; /* 0 stands for no owner */
	resident_bytes(target->pid, &growth->resident_at_start);
	growth->resident = growth->resident_at_start;
	result = target->child ? 0 : target_program_check(target, error);
	if (!result)
		result = skeleton_load(growth, error);
	if (!result)
		result = tables_open(growth, resolver, error);
	if (!result)
		result = lifecycle_attach(growth, error);
	if (!result)
		result = growth_refresh(growth, error);
	if (!result)
		result = fault_events_attach(&growth->faults, target->pid,
					     FAULT_PERIOD,
					     growth->skeleton->progs.page_fault,
					     error);
	if (!result && target->child)
		result = command_start(growth, error);
	if (result) {
		target_kill(target);
		growth_free(&growth->capture);
		return result;
	}
	snprintf(growth->capture.description,
		 sizeof(growth->capture.description),
		 "growth, by one page fault in %d", FAULT_PERIOD);
	*capture = &growth->capture;
	return 0;
}
