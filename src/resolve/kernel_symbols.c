// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernel addresses to functions: see kernel_symbols.h. */
#include "resolve/kernel_symbols.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "resolve/read_all.h"
#include "util/cleanup.h"
#include "util/progress.h"

#define MODULES_PATH "/proc/modules"
#define MODULES_MAX ((size_t)16 << 20)
#define READINGS_MAX 64
#define LOADED_MAX 4096
#define CHECK_INTERVAL_NS 1000000000ULL

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/*
 * A hash of each module's name and load address; notes who uses whom. Its use count and state,
 * which change all the time, stand between them (kernel/module/procfs.c).
 */
static uint64_t modules_hash(struct kernel_symbols *symbols)
{
	auto_close int fd = open(MODULES_PATH, O_RDONLY | O_CLOEXEC);
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
	auto_free char *text = NULL;
	unsigned field = 0;
	size_t size;

	if (fd < 0 || read_all(fd, MODULES_MAX, &text, &size))
		return 0;
	kernel_modules_parse(&symbols->uses, text, size);
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\n')
			field = 0;
		else if (text[i] == ' ')
			field++;
		else if (field == 0 || field == 5)
			hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3;
	}
	return hash;
}

static bool kernel_symbols_read(struct kernel_symbols *symbols,
				enum kallsyms_part part)
{
	struct kallsyms reading, *added;
	int result;

	if (symbols->readings.count == READINGS_MAX)
		return false;
	progress_begin(symbols->progress, "reading the kernel's symbols");
	result = kallsyms_load(part, &reading, NULL);
	progress_end(symbols->progress);
	if (result)
		return false;
	symbols->hidden = reading.hidden;
	added = vector_push(&symbols->readings);
	if (!added) {
		kallsyms_free(&reading);
		return false;
	}
	*added = reading;
	return true;
}

/*
 * The newest reading that knows the function counts. Where it can only guess
 * that one reaches that far, an older one may have had another there, of a
 * module that is gone.
 */
static bool readings_find(const struct kernel_symbols *symbols,
			  uint64_t address, struct kernel_function *function,
			  bool *loose)
{
	const struct kernel_symbol *best = NULL;
	const struct kallsyms *of = NULL;

	for (size_t i = symbols->readings.count; i-- > 0;) {
		const struct kallsyms *reading = &symbols->readings.items[i];
		const struct kernel_symbol *symbol =
			kallsyms_find(reading, address);

		if (!symbol || (best && symbol->start <= best->start))
			continue;
		best = symbol;
		of = reading;
		if (!best->loose)
			break;
	}
	if (!best)
		return false;
	*loose = best->loose;
	function->start = best->start;
	function->name = of->names + best->name;
	function->module = best->module == KALLSYMS_NO_MODULE
				   ? "vmlinux"
				   : of->names + best->module;
	return true;
}

/* True if modules came or went since the last reading and were read. */
static bool kernel_symbols_refresh(struct kernel_symbols *symbols)
{
	uint64_t now = now_ns(), modules;

	if (symbols->hidden || now - symbols->checked_ns < CHECK_INTERVAL_NS)
		return false;
	symbols->checked_ns = now;
	modules = modules_hash(symbols);
	if (modules == symbols->modules)
		return false;
	symbols->modules = modules;
	return kernel_symbols_read(symbols, KALLSYMS_MODULES);
}

static void kernel_symbols_begin(struct kernel_symbols *symbols)
{
	if (symbols->tried)
		return;
	symbols->tried = true;
	symbols->checked_ns = now_ns();
	symbols->modules = modules_hash(symbols);
	kernel_symbols_read(symbols, KALLSYMS_ALL);
}

void kernel_symbols_loaded(struct kernel_symbols *symbols, const char *name,
			   size_t size, uint64_t start, uint64_t end)
{
	struct kernel_code code = { .start = start, .end = end };

	if (start >= end || symbols->loaded.count == LOADED_MAX)
		return;
	code.module = strndup(name, size);
	if (!code.module || vector_reserve(&symbols->loaded, 1)) {
		free(code.module);
		return;
	}
	*vector_push(&symbols->loaded) = code;
}

static bool loaded_find(const struct kernel_symbols *symbols, uint64_t address,
			struct kernel_function *function)
{
	for (size_t i = symbols->loaded.count; i-- > 0;) {
		const struct kernel_code *code = &symbols->loaded.items[i];

		if (address < code->start || address >= code->end)
			continue;
		*function = (struct kernel_function){
			.module = code->module,
			.start = code->start,
		};
		return true;
	}
	return false;
}

/*
 * Since 6.13 modules stand side by side, so a guess at how far the last function
 * of one reaches may hold the next one's code: that one's range knows better.
 */
bool kernel_symbols_find(struct kernel_symbols *symbols, uint64_t address,
			 struct kernel_function *function)
{
	struct kernel_function code;
	bool loose = false, found;

	kernel_symbols_begin(symbols);
	found = readings_find(symbols, address, function, &loose);
	if (found && !loose)
		return true;
	if (!found && kernel_symbols_refresh(symbols))
		found = readings_find(symbols, address, function, &loose);
	if (!loaded_find(symbols, address, &code) ||
	    (found && (!loose || function->start >= code.start)))
		return found;
	*function = code;
	return true;
}

void kernel_symbols_changed(struct kernel_symbols *symbols)
{
	uint64_t modules;

	if (!symbols->tried || symbols->hidden)
		return; /* all is read when it is first asked for */
	modules = modules_hash(symbols);
	if (modules == symbols->modules)
		return;
	symbols->modules = modules;
	symbols->checked_ns = now_ns();
	kernel_symbols_read(symbols, KALLSYMS_MODULES);
}

bool kernel_symbols_module_range(struct kernel_symbols *symbols,
				 const char *name, uint64_t *start,
				 uint64_t *end)
{
	const struct kallsyms *reading;

	kernel_symbols_begin(symbols);
	kernel_symbols_changed(symbols);
	if (!symbols->readings.count)
		return false;
	reading = &symbols->readings.items[symbols->readings.count - 1];
	*start = UINT64_MAX;
	*end = 0;
	for (size_t i = 0; i < reading->symbols.count; i++) {
		const struct kernel_symbol *symbol = &reading->symbols.items[i];

		if (symbol->module == KALLSYMS_NO_MODULE ||
		    strcmp(reading->names + symbol->module, name) != 0)
			continue;
		if (symbol->start < *start)
			*start = symbol->start;
		if (symbol->end > *end)
			*end = symbol->end;
	}
	return *end != 0;
}

void kernel_symbols_free(struct kernel_symbols *symbols)
{
	for (size_t i = 0; i < symbols->readings.count; i++)
		kallsyms_free(&symbols->readings.items[i]);
	vector_free(&symbols->readings);
	for (size_t i = 0; i < symbols->loaded.count; i++)
		free(symbols->loaded.items[i].module);
	vector_free(&symbols->loaded);
	kernel_modules_free(&symbols->uses);
}
