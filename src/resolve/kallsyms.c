// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's own symbol list: see kallsyms.h. */
#include "resolve/kallsyms.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "resolve/read_all.h"
#include "util/cleanup.h"

#define KALLSYMS_PATH "/proc/kallsyms"
#define KALLSYMS_MAX ((size_t)256 << 20)
#define PAGE_BYTES 4096

struct span {
	const char *text;
	size_t length;
};

struct line {
	uint64_t address;
	char type;
	struct span name, module; /* module: length 0 = the kernel proper */
};

/* What is known while parsing; names are copied to the pool as they come. */
struct parse {
	struct kallsyms made;
	size_t names_used;
	struct span last_module;
	uint32_t last_module_name;
	bool any, any_address;
};

static const char *word_end(const char *at, const char *end)
{
	while (at < end && !isspace((unsigned char)*at))
		at++;
	return at;
}

static const char *parse_address(const char *at, const char *end,
				 uint64_t *address)
{
	const char *start = at;

	*address = 0;
	for (; at < end && isxdigit((unsigned char)*at); at++) {
		int digit = isdigit((unsigned char)*at)
				    ? *at - '0'
				    : tolower((unsigned char)*at) - 'a' + 10;

		*address = *address << 4 | (uint64_t)digit;
	}
	return at > start && at - start <= 16 ? at : NULL;
}

static bool parse_line(const char *at, const char *end, struct line *line)
{
	const char *stop;

	at = parse_address(at, end, &line->address);
	if (!at || end - at < 4 || at[0] != ' ' || at[2] != ' ' ||
	    !isalpha((unsigned char)at[1]))
		return false;
	line->type = at[1];
	at += 3;
	stop = word_end(at, end);
	line->name = (struct span){ at, (size_t)(stop - at) };
	line->module = (struct span){ stop, 0 };
	if (!line->name.length)
		return false;
	for (at = stop; at < end && isspace((unsigned char)*at); at++)
		;
	if (at == end)
		return true;
	stop = word_end(at, end);
	if (stop - at < 3 || at[0] != '[' || stop[-1] != ']')
		return false;
	line->module = (struct span){ at + 1, (size_t)(stop - at) - 2 };
	return true;
}

/* Appends to the pool, which is as long as the text and cannot overflow. */
static uint32_t parse_keep(struct parse *parse, struct span span)
{
	uint32_t offset = (uint32_t)parse->names_used;

	memcpy(parse->made.names + offset, span.text, span.length);
	parse->made.names[offset + span.length] = '\0';
	parse->names_used += span.length + 1;
	return offset;
}

static uint32_t parse_module(struct parse *parse, struct span module)
{
	if (!module.length)
		return KALLSYMS_NO_MODULE;
	if (module.length != parse->last_module.length ||
	    memcmp(module.text, parse->last_module.text, module.length) != 0) {
		parse->last_module = module;
		parse->last_module_name = parse_keep(parse, module);
	}
	return parse->last_module_name;
}

static uint32_t symbol_rank(char type, struct span name)
{
	uint32_t underscores = 0;

	while (underscores < name.length && name.text[underscores] == '_')
		underscores++;
	return underscores | (uint32_t)(type == 't') << 31;
}

static int parse_symbol(struct parse *parse, const struct line *line)
{
	bool function = strchr("tTwW", line->type) != NULL;
	struct kernel_symbol *symbol;

	symbol = vector_push(&parse->made.symbols);
	if (!symbol)
		return -ENOMEM;
	symbol->start = line->address;
	symbol->module = parse_module(parse, line->module);
	/* Until the real ends are known, end only tells functions apart. */
	symbol->end = function;
	if (function) {
		symbol->name = parse_keep(parse, line->name);
		symbol->rank = symbol_rank(line->type, line->name);
	}
	return 0;
}

static int parse_text(struct parse *parse, const char *text, size_t size,
		      enum kallsyms_part part)
{
	const char *end = text + size, *stop;
	struct line line;

	for (; text < end; text = stop + 1) {
		stop = memchr(text, '\n', (size_t)(end - text));
		if (!stop)
			stop = end;
		if (!parse_line(text, stop, &line))
			continue;
		parse->any = true;
		/* Absolute symbols: sizes, per-CPU offsets, no addresses. */
		if (!line.address || tolower((unsigned char)line.type) == 'a')
			continue;
		parse->any_address = true;
		if (part == KALLSYMS_MODULES && !line.module.length)
			continue;
		if (parse_symbol(parse, &line))
			return -ENOMEM;
	}
	return 0;
}

static int compare_symbols(const void *left, const void *right)
{
	const struct kernel_symbol *a = left, *b = right;

	if (a->start != b->start)
		return a->start > b->start ? 1 : -1;
	if (a->end != b->end) /* functions first */
		return a->end ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank > b->rank ? 1 : -1;
	return (a->name > b->name) - (a->name < b->name);
}

/* Sorts, sets the ends, keeps one function an address. */
static void symbols_finish(struct kallsyms *made)
{
	size_t count = made->symbols.count, kept = 0, next;

	if (!count)
		return;
	qsort(made->symbols.items, count, sizeof(*made->symbols.items),
	      compare_symbols);
	for (size_t i = 0; i < count; i = next) {
		struct kernel_symbol symbol = made->symbols.items[i];
		bool function = symbol.end;
		uint64_t limit;

		for (next = i + 1; next < count; next++)
			if (made->symbols.items[next].start != symbol.start)
				break;
		if (!function)
			continue;
		limit = (symbol.start & -(uint64_t)PAGE_BYTES) + 2 * PAGE_BYTES;
		if (limit < symbol.start)
			limit = UINT64_MAX;
		symbol.end = next < count ? made->symbols.items[next].start
					  : limit;
		symbol.loose = next == count ||
			       made->symbols.items[next].module !=
				       symbol.module;
		if (symbol.loose && symbol.end > limit)
			symbol.end = limit;
		made->symbols.items[kept++] = symbol;
	}
	made->symbols.count = kept;
}

int kallsyms_parse(const char *text, size_t size, enum kallsyms_part part,
		   struct kallsyms *kallsyms)
{
	struct parse parse = { 0 };
	char *fitted;

	if (size >= UINT32_MAX)
		return -EFBIG;
	parse.made.names = malloc(size + 1);
	if (!parse.made.names || parse_text(&parse, text, size, part)) {
		kallsyms_free(&parse.made);
		return -ENOMEM;
	}
	symbols_finish(&parse.made);
	fitted = realloc(parse.made.names, parse.names_used + 1);
	if (fitted)
		parse.made.names = fitted;
	parse.made.hidden = parse.any && !parse.any_address;
	*kallsyms = parse.made;
	return 0;
}

int kallsyms_load(enum kallsyms_part part, struct kallsyms *kallsyms,
		  struct error *error)
{
	auto_close int fd = open(KALLSYMS_PATH, O_RDONLY | O_CLOEXEC);
	auto_free char *text = NULL;
	size_t size;
	int failed;

	if (fd < 0)
		return error_set(error, errno,
				 "cannot open " KALLSYMS_PATH ": %s; kernel "
				 "functions will have no names",
				 strerror(errno));
	failed = read_all(fd, KALLSYMS_MAX, &text, &size);
	if (failed)
		return error_set(error, -failed,
				 "cannot read " KALLSYMS_PATH ": %s",
				 strerror(-failed));
	failed = kallsyms_parse(text, size, part, kallsyms);
	if (failed)
		return error_set(error, -failed, KALLSYMS_PATH ": %s",
				 strerror(-failed));
	return 0;
}

const struct kernel_symbol *kallsyms_find(const struct kallsyms *kallsyms,
					  uint64_t address)
{
	size_t low = 0, high = kallsyms->symbols.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (kallsyms->symbols.items[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || kallsyms->symbols.items[low - 1].end <= address)
		return NULL;
	return &kallsyms->symbols.items[low - 1];
}

void kallsyms_free(struct kallsyms *kallsyms)
{
	vector_free(&kallsyms->symbols);
	free(kallsyms->names);
	*kallsyms = (struct kallsyms){ 0 };
}
