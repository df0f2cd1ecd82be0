// SPDX-License-Identifier: GPL-2.0-or-later
/* The outstanding blocks as BPF keeps them: see live_blocks.h. */
#include "capture/live_blocks.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "capture/iterator.h"

#define SLOT_BITS_MIN 10
#define OVERFLOW_MIN 1024

/*
 * Without slots (bpf/atomic.bpf.h), everything is in the overflow map.
 * With as many blocks as slots, about a tenth finds its four ways taken; the
 * overflow has room for a quarter.
 */
int live_blocks_prepare(struct bpf_map *slots, struct bpf_map *overflow,
			uint64_t max_blocks, bool use_slots,
			uint32_t *slot_bits)
{
	uint64_t more = use_slots ? max_blocks / 4 : max_blocks;
	uint32_t bits = SLOT_BITS_MIN;
	int result;

	while (use_slots && (UINT64_C(1) << bits) < max_blocks && bits < 31)
		bits++;
	if (more < OVERFLOW_MIN)
		more = OVERFLOW_MIN;
	result = bpf_map__set_max_entries(slots, 1u << bits);
	if (!result)
		result = bpf_map__set_max_entries(overflow, (uint32_t)more);
	if (!result)
		*slot_bits = bits;
	return result;
}

static size_t array_size(const struct bpf_map *map)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size =
		(size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);

	return (size + page - 1) / page * page;
}

void *array_map_open(struct bpf_map *map)
{
	void *mapped = mmap(NULL, array_size(map), PROT_READ | PROT_WRITE,
			    MAP_SHARED, bpf_map__fd(map), 0);

	return mapped == MAP_FAILED ? NULL : mapped;
}

void array_map_close(struct bpf_map *map, void *mapped)
{
	if (mapped)
		munmap(mapped, array_size(map));
}

int live_blocks_open(struct live_blocks *live, struct bpf_map *slots,
		     struct bpf_map *overflow, struct bpf_program *walk,
		     uint64_t *overflow_blocks, struct error *error)
{
	union bpf_iter_link_info target = {
		.map = { .map_fd = (__u32)bpf_map__fd(overflow) },
	};
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &target,
		    .link_info_len = sizeof(target));

	live->slots = slots;
	live->overflow = overflow;
	live->overflow_blocks = overflow_blocks;
	live->slot_count = bpf_map__max_entries(slots);
	live->mapped = array_map_open(slots);
	if (!live->mapped)
		return error_set(error, errno, "cannot map the live blocks: %s",
				 strerror(errno));
	live->walk = bpf_program__attach_iter(walk, &options);
	if (!live->walk) {
		int code = errno;

		live_blocks_close(live);
		return error_set(error, code,
				 "cannot attach the BPF iterator: %s",
				 strerror(code));
	}
	return 0;
}

void live_blocks_close(struct live_blocks *live)
{
	bpf_link__destroy(live->walk);
	array_map_close(live->slots, live->mapped);
	memset(live, 0, sizeof(*live));
}

static int slots_visit(struct live_blocks *live, live_block_visitor *visitor,
		       void *context)
{
	int result = 0;

	for (size_t i = 0; result >= 0 && i < live->slot_count; i++) {
		const struct abi_slot *slot = &live->mapped[i];
		struct abi_block_key key;
		struct abi_block block;

		key.address = __atomic_load_n(&slot->address, __ATOMIC_ACQUIRE);
		if (key.address <= ABI_SLOT_BUSY)
			continue;
		key.owner = slot->owner;
		block = slot->block;
		/* Freed, and perhaps taken again, while we were reading. */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&slot->address, __ATOMIC_RELAXED) !=
		    key.address)
			continue;
		result = visitor(context, &key, &block);
	}
	return result < 0 ? result : 0;
}

struct overflow_walk {
	live_block_visitor *visitor;
	void *context;
	int result; /* the visitor's, if it ended the walk */
};

static int overflow_block(void *context, const void *record)
{
	const struct abi_listed_block *listed = record;
	struct overflow_walk *walk = context;

	walk->result =
		walk->visitor(walk->context, &listed->key, &listed->block);
	return walk->result;
}

static int overflow_visit(struct live_blocks *live, live_block_visitor *visitor,
			  void *context, struct error *error)
{
	struct overflow_walk walk = { .visitor = visitor, .context = context };
	int result = iterator_visit(live->walk, sizeof(struct abi_listed_block),
				    overflow_block, &walk);

	if (walk.result < 0)
		return walk.result;
	if (result)
		return error_set(error, -result,
				 "cannot walk the live blocks: %s",
				 strerror(-result));
	return 0;
}

int live_blocks_visit(struct live_blocks *live, live_block_visitor *visitor,
		      void *context, struct error *error)
{
	int result = slots_visit(live, visitor, context);

	if (!result && __atomic_load_n(live->overflow_blocks, __ATOMIC_ACQUIRE))
		result = overflow_visit(live, visitor, context, error);
	return result;
}

void live_blocks_remove(struct live_blocks *live,
			const struct abi_block_key *key)
{
	/* The same hash as slot_index() in account.bpf.h. */
	unsigned bits = (unsigned)__builtin_ctzll(live->slot_count);
	uint64_t index = (key->address * 0x9e3779b97f4a7c15ULL) >> (64 - bits);

	for (size_t way = 0; way < ABI_SLOT_WAYS; way++) {
		struct abi_slot *slot =
			&live->mapped[(index + way) & (live->slot_count - 1)];

		if (slot->address == key->address &&
		    slot->owner == key->owner) {
			__atomic_store_n(&slot->address, 0, __ATOMIC_RELEASE);
			return;
		}
	}
	if (!bpf_map_delete_elem(bpf_map__fd(live->overflow), key))
		__atomic_fetch_sub(live->overflow_blocks, 1, __ATOMIC_RELAXED);
}
