// SPDX-License-Identifier: GPL-2.0-or-later
/* The traced processes: see user_capture.h. */
#include <errno.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "bpf/user.skel.h"
#include "capture/runtimes.h"
#include "capture/user_capture.h"

/* Tells BPF whom to trace. */
static void process_register(struct user_process *process)
{
	struct user_bpf *skeleton = process->user->skeleton;
	struct abi_process *traced = &skeleton->bss->traced;

	process->image = __atomic_add_fetch(&skeleton->bss->last_image, 1,
					    __ATOMIC_RELAXED);
	*traced = (struct abi_process){
		.image = process->image,
		.pid = process->first_pid,
		.local_pid = (uint32_t)process->target->pid,
	};
}

int user_process_add(struct user_capture *user, struct target *target,
		     struct user_process **added, struct error *error)
{
	struct user_process *process = calloc(1, sizeof(*process));
	struct user_process **slot;

	slot = process ? vector_push(&user->processes) : NULL;
	if (!slot) {
		free(process);
		return error_set(error, ENOMEM, "out of memory");
	}
	*slot = process;
	process->user = user;
	process->target = target;
	process->first_pid = (uint32_t)target->pid;
	ledger_init(&process->ledger, (uint64_t)sysconf(_SC_PAGESIZE));
	attachment_init(&process->attachment, target->pid, &user->programs,
			user->options.symbols_prefix, user->options.custom);
	address_space_init(&process->space, target->pid, user->resolver,
			   user->tables);
	process->space.python_wanted = user->options.python;
	process_register(process);
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
	free(process);
}

struct user_process *user_process_find(const struct user_capture *user,
				       uint32_t first_pid)
{
	for (size_t i = 0; i < user->processes.count; i++)
		if (user->processes.items[i]->first_pid == first_pid)
			return user->processes.items[i];
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
	if (result || !process->user->tables || traced->unwind_ready)
		return result;
	/* From now on the walker finds the mappings without a look-up. */
	if (!bpf_map__lookup_elem(skeleton->maps.unwind_slots, &pid,
				  sizeof(pid), &traced->unwind_slot,
				  sizeof(traced->unwind_slot), 0))
		__atomic_store_n(&traced->unwind_ready, 1, __ATOMIC_RELEASE);
	return 0;
}
