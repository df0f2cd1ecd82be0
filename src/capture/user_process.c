// SPDX-License-Identifier: GPL-2.0-or-later
/* The traced processes, from their beginning to their end. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/abi.h"
#include "bpf/user.skel.h"
#include "capture/runtimes.h"
#include "capture/link_closer.h"
#include "capture/user_capture.h"

#define ENDED_MAPPERS_MAX 1024

/* Tells BPF whom to trace. */
static int process_register(struct user_process *process, struct error *error)
{
	struct user_bpf *skeleton = process->user->skeleton;
	struct abi_process traced = {
		.pid = process->first_pid,
		.local_pid = (uint32_t)process->target->pid,
	};

	if (process->image)
		return 0; /* BPF told us */
	process->image = __atomic_add_fetch(&skeleton->bss->last_image, 1,
					    __ATOMIC_RELAXED);
	traced.image = process->image;
	if (!process->user->many) {
		skeleton->bss->traced = traced;
		return 0;
	}
	if (!bpf_map_update_elem(bpf_map__fd(skeleton->maps.processes),
				 &process->first_pid, &traced, BPF_NOEXIST))
		return 0;
	if (errno == EEXIST)
		return -EEXIST;
	return error_set(error, errno,
			 "PID %d is one process too many: %d at most",
			 process->target->pid, ABI_PROCESSES_MAX);
}

/* Has the capture wake up when the process ends. */
static int end_watch(struct user_process *process, struct error *error)
{
	struct epoll_event wanted = { .events = EPOLLIN, .data.ptr = process };

	if (epoll_ctl(process->user->wait_fd, EPOLL_CTL_ADD,
		      process->target->pid_fd, &wanted))
		return error_set(error, errno, "PID %d cannot be watched: %s",
				 process->target->pid, strerror(errno));
	return 0;
}

int user_process_add(struct user_capture *user, struct target *target,
		     uint32_t first_pid, uint64_t image,
		     struct user_process **added, struct error *error)
{
	struct user_process *process = calloc(1, sizeof(*process));
	struct user_process **slot;
	int result;

	if (!process)
		return error_set(error, ENOMEM, "out of memory");
	process->user = user;
	process->target = target;
	process->first_pid = first_pid;
	process->image = image;
	process->found =
		(struct target){ .pid_fd = -1, .go_fd = -1, .failed_fd = -1 };
	ledger_init(&process->ledger, (uint64_t)sysconf(_SC_PAGESIZE));
	attachment_init(&process->attachment, target->pid, &user->programs,
			user->options.symbols_prefix, user->options.custom);
	address_space_init(&process->space, target->pid, user->resolver,
			   user->tables);
	process->space.python_wanted = user->options.python;
	process->space.walker_pid = first_pid;
	result = process_register(process, error);
	if (!result)
		result = end_watch(process, error);
	slot = result ? NULL : vector_push(&user->processes);
	if (!slot) {
		user_process_free(process);
		return result ? result
			      : error_set(error, ENOMEM, "out of memory");
	}
	*slot = process;
	*added = process;
	return 0;
}

void user_process_free(struct user_process *process)
{
	attachment_free(&process->attachment);
	address_space_free(&process->space);
	heap_code_free(&process->heap_code);
	ledger_free(&process->ledger);
	mapping_names_free(&process->mapping_names);
	process_memory_free(&process->memory);
	vector_free(&process->examined);
	target_close(&process->found);
	free(process);
}

/* The mappings that a process had when it ended. */
static void mappings_count(const struct user_process *process,
			   struct process_figures *figures)
{
	for (size_t i = 0; i < process->ledger.ranges.count; i++) {
		const struct mapping_range *range =
			&process->ledger.ranges.items[i];

		figures->blocks++;
		figures->bytes += range->end - range->start;
	}
}

/* The links' descriptors, which take long to close. */
static void links_close(struct user_process *process)
{
	struct attachment *attachment = &process->attachment;

	for (size_t i = 0; i < attachment->link_fds.count; i++)
		link_closer_close(process->user->closer,
				  attachment->link_fds.items[i]);
	attachment->link_fds.count = 0;
}

void user_process_renew(struct user_process *process)
{
	const struct user_capture *user = process->user;

	/*
	 * Waits until the old links are gone. They do not reach into the new
	 * memory, but would be called wherever new ones do: the kernel compares
	 * what a task shares with its thread group (same_thread_group()).
	 */
	attachment_free(&process->attachment);
	attachment_init(&process->attachment, process->target->pid,
			&user->programs, user->options.symbols_prefix,
			user->options.custom);
	heap_code_free(&process->heap_code);
	process->heap_code = (struct heap_code){ 0 };
	process->examined.count = 0;
	process->functions = process->allocators = 0;
}

/*
 * What the last report of all needs of a process that has ended: its mappings.
 * Of very many processes not all are kept.
 */
static int mapper_keep(struct user_capture *user, struct user_process *process,
		       struct error *error)
{
	struct user_process **slot;

	if (!process->ledger.ranges.count ||
	    user->ended_mappers.count >= ENDED_MAPPERS_MAX)
		slot = vector_push(&user->leaving);
	else
		slot = vector_push(&user->ended_mappers);
	if (!slot) {
		user_process_free(process);
		return error_set(error, ENOMEM, "out of memory");
	}
	attachment_free(&process->attachment);
	address_space_free(&process->space);
	process_memory_forget(&process->memory);
	target_close(&process->found);
	*slot = process;
	return 0;
}

int user_process_end(struct user_capture *user, struct user_process *process,
		     struct error *error)
{
	struct departed_image *departed = vector_push(&user->departed);
	size_t index = 0;

	if (!departed)
		return error_set(error, ENOMEM, "out of memory");
	departed->image = process->image;
	departed->by_exit = true;
	departed->figures = (struct process_figures){
		.id = process->image,
		.pid = (uint32_t)process->target->pid,
		.ended = true,
		.untraced_ns = process->untraced_ns,
	};
	memcpy(departed->figures.name, process->target->name,
	       sizeof(departed->figures.name));
	mappings_count(process, &departed->figures);
	epoll_ctl(user->wait_fd, EPOLL_CTL_DEL, process->target->pid_fd, NULL);
	links_close(process);
	if (user->tables)
		unwind_tables_forget_process(user->tables, process->first_pid);
	while (user->processes.items[index] != process)
		index++;
	user->processes.count--;
	memmove(&user->processes.items[index],
		&user->processes.items[index + 1],
		(user->processes.count - index) *
			sizeof(user->processes.items[0]));
	if (user->capture.probes == &process->attachment.lines)
		user->capture.probes = NULL;
	return mapper_keep(user, process, error);
}

struct user_process *user_process_find(const struct user_capture *user,
				       uint32_t first_pid)
{
	for (size_t i = 0; i < user->processes.count; i++) {
		struct user_process *process = user->processes.items[i];

		/* The number of one that has ended may be another's now. */
		if (process->first_pid == first_pid && !process->ended)
			return process;
	}
	return NULL;
}

struct user_process *user_process_of(const struct user_capture *user,
				     uint64_t image)
{
	for (size_t i = 0; i < user->processes.count; i++)
		if (user->processes.items[i]->image == image)
			return user->processes.items[i];
	return NULL;
}

int user_read_mappings(struct user_process *process, struct error *error)
{
	const struct user_bpf *skeleton = process->user->skeleton;
	struct abi_process *traced = &skeleton->bss->traced;
	uint32_t pid = process->first_pid;
	int result = address_space_refresh(&process->space, error);

	if (process->space.python.found &&
	    !bpf_map__update_elem(skeleton->maps.python_processes, &pid,
				  sizeof(pid), &process->space.python.frames,
				  sizeof(process->space.python.frames),
				  BPF_ANY))
		process->user->skeleton->bss->python_processes_known = 1;
	if (!result &&
	    runtimes_note(&process->space, &process->user->capture.notes))
		return error_set(error, ENOMEM, "out of memory");
	if (result || !process->user->tables || process->user->many ||
	    traced->unwind_ready)
		return result;
	/* From now on the walker finds the mappings without a look-up. */
	if (!bpf_map__lookup_elem(skeleton->maps.unwind_slots, &pid,
				  sizeof(pid), &traced->unwind_slot,
				  sizeof(traced->unwind_slot), 0))
		__atomic_store_n(&traced->unwind_ready, 1, __ATOMIC_RELEASE);
	return 0;
}

void user_continue(struct user_capture *user, uint32_t first_pid, int pid)
{
	kill(pid, SIGCONT);
	if (user->many)
		bpf_map_delete_elem(
			bpf_map__fd(user->skeleton->maps.held_processes),
			&first_pid);
}
