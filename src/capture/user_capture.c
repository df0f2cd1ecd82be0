// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Capture of processes: owns the user object's skeleton, and starts, holds and
 * ends the trace.
 */
#include "capture/user_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "bpf/abi.h"
#include "bpf/user.skel.h"
#include "resolve/elf_symbols.h"
#include "util/cleanup.h"
#include "bpf/user_basic.skel.h"
#include "capture/atomics.h"
#include "capture/cgroup.h"
#include "capture/link_closer.h"
#include "capture/sampling.h"
#include "capture/target_program.h"

/* Processes that have ended are swept together: each time all blocks are seen. */
#define SWEEP_AT 64

/* For how long a program may still run whose probe is gone. */
#define HELD_WAIT_MS 20

static struct user_capture *user_of(struct capture *capture)
{
	return (struct user_capture *)capture;
}

static int user_event_fd(const struct capture *capture)
{
	return ((const struct user_capture *)capture)->wait_fd;
}

/* The level of sampling that the cost of tracing calls for. */
static void user_regulate(struct user_capture *user)
{
	unsigned level;

	if (!cost_watch_tick(&user->watch))
		return;
	level = user->watch.overhead.level;
	/* Before the first block is passed over. */
	if (level)
		user->skeleton->bss->sampling_began = 1;
	__atomic_store_n(&user->skeleton->bss->sample_level, level,
			 __ATOMIC_RELEASE);
}

/* Notes which processes have ended, before the last events are read. */
static void ends_note(struct user_capture *user)
{
	struct epoll_event events[64];
	int count = epoll_wait(user->wait_fd, events,
			       sizeof(events) / sizeof(events[0]), 0);

	for (int i = 0; i < count; i++) {
		struct user_process *process = events[i].data.ptr;

		if (process)
			process->ended = true;
	}
}

/* Whether all are gone, also children that are yet to be announced. */
static bool none_is_left(const struct user_capture *user)
{
	uint32_t key;

	return !user->processes.count && !user->selection.comm &&
	       !user->selection.cgroup &&
	       bpf_map_get_next_key(bpf_map__fd(user->skeleton->maps.processes),
				    NULL, &key);
}

static int ends_follow(struct user_capture *user, struct error *error)
{
	int result = 0;

	for (size_t i = user->processes.count; !result && i; i--) {
		struct user_process *process = user->processes.items[i - 1];

		if (!process->ended)
			continue;
		if (user->many)
			result = user_process_end(user, process, error);
		else
			user->capture.ended = true;
	}
	if (!result && user->departed.count >= SWEEP_AT)
		result = user_sweep(user, error);
	if (user->many && none_is_left(user)) {
		user->capture.ended = true;
		user->records.show_ended = true;
	}
	return result;
}

static int user_drain(struct capture *capture, struct error *error)
{
	struct user_capture *user = user_of(capture);
	int result;

	ends_note(user);
	result = ring_buffer__consume(user->events);
	if (result < 0)
		return error_set(error, -result, "cannot read BPF events: %s",
				 strerror(-result));
	if (user->failed) {
		*error = user->error;
		return user->failed;
	}
	user_regulate(user);
	result = user->search_wanted ? user_search(user, error) : 0;
	return result ? result : ends_follow(user, error);
}

/*
 * Lets run on what was held after the last events were read. The probes are
 * gone, but a program that ran meanwhile may stop one more.
 */
static void held_release(struct user_capture *user)
{
	struct ring_buffer *events;

	if (!user->guardian.pid || !user->skeleton || !user->events)
		return;
	events = ring_buffer__new(bpf_map__fd(user->skeleton->maps.events),
				  user_on_late_event, user, NULL);
	while (events && ring_buffer__poll(events, HELD_WAIT_MS) > 0)
		;
	ring_buffer__free(events);
}

static void user_detach(struct capture *capture)
{
	struct user_capture *user = user_of(capture);

	user->capture.probes = NULL;
	for (size_t i = 0; i < user->processes.count; i++)
		attachment_free(&user->processes.items[i]->attachment);
	if (user->skeleton)
		user_bpf__detach(user->skeleton);
	link_closer_free(user->closer);
	user->closer = NULL;
	held_release(user);
	guardian_stop(&user->guardian);
}

static void user_free(struct capture *capture)
{
	struct user_capture *user = user_of(capture);

	user_detach(capture);
	cost_watch_close(&user->watch);
	records_close(&user->records);
	ring_buffer__free(user->events);
	user_bpf__destroy(user->skeleton);
	for (size_t i = 0; i < user->processes.count; i++)
		user_process_free(user->processes.items[i]);
	vector_free(&user->processes);
	for (size_t i = 0; i < user->ended_mappers.count; i++)
		user_process_free(user->ended_mappers.items[i]);
	vector_free(&user->ended_mappers);
	for (size_t i = 0; i < user->leaving.count; i++)
		user_process_free(user->leaving.items[i]);
	vector_free(&user->leaving);
	vector_free(&user->ended_shares);
	free(user->cgroup);
	vector_free(&user->departed);
	vector_free(&user->ended);
	vector_free(&user->last_accounts);
	unwind_tables_free(user->tables);
	for (size_t i = 0; i < capture->notes.count; i++)
		free(capture->notes.items[i]);
	vector_free(&capture->notes);
	pid_names_close(&user->names);
	if (user->wait_fd >= 0)
		close(user->wait_fd);
	free(user);
}

static const struct capture_operations user_operations = {
	.event_fd = user_event_fd,
	.drain = user_drain,
	.snapshot = user_snapshot,
	.detach = user_detach,
	.free = user_free,
};

static int tables_open(struct user_capture *user, struct error *error)
{
	const struct unwind_maps maps = UNWIND_MAPS(user->skeleton);

	if (user->options.frame_pointers)
		return 0;
	return unwind_tables_new(&user->tables, &maps, error);
}

/* One descriptor to wait on for events and for processes that end. */
static int events_open(struct user_capture *user, struct error *error)
{
	struct epoll_event wanted = { .events = EPOLLIN };

	user->wait_fd = epoll_create1(EPOLL_CLOEXEC);
	user->events =
		ring_buffer__new(bpf_map__fd(user->skeleton->maps.events),
				 user_on_event, user, NULL);
	if (user->wait_fd < 0 || !user->events ||
	    epoll_ctl(user->wait_fd, EPOLL_CTL_ADD,
		      ring_buffer__epoll_fd(user->events), &wanted))
		return error_set(error, errno, "cannot read BPF events: %s",
				 strerror(errno));
	return 0;
}

static int no_allocator(const struct target *target, struct error *error)
{
	auto_close int fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", target->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && !elf_has_symbols(fd))
		return error_set(
			error, ENOENT,
			"%s (PID %d) is linked statically and stripped, so its allocator has no name to be found by: give the addresses of its functions with --alloc-at and --free-at, or see with --growth what makes it grow",
			target->name, target->pid);
	return error_set(
		error, ENOENT,
		"%s (PID %d) has no allocator that leaktrace knows: name its functions with --alloc and --free, the file that holds it with --object, or a prefix of its functions with --symbols-prefix",
		target->name, target->pid);
}

/*
 * Runs a spawned command up to where its allocator is mapped and probed: held
 * at exec, and then each time its dynamic linker says that libraries changed.
 */
static int command_start(struct user_process *process, struct error *error)
{
	struct user_capture *user = process->user;
	struct target *target = process->target;
	uint64_t first_image = process->image;
	bool has_linker;
	int result;

	result = guardian_start(
		&user->guardian, target->pid_fd,
		user->many ? bpf_map__fd(user->skeleton->maps.held_processes)
			   : -1,
		error);
	if (!result)
		result = target_release(target, error);
	if (!result)
		result = target_program_check(target, error);
	if (result)
		return result;
	has_linker = target_program_kind(target) != PROGRAM_STATIC;
	/* The linker's second notice comes when all libraries are mapped. */
	while (!process->allocators &&
	       (has_linker ? process->library_changes < 2
			   : process->image == first_image)) {
		result = ring_buffer__poll(user->events, 100);
		if (result < 0 && result != -EINTR)
			return error_set(error, -result,
					 "cannot read BPF events: %s",
					 strerror(-result));
		if (user->failed) {
			*error = user->error;
			return user->failed;
		}
		if (target_has_exited(target))
			break;
	}
	/* Its children may have one. */
	if (process->allocators || user->selection.follow)
		return 0;
	return no_allocator(target, error);
}

/*
 * With a budget, sampling is prepared for, but begins only if it must: every
 * block is level 0.
 */
static void sampling_prepare(struct user_capture *user)
{
	user->lowest_level = user->options.sample_bytes != 0;
	if (user->options.max_overhead > 0 && !user->options.sample_bytes)
		user->options.sample_bytes = ABI_SAMPLE_BYTES_SMALL;
}

static int watch_open(struct user_capture *user, struct error *error)
{
	struct epoll_event wanted = { .events = EPOLLIN };
	int result;

	if (!user->options.measure_cost)
		return 0;
	result = cost_watch_open(&user->watch, user->skeleton->obj,
				 BPF_PROG_TYPE_KPROBE,
				 bpf_map__fd(user->skeleton->maps.hits),
				 ring_buffer__epoll_fd(user->events), error);
	if (!result && user->watch.on &&
	    epoll_ctl(user->wait_fd, EPOLL_CTL_ADD, user->watch.wait_fd,
		      &wanted))
		result = error_set(error, errno, "cannot watch the cost: %s",
				   strerror(errno));
	if (!result && user->options.max_overhead > 0)
		cost_watch_regulate(
			&user->watch, user->options.max_overhead,
			user->lowest_level,
			sampling_highest_level(user->options.sample_bytes));
	return result;
}

/* A process that was named by its PID. */
static int target_start(struct user_capture *user, struct target *target,
			struct error *error)
{
	uint32_t first_pid = pid_names_first(&user->names, target->pid);
	struct user_process *process;
	int result;

	if (!first_pid)
		return error_set(error, ESRCH, "PID %d has exited already",
				 target->pid);
	if (!target->child && target_program_check(target, error))
		return -ENOEXEC;
	result = user_process_add(user, target, first_pid, 0, &process, error);
	if (result == -EEXIST) /* a child of one before it */
		return 0;
	if (!result && target->child)
		result = command_start(process, error);
	else if (!result)
		result = user_refresh(process, error);
	if (!result && !target->child)
		process_memory_begin_late(&process->memory, target->pid);
	if (!result && !target->child && !process->allocators)
		result = no_allocator(target, error);
	if (!result)
		attachment_describe_missing(&process->attachment,
					    user->capture.warning,
					    sizeof(user->capture.warning));
	return result;
}

static int selection_start(struct user_capture *user, struct error *error)
{
	const struct process_selection *selection = &user->selection;
	int result = 0;

	for (size_t i = 0; !result && i < selection->target_count; i++)
		result = target_start(user, &selection->targets[i], error);
	if (!result)
		result = user_search(user, error);
	if (!result && user_account_begin(user))
		result = error_set(error, ENOMEM, "out of memory");
	user->started = true;
	return result;
}

/* A process takes several descriptors, and there may be thousands. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* What is traced, in a word or two. */
static void subject_set(struct user_capture *user)
{
	const struct process_selection *selection = &user->selection;
	char *subject = user->capture.subject;
	size_t size = sizeof(user->capture.subject);

	if (selection->comm)
		snprintf(subject, size, "processes named %s", selection->comm);
	else if (selection->cgroup)
		snprintf(subject, size, "control group %s", selection->cgroup);
	else if (selection->target_count == 1)
		snprintf(subject, size, "%s", selection->targets[0].name);
	else
		snprintf(subject, size, "%zu processes",
			 selection->target_count);
}

int user_capture_new(struct capture **capture,
		     const struct process_selection *selection,
		     const struct capture_options *options,
		     struct resolver *resolver, struct error *error)
{
	struct user_capture *user = calloc(1, sizeof(*user));
	bool hold = selection->target_count && selection->targets[0].child;
	int result;

	if (!user)
		return error_set(error, ENOMEM, "out of memory");
	user->capture.operations = &user_operations;
	user->options = *options;
	user->selection = *selection;
	user->many = selection->target_count != 1 || selection->comm ||
		     selection->cgroup || selection->follow;
	user->wait_fd = -1;
	user->resolver = resolver;
	sampling_prepare(user);
	cost_watch_init(&user->watch);
	subject_set(user);
	raise_file_limit();
	result = pid_names_check(error);
	if (!result && selection->cgroup) {
		result = cgroup_find(selection->cgroup, &user->cgroup, error);
		user->selection.cgroup = user->cgroup;
	}
	if (!result)
		result = user_load(user, hold, error);
	if (!result)
		result = pid_names_open(&user->names,
					user->skeleton->progs.list_processes,
					error);
	if (!result)
		result = tables_open(user, error);
	if (!result)
		result = events_open(user, error);
	if (!result)
		result = user_lifecycle_attach(user, error);
	if (!result)
		result = selection_start(user, error);
	if (!result)
		result = watch_open(user, error);
	if (result) {
		if (hold)
			target_kill(&selection->targets[0]);
		user_free(&user->capture);
		return result;
	}
	if (user->many)
		user->closer = link_closer_new();
	*capture = &user->capture;
	return 0;
}
