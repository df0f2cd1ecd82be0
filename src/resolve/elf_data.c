// SPDX-License-Identifier: GPL-2.0-or-later
/* Addresses of symbols by name: see elf_data.h. */
#include "resolve/elf_data.h"

#include <gelf.h>
#include <string.h>

#include "resolve/symbol_table.h"

static void table_search(const struct symbol_table *table,
			 struct elf_datum *data, size_t count)
{
	GElf_Sym symbol;

	for (size_t i = 0; i < table->count; i++) {
		const char *name = symbol_table_get(table, i, &symbol);

		if (!name || symbol.st_shndx == SHN_UNDEF)
			continue;
		for (size_t j = 0; j < count; j++) {
			if (data[j].address || strcmp(name, data[j].name))
				continue;
			data[j].address = symbol.st_value;
			data[j].size = symbol.st_size;
		}
	}
}

void elf_data_find(int fd, struct elf_datum *data, size_t count)
{
	static const uint32_t types[] = { SHT_DYNSYM, SHT_SYMTAB };
	struct symbol_table table;
	Elf *elf;

	elf_version(EV_CURRENT);
	/* Read, not mapped: a file cut short must not raise SIGBUS. */
	elf = elf_begin(fd, ELF_C_READ, NULL);
	for (size_t i = 0; elf && i < sizeof(types) / sizeof(types[0]); i++)
		if (!symbol_table_open(elf, types[i], &table))
			table_search(&table, data, count);
	elf_end(elf);
}

bool elf_has_section(int fd, const char *name)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	bool found = false;
	size_t names;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && !elf_getshdrstrndx(elf, &names))
		while (!found && (section = elf_nextscn(elf, section))) {
			const char *text =
				gelf_getshdr(section, &header)
					? elf_strptr(elf, names, header.sh_name)
					: NULL;

			found = text && !strcmp(text, name);
		}
	elf_end(elf);
	return found;
}
