// SPDX-License-Identifier: GPL-2.0-or-later
/* What a snapshot file has: see layout.h. */
#include "snapshot/layout.h"

#include "model/report.h"
#include "snapshot/snapshot_file.h"

const struct field snapshot_host_fields[] = {
	FIELD(struct snapshot_host, name, FIELD_TEXT),
	FIELD(struct snapshot_host, kernel, FIELD_TEXT),
	FIELD(struct snapshot_host, machine, FIELD_TEXT),
	FIELDS_END,
};

const struct field snapshot_report_fields[] = {
	FIELD(struct report, number, FIELD_U32),
	FIELD(struct report, end, FIELD_TEXT),
	FIELD(struct report, target, FIELD_TEXT),
	FIELD(struct report, pid, FIELD_U32),
	FIELD(struct report, kernel, FIELD_BOOL),
	FIELD(struct report, elapsed_ns, FIELD_U64),
	FIELD(struct report, since_last_ns, FIELD_U64),
	FIELD(struct report, at_least, FIELD_BOOL),
	FIELD(struct report, older_than_ns, FIELD_U64),
	FIELD(struct report, stacks_matching, FIELD_U64),
	FIELD(struct report, by_rounds, FIELD_BOOL),
	FIELD(struct report, rounds, FIELD_U32),
	FIELD(struct report, rounds_over, FIELD_U32),
	FIELDS_END,
};

const struct field snapshot_taken_fields[] = {
	FIELD(struct snapshot, taken_ns, FIELD_U64),
	FIELD(struct snapshot, wall_ns, FIELD_I64),
	FIELD(struct snapshot, started_ns, FIELD_U64),
	FIELD(struct snapshot, unmatched_frees, FIELD_U64),
	FIELD(struct snapshot, resident_wanted, FIELD_BOOL),
	FIELD(struct snapshot, sampled, FIELD_BOOL),
	FIELD(struct snapshot, sample_bytes, FIELD_U64),
	FIELD(struct snapshot, fault_period, FIELD_U64),
	FIELD(struct snapshot, resident_bytes, FIELD_U64),
	FIELD(struct snapshot, resident_at_start, FIELD_U64),
	FIELD(struct snapshot, stacks_incomplete, FIELD_U64),
	FIELDS_END,
};

const struct field snapshot_cost_fields[] = {
	FIELD(struct own_cost, period_ns, FIELD_U64),
	FIELD(struct own_cost, hits, FIELD_U64),
	FIELD(struct own_cost, bpf_ns, FIELD_DOUBLE),
	FIELD(struct own_cost, bpf_known, FIELD_BOOL),
	FIELD(struct own_cost, traps_ns, FIELD_DOUBLE),
	FIELD(struct own_cost, traps_known, FIELD_BOOL),
	FIELD(struct own_cost, own_ns, FIELD_DOUBLE),
	FIELD(struct own_cost, budget_percent, FIELD_DOUBLE),
	FIELD(struct own_cost, over_budget, FIELD_BOOL),
	FIELDS_END,
};

const struct field snapshot_suppressed_fields[] = {
	FIELD(struct suppressed, pattern, FIELD_TEXT),
	FIELD(struct suppressed, stacks, FIELD_U64),
	FIELD(struct suppressed, blocks, FIELD_U64),
	FIELD(struct suppressed, bytes, FIELD_U64),
	FIELDS_END,
};

const struct field snapshot_total_fields[] = {
	FIELD(struct space_total, bytes, FIELD_U64),
	FIELD(struct space_total, blocks, FIELD_U64),
	FIELD(struct space_total, stacks, FIELD_U64),
	FIELD(struct space_total, estimate, FIELD_BOOL),
	FIELD(struct space_total, blocks_error, FIELD_DOUBLE),
	FIELD(struct space_total, bytes_error, FIELD_DOUBLE),
	FIELD(struct space_total, bytes_change, FIELD_I64),
	FIELD(struct space_total, blocks_change, FIELD_I64),
	FIELD(struct space_total, round_bytes_change, FIELD_I64),
	FIELD(struct space_total, round_blocks_change, FIELD_I64),
	FIELDS_END,
};

const struct field snapshot_loss_fields[] = {
	FIELD(struct loss, name, FIELD_TEXT),
	FIELD(struct loss, text, FIELD_TEXT),
	FIELD(struct loss, remedy, FIELD_TEXT),
	FIELD(struct loss, count, FIELD_U64),
	FIELD(struct loss, bytes, FIELD_U64),
	FIELD(struct loss, understates, FIELD_BOOL),
	FIELDS_END,
};

const struct field snapshot_stack_fields[] = {
	FIELD(struct report_stack, bytes_change, FIELD_I64),
	FIELD(struct report_stack, blocks_change, FIELD_I64),
	FIELD(struct report_stack, oldest_age_ns, FIELD_U64),
	FIELDS_END,
};

const struct field snapshot_figures_fields[] = {
	FIELD(struct stack_figures, id, FIELD_HEX),
	FIELD(struct stack_figures, process, FIELD_U32),
	FIELD(struct stack_figures, allocations, FIELD_U64),
	FIELD(struct stack_figures, allocated_bytes, FIELD_U64),
	FIELD(struct stack_figures, frees, FIELD_U64),
	FIELD(struct stack_figures, freed_bytes, FIELD_U64),
	FIELD(struct stack_figures, blocks, FIELD_U64),
	FIELD(struct stack_figures, bytes, FIELD_U64),
	FIELD(struct stack_figures, estimate, FIELD_BOOL),
	FIELD(struct stack_figures, blocks_error, FIELD_DOUBLE),
	FIELD(struct stack_figures, bytes_error, FIELD_DOUBLE),
	FIELD(struct stack_figures, oldest_born_ns, FIELD_U64),
	FIELD(struct stack_figures, resident_known, FIELD_BOOL),
	FIELD(struct stack_figures, resident_bytes, FIELD_U64),
	FIELD(struct stack_figures, swapped_bytes, FIELD_U64),
	FIELD(struct stack_figures, label, FIELD_TEXT),
	FIELD(struct stack_figures, unseen_frees, FIELD_U64),
	FIELD(struct stack_figures, may_be_freed, FIELD_BOOL),
	FIELD(struct stack_figures, module, FIELD_TEXT),
	FIELDS_END,
};

const struct field snapshot_judgement_fields[] = {
	FIELD(struct judgement, observed_ns, FIELD_U64),
	FIELD(struct judgement, survivors, FIELD_U64),
	FIELD(struct judgement, survivor_age_ns, FIELD_U64),
	FIELD(struct judgement, freed_p99_ns, FIELD_U64),
	FIELD(struct judgement, generations, FIELD_U32),
	FIELD(struct judgement, generations_alive, FIELD_U32),
	FIELD(struct judgement, bytes_per_second, FIELD_DOUBLE),
	FIELD(struct judgement, growing_ns, FIELD_U64),
	FIELD(struct judgement, rounds, FIELD_U32),
	FIELD(struct judgement, rounds_surviving, FIELD_U32),
	FIELD(struct judgement, rounds_even, FIELD_BOOL),
	FIELD(struct judgement, round_blocks, FIELD_U64),
	FIELD(struct judgement, round_bytes, FIELD_U64),
	FIELD(struct judgement, bytes_per_round, FIELD_DOUBLE),
	FIELDS_END,
};

const struct field snapshot_frame_fields[] = {
	FIELD(struct frame, function, FIELD_TEXT),
	FIELD(struct frame, offset, FIELD_U64),
	FIELD(struct frame, file, FIELD_TEXT),
	FIELD(struct frame, line, FIELD_U32),
	FIELD(struct frame, module, FIELD_TEXT),
	FIELD(struct frame, path, FIELD_TEXT),
	FIELD(struct frame, build_id, FIELD_TEXT),
	FIELD(struct frame, address, FIELD_HEX),
	FIELD(struct frame, inlined, FIELD_BOOL),
	FIELD(struct frame, guessed, FIELD_BOOL),
	FIELD(struct frame, exact, FIELD_BOOL),
	FIELDS_END,
};

const struct field snapshot_block_fields[] = {
	FIELD(struct block, address, FIELD_HEX),
	FIELD(struct block, size, FIELD_U64),
	FIELD(struct block, born_ns, FIELD_U64),
	FIELDS_END,
};

const char *const snapshot_reasons[] = {
	[REPORT_INTERVAL] = "interval", [REPORT_ON_SIGNAL] = "signal",
	[REPORT_UNLOADED] = "unloaded", [REPORT_CYCLE] = "cycle",
	[REPORT_LAST] = "last",		[REPORT_LAST + 1] = NULL,
};
