// SPDX-License-Identifier: GPL-2.0-or-later
/* What is mapped where in one process: see address_space.h. */
#include "capture/address_space.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpf/unwind_abi.h"
#include "capture/python_stack.h"
#include "util/cleanup.h"
#include "util/progress.h"

#define VDSO_SIZE_MAX (1u << 20)

void address_space_init(struct address_space *space, int pid,
			struct resolver *resolver, struct unwind_tables *tables)
{
	*space = (struct address_space){
		.pid = pid,
		.walker_pid = (uint32_t)pid,
		.resolver = resolver,
		.tables = tables,
	};
	generated_code_init(&space->generated, pid);
}

void address_space_free(struct address_space *space)
{
	process_maps_free(&space->maps);
	vector_free(&space->code);
	vector_free(&space->module_objects);
	generated_code_free(&space->generated);
}

/* Notes which object a module's frames are to be named by. */
static void module_note(struct address_space *space,
			const struct mapped_code *code)
{
	if (code->module == UNWIND_MODULE_NONE)
		return;
	while (space->module_objects.count <= code->module)
		if (!vector_push(&space->module_objects))
			return;
	space->module_objects.items[code->module] = code->object;
}

/* The vDSO has no file: its image is read from the process. */
static struct mapped_code vdso_open(struct address_space *space,
				    const struct process_mapping *mapping)
{
	struct mapped_code code = { OBJECT_NONE, UNWIND_MODULE_NONE };
	uint64_t size = mapping->end - mapping->start;
	auto_free char *image = NULL;
	auto_close int fd = -1;
	char path[64];

	if (size > VDSO_SIZE_MAX)
		return code;
	snprintf(path, sizeof(path), "/proc/%d/mem", space->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	image = malloc(size);
	if (fd < 0 || !image ||
	    pread(fd, image, size, (off_t)mapping->start) != (ssize_t)size)
		return code;
	if (resolver_memory_object(space->resolver, image, size, "[vdso]",
				   &code.object, NULL))
		code.object = OBJECT_NONE;
	if (space->tables && unwind_tables_add_image(space->tables, image, size,
						     &code.module, NULL))
		code.module = UNWIND_MODULE_NONE;
	return code;
}

/* What the same file was known as before, or NULL. */
static const struct mapped_code *
code_known(const struct process_maps *maps, const struct mapped_code *code,
	   size_t count, const struct process_mapping *mapping)
{
	for (size_t i = 0; i < count; i++)
		if (code[i].object != OBJECT_NONE &&
		    process_mapping_same_file(&maps->mappings.items[i],
					      mapping))
			return &code[i];
	return NULL;
}

static struct mapped_code code_open(struct address_space *space,
				    const struct process_mapping *mapping)
{
	auto_close int fd = process_mapping_open(mapping, space->pid);
	struct mapped_code code = { OBJECT_NONE, UNWIND_MODULE_NONE };

	if (fd < 0)
		return code;
	if (resolver_object(space->resolver, fd, mapping->path, &code.object,
			    NULL))
		code.object = OBJECT_NONE;
	if (!space->tables)
		return code;
	progress_begin(resolver_progress(space->resolver),
		       "loading the unwind tables of %s", mapping->path);
	if (unwind_tables_add_file(space->tables, fd, &code.module, NULL))
		space->modules_without_tables++;
	progress_end(resolver_progress(space->resolver));
	return code;
}

typedef VECTOR(struct mapped_code) mapped_code_vector;

static struct mapped_code mapping_code(struct address_space *space,
				       const struct process_maps *maps,
				       const mapped_code_vector *so_far,
				       const struct process_mapping *mapping)
{
	const struct mapped_code *known = NULL;
	struct mapped_code code = { OBJECT_NONE, UNWIND_MODULE_NONE };

	if (!mapping->executable)
		return code;
	if (mapping->inode) {
		known = code_known(&space->maps, space->code.items,
				   space->code.count, mapping);
		if (!known)
			known = code_known(maps, so_far->items, so_far->count,
					   mapping);
		if (known)
			return *known;
		code = code_open(space, mapping);
	} else if (mapping->path && !strcmp(mapping->path, "[vdso]")) {
		code = vdso_open(space, mapping);
	}
	module_note(space, &code);
	return code;
}

/* Hands the executable mappings to the stack walker. */
static int walker_tell(struct address_space *space, struct error *error)
{
	VECTOR(struct unwind_tables_mapping) mappings = { 0 };
	int result = 0;

	for (size_t i = 0; !result && i < space->maps.mappings.count; i++) {
		const struct process_mapping *mapping =
			&space->maps.mappings.items[i];
		struct unwind_tables_mapping *told;

		/* Above are the vsyscall page and, on arm64 with 52 bits of
		 * address, the kernel's own page for uprobes. */
		if (!mapping->executable ||
		    mapping->start >= UNWIND_ADDRESS_LIMIT)
			continue;
		told = vector_push(&mappings);
		if (!told) {
			result = error_set(error, ENOMEM, "out of memory");
			break;
		}
		*told = (struct unwind_tables_mapping){
			.start = mapping->start,
			.end = mapping->end,
			.file_offset = mapping->offset,
			.module = space->code.items[i].module,
		};
	}
	if (!result)
		result = unwind_tables_set_process(space->tables,
						   space->walker_pid,
						   mappings.items,
						   mappings.count, error);
	vector_free(&mappings);
	return result;
}

/* Looks for an interpreter in what is mapped now. */
static void python_refresh(struct address_space *space)
{
	for (size_t i = 0; i < space->maps.mappings.count; i++) {
		const struct process_mapping *mapping =
			&space->maps.mappings.items[i];
		uint32_t object = space->code.items[i].object;
		auto_close int fd = -1;
		uint64_t address;

		if (object == OBJECT_NONE || !mapping->inode ||
		    !python_runtime_named(mapping) ||
		    resolver_file_offset_to_address(space->resolver, object,
						    mapping->offset, &address))
			continue;
		if (space->python.name[0] && space->python.object == object &&
		    space->python.bias == mapping->start - address)
			return;
		fd = process_mapping_open(mapping, space->pid);
		if (fd < 0)
			continue;
		python_runtime_look(&space->python, space->pid, fd,
				    mapping->start - address, object);
		if (space->python.found)
			return;
	}
}

int address_space_add_python(struct address_space *space,
			     struct location *frames, size_t native,
			     size_t *count)
{
	return python_stack_merge(&space->python, space->pid, space->resolver,
				  frames, native, count);
}

int address_space_refresh(struct address_space *space, struct error *error)
{
	struct process_maps maps = { 0 };
	mapped_code_vector code = { 0 };
	int result = process_maps_read(&maps, space->pid, error);

	if (result)
		return result;
	if (vector_reserve(&code, maps.mappings.count)) {
		process_maps_free(&maps);
		return error_set(error, ENOMEM, "out of memory");
	}
	for (; code.count < maps.mappings.count; code.count++)
		code.items[code.count] = mapping_code(
			space, &maps, &code, &maps.mappings.items[code.count]);
	process_maps_free(&space->maps);
	vector_free(&space->code);
	space->maps = maps;
	space->code.items = code.items;
	space->code.count = code.count;
	space->code.capacity = code.capacity;
	if (space->python_wanted)
		python_refresh(space);
	return space->tables ? walker_tell(space, error) : 0;
}

/* The location of an absolute address. */
static bool address_locate(const struct address_space *space, uint64_t address,
			   struct location *location)
{
	const struct process_mapping *mapping =
		process_maps_find(&space->maps, address);
	uint64_t virtual_address;
	uint32_t object;

	location->object = OBJECT_NONE;
	location->address = address;
	if (!mapping)
		return false;
	object = space->code.items[mapping - space->maps.mappings.items].object;
	if (object != OBJECT_NONE &&
	    !resolver_file_offset_to_address(space->resolver, object,
					     address - mapping->start +
						     mapping->offset,
					     &virtual_address)) {
		location->object = object;
		location->address = virtual_address;
	}
	return true;
}

bool address_space_read_names(struct address_space *space)
{
	return generated_code_refresh(&space->generated, true);
}

void address_space_name(struct address_space *space, struct location *location)
{
	struct generated_name name;
	struct frame frame;

	if (location->object == OBJECT_NONE &&
	    generated_code_frame(&space->generated, location->address,
				 location->exact, &name, &frame))
		resolver_name_frame(space->resolver, &frame, location);
}

bool address_space_locate(struct address_space *space, uint64_t frame,
			  struct location *location)
{
	uint64_t address = UNWIND_FRAME_ADDRESS(frame);
	uint32_t module = (uint32_t)UNWIND_FRAME_MODULE(frame);

	location->exact = (frame & UNWIND_FRAME_EXACT) != 0;
	location->guessed = (frame & UNWIND_FRAME_GUESSED) != 0;
	if (module == UNWIND_MODULE_NONE) {
		if (!address_locate(space, address, location))
			return false;
		/* Code is moved and replaced: as it is called now. */
		if (location->object == OBJECT_NONE)
			generated_code_refresh(&space->generated, false);
		address_space_name(space, location);
		return true;
	}
	location->object = module < space->module_objects.count
				   ? space->module_objects.items[module]
				   : OBJECT_NONE;
	location->address = address;
	return true;
}
