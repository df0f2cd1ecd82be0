/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What DWARF says of an address: function, functions inlined there, source
 * file and line. Units are found by their own range lists, because clang
 * writes no .debug_aranges. Split DWARF (.dwo) gives lines but no inlined
 * functions: its files are named by the target and not opened.
 */
#ifndef LEAKTRACE_RESOLVE_DEBUG_INFO_H
#define LEAKTRACE_RESOLVE_DEBUG_INFO_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/vector.h"

struct debug_info;

/* Strings live as long as the Dwarf. */
struct source_frame {
	const char *name; /* linkage name if there is one; NULL = unknown */
	const char *file; /* NULL = unknown */
	unsigned line;	  /* 0 = unknown */
	uint64_t start;	  /* of the function; 0 for inlined ones */
	bool inlined;
};

typedef VECTOR(struct source_frame) source_frame_vector;

/*
 * Prepares lookups; dwarf stays the caller's and must outlive the result.
 * bias is added to DWARF addresses to give ELF addresses. 0 or -ENOMEM.
 */
int debug_info_new(Dwarf *dwarf, uint64_t bias, struct debug_info **info);
void debug_info_free(struct debug_info *info);

/*
 * Appends what is known of an ELF address: inlined functions, innermost
 * first, then the function itself; nothing if no unit covers the address.
 * Returns 0 or -ENOMEM, frames untouched then.
 */
int debug_info_frames(struct debug_info *info, uint64_t address,
		      source_frame_vector *frames);

#endif
