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
#include "bpf/atomic.bpf.h"
#include "bpf/sampling.h"

const volatile struct abi_config config = {};

__u64 counters[ABI_COUNTERS] = {};

/* Used with config.estimate only; filled before loading. */
const volatile struct abi_sampling sampling = {};

/* Since user space first set a level of sampling, some blocks are unknown. */
volatile __u32 sampling_began = 0;

/* Blocks in the hash map: while there are none, it need not be asked. */
__u64 overflow_blocks = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct abi_slot);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct abi_block_key);
	__type(value, struct abi_block);
} overflow SEC(".maps");

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

/* A block that is not known: which, cannot be told once blocks are sampled. */
static __always_inline void count_unmatched_free(void)
{
	if (!config.estimate || !sampling_began)
		count(ABI_UNMATCHED_FREES, 1);
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
	return bucket < ABI_LIFETIME_BUCKETS ? bucket
					     : ABI_LIFETIME_BUCKETS - 1;
}

/*
 * What a block counts for in the totals: itself, or with estimates what it
 * stands for.
 */
static __noinline void weigh_estimate(const struct abi_block *block,
				      struct sampling_weight *weight)
{
	sampling_weigh(&sampling, config.sample_bytes, block->size,
		       block->level, weight);
}

static __always_inline void variance_add(struct abi_stack_totals *sums,
					 const struct sampling_weight *weight,
					 u64 sign)
{
	if (weight->blocks_variance)
		__sync_fetch_and_add(&sums->blocks_variance,
				     sign * weight->blocks_variance);
	if (weight->bytes_variance)
		__sync_fetch_and_add(&sums->bytes_variance,
				     sign * weight->bytes_variance);
}

/* Books a block that has already left the live map as freed. */
static __always_inline void account_freed(const struct abi_block *block)
{
	struct sampling_weight weight = { .blocks = 1, .bytes = block->size };
	u32 stack = block->stack;
	struct abi_stack_totals *sums = bpf_map_lookup_elem(&totals, &stack);
	u32 bucket = lifetime_bucket(bpf_ktime_get_ns() - block->born_ns);

	if (!sums)
		return;
	if (config.estimate) {
		weigh_estimate(block, &weight);
		variance_add(sums, &weight, -1);
	}
	__sync_fetch_and_add(&sums->freed_bytes, weight.bytes);
	__sync_fetch_and_add(&sums->frees, weight.blocks);
	if (bucket < ABI_LIFETIME_BUCKETS)
		__sync_fetch_and_add(&sums->lifetimes[bucket], weight.blocks);
}

static __always_inline void account_unseen(const struct abi_block *block)
{
	u32 stack = block->stack;
	struct abi_stack_totals *sums = bpf_map_lookup_elem(&totals, &stack);

	if (sums)
		__sync_fetch_and_add(&sums->unseen_frees, 1);
}

/* The first of the slots that can hold address: multiplicative hashing. */
static __always_inline u32 slot_index(u64 address)
{
	return (address * 0x9e3779b97f4a7c15ULL) >> (64 - config.slot_bits);
}

static __always_inline struct abi_slot *slot_at(u32 index)
{
	index &= (1U << config.slot_bits) - 1;
	return bpf_map_lookup_elem(&slots, &index);
}

/* Takes the record out of its slot; false if it is in none. */
static __always_inline bool slot_take(const struct abi_block_key *key,
				      struct abi_block *block)
{
	u32 index = slot_index(key->address);

	if (!ATOMICS_EXCHANGE) /* every block is in the hash map */
		return false;
	for (u32 way = 0; way < ABI_SLOT_WAYS; way++) {
		struct abi_slot *slot = slot_at(index + way);

		if (!slot)
			return false;
		if (slot->address != key->address || slot->owner != key->owner)
			continue;
		*block = slot->block;
		/* Only one of two who free the same block at once gets it. */
		return __sync_val_compare_and_swap(&slot->address, key->address,
						   0) == key->address;
	}
	return false;
}

/* Puts the record into a free slot; false if there is none. */
static __always_inline bool slot_put(const struct abi_block_key *key,
				     const struct abi_block *block)
{
	u32 index = slot_index(key->address);

	if (!ATOMICS_EXCHANGE)
		return false;
	for (u32 way = 0; way < ABI_SLOT_WAYS; way++) {
		struct abi_slot *slot = slot_at(index + way);

		if (!slot)
			return false;
		if (slot->address || __sync_val_compare_and_swap(
					     &slot->address, 0, ABI_SLOT_BUSY))
			continue;
		slot->owner = key->owner;
		slot->block = *block;
		/* Readers must not see the address before the rest. */
		atomic_publish(&slot->address, key->address);
		return true;
	}
	return false;
}

static __always_inline bool overflow_take(const struct abi_block_key *key,
					  struct abi_block *block)
{
	struct abi_block *found;

	if (!overflow_blocks)
		return false;
	found = bpf_map_lookup_elem(&overflow, key);
	if (!found)
		return false;
	*block = *found;
	if (bpf_map_delete_elem(&overflow, key))
		return false;
	__sync_fetch_and_add(&overflow_blocks, -1);
	return true;
}

static __always_inline bool live_take(const struct abi_block_key *key,
				      struct abi_block *block)
{
	return slot_take(key, block) || overflow_take(key, block);
}

/* Whether there is such a block, and a copy of its record. */
static __always_inline bool live_peek(const struct abi_block_key *key,
				      struct abi_block *block)
{
	u32 index = slot_index(key->address);
	struct abi_block *found;

	for (u32 way = 0; way < ABI_SLOT_WAYS; way++) {
		struct abi_slot *slot = slot_at(index + way);

		if (!slot)
			return false;
		if (slot->address != key->address || slot->owner != key->owner)
			continue;
		*block = slot->block;
		return true;
	}
	if (!overflow_blocks)
		return false;
	found = bpf_map_lookup_elem(&overflow, key);
	if (found)
		*block = *found;
	return found;
}

static __always_inline bool live_put(const struct abi_block_key *key,
				     const struct abi_block *block)
{
	if (slot_put(key, block))
		return true;
	if (bpf_map_update_elem(&overflow, key, block, BPF_ANY))
		return false;
	__sync_fetch_and_add(&overflow_blocks, 1);
	return true;
}

/* A block for which there was no room. */
static __always_inline void account_lost(const struct abi_block *block)
{
	struct sampling_weight weight = { .blocks = 1, .bytes = block->size };

	if (config.estimate) {
		weigh_estimate(block, &weight);
		weight.blocks /= ABI_BLOCKS_UNIT;
		weight.bytes /= ABI_BYTES_UNIT;
	}
	count(ABI_BLOCKS_NOT_RECORDED, weight.blocks);
	count(ABI_BYTES_NOT_RECORDED, weight.bytes);
}

/*
 * Records a block that the program now holds, sampled at level (0: not
 * sampled, each one is recorded).
 */
static __always_inline void account_record(u64 address, u64 owner, u64 size,
					   u32 stack, u32 level)
{
	struct sampling_weight weight = { .blocks = 1, .bytes = size };
	struct abi_block_key key = { .address = address, .owner = owner };
	struct abi_block block = {
		.size = size,
		.born_ns = bpf_ktime_get_ns(),
		.stack = stack,
		.level = level,
	};
	struct abi_stack_totals *sums;
	struct abi_block old;

	if (live_take(&key, &old)) {
		/* The free was not seen: made by code without our probes. */
		account_freed(&old);
		account_unseen(&old);
		count(ABI_BLOCKS_REPLACED, 1);
	}
	if (!live_put(&key, &block)) {
		account_lost(&block);
		return;
	}
	sums = bpf_map_lookup_elem(&totals, &stack);
	if (!sums)
		return;
	if (config.estimate) {
		weigh_estimate(&block, &weight);
		variance_add(sums, &weight, 1);
	}
	__sync_fetch_and_add(&sums->allocated_bytes, weight.bytes);
	__sync_fetch_and_add(&sums->allocations, weight.blocks);
}

/*
 * Takes the record of a block out of the live blocks without booking it as
 * freed. Returns whether there was one.
 */
static __always_inline bool account_set_aside(u64 address, u64 owner,
					      struct abi_block *aside)
{
	struct abi_block_key key = { .address = address, .owner = owner };

	return live_take(&key, aside);
}

/* Puts a record back that account_set_aside() took: the call failed. */
static __always_inline void account_restore(u64 address, u64 owner,
					    const struct abi_block *aside)
{
	struct abi_block_key key = { .address = address, .owner = owner };

	if (!live_put(&key, aside)) {
		/* Another thread took its place in between. */
		account_lost(aside);
		account_freed(aside);
	}
}

/* Forgets a block that is given back. Returns whether it was known. */
static __always_inline bool account_release(u64 address, u64 owner)
{
	struct abi_block block;

	if (!account_set_aside(address, owner, &block))
		return false;
	account_freed(&block);
	return true;
}

/* The same, where it should have been known. */
static __always_inline void account_forget(u64 address, u64 owner)
{
	if (!account_release(address, owner))
		count_unmatched_free();
}

#endif
