/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clocks in nanoseconds: clock_gettime(2). */
#ifndef LEAKTRACE_UTIL_CLOCK_H
#define LEAKTRACE_UTIL_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND UINT64_C(1000000000)

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

/* The clock of bpf_ktime_get_ns(). */
static inline uint64_t clock_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

#endif
