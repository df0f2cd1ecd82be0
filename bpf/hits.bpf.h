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

	return config.measure ? bpf_map_lookup_elem(&hits, &only) : NULL;
}

static __always_inline void hit_entry(u64 cookie)
{
	struct abi_hits *here = hits_here();

	if (!here)
		return;
	here->entries++;
	if ((cookie & ABI_COOKIE_SHAPE_MASK) == ABI_SHAPE_FREE)
		here->frees++;
	if (cookie & ABI_COOKIE_STEPPED)
		here->stepped++;
}

/* Returns when the return began, 0 for one that is not timed. */
static __always_inline u64 hit_return(void)
{
	struct abi_hits *here = hits_here();

	if (!here || here->returns++ % HITS_PER_TIMED)
		return 0;
	return bpf_ktime_get_ns();
}

static __always_inline void hit_recorded(u64 began_ns)
{
	struct abi_hits *here = hits_here();

	if (!here)
		return;
	here->recorded++;
	if (!began_ns)
		return;
	here->timed++;
	here->timed_ns += bpf_ktime_get_ns() - began_ns;
}

#endif
