// SPDX-License-Identifier: GPL-2.0-or-later
/* Names from files under a directory: see sysroot.h. */
#include "snapshot/sysroot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"

#define BUILD_ID_SHORTEST 4 /* hexadecimal digits */

/* An object that was looked for: found, or in vain. */
struct sysroot_object {
	const char *build_id; /* a frame's */
	uint32_t object;      /* OBJECT_NONE: not found */
};

struct sysroot {
	int directory;
	struct resolver *resolver; /* not owned */
	VECTOR(struct sysroot_object) objects;
	struct sysroot_result result;
};

/* Links in the directory are followed as if it were the root (Linux 5.6). */
static int open_within(const struct sysroot *sysroot, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, sysroot->directory, path, &how,
			  sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* Names a location in the object; true if it is the one wanted. */
static bool object_matches(const struct sysroot *sysroot, uint32_t object,
			   const char *build_id)
{
	struct location location = { .object = object, .exact = true };
	frame_vector frames = { 0 };
	bool matches;

	matches = !resolver_frames(sysroot->resolver, &location, &frames) &&
		  frames.items[0].build_id &&
		  !strcmp(frames.items[0].build_id, build_id);
	vector_free(&frames);
	return matches;
}

static uint32_t object_try(const struct sysroot *sysroot, const char *path,
			   const struct frame *frame)
{
	auto_close int fd = open_within(sysroot, path);
	uint32_t object;

	if (fd < 0 ||
	    resolver_object(sysroot->resolver, fd,
			    frame->path ? frame->path : path, &object, NULL) ||
	    !object_matches(sysroot, object, frame->build_id))
		return OBJECT_NONE;
	return object;
}

/* Build IDs become part of a path: hexadecimal digits and nothing else. */
static bool is_build_id(const char *text)
{
	size_t length = strlen(text);

	return length >= BUILD_ID_SHORTEST &&
	       strspn(text, "0123456789abcdef") == length;
}

static uint32_t object_open(const struct sysroot *sysroot,
			    const struct frame *frame)
{
	static const char *const directories[] = { "usr/lib/debug/", "" };
	const char *id = frame->build_id;
	uint32_t object = OBJECT_NONE;
	auto_free char *path = NULL;

	if (!is_build_id(id))
		return OBJECT_NONE;
	for (size_t i = 0; i < 2 && object == OBJECT_NONE; i++) {
		free(path);
		if (asprintf(&path, "%s.build-id/%.2s/%s.debug", directories[i],
			     id, id + 2) < 0) {
			path = NULL;
			return OBJECT_NONE;
		}
		object = object_try(sysroot, path, frame);
	}
	if (object == OBJECT_NONE && frame->path)
		object = object_try(sysroot, frame->path, frame);
	return object;
}

static int object_find(struct sysroot *sysroot, const struct frame *frame,
		       uint32_t *object)
{
	struct sysroot_object *added;

	for (size_t i = 0; i < sysroot->objects.count; i++)
		if (!strcmp(sysroot->objects.items[i].build_id,
			    frame->build_id)) {
			*object = sysroot->objects.items[i].object;
			return 0;
		}
	added = vector_push(&sysroot->objects);
	if (!added)
		return -ENOMEM;
	added->build_id = frame->build_id;
	added->object = object_open(sysroot, frame);
	*object = added->object;
	return 0;
}

/* Appends a frame, or what it turns out to be. */
static int frame_resolve(struct sysroot *sysroot, const struct frame *frame,
			 frame_vector *frames)
{
	struct location location = { .address = frame->address,
				     .exact = frame->exact,
				     .guessed = frame->guessed };
	size_t first = frames->count;
	struct frame *copy;

	if (!frame->function && frame->build_id) {
		if (object_find(sysroot, frame, &location.object))
			return -ENOMEM;
		if (location.object != OBJECT_NONE &&
		    resolver_frames(sysroot->resolver, &location, frames))
			return -ENOMEM;
		if (frames->count > first &&
		    frames->items[frames->count - 1].function) {
			sysroot->result.named++;
			return 0;
		}
		frames->count = first;
	}
	sysroot->result.unnamed += !frame->function;
	copy = vector_push(frames);
	if (!copy)
		return -ENOMEM;
	*copy = *frame;
	return 0;
}

static int stack_resolve(struct sysroot *sysroot, struct report_stack *stack)
{
	frame_vector frames = { 0 };

	for (size_t i = 0; i < stack->frames.count; i++)
		if (frame_resolve(sysroot, &stack->frames.items[i], &frames)) {
			vector_free(&frames);
			return -ENOMEM;
		}
	vector_free(&stack->frames);
	stack->frames = frames;
	return 0;
}

int sysroot_resolve(const char *directory, struct report *report,
		    struct resolver *resolver, struct sysroot_result *result,
		    struct error *error)
{
	auto_close int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct sysroot sysroot = { .directory = fd, .resolver = resolver };
	int status = 0;

	if (fd < 0)
		return error_set(error, errno, "--sysroot %s: %s", directory,
				 strerror(errno));
	for (size_t i = 0; !status && i < report->top.count; i++)
		status = stack_resolve(&sysroot, &report->top.items[i]);
	for (size_t i = 0; !status && i < report->rest.count; i++)
		status = stack_resolve(&sysroot, &report->rest.items[i]);
	vector_free(&sysroot.objects);
	if (status)
		return error_set(error, ENOMEM, "out of memory");
	*result = sysroot.result;
	return 0;
}
