// SPDX-License-Identifier: GPL-2.0-or-later
/* Verdicts in the report for people: see verdict_line.h. */
#include "report/verdict_line.h"

#include "report/evidence.h"

/* Columns where lines begin. */
enum {
	SUMMARY_INDENT = 2,
	VERDICT_INDENT = 4,
	CONTINUED_INDENT = 6,
};

static enum look verdict_look(enum verdict verdict)
{
	if (verdict == VERDICT_LEAKING)
		return LOOK_GROWN;
	return verdict == VERDICT_GROWING ? LOOK_WARNING : LOOK_PLAIN;
}

void verdict_line_write(struct line_writer *writer,
			const struct report_stack *stack)
{
	enum verdict verdict = stack->judgement.verdict;

	if (verdict == VERDICT_NONE)
		return;
	line_begin(writer, VERDICT_INDENT, CONTINUED_INDENT);
	line_put(writer, verdict_look(verdict), "%s:", verdict_name(verdict));
	line_words(writer, LOOK_PLAIN, evidence_phrase(stack).text);
	line_end(writer);
}

void verdict_line_summarise(struct line_writer *writer,
			    const struct report *report)
{
	struct evidence_text summary = evidence_summary(report);

	if (!summary.text[0])
		return;
	line_begin(writer, SUMMARY_INDENT, CONTINUED_INDENT);
	line_words(writer, report->leaking_stacks ? LOOK_GROWN : LOOK_PLAIN,
		   summary.text);
	line_end(writer);
}
