// SPDX-License-Identifier: GPL-2.0-or-later
/* Bounded access to one ELF symbol table: see symbol_table.h. */
#include "resolve/symbol_table.h"

#include <errno.h>
#include <string.h>

/* Far beyond any program; keeps a forged sparse file from costing hours. */
#define SYMBOLS_MAX ((size_t)1 << 24)
#define SECTION_MAX ((uint64_t)1 << 30) /* bytes */

static Elf_Data *section_data(Elf_Scn *section, GElf_Shdr *header)
{
	Elf_Data *data;

	if (!section || !gelf_getshdr(section, header) ||
	    header->sh_type == SHT_NOBITS ||
	    header->sh_flags & SHF_COMPRESSED || header->sh_size > SECTION_MAX)
		return NULL;
	data = elf_getdata(section, NULL);
	return data && data->d_buf ? data : NULL;
}

static Elf_Scn *section_of_type(Elf *elf, uint32_t type)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == type)
			return section;
	return NULL;
}

int symbol_table_open(Elf *elf, uint32_t type, struct symbol_table *table)
{
	size_t entry = gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);
	Elf_Scn *section = section_of_type(elf, type);
	GElf_Shdr header, names_header;
	Elf_Data *symbols, *names;
	const char *last;

	if (!section)
		return -ENOENT;
	symbols = section_data(section, &header);
	if (!symbols || !entry || header.sh_entsize != entry)
		return -EINVAL;
	names = section_data(elf_getscn(elf, header.sh_link), &names_header);
	if (!names || names_header.sh_type != SHT_STRTAB)
		return -EINVAL;
	last = memrchr(names->d_buf, '\0', names->d_size);
	if (!last)
		return -EINVAL;
	*table = (struct symbol_table){
		.symbols = symbols,
		.count = symbols->d_size / entry,
		.names = names->d_buf,
		.names_size = (size_t)(last - (char *)names->d_buf) + 1,
	};
	if (table->count > SYMBOLS_MAX)
		table->count = SYMBOLS_MAX;
	return 0;
}

const char *symbol_table_get(const struct symbol_table *table, size_t index,
			     GElf_Sym *symbol)
{
	if (!gelf_getsym(table->symbols, (int)index, symbol) ||
	    symbol->st_name >= table->names_size)
		return NULL;
	return table->names + symbol->st_name;
}
