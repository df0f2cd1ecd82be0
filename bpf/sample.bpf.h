/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which allocations are sampled. Decided at the entry, so that the others cost
 * no trap at the return and no stack: each thread counts the bytes down to its
 * next sample. The bytes between samples are exponentially distributed, which
 * has no memory, so it does not matter where a thread begins.
 */
#ifndef LEAKTRACE_BPF_SAMPLE_H
#define LEAKTRACE_BPF_SAMPLE_H

#include <vmlinux.h>

#include <bpf/bpf_helpers.h>

#include "bpf/account.bpf.h"
#include "bpf/calls.bpf.h"
#include "bpf/sampling.h"

/* The level in force, see struct abi_block; user space changes it. */
volatile __u32 sample_level = 0;

struct sample {
	u32 level;
	u32 skipped; /* not sampled */
};

/* Mappings are rare, and never sampled. */
static __always_inline bool shape_is_sampled(u32 shape)
{
	switch (shape) {
	case ABI_SHAPE_MMAP:
	case ABI_SHAPE_MUNMAP:
	case ABI_SHAPE_MREMAP:
	case ABI_SHAPE_BREAK:
	case ABI_SHAPE_THREAD_CREATE:
		return false;
	}
	return true;
}

/*
 * Whether a call is followed to its return although it was not sampled. What
 * it calls must not be taken for the program's own: for the common functions
 * user space finds them in the call stack. But others are apt to jump into
 * common ones as their last act, which leaves nothing on the stack: then the
 * block would have a second chance. So does realloc(NULL, n) in glibc and
 * musl. One that resizes a block that was sampled ends it, or not.
 */
static __always_inline bool skipped_is_followed(u32 shape)
{
	if (config.frame_pointers)
		return true; /* stacks are not to be relied upon */
	return shape != ABI_SHAPE_MALLOC && shape != ABI_SHAPE_CALLOC;
}

static __noinline u64 sample_draw(u64 interval)
{
	u32 zeros = 31 - lifetime_bucket(bpf_get_prandom_u32());

	return sampling_draw(&sampling, interval, zeros & 31,
			     bpf_get_prandom_u32());
}

static __always_inline struct sample sample_choose(u64 size)
{
	struct sample sample = { .level = sample_level };
	struct thread_calls *calls;
	u64 interval;

	if (!sample.level)
		return sample;
	if (!size_is_wanted(size)) {
		sample.skipped = 1;
		return sample;
	}
	interval = sampling_interval(config.sample_bytes, sample.level);
	if (!size)
		size = 1;
	if (size >= interval * ABI_SAMPLING_CERTAIN)
		return sample;
	calls = calls_of_thread_or_new();
	if (!calls)
		return sample; /* call_enter() counts it as lost */
	if (calls->level != sample.level) {
		calls->level = sample.level;
		calls->countdown = sample_draw(interval);
	}
	if (calls->countdown > size) {
		calls->countdown -= size;
		sample.skipped = 1;
	} else {
		calls->countdown = sample_draw(interval);
	}
	return sample;
}

#endif
