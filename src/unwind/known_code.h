/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code whose call frame information is missing or does not tell, although the
 * way on is certain: recognised by its bytes. Debuggers and libgcc's unwinder
 * know such sequences, too (libgcc: MD_FALLBACK_FRAME_STATE_FOR).
 */
#ifndef LEAKTRACE_UNWIND_KNOWN_CODE_H
#define LEAKTRACE_UNWIND_KNOWN_CODE_H

#include <stddef.h>
#include <stdint.h>

/* Found code: the byte before it is where a return to it is looked up. */
struct known_code {
	size_t offset, size;
	uint64_t rule; /* UNWIND_END, UNWIND_SIGNAL */
};

/*
 * The first known sequence in bytes[size], or one of size 0. machine is the
 * ELF file's (EM_*).
 */
struct known_code known_code_find(const uint8_t *bytes, size_t size,
				  uint16_t machine);

/* The rule of the sequence that bytes[size] begin with, or UNWIND_NO_CFI. */
uint64_t known_code_rule(const uint8_t *bytes, size_t size, uint16_t machine);

#endif
