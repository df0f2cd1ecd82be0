/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Atomic operations. Kernels before 5.12 (on arm64: before 5.18) know none but
 * the addition that returns nothing, and refuse a program that has another one
 * anywhere. So each object is built twice: user space loads the one with
 * -DBASIC_ATOMICS where the kernel refuses the other. Both have the same maps
 * and variables; ATOMICS_EXCHANGE tells them apart, a constant for clang.
 */
#ifndef LEAKTRACE_BPF_ATOMIC_H
#define LEAKTRACE_BPF_ATOMIC_H

#include <vmlinux.h>

#include <bpf/bpf_helpers.h>

#ifdef BASIC_ATOMICS
#define ATOMICS_EXCHANGE 0
#else
#define ATOMICS_EXCHANGE 1
#endif

/*
 * Stores a value that other CPUs must not see before what was stored earlier.
 * The exchange is for its barrier; x86-64 needs none, and BASIC_ATOMICS is for
 * x86-64 only: arm64 begins with 5.18.
 */
#define atomic_publish(pointer, value)                                       \
	do {                                                                 \
		if (ATOMICS_EXCHANGE)                                        \
			__sync_lock_test_and_set((pointer), (value));        \
		else                                                         \
			*(volatile typeof(*(pointer)) *)(pointer) = (value); \
	} while (0)

/*
 * Whether the caller now has what the count of claims stands for: whoever
 * finds 1 after adding its own 1 is alone, the others take theirs away again.
 * (Of several that come at once, none may get it.)
 */
static __always_inline bool atomic_claim(u32 *claims)
{
	__sync_fetch_and_add(claims, 1);
	if (*(volatile u32 *)claims == 1)
		return true;
	__sync_fetch_and_add(claims, -1);
	return false;
}

static __always_inline void atomic_unclaim(u32 *claims)
{
	__sync_fetch_and_add(claims, -1);
}

#endif
