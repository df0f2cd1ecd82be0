/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel counts of an object's BPF programs: struct bpf_prog_info. */
#ifndef LEAKTRACE_CAPTURE_PROGRAM_TOTALS_H
#define LEAKTRACE_CAPTURE_PROGRAM_TOTALS_H

#include <stdint.h>

#include <bpf/libbpf.h>

#include "model/snapshot.h"

/* Runs and their time count only while bpf_enable_stats(3) is in force. */
struct program_totals {
	uint64_t runs, run_ns;
	uint64_t misses; /* skipped: a program ran on the CPU (since 5.12) */
};

/*
 * Of the object's loaded programs of one type, added up;
 * BPF_PROG_TYPE_UNSPEC: of all.
 */
struct program_totals program_totals_read(struct bpf_object *object,
					  enum bpf_prog_type type);

/* Appends the misses to the losses, if there are any. 0 or -ENOMEM. */
int program_losses(struct bpf_object *object, enum bpf_prog_type type,
		   struct snapshot *snapshot);

#endif
