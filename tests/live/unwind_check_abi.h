/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What unwind_check.bpf.c sends for each stack. */
#ifndef LEAKTRACE_TESTS_UNWIND_CHECK_ABI_H
#define LEAKTRACE_TESTS_UNWIND_CHECK_ABI_H

#include "bpf/unwind_abi.h"

#define CHECK_TRUTH_MAX 256

struct check_event {
	__u32 flaw, count;
	__u64 truth_count;
	__u64 frames[ABI_FRAMES_MAX];
	__u64 truth[CHECK_TRUTH_MAX];
};

#endif
