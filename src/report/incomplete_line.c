// SPDX-License-Identifier: GPL-2.0-or-later
/* How many call stacks are incomplete, and why: see incomplete_line.h. */
#include "report/incomplete_line.h"

#include <inttypes.h>

#include "util/units.h"

/* Columns where the line begins and goes on. */
enum { NOTE_INDENT = 2, DETAIL_INDENT = 6 };

void incomplete_line_write(struct line_writer *writer,
			   const struct snapshot *snapshot)
{
	uint64_t reasons[FLAW_COUNT] = { 0 }, tenths;
	const char *separator = ":";
	size_t i;

	if (!snapshot->stacks_incomplete || !snapshot->stacks.count)
		return;
	for (i = 0; i < snapshot->stacks.count; i++)
		if ((unsigned)snapshot->stacks.items[i].flaw < FLAW_COUNT)
			reasons[snapshot->stacks.items[i].flaw]++;
	tenths = snapshot->stacks_incomplete * 1000 / snapshot->stacks.count;
	line_begin(writer, NOTE_INDENT, DETAIL_INDENT);
	line_put(writer, LOOK_PLAIN, "%s of %s call stack%s incomplete",
		 units_count(snapshot->stacks_incomplete).text,
		 units_count(snapshot->stacks.count).text,
		 snapshot->stacks.count == 1 ? "" : "s");
	line_put(writer, LOOK_PLAIN, "(%" PRIu64 ".%" PRIu64 "%%)", tenths / 10,
		 tenths % 10);
	for (i = FLAW_NONE + 1; i < FLAW_COUNT; i++) {
		if (!reasons[i])
			continue;
		line_glue(writer, LOOK_PLAIN, separator);
		separator = ",";
		line_put(writer, LOOK_PLAIN, "%s",
			 units_count(reasons[i]).text);
		line_words(writer, LOOK_PLAIN,
			   stack_flaw_text((enum stack_flaw)i));
	}
	line_end(writer);
}
