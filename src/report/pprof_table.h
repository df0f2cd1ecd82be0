/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of a pprof profile: strings, functions, mappings and locations,
 * each entered once and known by its number from then on.
 */
#ifndef LEAKTRACE_REPORT_PPROF_TABLE_H
#define LEAKTRACE_REPORT_PPROF_TABLE_H

#include <stdbool.h>

#include "model/location.h"
#include "report/pprof.pb-c.h"

typedef VECTOR(char *) pprof_strings;
typedef VECTOR(Leaktrace__Pprof__Function *) pprof_functions;
typedef VECTOR(Leaktrace__Pprof__Mapping *) pprof_mappings;
typedef VECTOR(Leaktrace__Pprof__Location *) pprof_locations;
typedef VECTOR(Leaktrace__Pprof__Sample *) pprof_samples;

/* All zero = empty. The trees are of tsearch(3). */
struct pprof_tables {
	pprof_strings strings;
	pprof_functions functions;
	pprof_mappings mappings;
	pprof_locations locations;
	void *string_tree, *function_tree, *mapping_tree, *location_tree;
	bool failed; /* out of memory: the numbers are of no use */
};

/* The number of a text, made valid UTF-8; of "" for NULL. */
int64_t pprof_string(struct pprof_tables *tables, const char *text);

/*
 * The location of frames[0], with as many frames as are at its address, those
 * inlined first; *used of them.
 */
uint64_t pprof_location(struct pprof_tables *tables, const struct frame *frames,
			size_t count, size_t *used);

/* Frees the trees; what they point to goes with the profile. */
void pprof_tables_free(struct pprof_tables *tables);

#endif
