// SPDX-License-Identifier: GPL-2.0-or-later
/* Follows what the BPF programs report: new stacks, mappings, exec, dlopen. */
#include <errno.h>

#include "bpf/abi.h"
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
static bool refresh_after_miss(struct user_capture *user)
{
	uint64_t now = clock_monotonic_ns();
	uint64_t paid = user->space.refreshes_paid_ns;

	if (paid < now)
		paid = now;
	if (paid - now >= REFRESH_BURST * (uint64_t)REFRESH_PAUSE_NS)
		return false;
	user->space.refreshes_paid_ns = paid + REFRESH_PAUSE_NS;
	return !user_read_mappings(user, NULL);
}

/* Turns a stack's frames into locations. */
static void stack_locate(struct user_capture *user, struct known_stack *known)
{
	for (size_t i = 0; i < known->location_count; i++) {
		struct location *location = &known->locations[i];
		uint64_t frame = location->address;

		if (address_space_locate(&user->space, frame, location) ||
		    (refresh_after_miss(user) &&
		     address_space_locate(&user->space, frame, location)))
			continue;
		if (known->flaw == FLAW_NONE)
			known->flaw = FLAW_NO_MAPPING;
	}
	if (known->flaw == FLAW_NO_MAPPING)
		refresh_after_miss(user);
}

static int on_stack(struct user_capture *user,
		    const struct abi_event_stack *event, size_t size)
{
	struct known_stack *known;
	int result = records_add_stack(&user->records, event, size, OBJECT_NONE,
				       &known);

	if (result)
		return result;
	stack_locate(user, known);
	/* Sampling follows only calls that are sampled, see heap_code.h. */
	known->left_out = user->options.sample_bytes &&
			  heap_code_called(&user->heap_code, known->locations,
					   known->location_count);
	return 0;
}

/* Whether a mapping is an allocator's, by the stack of the call that made it. */
static bool is_allocators(const struct user_capture *user, uint32_t stack)
{
	const struct known_stack *known =
		stack < user->records.stacks.count
			? &user->records.stacks.items[stack]
			: NULL;

	if (!known || !known->known)
		return false;
	return heap_code_called(&user->heap_code, known->locations,
				known->location_count) ||
	       (user->options.sample_bytes &&
		heap_code_is_library(&user->heap_code, known->locations,
				     known->location_count));
}

static int on_mapping(struct user_capture *user,
		      const struct abi_event_mapping *event)
{
	struct ledger *ledger = &user->ledger;
	int result = 0;

	if (event->owner != user->image)
		return 0;
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
		if (is_allocators(user, event->stack)) {
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

/* The process is another program now: nothing of the old one is left. */
static int on_exec(struct user_capture *user,
		   const struct abi_event_process *event, struct error *error)
{
	int result;

	user->image = event->new_owner;
	user->library_changes = 0;
	ledger_clear(&user->ledger);
	target_refresh_name(user->target);
	result = records_drop_owner(&user->records, event->owner, error);
	if (!result)
		result = user_refresh(user, error);
	return result;
}

int user_on_event(void *context, void *data, size_t size)
{
	struct user_capture *user = context;
	const struct abi_event_process *event = data;
	struct error error = { "" };
	int result = 0;

	if (size < sizeof(uint32_t))
		return 0;
	switch (event->type) {
	case ABI_EVENT_STACK:
		result = on_stack(user, data, size);
		break;
	case ABI_EVENT_MAPPING:
		result = on_mapping(user, data);
		break;
	case ABI_EVENT_EXEC:
		if (event->held)
			target_wait_stopped(user->target);
		result = on_exec(user, event, &error);
		break;
	case ABI_EVENT_LIBRARIES:
		user->library_changes++;
		if (event->held)
			target_wait_stopped(user->target);
		result = user_refresh(user, &error);
		break;
	}
	/* A process that has exited meanwhile is no failure of ours. */
	if (result && result != -ESRCH && !user->failed) {
		user->failed = result;
		user->error = error;
	}
	if ((event->type == ABI_EVENT_EXEC ||
	     event->type == ABI_EVENT_LIBRARIES) &&
	    event->held)
		target_continue(user->target);
	return 0;
}
