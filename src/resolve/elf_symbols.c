// SPDX-License-Identifier: GPL-2.0-or-later
/* Function symbols of an ELF file by name: see elf_symbols.h. */
#include "resolve/elf_symbols.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "resolve/symbol_table.h"
#include "util/cleanup.h"

#if defined(__x86_64__)
#define MACHINE_NATIVE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE_NATIVE EM_AARCH64
#else
#error "leaktrace supports x86-64 and arm64"
#endif

static void cleanup_elf(Elf **elf)
{
	if (*elf)
		elf_end(*elf);
}

/* The wanted names, in order, with the first letters that occur at all. */
struct wanted {
	const char *const *names;
	size_t count;
	size_t *order; /* indexes, by name */
	bool letters[256];
};

static int compare_names(const void *left, const void *right, void *context)
{
	const char *const *names = context;
	const size_t *a = left, *b = right;

	return strcmp(names[*a], names[*b]);
}

static int wanted_sort(struct wanted *wanted)
{
	wanted->order = calloc(wanted->count + 1, sizeof(*wanted->order));
	if (!wanted->order)
		return -ENOMEM;
	for (size_t i = 0; i < wanted->count; i++) {
		wanted->order[i] = i;
		wanted->letters[(unsigned char)wanted->names[i][0]] = true;
	}
	qsort_r(wanted->order, wanted->count, sizeof(*wanted->order),
		compare_names, (void *)wanted->names);
	return 0;
}

static void cleanup_wanted(struct wanted *wanted)
{
	free(wanted->order);
}

/* Index of the wanted name that a symbol bears, its version left out. */
static bool wanted_find(const struct wanted *wanted, const char *name,
			size_t *index)
{
	size_t low = 0, high = wanted->count, length;

	if (!wanted->letters[(unsigned char)name[0]])
		return false;
	length = strcspn(name, "@");
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *tried = wanted->names[wanted->order[middle]];
		int order = strncmp(tried, name, length);

		if (!order && !tried[length]) {
			*index = wanted->order[middle];
			return true;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/*
 * The file offset of an address that a PT_LOAD with these flags takes from the
 * file.
 */
static bool file_offset_of(Elf *elf, uint64_t address, uint32_t flags,
			   uint64_t *offset)
{
	GElf_Phdr header;
	size_t count;

	if (elf_getphdrnum(elf, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(elf, (int)i, &header) ||
		    header.p_type != PT_LOAD ||
		    (header.p_flags & flags) != flags ||
		    address < header.p_vaddr ||
		    address - header.p_vaddr >= header.p_filesz)
			continue;
		return !__builtin_add_overflow(address - header.p_vaddr,
					       header.p_offset, offset);
	}
	return false;
}

static bool function_is_known(const elf_function_vector *functions,
			      size_t first, uint64_t address, size_t index)
{
	for (size_t i = first; i < functions->count; i++)
		if (functions->items[i].address == address &&
		    functions->items[i].name_index == index)
			return true;
	return false;
}

/* Adds what one table has behind functions[first..]. */
static int table_find(Elf *elf, uint32_t type, const struct wanted *wanted,
		      elf_function_vector *functions, size_t first)
{
	struct elf_function *function;
	struct symbol_table table;
	GElf_Sym symbol;
	int error;

	error = symbol_table_open(elf, type, &table);
	if (error)
		return error == -ENOENT ? 0 : error;
	for (size_t i = 0; i < table.count; i++) {
		const char *name = symbol_table_get(&table, i, &symbol);
		uint64_t offset;
		size_t index;

		if (!name || GELF_ST_TYPE(symbol.st_info) != STT_FUNC ||
		    symbol.st_shndx == SHN_UNDEF ||
		    !wanted_find(wanted, name, &index) ||
		    function_is_known(functions, first, symbol.st_value,
				      index) ||
		    !file_offset_of(elf, symbol.st_value, 0, &offset))
			continue;
		function = vector_push(functions);
		if (!function)
			return -ENOMEM;
		function->name = wanted->names[index];
		function->name_index = index;
		function->address = symbol.st_value;
		function->file_offset = offset;
		function->size = symbol.st_size;
		function->local = GELF_ST_BIND(symbol.st_info) == STB_LOCAL;
	}
	return 0;
}

static int elf_check_kind(Elf *elf, struct error *error)
{
	GElf_Ehdr header;
	const char *machine;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		return error_set(error, ENOEXEC, "not an ELF file");
	if (gelf_getclass(elf) == ELFCLASS64 &&
	    header.e_machine == MACHINE_NATIVE)
		return 0;
	machine = dwelf_elf_e_machine_string(header.e_machine);
	return error_set(error, ENOEXEC,
			 "a %s-bit ELF file for %s (machine %u); leaktrace "
			 "traces 64-bit programs for %s only",
			 gelf_getclass(elf) == ELFCLASS64 ? "64" : "32",
			 machine ? machine : "an unknown machine",
			 (unsigned)header.e_machine,
			 dwelf_elf_e_machine_string(MACHINE_NATIVE));
}

/* libelf quietly forgets tables that lie outside of the file. */
static int elf_check_tables(Elf *elf, struct error *error)
{
	size_t programs, sections;
	GElf_Ehdr header;

	if (!gelf_getehdr(elf, &header) || elf_getphdrnum(elf, &programs) ||
	    elf_getshdrnum(elf, &sections) ||
	    (header.e_phoff && header.e_phnum && !programs) ||
	    (header.e_shoff && !sections))
		return error_set(error, EINVAL,
				 "damaged ELF file: its headers point outside "
				 "of it");
	return 0;
}

int elf_functions_find(int fd, const char *const names[], size_t count,
		       elf_function_vector *functions, struct error *error)
{
	struct wanted wanted cleanup(cleanup_wanted) = { .names = names,
							 .count = count };
	Elf *elf cleanup(cleanup_elf) = NULL;
	size_t first = functions->count;
	int failed;

	if (wanted_sort(&wanted))
		return error_set(error, ENOMEM, "out of memory");
	elf_version(EV_CURRENT);
	/* Read, not mapped: a file cut short meanwhile must not raise SIGBUS */
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		return error_set(error, EINVAL, "cannot read the ELF file: %s",
				 elf_errmsg(-1));
	failed = elf_check_kind(elf, error);
	if (!failed)
		failed = elf_check_tables(elf, error);
	if (failed)
		return failed;
	failed = table_find(elf, SHT_DYNSYM, &wanted, functions, first);
	if (!failed)
		failed = table_find(elf, SHT_SYMTAB, &wanted, functions, first);
	if (!failed)
		return 0;
	functions->count = first;
	return error_set(error, -failed,
			 failed == -ENOMEM
				 ? "out of memory"
				 : "damaged ELF file: its symbol table lies "
				   "outside of it");
}

int elf_code_find(int fd, uint64_t address, uint64_t *offset)
{
	Elf *elf cleanup(cleanup_elf) = NULL;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		return -EINVAL;
	return file_offset_of(elf, address, PF_X, offset) ? 0 : -ERANGE;
}

bool elf_has_symbols(int fd)
{
	Elf *elf cleanup(cleanup_elf) = NULL;
	struct symbol_table table;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	return elf && (!symbol_table_open(elf, SHT_SYMTAB, &table) ||
		       !symbol_table_open(elf, SHT_DYNSYM, &table));
}
