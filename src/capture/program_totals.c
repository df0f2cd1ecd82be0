// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel counts of BPF programs: see program_totals.h. */
#include "capture/program_totals.h"

#include <errno.h>

#include <bpf/bpf.h>

struct program_totals program_totals_read(struct bpf_object *object,
					  enum bpf_prog_type type)
{
	struct program_totals totals = { 0 };
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		struct bpf_prog_info info = { 0 };
		__u32 size = sizeof(info);
		int fd = bpf_program__fd(program);

		if ((type && bpf_program__type(program) != type) || fd < 0 ||
		    bpf_obj_get_info_by_fd(fd, &info, &size))
			continue;
		totals.runs += info.run_cnt;
		totals.run_ns += info.run_time_ns;
		totals.misses += info.recursion_misses;
	}
	return totals;
}

int program_losses(struct bpf_object *object, enum bpf_prog_type type,
		   struct snapshot *snapshot)
{
	uint64_t misses = program_totals_read(object, type).misses;
	struct loss *loss;

	if (!misses)
		return 0;
	loss = vector_push(&snapshot->losses);
	if (!loss)
		return -ENOMEM;
	loss->name = "recursion_misses";
	loss->text = "events skipped: a probe's program was running already";
	loss->count = misses;
	loss->understates = true;
	return 0;
}
