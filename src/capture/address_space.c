// SPDX-License-Identifier: GPL-2.0-or-later
/* What is mapped where in one process: see address_space.h. */
#include "capture/address_space.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"

#define VDSO_SIZE_MAX (1u << 20)

void address_space_init(struct address_space *space, int pid,
			struct resolver *resolver)
{
	*space = (struct address_space){ .pid = pid, .resolver = resolver };
}

void address_space_free(struct address_space *space)
{
	process_maps_free(&space->maps);
	vector_free(&space->objects);
}

/* The vDSO has no file: its image is read from the process. */
static uint32_t vdso_object(struct address_space *space,
			    const struct process_mapping *mapping)
{
	uint64_t size = mapping->end - mapping->start;
	auto_free char *image = NULL;
	auto_close int fd = -1;
	uint32_t object;
	char path[64];

	if (size > VDSO_SIZE_MAX)
		return OBJECT_NONE;
	snprintf(path, sizeof(path), "/proc/%d/mem", space->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	image = malloc(size);
	if (fd < 0 || !image ||
	    pread(fd, image, size, (off_t)mapping->start) != (ssize_t)size ||
	    resolver_memory_object(space->resolver, image, size, "[vdso]",
				   &object, NULL))
		return OBJECT_NONE;
	return object;
}

/* The object that the same file had before, or OBJECT_NONE. */
static uint32_t object_known(const struct process_maps *maps,
			     const uint32_t *objects, size_t count,
			     const struct process_mapping *mapping)
{
	for (size_t i = 0; i < count; i++)
		if (objects[i] != OBJECT_NONE &&
		    process_mapping_same_file(&maps->mappings.items[i],
					      mapping))
			return objects[i];
	return OBJECT_NONE;
}

static uint32_t object_open(struct address_space *space,
			    const struct process_mapping *mapping)
{
	auto_close int fd = process_mapping_open(mapping, space->pid);
	uint32_t object;

	if (fd < 0 || resolver_object(space->resolver, fd, mapping->path,
				      &object, NULL))
		return OBJECT_NONE;
	return object;
}

int address_space_refresh(struct address_space *space, struct error *error)
{
	struct process_maps maps = { 0 };
	VECTOR(uint32_t) objects = { 0 };
	int result = process_maps_read(&maps, space->pid, error);

	if (result)
		return result;
	if (vector_reserve(&objects, maps.mappings.count)) {
		process_maps_free(&maps);
		return error_set(error, ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < maps.mappings.count; i++) {
		const struct process_mapping *mapping = &maps.mappings.items[i];
		uint32_t object = OBJECT_NONE;

		if (mapping->executable && mapping->inode) {
			object = object_known(&space->maps,
					      space->objects.items,
					      space->objects.count, mapping);
			if (object == OBJECT_NONE)
				object = object_known(&maps, objects.items, i,
						      mapping);
			if (object == OBJECT_NONE)
				object = object_open(space, mapping);
		} else if (mapping->executable && mapping->path &&
			   !strcmp(mapping->path, "[vdso]")) {
			object = vdso_object(space, mapping);
		}
		objects.items[objects.count++] = object;
	}
	address_space_free(space);
	space->maps = maps;
	space->objects.items = objects.items;
	space->objects.count = objects.count;
	space->objects.capacity = objects.capacity;
	space->refreshed_ns = clock_monotonic_ns();
	return 0;
}

bool address_space_locate(const struct address_space *space, uint64_t address,
			  struct location *location)
{
	const struct process_mapping *mapping =
		process_maps_find(&space->maps, address);
	uint32_t object;
	uint64_t file_offset, virtual_address;

	location->object = OBJECT_NONE;
	location->address = address;
	if (!mapping)
		return false;
	object = space->objects.items[mapping - space->maps.mappings.items];
	file_offset = address - mapping->start + mapping->offset;
	if (object != OBJECT_NONE &&
	    !resolver_file_offset_to_address(space->resolver, object,
					     file_offset, &virtual_address)) {
		location->object = object;
		location->address = virtual_address;
	}
	return true;
}
