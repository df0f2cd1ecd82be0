/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages: a block is what was allocated at once, 1 << order pages. It may be
 * freed in parts, each a buddy of the allocator (split_page(), alloc_pages_
 * exact(), huge pages that were split): then what is left is a block for each
 * buddy.
 */
#ifndef LEAKTRACE_BPF_KERNEL_PAGES_H
#define LEAKTRACE_BPF_KERNEL_PAGES_H

#include <vmlinux.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/account.bpf.h"

/* MAX_PAGE_ORDER of x86-64 and of arm64 with pages of 4 KiB. */
#define PAGE_ORDER_MAX 10

/* A power of two: the verifier knows the bounds of what is masked. */
#define PAGE_ORDERS 32

/* How many blocks of more than a page are outstanding, by order. */
__s64 page_orders[PAGE_ORDERS] = {};

static __always_inline void page_order_add(u32 order, s64 amount)
{
	order &= PAGE_ORDERS - 1;
	barrier_var(order);
	if (order)
		__sync_fetch_and_add(&page_orders[order & (PAGE_ORDERS - 1)],
				     amount);
}

/* struct page has 64 bytes wherever its size is a power of two. */
static __always_inline u64 page_struct_size(void)
{
	return bpf_core_type_size(struct page);
}

static __always_inline u32 page_order_of(const struct abi_block *block)
{
	u64 pages = block->size / config.page_size;

	for (u32 order = 0; order <= PAGE_ORDER_MAX; order++)
		if (pages >> order == 1)
			return order;
	return 0;
}

static __always_inline void page_piece(u64 page, u32 order,
				       const struct abi_block *whole)
{
	struct abi_block_key key = { .address = page, .owner = ABI_PAGE };
	struct abi_block piece = *whole;

	piece.size = (u64)config.page_size << order;
	if (live_put(&key, &piece))
		page_order_add(order, 1);
	else
		account_lost(&piece);
}

/*
 * The free of 1 << order pages out of a larger block, which has left the live
 * blocks: the buddies beside them stay, and count as allocated one by one.
 */
static __noinline int page_split(u64 page, u32 order, u64 head,
				 struct abi_block *whole)
{
	u32 whole_order, stack, pieces = 0;
	struct abi_block freed;
	struct abi_stack_totals *sums;

	if (!whole)
		return 0;
	whole_order = page_order_of(whole);
	freed = *whole;
	stack = whole->stack;
	for (u32 at = 0; at < PAGE_ORDER_MAX; at++) {
		u64 size = page_struct_size() << at;

		if (at < order || at >= whole_order)
			continue;
		/* The buddy, at this order, of what holds the page. */
		page_piece(head + (((page - head) & ~(size - 1)) ^ size), at,
			   whole);
		pieces++;
	}
	sums = bpf_map_lookup_elem(&totals, &stack);
	if (sums)
		__sync_fetch_and_add(&sums->allocations, pieces);
	freed.size = (u64)config.page_size << order;
	account_freed(&freed);
	return 0;
}

/* The order of the block at head; 0 = a page, or none. */
static __always_inline u32 page_order_at(u64 head)
{
	struct abi_block_key key = { .address = head, .owner = ABI_PAGE };
	struct abi_block block;

	return live_peek(&key, &block) ? page_order_of(&block) : 0;
}

/* Whether the page is in a larger block, whose part it then leaves. */
static __noinline int page_free_inside(u64 page, u32 order)
{
	u64 size = page_struct_size();

	if (size & (size - 1))
		return 0;
	for (u32 at = 1; at <= PAGE_ORDER_MAX; at++) {
		u64 head = page & ~((size << at) - 1);
		struct abi_block block;

		if (at <= order || page_orders[at] <= 0 || head == page)
			continue;
		/* Looked at first: what is no such block must stay. */
		if (page_order_at(head) < at ||
		    !account_set_aside(head, ABI_PAGE, &block))
			continue;
		page_order_add(page_order_of(&block), -1);
		page_split(page, order, head, &block);
		return 1;
	}
	return 0;
}

static __always_inline void page_freed(u64 page, u32 order)
{
	struct abi_block block;
	u32 whole;

	if (!account_set_aside(page, ABI_PAGE, &block)) {
		if (!page_free_inside(page, order))
			count(ABI_UNMATCHED_FREES, 1);
		return;
	}
	whole = page_order_of(&block);
	page_order_add(whole, -1);
	if (order < whole && !(page_struct_size() & (page_struct_size() - 1)))
		page_split(page, order, page, &block);
	else
		account_freed(&block);
}

static __always_inline void page_allocated(u64 page, u32 order, u32 stack)
{
	page_order_add(order, 1);
	account_record(page, ABI_PAGE, (u64)config.page_size << order, stack,
		       0);
}

#endif
