/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where in the functions of one object file to put their probes: reads the
 * code and asks prologue.h.
 */
#ifndef LEAKTRACE_CAPTURE_PROBE_SITES_H
#define LEAKTRACE_CAPTURE_PROBE_SITES_H

#include <stddef.h>
#include <stdint.h>

#include "capture/functions.h"
#include "capture/probe_conditions.h"
#include "capture/prologue.h"

/* Code beyond this is not searched for branches: bytes an object. */
#define PROBE_SITES_TEXT_MAX (256ULL << 20)

struct sited_function {
	const struct allocator_function *known;
	const char *name; /* as the object has it, prefix and all */
	uint64_t address; /* these as in struct elf_function */
	uint64_t file_offset;
	uint64_t size;

	/* Set by probe_sites_choose(). */
	struct prologue_site site;
	const char *limit; /* why it must be the entry; NULL = site says */
};

/*
 * Sets the site of each of functions[count], which lie in the ELF file behind
 * fd: the cheapest that is safe, the entry where the code cannot be read or
 * searched. Cannot fail; the file may be damaged.
 */
void probe_sites_choose(int fd, const struct probe_conditions *conditions,
			struct sited_function *functions, size_t count);

/* What a probe at the site carries: ABI_COOKIE_* in bpf/abi.h. */
uint64_t probe_site_cookie(const struct sited_function *function);

/*
 * Writes one line without newline, cut to size: "malloc in libc.so.6: entry:
 * push is emulated", "free in libc.so.6: +3: je is emulated". object: the
 * file's name.
 */
void probe_site_describe(const struct sited_function *function,
			 const char *object, char *text, size_t size);

#endif
