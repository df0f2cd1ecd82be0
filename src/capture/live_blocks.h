/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The outstanding blocks as BPF keeps them: an array of slots, mapped here and
 * read in place, and the overflow map behind it, walked inside the kernel.
 */
#ifndef LEAKTRACE_CAPTURE_LIVE_BLOCKS_H
#define LEAKTRACE_CAPTURE_LIVE_BLOCKS_H

#include <stdint.h>

#include <bpf/libbpf.h>

#include "bpf/abi.h"
#include "util/error.h"

struct live_blocks {
	struct bpf_map *slots, *overflow; /* of a skeleton, not owned */
	uint64_t *overflow_blocks;	  /* in its .bss */
	struct abi_slot *mapped;
	size_t slot_count;
	struct bpf_link *walk; /* of the overflow */
};

/*
 * Room for at least max_blocks: sizes the maps and returns slot_bits for
 * struct abi_config; before loading. 0 or -errno.
 */
int live_blocks_prepare(struct bpf_map *slots, struct bpf_map *overflow,
			uint64_t max_blocks, bool use_slots,
			uint32_t *slot_bits);

/* Maps the slots of a loaded object; live is to be zeroed. 0 or -errno. */
int live_blocks_open(struct live_blocks *live, struct bpf_map *slots,
		     struct bpf_map *overflow, struct bpf_program *walk,
		     uint64_t *overflow_blocks, struct error *error);
void live_blocks_close(struct live_blocks *live);

/* Called with each block; a negative result ends the walk. */
typedef int live_block_visitor(void *context, const struct abi_block_key *key,
			       const struct abi_block *block);

/* Visits every block once. 0, the visitor's result, or -errno. */
int live_blocks_visit(struct live_blocks *live, live_block_visitor *visitor,
		      void *context, struct error *error);

/* Removes a block whose owner is gone, so that BPF does not touch it. */
void live_blocks_remove(struct live_blocks *live,
			const struct abi_block_key *key);

/* The values of an array map made with BPF_F_MMAPABLE; NULL sets errno. */
void *array_map_open(struct bpf_map *map);
void array_map_close(struct bpf_map *map, void *mapped);

#endif
