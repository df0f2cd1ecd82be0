/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who shares a call stack: sums of blocks by stack and process, in a hash
 * table with open addressing.
 */
#ifndef LEAKTRACE_CAPTURE_BLOCK_SHARES_H
#define LEAKTRACE_CAPTURE_BLOCK_SHARES_H

#include <stddef.h>
#include <stdint.h>

struct block_share {
	uint32_t stack;
	uint32_t process; /* its number + 1; 0 = a free place */
};

struct block_shares {
	struct block_share *places; /* `size` of them, a power of two */
	size_t size, count;
};

void block_shares_free(struct block_shares *shares);

/*
 * Notes that a process, by any number, has blocks of a stack. Shares begin
 * zeroed. 1 when that is new, 0 when it is known, -ENOMEM.
 */
int block_shares_add(struct block_shares *shares, uint32_t stack,
		     uint32_t process);

#endif
