// SPDX-License-Identifier: GPL-2.0-or-later
/* The names and the end of a comparison: see diff.h. */
#include "model/diff.h"

static const char *const kind_names[DIFF_COUNT] = {
	[DIFF_NEW] = "new",   [DIFF_GROWN] = "grown", [DIFF_SHRUNK] = "shrunk",
	[DIFF_GONE] = "gone", [DIFF_SAME] = "same",
};

const char *diff_kind_name(enum diff_kind kind)
{
	return (unsigned)kind < DIFF_COUNT ? kind_names[kind] : "unknown";
}

void diff_free(struct diff *diff)
{
	vector_free(&diff->stacks);
}
