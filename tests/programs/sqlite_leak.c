// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program that uses SQLite's own allocator (the manual's example): texts
 * that sqlite3_malloc() holds, of which every third is not given back.
 */
#include "truth.h"

#define TEXTS 120

/* sqlite3.h; its development package is not needed for two functions. */
void *sqlite3_malloc(int size);
void sqlite3_free(void *block);

TRUTH_SITE(text_new, TRUTH_HEAP);

static TRUTH_CALLER void *text_new(int size)
{
	void *text = sqlite3_malloc(size);

	truth_require(text != NULL, "out of memory");
	truth_allocated(&text_new_site, (size_t)size);
	return text;
}

static TRUTH_CALLER void text_free(void *text, int size)
{
	truth_freed(&text_new_site, (size_t)size);
	sqlite3_free(text);
}

int main(void)
{
	/* SQLite allocates for itself when it is first used. */
	sqlite3_free(sqlite3_malloc(1));
	truth_ready();
	for (int i = 1; i <= TEXTS; i++) {
		void *text = text_new(10 * i);

		if (i % 3)
			text_free(text, 10 * i);
	}
	truth_note("unmatched_frees", 0);
	truth_report();
	return 0;
}
