/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Function symbols of an ELF file by name: where to place probes.
 * Specification: System V gABI, chapter 4 (symbol table), chapter 5
 * (program header).
 */
#ifndef LEAKTRACE_RESOLVE_ELF_SYMBOLS_H
#define LEAKTRACE_RESOLVE_ELF_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"
#include "util/vector.h"

struct elf_function {
	const char *name;     /* the caller's own string out of names[] */
	size_t name_index;    /* in names[] */
	uint64_t address;     /* ELF virtual address */
	uint64_t file_offset; /* of its first byte, as uprobes want it */
	uint64_t size;	      /* bytes, 0 = unknown */
	bool local;	      /* its binding, of the first symbol found */
};

typedef VECTOR(struct elf_function) elf_function_vector;

/*
 * Appends every defined STT_FUNC or STT_GNU_IFUNC-free symbol of .dynsym and
 * .symtab whose name, without version suffix, is one of names[count]; the
 * same address under the same name only once. No name may be there twice. Other architectures' and 32-bit
 * files: -ENOEXEC with a message that names the class and machine. Damaged
 * files: -EINVAL. The vector is untouched on failure.
 */
int elf_functions_find(int fd, const char *const names[], size_t count,
		       elf_function_vector *functions, struct error *error);

/* The file offset of an address of code, or -ERANGE; bad files: -EINVAL. */
int elf_code_find(int fd, uint64_t address, uint64_t *offset);

/* Whether the file has a symbol table of either kind. */
bool elf_has_symbols(int fd);

#endif
