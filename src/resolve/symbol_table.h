/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded access to one ELF symbol table and its strings (System V gABI,
 * chapter 4, "Symbol Table" and "String Table"). libelf checks offsets but
 * not, at a price one can pay per symbol, that a name ends inside its table.
 */
#ifndef LEAKTRACE_RESOLVE_SYMBOL_TABLE_H
#define LEAKTRACE_RESOLVE_SYMBOL_TABLE_H

#include <gelf.h>
#include <stddef.h>
#include <stdint.h>

struct symbol_table {
	Elf_Data *symbols; /* the Elf's */
	size_t count;
	const char *names; /* the Elf's */
	size_t names_size; /* up to and with the last NUL */
};

/*
 * Opens the first table of the given type, SHT_SYMTAB or SHT_DYNSYM. Returns
 * 0, -ENOENT if there is none, -EINVAL if it is damaged. Valid as long as the
 * Elf; nothing to free.
 */
int symbol_table_open(Elf *elf, uint32_t type, struct symbol_table *table);

/*
 * Reads one symbol, index < count; returns its name, which lives as long as
 * the Elf, or NULL if the entry is damaged.
 */
const char *symbol_table_get(const struct symbol_table *table, size_t index,
			     GElf_Sym *symbol);

#endif
