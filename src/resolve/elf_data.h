/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of any symbols of an ELF file by name: variables, too. */
#ifndef LEAKTRACE_RESOLVE_ELF_DATA_H
#define LEAKTRACE_RESOLVE_ELF_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_datum {
	const char *name; /* asked for */
	uint64_t address; /* ELF virtual address, 0 = not defined */
	uint64_t size;
};

/*
 * Fills address and size of each that .dynsym or .symtab defines; the first
 * definition counts. What is no ELF file defines none.
 */
void elf_data_find(int fd, struct elf_datum *data, size_t count);

/* Whether an ELF file has a section of that name. */
bool elf_has_section(int fd, const char *name);

#endif
