/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One walk over the live blocks inside the kernel: a BPF iterator on the live
 * map (kernel/bpf/map_iter.c). It adds up ages by stack or, when asked to,
 * writes the blocks themselves to the reader. Reading the map from user space
 * with get_next_key restarts whenever the key it stands on is deleted.
 */
#ifndef LEAKTRACE_BPF_WALK_H
#define LEAKTRACE_BPF_WALK_H

#include "bpf/account.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct abi_stack_ages);
} ages SEC(".maps");

SEC("iter/bpf_map_elem")
int walk_live(struct bpf_iter__bpf_map_elem *context)
{
	struct abi_block_key *key = context->key;
	struct abi_block *block = context->value;
	struct abi_stack_ages *sums;
	u64 size, born_ns;
	u32 stack;

	if (!key || !block)
		return 0;
	if (walk.dead_owner && key->owner != walk.dead_owner)
		return 0;
	born_ns = block->born_ns;
	if (born_ns > walk.born_before_ns)
		return 0;
	if (walk.list) {
		struct abi_listed_block listed = {
			.key = *key,
			.block = *block,
		};

		/*
		 * bpf_seq_read() shows an element again that did not fit the
		 * buffer, so a walk that writes must not add up.
		 */
		bpf_seq_write(context->meta->seq, &listed, sizeof(listed));
		return 0;
	}
	size = block->size;
	stack = block->stack;
	sums = bpf_map_lookup_elem(&ages, &stack);
	if (!sums)
		return 0;
	/* One walk at a time, by one task: plain sums are enough. */
	sums->blocks++;
	sums->bytes += size;
	if (!sums->oldest_born_ns || born_ns < sums->oldest_born_ns)
		sums->oldest_born_ns = born_ns;
	return 0;
}

#endif
