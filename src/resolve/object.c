// SPDX-License-Identifier: GPL-2.0-or-later
/* One object file: see object.h. */
#include "resolve/object.h"

#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <gelf.h>
#include <string.h>
#include <sys/stat.h>

#include "resolve/debug_file.h"
#include "resolve/debug_info.h"
#include "resolve/frame_cache.h"
#include "resolve/name_cache.h"
#include "resolve/symbols.h"
#include "util/cleanup.h"

#define READ_MAX (64 << 20)
#define SEGMENTS_MAX 256
#define BUILD_ID_MAX 64 /* bytes; 20 is usual */

struct segment {
	uint64_t file_offset, file_size, address;
	bool executable;
};

struct object {
	int fd;	     /* -1: in memory */
	void *bytes; /* NULL: a file */
	size_t size;
	char *path;	    /* file: path without " (deleted)"; else name */
	const char *module; /* in path */
	char *build_id;
	Elf *elf; /* NULL: not a usable ELF file */
	VECTOR(struct segment) segments;
	uint64_t start, end; /* addresses as libdwfl wants them */
	bool loaded;
	bool debug_file_trusted;  /* from the system, not the target */
	bool supplementary_found; /* the file .gnu_debugaltlink names */
	char *debug_directory;	  /* what callbacks.debuginfo_path points to */
	Dwfl_Callbacks callbacks;
	Dwfl *dwfl;
	struct debug_info *debug_info; /* NULL: no DWARF */
	struct symbols symbols;
	struct name_cache names;
	struct frame_cache cache;
};

static int object_read_build_id(struct object *object)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *id;
	const void *note;
	ssize_t length;

	length = dwelf_elf_gnu_build_id(object->elf, &note);
	if (length <= 0 || length > BUILD_ID_MAX)
		return 0;
	object->build_id = calloc((size_t)length, 2 + 1);
	if (!object->build_id)
		return -ENOMEM;
	id = note;
	for (ssize_t i = 0; i < length; i++) {
		object->build_id[2 * i] = digits[id[i] >> 4];
		object->build_id[2 * i + 1] = digits[id[i] & 15];
	}
	return 0;
}

static int object_read_segments(struct object *object)
{
	struct segment *segment;
	GElf_Phdr header;
	uint64_t end;
	size_t count;

	if (elf_getphdrnum(object->elf, &count))
		return 0;
	for (size_t i = 0; i < count && i < SEGMENTS_MAX; i++) {
		if (!gelf_getphdr(object->elf, (int)i, &header) ||
		    header.p_type != PT_LOAD ||
		    __builtin_add_overflow(header.p_vaddr, header.p_memsz,
					   &end))
			continue;
		/* libdwfl's rule; its addresses then are the ELF file's. */
		if (!object->segments.count)
			object->start = header.p_vaddr & -header.p_align;
		if (end > object->end)
			object->end = end;
		segment = vector_push(&object->segments);
		if (!segment)
			return -ENOMEM;
		segment->file_offset = header.p_offset;
		segment->file_size = header.p_filesz;
		segment->address = header.p_vaddr;
		segment->executable = header.p_flags & PF_X;
	}
	return 0;
}

/* Opens libelf on the file or bytes; without success elf stays NULL. */
static void object_open_elf(struct object *object)
{
	struct stat status;
	GElf_Ehdr header;

	if (object->bytes) {
		object->elf = elf_memory(object->bytes, object->size);
	} else if (!fstat(object->fd, &status) && S_ISREG(status.st_mode)) {
		object->elf = elf_begin(object->fd,
					status.st_size <= READ_MAX
						? ELF_C_READ
						: ELF_C_READ_MMAP_PRIVATE,
					NULL);
	}
	if (object->elf &&
	    (elf_kind(object->elf) != ELF_K_ELF ||
	     !gelf_getehdr(object->elf, &header) ||
	     (header.e_type != ET_EXEC && header.e_type != ET_DYN))) {
		elf_end(object->elf);
		object->elf = NULL;
	}
}

static int object_set_path(struct object *object, const char *path)
{
	static const char deleted[] = " (deleted)";
	size_t length = strlen(path), suffix = sizeof(deleted) - 1;
	const char *base;

	if (length > suffix && !strcmp(path + length - suffix, deleted))
		length -= suffix;
	object->path = strndup(path, length);
	if (!object->path)
		return -ENOMEM;
	base = strrchr(object->path, '/');
	object->module = base && base[1] ? base + 1 : object->path;
	return 0;
}

static int object_finish(struct object *made, const char *path,
			 struct object **object)
{
	if (object_set_path(made, path))
		return -ENOMEM;
	object_open_elf(made);
	if (made->elf &&
	    (object_read_segments(made) || object_read_build_id(made)))
		return -ENOMEM;
	*object = made;
	return 0;
}

int object_new(int fd, const char *path, struct object **object)
{
	struct object *made = calloc(1, sizeof(*made));

	if (!made)
		return -ENOMEM;
	made->fd = fd;
	if (object_finish(made, path, object)) {
		made->fd = -1;
		object_free(made);
		return -ENOMEM;
	}
	return 0;
}

int object_new_memory(const void *bytes, size_t size, const char *name,
		      struct object **object)
{
	struct object *made = calloc(1, sizeof(*made));

	if (!made)
		return -ENOMEM;
	made->fd = -1;
	made->size = size;
	made->bytes = malloc(size ? size : 1);
	if (made->bytes && size)
		memcpy(made->bytes, bytes, size);
	if (!made->bytes || object_finish(made, name, object)) {
		object_free(made);
		return -ENOMEM;
	}
	return 0;
}

void object_free(struct object *object)
{
	if (!object)
		return;
	frame_cache_free(&object->cache);
	name_cache_free(&object->names);
	symbols_free(&object->symbols);
	debug_info_free(object->debug_info);
	if (object->dwfl)
		dwfl_end(object->dwfl);
	if (object->elf)
		elf_end(object->elf);
	vector_free(&object->segments);
	if (object->fd >= 0)
		close(object->fd);
	free(object->bytes);
	free(object->build_id);
	free(object->path);
	free(object);
}

bool object_is_memory(const struct object *object, const void *bytes,
		      size_t size, const char *name)
{
	return object->bytes && object->size == size &&
	       !strcmp(object->path, name) &&
	       (!size || !memcmp(object->bytes, bytes, size));
}

/* Whether a segment holds an offset, counting whole pages if asked to. */
static bool segment_holds(const struct segment *segment, uint64_t offset,
			  uint64_t page)
{
	uint64_t start = segment->file_offset & -page, end;

	if (__builtin_add_overflow(segment->file_offset, segment->file_size,
				   &end) ||
	    __builtin_add_overflow(end, page - 1, &end))
		return false;
	return offset >= start && offset < (end & -page);
}

int object_file_offset_to_address(const struct object *object,
				  uint64_t file_offset, uint64_t *address)
{
	const uint64_t pages[] = { 1, (uint64_t)sysconf(_SC_PAGESIZE) };

	for (unsigned i = 0; i < 4; i++) {
		bool executable = i < 2;

		for (size_t j = 0; j < object->segments.count; j++) {
			const struct segment *segment =
				&object->segments.items[j];

			if (segment->executable != executable ||
			    !segment_holds(segment, file_offset, pages[i & 1]))
				continue;
			*address = file_offset - segment->file_offset +
				   segment->address;
			return 0;
		}
	}
	return -ENOENT;
}

/* libdwfl's callback: the main file is the one already open, no other. */
static int find_elf(Dwfl_Module *module, void **data, const char *name,
		    Dwarf_Addr base, char **path, Elf **elf)
{
	struct object *object = *data;

	(void)module;
	(void)name;
	(void)base;
	*elf = elf_begin(-1, ELF_C_READ, object->elf); /* a reference */
	if (!object->bytes)
		*path = strdup(object->path);
	return -1;
}

/*
 * libdwfl's callback: separate debug files, by build ID in the system's debug
 * directory, then by name, then from debuginfod. libdwfl's standard search
 * comes last because it loads debuginfod's thirty libraries even if nobody
 * asked for it, and opens by name whatever the target put beside the object.
 */
static int find_debug_file(Dwfl_Module *module, void **data, const char *name,
			   Dwarf_Addr base, const char *path, const char *link,
			   GElf_Word crc, char **debug_path)
{
	/* A link without checksum is a supplementary file's (dwz). */
	bool supplementary = link && !crc;
	struct object *object = *data;
	const char *servers;
	int fd;

	fd = dwfl_build_id_find_debuginfo(module, data, name, base, path, link,
					  crc, debug_path);
	if (fd < 0 && path && link && !supplementary) {
		fd = debug_file_by_name(path, link, crc);
		if (fd >= 0)
			return fd;
	}
	servers = getenv("DEBUGINFOD_URLS");
	if (fd < 0 && servers && *servers)
		fd = dwfl_standard_find_debuginfo(module, data, name, base,
						  path, link, crc, debug_path);
	if (fd >= 0 && supplementary)
		object->supplementary_found = true;
	else if (fd >= 0)
		object->debug_file_trusted = true;
	return fd;
}

static Dwfl_Module *object_open_dwfl(struct object *object)
{
	Dwfl_Module *module;
	void **data;

	object->debug_directory = (char *)"/usr/lib/debug";
	object->callbacks = (Dwfl_Callbacks){
		.find_elf = find_elf,
		.find_debuginfo = find_debug_file,
		.section_address = dwfl_offline_section_address,
		.debuginfo_path = &object->debug_directory,
	};
	object->dwfl = dwfl_begin(&object->callbacks);
	if (!object->dwfl)
		return NULL;
	dwfl_report_begin(object->dwfl);
	module = dwfl_report_module(object->dwfl, object->module, object->start,
				    object->end);
	if (dwfl_report_end(object->dwfl, NULL, NULL) || !module)
		return NULL;
	dwfl_module_info(module, &data, NULL, NULL, NULL, NULL, NULL, NULL);
	*data = object;
	return module;
}

/*
 * Reads the symbols of every file that libdwfl found: the object's own or
 * its debug file's, then those of .gnu_debugdata. It merges tables in the
 * order locals, locals of the other, globals, globals of the other; so these
 * three indexes name all files it uses.
 */
static int object_load_symbols(struct object *object, Dwfl_Module *module)
{
	int count = dwfl_module_getsymtab(module);
	int globals = dwfl_module_getsymtab_first_global(module);
	const int probes[] = { 0, globals - 1, count - 1 };
	Elf *seen[3] = { NULL };
	GElf_Word section;
	Dwarf_Addr bias;
	GElf_Sym symbol;
	GElf_Addr value;

	for (size_t i = 0; count > 0 && i < 3; i++) {
		if (probes[i] < 0 ||
		    !dwfl_module_getsym_info(module, probes[i], &symbol, &value,
					     &section, &seen[i], &bias) ||
		    !seen[i] || (i > 0 && seen[i] == seen[0]) ||
		    (i > 1 && seen[i] == seen[1]))
			continue;
		if (symbols_add(&object->symbols, seen[i], bias))
			return -ENOMEM;
	}
	return symbols_index(&object->symbols);
}

static int object_load_debug_info(struct object *object, Dwfl_Module *module)
{
	const char *supplementary;
	Dwarf_Addr bias;
	const void *id;
	Dwarf *dwarf;
	bool trusted;

	dwarf = dwfl_module_getdwarf(module, &bias);
	if (!dwarf)
		return 0;
	trusted = object->supplementary_found ||
		  (object->debug_file_trusted &&
		   dwarf_getelf(dwarf) != object->elf);
	/* Left to itself libdw opens the path that .gnu_debugaltlink names. */
	if (dwelf_dwarf_gnu_debugaltlink(dwarf, &supplementary, &id) > 0 &&
	    !trusted)
		return 0;
	return debug_info_new(dwarf, bias, &object->debug_info);
}

static int object_load(struct object *object)
{
	Dwfl_Module *module;

	if (object->loaded)
		return 0;
	object->loaded = true;
	if (!object->elf || !object->segments.count)
		return 0;
	module = object_open_dwfl(object);
	if (!module)
		return 0;
	if (object_load_symbols(object, module))
		return -ENOMEM;
	return object_load_debug_info(object, module);
}

static void frame_set_function(struct object *object, struct frame *frame,
			       const struct source_frame *source,
			       const struct symbol *symbol)
{
	const char *name = source ? source->name : NULL;
	uint64_t start = source ? source->start : 0;

	if (symbol && !frame->inlined) {
		name = symbol->name;
		start = symbol->start;
	}
	if (!name)
		return;
	frame->function = name_cache_get(&object->names, name);
	if (!frame->inlined && start && start <= frame->address)
		frame->offset = frame->address - start;
}

/* One frame; source or symbol or both may be NULL. */
static void frame_fill(struct object *object, uint64_t address,
		       const struct source_frame *source,
		       const struct symbol *symbol, struct frame *frame)
{
	frame->module = object->module;
	frame->path = object->bytes ? NULL : object->path;
	frame->build_id = object->build_id;
	frame->address = address;
	if (source) {
		frame->inlined = source->inlined;
		frame->file = source->file;
		frame->line = source->line;
	}
	frame_set_function(object, frame, source, symbol);
}

static const struct frame_entry *object_look_up(struct object *object,
						uint64_t address, bool exact)
{
	uint64_t looked_up = exact || !address ? address : address - 1;
	const struct frame_entry *entry = NULL;
	source_frame_vector sources = { 0 };
	const struct symbol *symbol;
	frame_vector frames = { 0 };
	size_t count;

	if (object->debug_info &&
	    debug_info_frames(object->debug_info, looked_up, &sources))
		return NULL;
	symbol = symbols_find(&object->symbols, looked_up);
	count = sources.count ? sources.count : 1;
	if (vector_reserve(&frames, count))
		goto out;
	for (size_t i = 0; i < count; i++)
		frame_fill(object, address,
			   i < sources.count ? &sources.items[i] : NULL, symbol,
			   vector_push(&frames));
	entry = frame_cache_add(&object->cache, address, exact, frames.items,
				frames.count);
out:
	vector_free(&frames);
	vector_free(&sources);
	return entry;
}

int object_frames(struct object *object, uint64_t address, bool exact,
		  frame_vector *frames)
{
	const struct frame_entry *entry;

	if (object_load(object))
		return -ENOMEM;
	entry = frame_cache_find(&object->cache, address, exact);
	if (!entry)
		entry = object_look_up(object, address, exact);
	if (!entry || vector_reserve(frames, entry->count))
		return -ENOMEM;
	memcpy(frames->items + frames->count,
	       object->cache.frames.items + entry->first,
	       entry->count * sizeof(*frames->items));
	frames->count += entry->count;
	return 0;
}
