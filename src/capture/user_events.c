// SPDX-License-Identifier: GPL-2.0-or-later
/* Follows what the BPF programs report: new stacks, mappings, exec, dlopen. */
#include <errno.h>

#include "bpf/abi.h"
#include "capture/python_stack.h"
#include "capture/target_program.h"
#include "capture/user_capture.h"
#include "util/clock.h"

/*
 * A miss in the mappings has them read again, but in the long run not more
 * often than this, however many there are.
 */
#define REFRESH_PAUSE_NS 20000000u
#define REFRESH_BURST 8

/*
 * Has the mappings read anew when a stack met an address that none holds, so
 * that at least the next ones are complete; not for every such stack.
 */
static bool refresh_after_miss(struct user_process *process)
{
	uint64_t now = clock_monotonic_ns();
	uint64_t paid = process->space.refreshes_paid_ns;

	if (paid < now)
		paid = now;
	if (paid - now >= REFRESH_BURST * (uint64_t)REFRESH_PAUSE_NS)
		return false;
	process->space.refreshes_paid_ns = paid + REFRESH_PAUSE_NS;
	return !user_read_mappings(process, NULL);
}

/* Turns a stack's frames into locations. */
static int stack_locate(struct user_process *process, struct known_stack *known)
{
	size_t native =
		python_stack_native(known->locations, known->location_count);

	for (size_t i = 0; i < native; i++) {
		struct location *location = &known->locations[i];
		uint64_t frame = location->address;

		if (address_space_locate(&process->space, frame, location) ||
		    (refresh_after_miss(process) &&
		     address_space_locate(&process->space, frame, location)))
			continue;
		if (known->flaw == FLAW_NONE)
			known->flaw = FLAW_NO_MAPPING;
	}
	if (known->flaw == FLAW_NO_MAPPING)
		refresh_after_miss(process);
	return native == known->location_count
		       ? 0
		       : address_space_add_python(&process->space,
						  known->locations, native,
						  &known->location_count);
}

static int on_stack(struct user_capture *user,
		    const struct abi_event_stack *event, size_t size)
{
	struct user_process *process = user_process_of(user, event->owner);
	struct known_stack *known;
	int result = records_add_stack(&user->records, event, size, OBJECT_NONE,
				       &known);

	if (result || !process)
		return result;
	result = stack_locate(process, known);
	/* Sampling follows only calls that are sampled, see heap_code.h. */
	known->left_out = user->options.sample_bytes &&
			  heap_code_called(&process->heap_code,
					   known->locations,
					   known->location_count);
	return result;
}

/* Whether a mapping is an allocator's, by the stack of the call that made it. */
static bool is_allocators(const struct user_process *process, uint32_t stack)
{
	const struct user_capture *user = process->user;
	const struct known_stack *known =
		stack < user->records.stacks.count
			? &user->records.stacks.items[stack]
			: NULL;

	if (!known || !known->known)
		return false;
	return heap_code_called(&process->heap_code, known->locations,
				known->location_count) ||
	       (user->options.sample_bytes &&
		heap_code_is_library(&process->heap_code, known->locations,
				     known->location_count));
}

/*
 * A change of the program break as the mapping or unmapping that it is: the
 * kernel does either by whole pages, those that the break passes.
 */
static struct abi_event_mapping
break_as_mapping(const struct abi_event_mapping *event, uint64_t page_size)
{
	struct abi_event_mapping mapping = *event;
	uint64_t from = (event->old_address + page_size - 1) & -page_size;
	uint64_t to = (event->address + page_size - 1) & -page_size;

	mapping.operation = to > from ? ABI_MAP : ABI_UNMAP;
	mapping.address = to > from ? from : to;
	mapping.length = to > from ? to - from : from - to;
	return mapping;
}

static int on_mapping(struct user_capture *user,
		      const struct abi_event_mapping *event)
{
	struct user_process *process = user_process_of(user, event->owner);
	struct abi_event_mapping as_mapping;
	struct ledger *ledger;
	int result = 0;

	if (!process)
		return 0;
	ledger = &process->ledger;
	if (event->operation == ABI_BREAK) {
		as_mapping = break_as_mapping(event, ledger->page_size);
		event = &as_mapping;
	}
	switch (event->operation) {
	case ABI_UNMAP:
		result = ledger_unmap(ledger, event->address, event->length,
				      event->entered_ns);
		break;
	case ABI_REMAP:
		if (!event->keeps_old)
			result = ledger_unmap(ledger, event->old_address,
					      event->old_length,
					      event->entered_ns);
		if (result)
			break;
		/* fall through */
	case ABI_MAP:
		if (is_allocators(process, event->stack)) {
			/* It may have taken the place of others. */
			result = ledger_unmap(ledger, event->address,
					      event->length,
					      event->returned_ns);
			break;
		}
		result = ledger_map(ledger, event->address, event->length,
				    event->returned_ns, event->stack);
		break;
	}
	return result == -EINVAL ? 0 : result;
}

/* The blocks of an image went with it. */
static int image_drop(struct user_capture *user, uint64_t image,
		      struct error *error)
{
	struct departed_image *departed;

	if (!user->many)
		return records_drop_owner(&user->records, image, error);
	departed = vector_push(&user->departed);
	if (!departed)
		return error_set(error, ENOMEM, "out of memory");
	departed->image = image;
	return 0;
}

/* The process is another program now: nothing of the old one is left. */
static int on_exec(struct user_process *process,
		   const struct abi_event_process *event, struct error *error)
{
	int result;

	process->image = event->new_owner;
	process->library_changes = 0;
	ledger_clear(&process->ledger);
	process_memory_forget(&process->memory);
	target_refresh_name(process->target);
	if (target_program_kind(process->target) == PROGRAM_32_BIT)
		process->user->unprobed++;
	result = image_drop(process->user, event->owner, error);
	if (event->by_thread)
		user_process_renew(process);
	if (!result)
		result = event->held ? user_refresh(process, error)
				     : user_refresh_running(process, error);
	if (event->by_thread && !event->held) {
		process->untraced_ns += clock_monotonic_ns() - event->when_ns;
		process->user->late_images++;
	}
	return result;
}

/* What a process did: it waits, if it is held, until we have followed. */
static int on_process(struct user_capture *user,
		      const struct abi_event_process *event,
		      struct error *error)
{
	struct user_process *process = user_process_find(user, event->pid);
	int result = 0;

	if (event->type == ABI_EVENT_FORK ||
	    event->type == ABI_EVENT_CANDIDATE ||
	    (event->type == ABI_EVENT_EXEC && !process && user->many))
		return user_on_new_process(user, event, error);
	if (!process)
		return 0;
	if (event->held)
		target_wait_stopped(process->target);
	if (event->type == ABI_EVENT_LIBRARIES) {
		process->library_changes++;
		result = user_refresh(process, error);
	} else if (event->type == ABI_EVENT_EXEC) {
		result = on_exec(process, event, error);
	} else {
		process->ended = true;
	}
	if (event->held)
		user_continue(user, event->pid, process->target->pid);
	return result;
}

int user_on_late_event(void *context, void *data, size_t size)
{
	const struct abi_event_process *event = data;
	struct user_capture *user = context;
	struct user_process *process;

	if (size < sizeof(*event))
		return 0;
	switch (event->type) {
	case ABI_EVENT_EXEC:
	case ABI_EVENT_LIBRARIES:
	case ABI_EVENT_FORK:
	case ABI_EVENT_CANDIDATE:
		break;
	default:
		return 0;
	}
	if (!event->held)
		return 0;
	process = user_process_find(user, event->pid);
	if (process)
		target_wait_stopped(process->target);
	user_continue(user, event->pid,
		      process ? process->target->pid : (int)event->local_pid);
	return 0;
}

int user_on_event(void *context, void *data, size_t size)
{
	struct user_capture *user = context;
	struct error error = { "" };
	int result = 0;

	if (size < sizeof(uint32_t))
		return 0;
	switch (*(const uint32_t *)data) {
	case ABI_EVENT_STACK:
		result = on_stack(user, data, size);
		break;
	case ABI_EVENT_MAPPING:
		result = on_mapping(user, data);
		break;
	case ABI_EVENT_EXEC:
	case ABI_EVENT_EXIT:
	case ABI_EVENT_LIBRARIES:
	case ABI_EVENT_FORK:
	case ABI_EVENT_CANDIDATE:
		result = on_process(user, data, &error);
		break;
	}
	/* A process that has exited meanwhile is no failure of ours. */
	if (result && result != -ESRCH && !user->failed) {
		user->failed = result;
		user->error = error;
	}
	return 0;
}
