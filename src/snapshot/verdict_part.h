/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a snapshot file has of verdicts: of the report, and of each stack. */
#ifndef LEAKTRACE_SNAPSHOT_VERDICT_PART_H
#define LEAKTRACE_SNAPSHOT_VERDICT_PART_H

#include <jansson.h>

#include "model/report.h"
#include "util/error.h"

/* "verdicts" of the file; NULL = out of memory. */
json_t *verdict_part_write(const struct report *report);

/* Missing or NULL: nothing was judged. 0 or -EINVAL with a message. */
int verdict_part_read(const json_t *object, struct report *report,
		      struct error *error);

/* "judgement" of a stack, and back. */
json_t *judgement_write(const struct judgement *judgement);
int judgement_read(const json_t *object, struct judgement *judgement,
		   struct error *error);

/* "history" of a stack, and back: the highest marks; the report owns them. */
json_t *history_write(const struct report_stack *stack);
int history_read(const json_t *object, struct report *report,
		 struct report_stack *stack, struct error *error);

#endif
