/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts the hits of a process's probes, for what leaktrace itself costs. */
#ifndef LEAKTRACE_BPF_HITS_H
#define LEAKTRACE_BPF_HITS_H

#include <vmlinux.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/account.bpf.h"

/* One return in so many is timed: reading the clock is dear. */
#define HITS_PER_TIMED 16

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct abi_hits);
} hits SEC(".maps");

static __always_inline struct abi_hits *hits_here(void)
{
	u32 only = 0;

	return bpf_map_lookup_elem(&hits, &only);
}

/*
 * Global functions, so that the verifier looks at each once, apart from all
 * that comes before and after; kernels before 6.8 want them to return a number.
 */
__noinline int hits_count_entry(__u64 cookie)
{
	struct abi_hits *here = hits_here();

	if (!here)
		return 0;
	here->entries++;
	if ((cookie & ABI_COOKIE_SHAPE_MASK) == ABI_SHAPE_FREE)
		here->frees++;
	if (cookie & ABI_COOKIE_STEPPED)
		here->stepped++;
	return 0;
}

/* Returns when the return began, 0 for one that is not timed. */
__noinline __u64 hits_count_return(void)
{
	struct abi_hits *here = hits_here();

	if (!here || here->returns++ % HITS_PER_TIMED)
		return 0;
	return bpf_ktime_get_ns();
}

__noinline int hits_count_recorded(__u64 began_ns)
{
	struct abi_hits *here = hits_here();

	if (!here)
		return 0;
	here->recorded++;
	if (!began_ns)
		return 0;
	here->timed++;
	here->timed_ns += bpf_ktime_get_ns() - began_ns;
	return 0;
}

static __always_inline void hit_entry(u64 cookie)
{
	if (config.measure)
		hits_count_entry(cookie);
}

static __always_inline u64 hit_return(void)
{
	return config.measure ? hits_count_return() : 0;
}

static __always_inline void hit_recorded(u64 began_ns)
{
	if (config.measure)
		hits_count_recorded(began_ns);
}

#endif
