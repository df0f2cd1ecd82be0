/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the blocks of the overflow map to whoever reads the iterator
 * (kernel/bpf/map_iter.c), in one walk inside the kernel. Reading the map from
 * user space with get_next_key restarts whenever the key that it stands on is
 * deleted. The slots need no walk: they are mapped.
 */
#ifndef LEAKTRACE_BPF_WALK_H
#define LEAKTRACE_BPF_WALK_H

#include "bpf/account.bpf.h"

SEC("iter/bpf_map_elem")
int walk_overflow(struct bpf_iter__bpf_map_elem *context)
{
	struct abi_block_key *key = context->key;
	struct abi_block *block = context->value;
	struct abi_listed_block listed;

	if (!key || !block)
		return 0;
	listed.key = *key;
	listed.block = *block;
	bpf_seq_write(context->meta->seq, &listed, sizeof(listed));
	return 0;
}

#endif
