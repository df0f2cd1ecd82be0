// SPDX-License-Identifier: GPL-2.0-or-later
/* Which processes become traced ones: children, names, control groups. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "capture/cgroup.h"
#include "capture/user_capture.h"
#include "util/cleanup.h"
#include "util/clock.h"

static bool is_own(const struct user_capture *user, int pid)
{
	return pid == getpid() || pid == user->guardian.pid;
}

/*
 * Puts the probes into a process that was found. late: it has memory from
 * before, also a parent's. What refuses them is no
 * reason to end: it is counted.
 */
static int process_begin(struct user_capture *user, struct target *target,
			 uint32_t first_pid, uint64_t image, uint64_t since_ns,
			 bool late, struct error *error)
{
	struct user_process *process;
	struct error refused = { "" };
	int result = user_process_add(user, target, first_pid, image, &process,
				      error);

	if (result) {
		target_close(target);
		return result == -EEXIST ? 0 : result;
	}
	process->found = *target;
	process->target = &process->found;
	if (user_refresh_running(process, &refused) || !process->functions)
		user->unprobed++;
	if (since_ns)
		process->untraced_ns = clock_monotonic_ns() - since_ns;
	if (late)
		process_memory_begin_late(&process->memory,
					  process->target->pid);
	return 0;
}

int user_on_new_process(struct user_capture *user,
			const struct abi_event_process *event,
			struct error *error)
{
	uint64_t image = event->type == ABI_EVENT_FORK ? event->owner
						       : event->new_owner;
	struct user_process *known = user_process_find(user, event->pid);
	struct target target;
	int result = 0;

	if (event->type == ABI_EVENT_CANDIDATE &&
	    is_own(user, (int)event->local_pid))
		return 0;
	if (event->type == ABI_EVENT_CANDIDATE && known) {
		/* It executed while it was being taken up. */
		target_refresh_name(known->target);
		return user_refresh_running(known, error);
	}
	if (event->type == ABI_EVENT_CANDIDATE && !user->selection.comm) {
		user->search_wanted = true;
		return 0;
	}
	if (target_open(&target, (int)event->local_pid, NULL)) {
		/* It has ended, and its blocks with it. */
		user->unseen++;
	} else if (event->type == ABI_EVENT_CANDIDATE &&
		   strcmp(target.name, user->selection.comm) != 0) {
		target_close(&target);
		user->search_wanted = user->selection.cgroup != NULL;
	} else {
		result = process_begin(
			user, &target, event->pid, image,
			event->held ? 0 : event->when_ns,
			event->type != ABI_EVENT_EXEC || !event->held, error);
	}
	if (event->held)
		user_continue(user, event->pid, (int)event->local_pid);
	return result;
}

static bool is_traced(const struct user_capture *user, int pid)
{
	for (size_t i = 0; i < user->processes.count; i++)
		if (user->processes.items[i]->target->pid == pid &&
		    !user->processes.items[i]->ended)
			return true;
	return false;
}

/* Takes up a process that is there already. */
static int process_found(struct user_capture *user, int pid, bool by_name,
			 struct error *error)
{
	struct target target;
	uint32_t first_pid;

	if (is_own(user, pid) || is_traced(user, pid))
		return 0;
	first_pid = pid_names_first(&user->names, pid);
	if (!first_pid || target_open(&target, pid, NULL))
		return 0;
	if (by_name && strcmp(target.name, user->selection.comm) != 0) {
		target_close(&target);
		return 0;
	}
	return process_begin(user, &target, first_pid, 0,
			     user->started ? clock_monotonic_ns() : 0, true,
			     error);
}

static int named_found(struct user_capture *user, int pid, struct error *error)
{
	return process_found(user, pid, true, error);
}

static int child_found(struct user_capture *user, int pid, struct error *error)
{
	int parent = target_parent(pid);

	if (!parent || !is_traced(user, parent))
		return 0;
	return process_found(user, pid, false, error);
}

/* Shows found() every process that runs. */
static int search_all(struct user_capture *user,
		      int (*found)(struct user_capture *, int, struct error *),
		      struct error *error)
{
	DIR *listing = opendir("/proc");
	struct dirent *entry;
	int result = 0;

	if (!listing)
		return error_set(error, errno, "cannot read /proc: %s",
				 strerror(errno));
	while (!result && (entry = readdir(listing)))
		if (isdigit((unsigned char)entry->d_name[0]))
			result = found(user, atoi(entry->d_name), error);
	closedir(listing);
	return result;
}

/*
 * Children that run already. Each is looked for once more behind its parent's
 * taking up, from when on BPF tells of new ones.
 */
static int search_children(struct user_capture *user, struct error *error)
{
	size_t before;
	int result;

	do {
		before = user->processes.count;
		result = search_all(user, child_found, error);
	} while (!result && user->processes.count > before);
	return result;
}

static int search_group(struct user_capture *user, struct error *error)
{
	pid_vector pids = { 0 };
	int result = cgroup_processes(user->selection.cgroup, &pids);

	if (result == -ENOMEM)
		error_set(error, ENOMEM, "out of memory");
	else
		result = 0; /* the group may come back */
	for (size_t i = 0; !result && i < pids.count; i++)
		result = process_found(user, pids.items[i], false, error);
	vector_free(&pids);
	return result;
}

int user_search(struct user_capture *user, struct error *error)
{
	int result = 0;

	user->search_wanted = false;
	if (user->selection.comm && !user->started)
		result = search_all(user, named_found, error);
	if (!result && user->selection.cgroup)
		result = search_group(user, error);
	if (!result && user->selection.follow && !user->started)
		result = search_children(user, error);
	return result;
}
