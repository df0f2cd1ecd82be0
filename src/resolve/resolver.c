// SPDX-License-Identifier: GPL-2.0-or-later
/* Addresses to names: see resolver.h. */
#include "resolve/resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <libelf.h>
#include <string.h>
#include <sys/stat.h>

#include "resolve/kernel_symbols.h"
#include "resolve/name_cache.h"
#include "resolve/named_frames.h"
#include "resolve/object.h"
#include "util/cleanup.h"

/* What makes a file the same file; all zero for objects in memory. */
struct identity {
	uint64_t device, inode;
	int64_t modified_s, modified_ns;
};

struct resolver_entry {
	struct identity identity;
	struct object *object;
};

struct resolver {
	VECTOR(struct resolver_entry) objects; /* id = index + OBJECT_FIRST */
	struct named_frames named;
	struct kernel_symbols kernel;
	struct name_cache kernel_names; /* Rust in the kernel is mangled */
	uint64_t looked_up, without_function;
};

int resolver_new(struct resolver **resolver, struct error *error)
{
	if (elf_version(EV_CURRENT) == EV_NONE)
		return error_set(error, ENOTSUP,
				 "libelf is older than leaktrace's headers: "
				 "update libelf");
	*resolver = calloc(1, sizeof(**resolver));
	if (!*resolver)
		return error_set(error, ENOMEM, "out of memory");
	return 0;
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	for (size_t i = 0; i < resolver->objects.count; i++)
		object_free(resolver->objects.items[i].object);
	vector_free(&resolver->objects);
	named_frames_free(&resolver->named);
	name_cache_free(&resolver->kernel_names);
	kernel_symbols_free(&resolver->kernel);
	free(resolver);
}

void resolver_set_progress(struct resolver *resolver, struct progress *progress)
{
	resolver->kernel.progress = progress;
}

struct progress *resolver_progress(const struct resolver *resolver)
{
	return resolver->kernel.progress;
}

static uint32_t resolver_last_id(const struct resolver *resolver)
{
	return OBJECT_FIRST + (uint32_t)resolver->objects.count - 1;
}

/* Makes room for one object, so that what follows cannot fail half way. */
static int resolver_reserve(struct resolver *resolver, struct error *error)
{
	if (resolver->objects.count >= UINT32_MAX - OBJECT_FIRST ||
	    vector_reserve(&resolver->objects, 1))
		return error_set(error, ENOMEM, "out of memory");
	return 0;
}

int resolver_object(struct resolver *resolver, int fd, const char *path,
		    uint32_t *object, struct error *error)
{
	struct identity identity = { 0 };
	struct object *opened;
	struct stat status;
	int own;

	if (fstat(fd, &status))
		return error_set(error, errno, "cannot examine %s: %s", path,
				 strerror(errno));
	identity.device = status.st_dev;
	identity.inode = status.st_ino;
	identity.modified_s = status.st_mtim.tv_sec;
	identity.modified_ns = status.st_mtim.tv_nsec;
	for (size_t i = 0; i < resolver->objects.count; i++)
		if (!memcmp(&resolver->objects.items[i].identity, &identity,
			    sizeof(identity))) {
			*object = OBJECT_FIRST + (uint32_t)i;
			return 0;
		}
	if (resolver_reserve(resolver, error))
		return -ENOMEM;
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return error_set(error, errno, "cannot keep %s open: %s%s",
				 path, strerror(errno),
				 errno == EMFILE ? "; raise ulimit -n" : "");
	if (object_new(own, path, &opened)) {
		close(own);
		return error_set(error, ENOMEM, "out of memory");
	}
	*vector_push(&resolver->objects) =
		(struct resolver_entry){ identity, opened };
	*object = resolver_last_id(resolver);
	return 0;
}

int resolver_memory_object(struct resolver *resolver, const void *bytes,
			   size_t size, const char *name, uint32_t *object,
			   struct error *error)
{
	static const struct identity none;
	struct object *opened;

	for (size_t i = 0; i < resolver->objects.count; i++)
		if (object_is_memory(resolver->objects.items[i].object, bytes,
				     size, name)) {
			*object = OBJECT_FIRST + (uint32_t)i;
			return 0;
		}
	if (resolver_reserve(resolver, error))
		return -ENOMEM;
	if (object_new_memory(bytes, size, name, &opened))
		return error_set(error, ENOMEM, "out of memory");
	*vector_push(&resolver->objects) =
		(struct resolver_entry){ none, opened };
	*object = resolver_last_id(resolver);
	return 0;
}

/* NULL for OBJECT_NONE, OBJECT_KERNEL and ids never given out. */
static struct object *resolver_get(const struct resolver *resolver,
				   uint32_t object)
{
	if (object < OBJECT_FIRST ||
	    object - OBJECT_FIRST >= resolver->objects.count)
		return NULL;
	return resolver->objects.items[object - OBJECT_FIRST].object;
}

int resolver_file_offset_to_address(struct resolver *resolver, uint32_t object,
				    uint64_t file_offset, uint64_t *address)
{
	const struct object *found = resolver_get(resolver, object);

	if (!found)
		return -ENOENT;
	return object_file_offset_to_address(found, file_offset, address);
}

static void kernel_frame(struct resolver *resolver, uint64_t address,
			 bool exact, struct frame *frame)
{
	struct kernel_function function;

	if (!kernel_symbols_find(&resolver->kernel,
				 exact ? address : address - 1, &function))
		return;
	if (function.name)
		frame->function =
			name_cache_get(&resolver->kernel_names, function.name);
	frame->offset = address - function.start;
	frame->module = function.module;
}

int resolver_name_frame(struct resolver *resolver, const struct frame *frame,
			struct location *location)
{
	uint32_t number;
	int result = named_frames_add(&resolver->named, frame, &number);

	if (result)
		return result;
	location->object = OBJECT_NAMED;
	location->address = number;
	return 0;
}

/* A frame without an ELF object. */
static void other_frame(struct resolver *resolver,
			const struct location *location, struct frame *frame)
{
	const struct frame *named;

	frame->address = location->address;
	switch (location->object) {
	case OBJECT_KERNEL:
		kernel_frame(resolver, location->address, location->exact,
			     frame);
		break;
	case OBJECT_NAMED:
		named = named_frames_get(&resolver->named, location->address);
		if (named)
			*frame = *named;
		break;
	}
}

int resolver_frames(struct resolver *resolver, const struct location *location,
		    frame_vector *frames)
{
	struct object *object = resolver_get(resolver, location->object);
	size_t first = frames->count;
	struct frame *frame;

	if (object) {
		if (object_frames(object, location->address, location->exact,
				  frames))
			return -ENOMEM;
	} else {
		frame = vector_push(frames);
		if (!frame)
			return -ENOMEM;
		other_frame(resolver, location, frame);
	}
	for (size_t i = first; i < frames->count; i++) {
		frames->items[i].guessed = location->guessed;
		frames->items[i].exact = location->exact;
	}
	resolver->looked_up++;
	if (!frames->items[frames->count - 1].function)
		resolver->without_function++;
	return 0;
}

void resolver_kernel_prepare(struct resolver *resolver, uint64_t address)
{
	struct kernel_function function;

	kernel_symbols_find(&resolver->kernel, address, &function);
}

void resolver_kernel_loaded(struct resolver *resolver, const char *name,
			    size_t size, uint64_t start, uint64_t end)
{
	kernel_symbols_loaded(&resolver->kernel, name, size, start, end);
}

void resolver_kernel_changed(struct resolver *resolver)
{
	kernel_symbols_changed(&resolver->kernel);
}

bool resolver_kernel_module_range(struct resolver *resolver, const char *name,
				  uint64_t *start, uint64_t *end)
{
	return kernel_symbols_module_range(&resolver->kernel, name, start, end);
}

bool resolver_kernel_module_uses(const struct resolver *resolver,
				 const char *user, const char *used)
{
	return kernel_modules_use(&resolver->kernel.uses, user, used);
}

void resolver_statistics(const struct resolver *resolver,
			 struct resolver_statistics *statistics)
{
	*statistics = (struct resolver_statistics){
		.looked_up = resolver->looked_up,
		.without_function = resolver->without_function,
		.kernel_addresses_hidden = resolver->kernel.hidden,
	};
}
