/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accounting of one allocation: record, forget, restore. Each BPF object that
 * includes this owns a set of these maps; capture sizes them before loading.
 *
 * One live record a block, one record of totals a stack. The live record is
 * written before the totals and taken before them, so that a reader who reads
 * frees before allocations never sees more freed than allocated.
 */
#ifndef LEAKTRACE_BPF_ACCOUNT_H
#define LEAKTRACE_BPF_ACCOUNT_H

#include <vmlinux.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"

#define E_EXISTS 17 /* EEXIST; errno.h does not compile for BPF */

const volatile struct abi_config config = {};

/* Written by user space before a walk; read by walk.bpf.h. */
struct abi_walk walk = {};

__u64 counters[ABI_COUNTERS] = {};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct abi_block_key);
	__type(value, struct abi_block);
} live SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct abi_stack_totals);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

static __always_inline void count(enum abi_counter counter, u64 amount)
{
	__sync_fetch_and_add(&counters[counter], amount);
}

static __always_inline bool size_is_wanted(u64 size)
{
	return size >= config.min_size && size <= config.max_size;
}

/*
 * Not inlined, so that the verifier looks at it once and takes the result for
 * any number: inlined, each of its 2^6 paths is followed to the program's end.
 */
__noinline __u32 lifetime_bucket(__u64 lifetime_ns)
{
	u32 bucket = 0;

	for (u32 shift = 32; shift; shift >>= 1) {
		if (lifetime_ns >> shift) {
			lifetime_ns >>= shift;
			bucket += shift;
		}
	}
	return bucket < ABI_LIFETIME_BUCKETS ? bucket : ABI_LIFETIME_BUCKETS - 1;
}

/* Books a block that has already left the live map as freed. */
static __always_inline void account_freed(const struct abi_block *block)
{
	u32 stack = block->stack;
	struct abi_stack_totals *sums = bpf_map_lookup_elem(&totals, &stack);
	u32 bucket = lifetime_bucket(bpf_ktime_get_ns() - block->born_ns);

	if (!sums)
		return;
	__sync_fetch_and_add(&sums->freed_bytes, block->size);
	__sync_fetch_and_add(&sums->frees, 1);
	if (bucket < ABI_LIFETIME_BUCKETS)
		__sync_fetch_and_add(&sums->lifetimes[bucket], 1);
}

/* Records a block that the program now holds. */
static __always_inline void account_record(u64 address, u64 owner, u64 size,
					   u32 stack)
{
	struct abi_block_key key = { .address = address, .owner = owner };
	struct abi_block block = {
		.size = size,
		.born_ns = bpf_ktime_get_ns(),
		.stack = stack,
	};
	struct abi_stack_totals *sums;
	long result;

	result = bpf_map_update_elem(&live, &key, &block, BPF_NOEXIST);
	if (result == -E_EXISTS) {
		/* The free was not seen: made by code without our probes. */
		struct abi_block *old = bpf_map_lookup_elem(&live, &key);

		if (old) {
			struct abi_block gone = *old;

			account_freed(&gone);
		}
		count(ABI_BLOCKS_REPLACED, 1);
		result = bpf_map_update_elem(&live, &key, &block, BPF_ANY);
	}
	if (result) {
		count(ABI_BLOCKS_NOT_RECORDED, 1);
		count(ABI_BYTES_NOT_RECORDED, size);
		return;
	}
	sums = bpf_map_lookup_elem(&totals, &stack);
	if (!sums)
		return;
	__sync_fetch_and_add(&sums->allocated_bytes, size);
	__sync_fetch_and_add(&sums->allocations, 1);
}

/*
 * Takes the record of a block out of the live map without booking it as
 * freed. Returns whether there was one.
 */
static __always_inline bool account_set_aside(u64 address, u64 owner,
					      struct abi_block *aside)
{
	struct abi_block_key key = { .address = address, .owner = owner };
	struct abi_block *block = bpf_map_lookup_elem(&live, &key);

	if (!block)
		return false;
	*aside = *block;
	return bpf_map_delete_elem(&live, &key) == 0;
}

/* Puts a record back that account_set_aside() took: the call failed. */
static __always_inline void account_restore(u64 address, u64 owner,
					    const struct abi_block *aside)
{
	struct abi_block_key key = { .address = address, .owner = owner };

	if (bpf_map_update_elem(&live, &key, aside, BPF_ANY)) {
		/* Another thread took the slot in between. */
		count(ABI_BLOCKS_NOT_RECORDED, 1);
		count(ABI_BYTES_NOT_RECORDED, aside->size);
		account_freed(aside);
	}
}

/* Forgets a block that the program gives back. */
static __always_inline void account_forget(u64 address, u64 owner)
{
	struct abi_block block;

	if (account_set_aside(address, owner, &block))
		account_freed(&block);
	else
		count(ABI_UNMATCHED_FREES, 1);
}

#endif
