// SPDX-License-Identifier: GPL-2.0-or-later
/* Where to put the probes of an object's functions: see probe_sites.h. */
#include "capture/probe_sites.h"

#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "resolve/symbol_table.h"
#include "util/cleanup.h"
#include "util/vector.h"

#if defined(__x86_64__)
#define MACHINE_NATIVE PROLOGUE_X86_64
#elif defined(__aarch64__)
#define MACHINE_NATIVE PROLOGUE_ARM64
#endif

/*
 * Code is searched a window at a time. Each begins OVERLAP before the end of
 * the one before, so that every function and the short branches around it lie
 * whole in one of them.
 */
#define WINDOW (1U << 20)
#define OVERLAP 1024U

/* Executable bytes of the file, as they are loaded. */
struct segment {
	uint64_t address, file_offset, size;
};

struct object {
	int fd;
	Elf *elf;
	const struct probe_conditions *conditions;
	struct sited_function *functions;
	size_t count;
	VECTOR(struct segment) segments;
	struct prologue_function *targets; /* sorted by address; count */
};

static void cleanup_object(struct object *object)
{
	vector_free(&object->segments);
	free(object->targets);
	if (object->elf)
		elf_end(object->elf);
}

/* Lists the executable segments. False if that cannot be done. */
static bool segments_list(struct object *object)
{
	struct segment *segment;
	GElf_Phdr header;
	size_t count;

	if (elf_getphdrnum(object->elf, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(object->elf, (int)i, &header))
			return false;
		if (header.p_type != PT_LOAD || !(header.p_flags & PF_X))
			continue;
		segment = vector_push(&object->segments);
		if (!segment)
			return false;
		segment->address = header.p_vaddr;
		segment->file_offset = header.p_offset;
		segment->size = header.p_filesz;
	}
	return true;
}

/* Reads exactly size bytes; a file may have been cut short since. */
static bool read_at(int fd, uint8_t *bytes, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t got = pread(fd, bytes, size, (off_t)offset);

		if (got <= 0)
			return false;
		bytes += got;
		offset += (uint64_t)got;
		size -= (size_t)got;
	}
	return true;
}

/*
 * Reads the code of a function, as far as a site may lie in it and its symbol
 * and its segment reach. Returns the number of bytes.
 */
static size_t code_read(const struct object *object,
			const struct sited_function *function, uint8_t *code)
{
	for (size_t i = 0; i < object->segments.count; i++) {
		const struct segment *segment = &object->segments.items[i];
		uint64_t skipped = function->address - segment->address;
		uint64_t size = PROLOGUE_BYTES;

		if (skipped >= segment->size)
			continue;
		if (size > segment->size - skipped)
			size = segment->size - skipped;
		if (function->size && size > function->size)
			size = function->size;
		return read_at(object->fd, code, size, function->file_offset)
			       ? size
			       : 0;
	}
	return 0;
}

/* Without targets the site is the entry, or one that needs a search. */
static struct prologue_site site_find(const struct object *object,
				      const struct sited_function *function,
				      const struct prologue_function *targets)
{
	uint8_t code[PROLOGUE_BYTES];
	struct prologue_query query = {
		.machine = MACHINE_NATIVE,
		.code = code,
		.size = code_read(object, function, code),
		.function = targets,
		.arguments = allocator_function_arguments(function->known),
		.returns = function->known->returns,
		.nops = object->conditions->nops,
		.shadow_stack = object->conditions->shadow_stack,
	};

	return prologue_find_site(&query);
}

/* The entry, with everything where the calling convention has it. */
static struct prologue_site site_entry(const struct sited_function *function)
{
	const struct prologue_query nothing = {
		.machine = MACHINE_NATIVE,
		.arguments = allocator_function_arguments(function->known),
	};

	return prologue_find_site(&nothing);
}

/* Whether everything is where the shape has it at the entry. */
static bool site_is_in_place(const struct sited_function *function)
{
	const struct prologue_site entry = site_entry(function);

	return allocator_function_is_shaped(function->known) &&
	       !function->site.stack &&
	       !memcmp(function->site.registers, entry.registers,
		       sizeof(entry.registers));
}

/* Whether the cookie has room for how far the stack pointer has moved. */
static bool site_fits_cookie(const struct prologue_site *site)
{
	return site->stack <= 0 && site->stack % 8 == 0 &&
	       site->stack / -8 <= UINT16_MAX;
}

static void site_limit(struct sited_function *function, const char *limit)
{
	function->site = site_entry(function);
	function->limit = limit;
}

static int compare_addresses(const void *left, const void *right)
{
	const struct prologue_function *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

/* The first of the targets at or above address. */
static size_t targets_find(const struct object *object, uint64_t address)
{
	size_t low = 0, high = object->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (object->targets[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool targets_list(struct object *object)
{
	object->targets = calloc(object->count, sizeof(*object->targets));
	if (!object->targets)
		return false;
	for (size_t i = 0; i < object->count; i++)
		object->targets[i].address = object->functions[i].address;
	qsort(object->targets, object->count, sizeof(*object->targets),
	      compare_addresses);
	return true;
}

/*
 * Where a symbol of code stands, control may come from anywhere: entries in
 * the middle of hand-written functions, and whatever follows one whose size
 * is not given.
 */
static void targets_mark_symbols(struct object *object, uint32_t type)
{
	struct symbol_table table;
	GElf_Sym symbol;

	if (symbol_table_open(object->elf, type, &table))
		return;
	for (size_t i = 0; i < table.count; i++) {
		size_t next;

		if (!symbol_table_get(&table, i, &symbol) ||
		    symbol.st_shndx == SHN_UNDEF ||
		    (GELF_ST_TYPE(symbol.st_info) != STT_FUNC &&
		     GELF_ST_TYPE(symbol.st_info) != STT_NOTYPE))
			continue;
		next = targets_find(object, symbol.st_value);
		while (next > 0 &&
		       symbol.st_value - object->targets[next - 1].address <
			       PROLOGUE_BYTES)
			prologue_mark_target(&object->targets[--next],
					     symbol.st_value);
	}
}

static bool segment_scan(struct object *object, const struct segment *segment,
			 uint8_t *window)
{
	uint64_t done = 0;
	size_t size;

	for (;;) {
		size = segment->size - done < WINDOW
			       ? (size_t)(segment->size - done)
			       : WINDOW;
		if (!read_at(object->fd, window, size,
			     segment->file_offset + done))
			return false;
		prologue_scan_branches(MACHINE_NATIVE, window, size,
				       segment->address + done, object->targets,
				       object->count);
		if (done + size >= segment->size)
			return true;
		done += size - OVERLAP;
	}
}

/* Searches the whole object for branches. Returns why not, NULL if done. */
static const char *targets_mark(struct object *object)
{
	uint64_t left = PROBE_SITES_TEXT_MAX;
	auto_free uint8_t *window = malloc(WINDOW);

	for (size_t i = 0; i < object->segments.count; i++) {
		if (object->segments.items[i].size > left)
			return "the object has too much code to search it for branches";
		left -= object->segments.items[i].size;
	}
	if (!window || !targets_list(object))
		return "no memory to search for branches";
	targets_mark_symbols(object, SHT_DYNSYM);
	targets_mark_symbols(object, SHT_SYMTAB);
	for (size_t i = 0; i < object->segments.count; i++)
		if (!segment_scan(object, &object->segments.items[i], window))
			return "the object's code cannot be read";
	return NULL;
}

/* The site, now that branches are marked, if a cookie can tell of it. */
static void site_choose(struct object *object, struct sited_function *function)
{
	const struct prologue_function *targets =
		&object->targets[targets_find(object, function->address)];

	function->site = site_find(object, function, targets);
	if (site_is_in_place(function))
		return;
	if (!object->conditions->cookies)
		site_limit(
			function,
			"behind it arguments move, of which this kernel cannot tell a probe (5.15 can)");
	else if (!site_fits_cookie(&function->site))
		site_limit(function,
			   "behind it the stack pointer moves too far");
}

/* Whether the entry is neither good nor all there is. */
static bool site_needs_search(const struct sited_function *function)
{
	return !function->limit && function->site.reason == PROLOGUE_UNSCANNED;
}

/* Whether any function needs the search, once all are looked at. */
static bool entries_look(const struct object *object)
{
	bool needed = false;

	for (size_t i = 0; i < object->count; i++) {
		struct sited_function *function = &object->functions[i];

		function->limit = NULL;
		function->site = site_find(object, function, NULL);
		needed |= site_needs_search(function);
	}
	return needed;
}

void probe_sites_choose(int fd, const struct probe_conditions *conditions,
			struct sited_function *functions, size_t count)
{
	struct object object cleanup(cleanup_object) = {
		.fd = fd,
		.conditions = conditions,
		.functions = functions,
		.count = count,
	};
	const char *limit = NULL;

	elf_version(EV_CURRENT);
	object.elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!object.elf || !segments_list(&object)) {
		for (size_t i = 0; i < count; i++)
			site_limit(&functions[i],
				   "the object's code cannot be found");
		return;
	}
	if (entries_look(&object))
		limit = targets_mark(&object);
	for (size_t i = 0; i < count; i++) {
		if (!site_needs_search(&functions[i]))
			continue;
		if (limit)
			site_limit(&functions[i], limit);
		else
			site_choose(&object, &functions[i]);
	}
}

uint64_t probe_site_cookie(const struct sited_function *function)
{
	const struct prologue_site *site = &function->site;
	unsigned int read = allocator_arguments(function->known->shape);
	uint64_t cookie = function->known->shape;

	if (site->cost == PROLOGUE_STEPPED)
		cookie |= ABI_COOKIE_STEPPED;
	if (site_is_in_place(function))
		return cookie;
	for (unsigned int i = 0; i < ABI_COOKIE_ARGUMENTS; i++) {
		unsigned int own = allocator_argument(function->known, i);
		uint64_t number = PROLOGUE_NO_REGISTER;

		if (read >> i & 1 && own != ARGUMENT_NONE)
			number = site->registers[own];
		cookie |= number << ABI_COOKIE_REGISTER_SHIFT(i);
	}
	return cookie | ABI_COOKIE_MOVED |
	       (uint64_t)(site->stack / -8) << ABI_COOKIE_STACK_SHIFT;
}

void probe_site_describe(const struct sited_function *function,
			 const char *object, char *text, size_t size)
{
	int length = snprintf(text, size, "%s in %s: ", function->name, object);

	if (length < 0 || (size_t)length >= size)
		return;
	text += length;
	size -= (size_t)length;
	if (function->limit)
		snprintf(text, size, "entry: %s", function->limit);
	else
		prologue_explain(&function->site, text, size);
}
