/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs of the unwinder's live check have in common: they take
 * their own call stack by _Unwind_Backtrace and hand it to unwind_mark(), on
 * which unwind_check has a probe and walks the same stack.
 *
 * A program prints "ready MARK PROBED" (addresses in hex) and waits for a
 * line on its input; PROBED is a function that gets a return probe, or 0.
 */
#ifndef LEAKTRACE_TESTS_UNWIND_TRUTH_H
#define LEAKTRACE_TESTS_UNWIND_TRUTH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unwind.h>

#define TRUTH_MAX 256
#define TRUTH_EXACT (1ULL << 62) /* the instruction itself, by a signal */

#ifdef __clang__
#define noinline __attribute__((noinline))
#else
#define noinline __attribute__((noipa)) /* no clones either */
#endif

struct truth {
	uint64_t count;
	uint64_t frames[TRUTH_MAX];
};

/* The probe is here; the first two arguments say what is true. */
noinline __attribute__((used)) static void unwind_mark(const uint64_t *frames,
						       uint64_t count)
{
	__asm__ volatile("" : : "r"(frames), "r"(count) : "memory");
}

static inline _Unwind_Reason_Code truth_frame(struct _Unwind_Context *context,
					      void *argument)
{
	struct truth *truth = (struct truth *)argument;
	int exact = 0;
	uint64_t ip = _Unwind_GetIPInfo(context, &exact);

	if (!ip)
		return _URC_END_OF_STACK;
	if (truth->count == TRUTH_MAX)
		return _URC_END_OF_STACK;
	truth->frames[truth->count++] = ip | (exact ? TRUTH_EXACT : 0);
	return _URC_NO_REASON;
}

/* Two calls from one function: their stacks are alike from its caller on. */
noinline __attribute__((unused)) static void mark(void)
{
	struct truth truth;

	truth.count = 0;
	_Unwind_Backtrace(truth_frame, &truth);
	unwind_mark(truth.frames, truth.count);
	__asm__ volatile("" : : "r"(&truth) : "memory");
}

static inline void wait_for_go(uint64_t probed)
{
	char line[16];

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready %lx %lx\n", (unsigned long)(uintptr_t)unwind_mark,
	       (unsigned long)probed);
	if (!fgets(line, sizeof(line), stdin))
		exit(2);
}

#endif
