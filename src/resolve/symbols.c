// SPDX-License-Identifier: GPL-2.0-or-later
/* Function symbols of one object, by address: see symbols.h. */
#include "resolve/symbols.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "resolve/symbol_table.h"

/* A sized symbol beats every one whose size had to be assumed. */
enum { PRIORITY_ASSUMED, PRIORITY_SIZED };

/* The section a run of symbols lies in: tables come nearly sorted by it. */
struct section_memo {
	size_t index;
	bool executable;
	uint64_t end;
};

static void section_recall(Elf *elf, size_t index, struct section_memo *memo)
{
	GElf_Shdr header;

	if (memo->index == index)
		return;
	*memo = (struct section_memo){ .index = index };
	if (!gelf_getshdr(elf_getscn(elf, index), &header) ||
	    !(header.sh_flags & SHF_EXECINSTR) ||
	    __builtin_add_overflow(header.sh_addr, header.sh_size, &memo->end))
		return;
	memo->executable = true;
}

/*
 * Assembly sources often leave out .type. Their labels count too, but not
 * the markers of tools: "$x", "$d" (arm64 mapping symbols), ".L" (local).
 */
static bool symbol_is_function(const GElf_Sym *symbol, const char *name)
{
	switch (GELF_ST_TYPE(symbol->st_info)) {
	case STT_FUNC:
	case STT_GNU_IFUNC:
		return name[0];
	case STT_NOTYPE:
		return name[0] && name[0] != '$' && name[0] != '.';
	default:
		return false;
	}
}

static uint32_t symbol_rank(const GElf_Sym *symbol, const char *name)
{
	bool local = GELF_ST_BIND(symbol->st_info) == STB_LOCAL;
	bool untyped = GELF_ST_TYPE(symbol->st_info) == STT_NOTYPE;
	uint32_t underscores = (uint32_t)strspn(name, "_");

	return (uint32_t)untyped << 31 | (uint32_t)local << 30 |
	       (underscores & ((1U << 30) - 1));
}

static int symbol_add(struct symbols *symbols, const GElf_Sym *symbol,
		      const char *name, uint64_t limit, uint64_t bias)
{
	struct symbol *added;
	uint64_t end;

	if (__builtin_add_overflow(symbol->st_value, symbol->st_size, &end) ||
	    symbol->st_value >= limit)
		return 0;
	added = vector_push(&symbols->list);
	if (!added)
		return -ENOMEM;
	added->start = symbol->st_value + bias;
	added->end = end + bias;
	added->limit = limit + bias;
	added->name = name;
	added->rank = symbol_rank(symbol, name);
	return 0;
}

int symbols_add(struct symbols *symbols, Elf *elf, uint64_t bias)
{
	struct section_memo memo = { 0 };
	struct symbol_table table;
	GElf_Sym symbol;

	if (symbol_table_open(elf, SHT_SYMTAB, &table) &&
	    symbol_table_open(elf, SHT_DYNSYM, &table))
		return 0;
	for (size_t i = 0; i < table.count; i++) {
		const char *name = symbol_table_get(&table, i, &symbol);

		if (!name || symbol.st_shndx == SHN_UNDEF ||
		    symbol.st_shndx >= SHN_LORESERVE ||
		    !symbol_is_function(&symbol, name))
			continue;
		section_recall(elf, symbol.st_shndx, &memo);
		if (!memo.executable)
			continue;
		if (symbol_add(symbols, &symbol, name, memo.end, bias))
			return -ENOMEM;
	}
	return 0;
}

static int compare_symbols(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

	if (a->start != b->start)
		return a->start > b->start ? 1 : -1;
	if (a->rank != b->rank)
		return a->rank > b->rank ? 1 : -1;
	return strcmp(a->name, b->name);
}

static int symbols_make_ranges(struct symbols *symbols)
{
	uint64_t next = UINT64_MAX;

	if (vector_reserve(&symbols->ranges, symbols->list.count))
		return -ENOMEM;
	for (size_t i = symbols->list.count; i-- > 0;) {
		const struct symbol *symbol = &symbols->list.items[i];
		struct range *range = vector_push(&symbols->ranges);
		bool sized = symbol->end > symbol->start;

		/* next: the nearest start above this symbol's own. */
		if (i + 1 < symbols->list.count &&
		    symbol[1].start > symbol->start)
			next = symbol[1].start;
		range->start = symbol->start;
		range->end = sized		    ? symbol->end
			     : next < symbol->limit ? next
						    : symbol->limit;
		range->priority = sized ? PRIORITY_SIZED : PRIORITY_ASSUMED;
		range->item = (uint32_t)i;
	}
	return 0;
}

int symbols_index(struct symbols *symbols)
{
	if (!symbols->list.count)
		return 0;
	qsort(symbols->list.items, symbols->list.count,
	      sizeof(*symbols->list.items), compare_symbols);
	if (symbols_make_ranges(symbols))
		return -ENOMEM;
	return ranges_flatten(&symbols->ranges);
}

const struct symbol *symbols_find(const struct symbols *symbols,
				  uint64_t address)
{
	const struct range *range = ranges_find(&symbols->ranges, address);

	return range ? &symbols->list.items[range->item] : NULL;
}

void symbols_free(struct symbols *symbols)
{
	vector_free(&symbols->list);
	vector_free(&symbols->ranges);
}
