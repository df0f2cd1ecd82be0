// SPDX-License-Identifier: GPL-2.0-or-later
/* Fills the stack walker's maps: see unwind_tables.h. */
#include "unwind/unwind_tables.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "model/snapshot.h"
#include "unwind/file_image.h"
#include "unwind/module_tables.h"
#include "unwind/process_tables.h"
#include "util/cleanup.h"
#include "util/vector.h"

_Static_assert((int)ABI_FLAW_NO_MAPPING == (int)FLAW_NO_MAPPING &&
		       (int)ABI_FLAW_NO_CFI == (int)FLAW_NO_CFI &&
		       (int)ABI_FLAW_UNSUPPORTED == (int)FLAW_UNSUPPORTED &&
		       (int)ABI_FLAW_UNREADABLE == (int)FLAW_UNREADABLE &&
		       (int)ABI_FLAW_TOO_DEEP == (int)FLAW_TOO_DEEP,
	       "a stack's flaws have one numbering");

/* What makes two files the same module; for an image in memory its hash. */
struct identity {
	uint64_t device, inode, size, modified;
};

struct module {
	struct identity identity;
	struct module_segments segments;
};

struct unwind_tables {
	struct table_chunks chunks;
	struct rule_dictionary dictionary;
	struct process_tables processes;
	uint64_t *rules;	       /* mapped: UNWIND_RULES */
	struct unwind_module *mapped;  /* mapped: UNWIND_MODULES */
	VECTOR(struct module) modules; /* [0] is UNWIND_MODULE_NONE */
	uint64_t rows;
};

/* Maps an array map's memory, rounded up to pages as the kernel wants it. */
static void *map_array(int fd, size_t size, struct error *error)
{
	void *memory = mmap(NULL, (size + 4095) & ~4095UL,
			    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory != MAP_FAILED)
		return memory;
	error_set(error, errno, "cannot map unwind tables: %s",
		  strerror(errno));
	return NULL;
}

void unwind_tables_free(struct unwind_tables *tables)
{
	if (!tables)
		return;
	process_tables_free(&tables->processes);
	rule_dictionary_free(&tables->dictionary);
	table_chunks_free(&tables->chunks);
	vector_free(&tables->modules);
	if (tables->rules)
		munmap(tables->rules, UNWIND_RULES * sizeof(*tables->rules));
	if (tables->mapped)
		munmap(tables->mapped,
		       UNWIND_MODULES * sizeof(*tables->mapped));
	free(tables);
}

int unwind_tables_new(struct unwind_tables **result,
		      const struct unwind_maps *maps, struct error *error)
{
	struct unwind_tables *tables = calloc(1, sizeof(*tables));
	int status = -ENOMEM;

	if (!tables)
		return error_set(error, ENOMEM, "out of memory");
	table_chunks_init(&tables->chunks, maps->chunks);
	tables->rules = map_array(maps->rules,
				  UNWIND_RULES * sizeof(*tables->rules), error);
	tables->mapped = map_array(
		maps->modules, UNWIND_MODULES * sizeof(*tables->mapped), error);
	if (!tables->rules || !tables->mapped) {
		status = -errno;
	} else if (rule_dictionary_init(&tables->dictionary, tables->rules) ||
		   !vector_push(&tables->modules)) {
		status = error_set(error, ENOMEM, "out of memory");
	} else {
		status = process_tables_init(&tables->processes,
					     &tables->chunks, maps->processes,
					     maps->slots, error);
	}
	if (status) {
		unwind_tables_free(tables);
		return status;
	}
	*result = tables;
	return 0;
}

/* The number of a module with this identity, or UNWIND_MODULE_NONE. */
static uint32_t find_module(const struct unwind_tables *tables,
			    const struct identity *identity)
{
	size_t i;

	for (i = 1; i < tables->modules.count; i++)
		if (!memcmp(&tables->modules.items[i].identity, identity,
			    sizeof(*identity)))
			return (uint32_t)i;
	return UNWIND_MODULE_NONE;
}

/* Compiles an image and writes its tables under a new module's number. */
static int add_module(struct unwind_tables *tables,
		      const struct identity *identity, const void *bytes,
		      size_t size, bool mapped, uint32_t *number,
		      struct error *error)
{
	cleanup(row_table_free) struct row_table table = { 0 };
	uint32_t next = (uint32_t)tables->modules.count;
	struct module *module;
	int status = 0;

	if (next == UNWIND_MODULES)
		return error_set(error, ENOSPC, "more than %u files with code",
				 UNWIND_MODULES - 1);
	if (bytes)
		status = (mapped ? row_table_compile_vdso : row_table_compile)(
			bytes, size, &tables->dictionary, &table, error);
	if (status == -ENOMEM)
		return status;
	status = module_tables_write(&tables->chunks, &table,
				     &tables->mapped[next], error);
	if (status)
		return status;
	module = vector_push(&tables->modules);
	if (!module)
		return error_set(error, ENOMEM, "out of memory");
	module->identity = *identity;
	if (bytes)
		module_segments_read(bytes, size, mapped, &module->segments);
	tables->rows += table.row_count;
	*number = next;
	return 0;
}

int unwind_tables_add_file(struct unwind_tables *tables, int fd,
			   uint32_t *module, struct error *error)
{
	cleanup(file_image_free) struct file_image image = { 0 };
	struct identity identity;
	struct stat file;
	int status;

	*module = UNWIND_MODULE_NONE;
	if (error)
		error->message[0] = '\0';
	if (fstat(fd, &file))
		return error_set(error, errno, "cannot be read: %s",
				 strerror(errno));
	identity = (struct identity){
		.device = file.st_dev,
		.inode = file.st_ino,
		.size = (uint64_t)file.st_size,
		.modified = (uint64_t)file.st_mtim.tv_sec * 1000000000 +
			    (uint64_t)file.st_mtim.tv_nsec,
	};
	*module = find_module(tables, &identity);
	if (*module != UNWIND_MODULE_NONE)
		return 0;
	status = file_image_read(fd, &image, error);
	if (status == -ENOMEM)
		return status;
	return add_module(tables, &identity, image.bytes, image.size, false,
			  module, error);
}

int unwind_tables_add_image(struct unwind_tables *tables, const void *bytes,
			    size_t size, uint32_t *module, struct error *error)
{
	/* Files have an inode; 0 keeps images apart from them. */
	struct identity identity = { .size = size,
				     .modified = 0xcbf29ce484222325ULL };
	const uint8_t *data = bytes;
	size_t i;

	for (i = 0; i < size; i++) /* FNV-1a */
		identity.modified =
			(identity.modified ^ data[i]) * 0x100000001b3ULL;
	if (error)
		error->message[0] = '\0';
	*module = find_module(tables, &identity);
	if (*module != UNWIND_MODULE_NONE)
		return 0;
	return add_module(tables, &identity, bytes, size, true, module, error);
}

int unwind_tables_set_process(struct unwind_tables *tables, uint32_t pid,
			      const struct unwind_tables_mapping *mappings,
			      size_t count, struct error *error)
{
	auto_free struct unwind_mapping *entries = NULL;
	size_t i;

	entries = calloc(count + !count, sizeof(*entries));
	if (!entries)
		return error_set(error, ENOMEM, "out of memory");
	for (i = 0; i < count; i++) {
		const struct unwind_tables_mapping *mapping = &mappings[i];

		entries[i] = (struct unwind_mapping){
			.start = mapping->start,
			.end = mapping->end,
			.module = mapping->module,
		};
		if (mapping->module >= tables->modules.count)
			return error_set(error, EINVAL, "no module %u",
					 mapping->module);
		if (mapping->module != UNWIND_MODULE_NONE)
			entries[i].bias = module_bias(
				&tables->modules.items[mapping->module].segments,
				mapping->start, mapping->file_offset);
	}
	return process_tables_set(&tables->processes, pid, entries, count,
				  error);
}

void unwind_tables_forget_process(struct unwind_tables *tables, uint32_t pid)
{
	process_tables_forget(&tables->processes, pid);
}

void unwind_tables_statistics(const struct unwind_tables *tables,
			      struct unwind_tables_statistics *statistics)
{
	*statistics = (struct unwind_tables_statistics){
		.modules = (uint32_t)tables->modules.count - 1,
		.processes = tables->processes.count,
		.rules = tables->dictionary.count,
		.rows = tables->rows,
		.bytes = (uint64_t)tables->chunks.count * UNWIND_CHUNK_BYTES,
		.rules_without_room = tables->dictionary.overflows,
	};
}
