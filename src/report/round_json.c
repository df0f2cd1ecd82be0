// SPDX-License-Identifier: GPL-2.0-or-later
/* Rounds in the report for programs: see round_json.h. */
#include "report/round_json.h"

#include "report/json_value.h"
#include "util/cleanup.h"

static json_t *change_array(const struct report *report)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; report->rounds_over && i < report->totals.count;
	     i++) {
		const struct space_total *total = &report->totals.items[i];

		if (json_array_append_new(
			    array,
			    json_pack("{s:s, s:I, s:I}", "space",
				      space_name(total->space), "bytes_change",
				      (json_int_t)total->round_bytes_change,
				      "blocks_change",
				      (json_int_t)total->round_blocks_change)))
			return NULL;
	}
	return take(array);
}

json_t *round_json_report(const struct report *report)
{
	return json_pack("{s:i, s:i, s:o}", "ended", (int)report->rounds,
			 "over", (int)report->rounds_over, "totals",
			 change_array(report));
}

/* One of the rounds that are kept. */
static json_t *round_object(const struct report *report,
			    const struct report_stack *stack, unsigned index)
{
	const struct birth_counts *births = stack->figures->births;
	struct round_mark end = { 0 };

	if (stack->rounds)
		end = stack->rounds->ends[index];
	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I}", "round",
		(json_int_t)rounds_number(&report->snapshot->rounds, index),
		"blocks", json_value_integer(end.blocks), "bytes",
		json_value_integer(end.bytes), "alive_blocks",
		(json_int_t)(births ? births->round_records[index] : 0),
		"alive_bytes",
		json_value_integer(births ? births->round_bytes[index] : 0));
}

json_t *round_json_stack(const struct report *report,
			 const struct report_stack *stack)
{
	const struct judgement *judgement = &stack->judgement;
	auto_json json_t *each = json_array();

	for (unsigned i = 0; i < report->snapshot->rounds.kept; i++)
		if (json_array_append_new(each, round_object(report, stack, i)))
			return NULL;
	return json_pack("{s:i, s:i, s:I, s:I, s:f, s:O}", "counted",
			 (int)judgement->rounds, "surviving",
			 (int)judgement->rounds_surviving, "alive_blocks",
			 json_value_integer(judgement->round_blocks),
			 "alive_bytes",
			 json_value_integer(judgement->round_bytes),
			 "bytes_per_round", judgement->bytes_per_round, "each",
			 each);
}
