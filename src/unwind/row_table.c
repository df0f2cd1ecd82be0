// SPDX-License-Identifier: GPL-2.0-or-later
/* Call frame information compiled into rows: see row_table.h. */
#include "unwind/row_table.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "unwind/cfi.h"
#include "unwind/code_rules.h"
#include "unwind/elf_sections.h"
#include "unwind/function_order.h"
#include "unwind/known_code.h"
#include "unwind/row_builder.h"
#include "util/cleanup.h"

/* Text of one object: what a chunk's page index can hold. */
#define TEXT_LIMIT ((uint64_t)UNWIND_CHUNK_PAGES << UNWIND_PAGE_SHIFT)

/* A walker's frame has this many bits of address. */
#define ADDRESS_LIMIT (1ULL << 48)

/* Less undescribed code than this between functions calls nothing. */
#define SMALLEST_GAP 16

/* So much may be functions that call each other: not just linker stubs. */
#define SEARCHED_GAP 2048

struct compilation {
	struct elf_sections sections;
	struct cfi_entries entries[2]; /* .eh_frame, .debug_frame */
	function_vector functions;     /* of both, by ascending address */
	struct row_builder builder;
	call_target_vector targets; /* once undescribed code was met */
	bool has_targets;
	bool failed;	   /* out of memory */
	uint64_t position; /* rows are final up to here */
	uint64_t limit;	   /* rows of the current function end here */
	uint64_t orphan;   /* the byte before it, if no function's; or 0 */
};

static void compilation_free(struct compilation *work)
{
	row_builder_free(&work->builder);
	vector_free(&work->targets);
	vector_free(&work->functions);
	cfi_entries_free(&work->entries[0]);
	cfi_entries_free(&work->entries[1]);
	elf_sections_free(&work->sections);
}

/* The addresses from the first executable byte to the last. */
static int text_range(const struct elf_sections *sections, uint64_t *start,
		      uint64_t *end, struct error *error)
{
	size_t i;

	*start = UINT64_MAX;
	*end = 0;
	for (i = 0; i < sections->code_count; i++) {
		const struct elf_span *code = &sections->code[i];

		if (code->address < *start)
			*start = code->address;
		if (code->address + code->size > *end)
			*end = code->address + code->size;
	}
	if (*start < *end &&
	    (*end - *start > TEXT_LIMIT || *end > ADDRESS_LIMIT))
		return error_set(error, EFBIG,
				 "its text spreads over more than 8 GiB");
	return 0;
}

static bool in_code(const struct elf_sections *sections,
		    const struct cfi_function *function)
{
	size_t i;

	for (i = 0; i < sections->code_count; i++) {
		const struct elf_span *code = &sections->code[i];

		if (function->start >= code->address &&
		    function->end - code->address <= code->size)
			return function->start < function->end;
	}
	return false;
}

/* Appends the functions of one section that lie in executable segments. */
static int add_functions(struct compilation *work, unsigned source)
{
	const struct cfi_entries *entries = &work->entries[source];
	size_t i;

	if (vector_reserve(&work->functions, entries->functions.count))
		return -ENOMEM;
	for (i = 0; i < entries->functions.count; i++) {
		const struct cfi_function *function =
			&entries->functions.items[i];

		if (in_code(&work->sections, function))
			work->functions.items[work->functions.count++] =
				(struct function_key){ function->start,
						       (uint32_t)i, source };
	}
	return 0;
}

static int read_functions(struct compilation *work,
			  const struct cfi_machine *machine)
{
	const struct elf_sections *sections = &work->sections;

	if (cfi_entries_read(&sections->eh_frame, true,
			     sections->eh_frame_ends_at_zero, machine,
			     &work->entries[0]) ||
	    cfi_entries_read(&sections->debug_frame, false, false, machine,
			     &work->entries[1]) ||
	    add_functions(work, 0) || add_functions(work, 1) ||
	    function_order_sort(&work->functions))
		return -ENOMEM;
	return 0;
}

/* A run of addresses with one rule, end exclusive. */
struct stretch {
	uint64_t start, end, rule;
};

/* The first undescribed linkage table within [start, end), or an empty one. */
static struct stretch next_plt(const struct elf_sections *sections,
			       uint64_t start, uint64_t end)
{
	const struct cfi_machine *machine = cfi_machine_find(sections->machine);
	struct stretch first = { end, end, UNWIND_NO_CFI };
	size_t i;

	for (i = 0; i < sections->plt_count; i++) {
		const struct elf_span *plt = &sections->plts[i];
		uint64_t from = plt->address < start ? start : plt->address;
		uint64_t to = plt->address + plt->size;

		if (to > end)
			to = end;
		if (from >= to || from >= first.start)
			continue;
		first = (struct stretch){ from, to,
					  sections->plt_is_lazy[i]
						  ? machine->lazy_plt_rule
						  : machine->plt_rule };
	}
	return first;
}

/* The bytes at [start, end) of one executable segment, if they are read. */
static struct elf_span code_bytes(const struct elf_sections *sections,
				  uint64_t start, uint64_t end)
{
	size_t i;

	for (i = 0; i < sections->code_count; i++) {
		const struct elf_span *code = &sections->code[i];
		uint64_t from = code->address < start ? start : code->address;
		uint64_t to = code->address + code->size;

		if (to > end)
			to = end;
		if (from < to && code->size <= ELF_SEARCHED_CODE)
			return (struct elf_span){ code->bytes + (from -
								 code->address),
						  to - from, from };
	}
	return (struct elf_span){ 0 };
}

/* A cfi_row_sink for code_rules.h; context is the compilation. */
static void add_code_rule(void *context, uint64_t address, uint64_t rule)
{
	struct compilation *work = context;

	row_builder_add(&work->builder, address, rule);
}

/* Code without a description: what can be told from its instructions. */
static void add_code_rules(struct compilation *work,
			   const struct elf_span *code)
{
	if (work->sections.machine != EM_X86_64 || code->size < SMALLEST_GAP ||
	    code_rules_is_padding(code))
		return;
	if (code->size >= SEARCHED_GAP && !work->has_targets) {
		if (code_rules_call_targets(&work->sections, &work->targets))
			work->failed = true;
		work->has_targets = true;
	}
	if (code_rules_give(code, work->sections.entry_point, &work->targets,
			    add_code_rule, work))
		work->failed = true;
}

/* The same, and what is known by its bytes. */
static void add_undescribed(struct compilation *work, uint64_t start,
			    uint64_t end)
{
	struct elf_span span = code_bytes(&work->sections, start, end);
	struct known_code known;

	row_builder_add(&work->builder, start, UNWIND_NO_CFI);
	while (span.size) {
		known = known_code_find(span.bytes, span.size,
					work->sections.machine);
		add_code_rules(work,
			       &(struct elf_span){ span.bytes, known.offset,
						   span.address });
		if (!known.size)
			break;
		span.bytes += known.offset;
		span.address += known.offset;
		span.size -= known.offset + known.size;
		if (known.offset)
			row_builder_add(&work->builder, span.address - 1,
					known.rule | UNWIND_AT_FIRST_BYTE);
		row_builder_add(&work->builder, span.address, known.rule);
		span.bytes += known.size;
		span.address += known.size;
		if (span.address < end)
			row_builder_add(&work->builder, span.address,
					UNWIND_NO_CFI);
	}
}

/* Rows for the code from the current position to `until`: no function's. */
static void fill_gap(struct compilation *work, uint64_t until)
{
	struct stretch plt;

	while (work->position < until) {
		plt = next_plt(&work->sections, work->position, until);
		if (work->position < plt.start)
			add_undescribed(work, work->position, plt.start);
		if (plt.start < plt.end)
			row_builder_add(&work->builder, plt.start, plt.rule);
		work->position = plt.end;
	}
}

/* A cfi_row_sink; context is the compilation. */
static void add_row(void *context, uint64_t address, uint64_t rule)
{
	struct compilation *work = context;

	/* Where functions overlap the earlier one's rows stand. */
	if (address < work->position)
		address = work->position;
	if (address >= work->limit)
		return;
	/*
	 * makecontext() and signal handlers' restorers are "returned" to at
	 * their first byte, but return addresses are looked up one byte
	 * before: such a function owns that byte too, if nobody else does.
	 */
	if (work->orphan + 1 == address &&
	    (rule == UNWIND_END || rule == UNWIND_SIGNAL))
		row_builder_add(&work->builder, work->orphan,
				rule | UNWIND_AT_FIRST_BYTE);
	row_builder_add(&work->builder, address, rule);
}

/*
 * glibc describes where makecontext() returns to like any function, and
 * relies on nothing being found for the byte before it.
 */
static void add_known_end(struct compilation *work,
			  const struct cfi_function *function)
{
	struct elf_span span =
		code_bytes(&work->sections, function->start, function->end);

	if (span.size && known_code_rule(span.bytes, span.size,
					 work->sections.machine) == UNWIND_END)
		row_builder_add(&work->builder, work->orphan,
				UNWIND_END | UNWIND_AT_FIRST_BYTE);
}

static void add_function_rows(struct compilation *work,
			      const struct function_key *key)
{
	const struct cfi_entries *entries = &work->entries[key->source];
	const struct cfi_function *function =
		&entries->functions.items[key->index];

	if (function->end <= work->position)
		return;
	work->orphan = work->position < function->start ? function->start - 1
							: 0;
	fill_gap(work, function->start);
	work->limit = function->end;
	if (work->orphan)
		add_known_end(work, function);
	cfi_function_rows(entries, function, add_row, work);
	work->position = function->end;
}

static int compile(struct compilation *work, struct rule_dictionary *dictionary,
		   struct row_table *table, struct error *error)
{
	const struct cfi_machine *machine =
		cfi_machine_find(work->sections.machine);
	uint64_t start, end;
	size_t i;
	int status;

	if (!machine)
		return error_set(error, ENOEXEC,
				 "no unwind rules for ELF machine %u",
				 work->sections.machine);
	status = text_range(&work->sections, &start, &end, error);
	if (status)
		return status;
	if (read_functions(work, machine))
		return error_set(error, ENOMEM, "out of memory");
	table->functions = work->functions.count;
	table->malformed =
		work->entries[0].malformed + work->entries[1].malformed;
	if (start >= end || (!work->functions.count &&
			     !code_bytes(&work->sections, start, end).size))
		return 0;
	if (row_builder_init(&work->builder, dictionary, start, end))
		return error_set(error, ENOMEM, "out of memory");
	work->position = start;
	for (i = 0; i < work->functions.count; i++)
		add_function_rows(work, &work->functions.items[i]);
	fill_gap(work, end);
	row_builder_add(&work->builder, end, UNWIND_NO_CFI);
	if (work->failed || row_builder_finish(&work->builder, table))
		return error_set(error, ENOMEM, "out of memory");
	return 0;
}

static int compile_image(const void *bytes, size_t size, bool mapped,
			 struct rule_dictionary *dictionary,
			 struct row_table *table, struct error *error)
{
	cleanup(compilation_free) struct compilation work = { 0 };
	struct row_table result = { 0 };
	int status;

	if (mapped)
		status = elf_sections_read_mapped(bytes, size, &work.sections,
						  error);
	else
		status = elf_sections_read(bytes, size, &work.sections, error);
	if (!status)
		status = compile(&work, dictionary, &result, error);
	if (!status)
		*table = result;
	return status;
}

int row_table_compile(const void *bytes, size_t size,
		      struct rule_dictionary *dictionary,
		      struct row_table *table, struct error *error)
{
	return compile_image(bytes, size, false, dictionary, table, error);
}

int row_table_compile_vdso(const void *bytes, size_t size,
			   struct rule_dictionary *dictionary,
			   struct row_table *table, struct error *error)
{
	return compile_image(bytes, size, true, dictionary, table, error);
}

void row_table_free(struct row_table *table)
{
	free(table->rows);
	free(table->page_rows);
	*table = (struct row_table){ 0 };
}

uint16_t row_table_rule_id(const struct row_table *table, uint64_t address)
{
	uint64_t page = (address >> UNWIND_PAGE_SHIFT) - table->first_page;
	uint32_t wanted = UNWIND_ROW(address, 0xffff);
	uint32_t low, high;

	if (page >= table->page_count)
		return UNWIND_NO_CFI;
	low = table->page_rows[page];
	high = table->page_rows[page + 1];
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (table->rows[middle] <= wanted)
			low = middle;
		else
			high = middle;
	}
	return (uint16_t)table->rows[low];
}
