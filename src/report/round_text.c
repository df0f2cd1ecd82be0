// SPDX-License-Identifier: GPL-2.0-or-later
/* Rounds in the report for people: see round_text.h. */
#include "report/round_text.h"

#include <stdio.h>

struct unit_text round_text_count(const struct report *report)
{
	struct unit_text result = { "" };

	if (report->by_rounds)
		snprintf(result.text, sizeof(result.text), " and %s round%s",
			 units_count(report->rounds).text,
			 report->rounds == 1 ? "" : "s");
	return result;
}

void round_text_put_change(struct line_writer *writer,
			   const struct report *report,
			   const struct space_total *total)
{
	int64_t over = report->rounds_over;
	int64_t change = total->round_bytes_change;

	if (!over)
		return;
	line_glue(writer, LOOK_PLAIN, ",");
	line_put(writer,
		 change > 0   ? LOOK_GROWN
		 : change < 0 ? LOOK_SHRUNK
			      : LOOK_PLAIN,
		 "%s a round over %u round%s",
		 change ? units_size_change(change / over).text : "+0 B",
		 report->rounds_over, over == 1 ? "" : "s");
}
