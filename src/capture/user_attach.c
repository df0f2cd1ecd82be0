// SPDX-License-Identifier: GPL-2.0-or-later
/* Finds the allocators that a process has mapped and probes them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/user_capture.h"
#include "util/cleanup.h"
#include "util/progress.h"

/* The last part of a path: what people call the file. */
static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The same of a mapping's file, also of one that is deleted; on the heap. */
static char *mapped_file_name(const struct process_mapping *mapping)
{
	static const char deleted[] = " (deleted)";
	const char *name = file_name(mapping->path);
	size_t length = strlen(name), suffix = sizeof(deleted) - 1;

	if (length > suffix && !strcmp(name + length - suffix, deleted))
		length -= suffix;
	return strndup(name, length);
}

/*
 * The dynamic linker's own malloc (glibc before 2.34) serves only until libc
 * is loaded and never frees: probing it would list what it keeps as leaks.
 */
static bool is_glibc_linker(const char *path)
{
	const char *name = file_name(path);

	return !strncmp(name, "ld-linux", 8) || !strncmp(name, "ld-2.", 5);
}

/* Whether the mapping is of the program itself, not of a library. */
static bool is_program(const struct user_process *process,
		       const struct process_mapping *mapping)
{
	struct stat status;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", process->target->pid);
	return !stat(path, &status) && status.st_ino == mapping->inode;
}

/* Notes where the functions from `first` on are: all of the mapping's file. */
static int note_heap_code(struct user_process *process,
			  const struct process_mapping *mapping, size_t first)
{
	const struct address_space *space = &process->space;
	size_t index = (size_t)(mapping - space->maps.mappings.items);

	return heap_code_add(&process->heap_code, &process->attachment, first,
			     space->code.items[index].object,
			     is_program(process, mapping));
}

/* Probes what the mapping's file defines. Foreign files are no error. */
static int attach_mapping(struct user_process *process,
			  const struct process_mapping *mapping,
			  struct error *error)
{
	auto_close int fd = process_mapping_open(mapping, process->target->pid);
	auto_free char *name = mapped_file_name(mapping);
	size_t first = process->attachment.functions.count;
	struct object_source source = {
		.fd = fd,
		.name = name,
		.linker_only = is_glibc_linker(mapping->path),
		.program = is_program(process, mapping),
		.address = mapping->start,
	};
	struct attach_result result;
	char path[64];
	int code;

	if (!name)
		return error_set(error, ENOMEM, "out of memory");
	if (fd < 0)
		return 0;
	/* The kernel finds the file by our descriptor, whatever its name. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	source.path = path;
	code = attach_object(&process->attachment, &source, &result, error);
	/* Not an ELF file that could run here. */
	if (code == -EINVAL || code == -ENOEXEC)
		return 0;
	if (code)
		return error_wrap(error, -code, "%s", mapping->path);
	if (note_heap_code(process, mapping, first))
		return error_set(error, ENOMEM, "out of memory");
	process->functions += result.functions;
	process->allocators += result.allocators;
	return 0;
}

static int attach_named_object(struct user_process *process,
			       struct error *error)
{
	const struct process_maps *maps = &process->space.maps;
	const char *path = process->user->options.object;
	struct object_source source = { .path = path, .name = file_name(path) };
	struct attach_result result;
	auto_close int fd = -1;
	struct stat status;
	int code;

	if (process->functions)
		return 0; /* it is done */
	/* Not waiting for a writer, should it be a pipe. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_set(error, errno, "cannot open %s: %s", path,
				 strerror(errno));
	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		return error_set(error, EINVAL,
				 "%s is not a file: name an ELF object", path);
	source.fd = fd;
	code = attach_object(&process->attachment, &source, &result, error);
	if (code)
		return error_wrap(error, -code, "%s", path);
	if (!result.functions)
		return error_set(
			error, ENOENT,
			"%s defines none of the allocator functions: name their prefix with --symbols-prefix",
			path);
	for (size_t i = 0; i < maps->mappings.count; i++)
		if (maps->mappings.items[i].executable &&
		    maps->mappings.items[i].inode == status.st_ino &&
		    note_heap_code(process, &maps->mappings.items[i], 0))
			return error_set(error, ENOMEM, "out of memory");
	process->functions += result.functions;
	process->allocators += result.allocators;
	return 0;
}

/* Whether a file has been searched in this process; from now on it has. */
static bool is_examined(struct user_process *process,
			const struct process_mapping *mapping)
{
	struct examined_file *file;

	for (size_t i = 0; i < process->examined.count; i++) {
		file = &process->examined.items[i];
		if (file->inode == mapping->inode &&
		    file->device_major == mapping->device_major &&
		    file->device_minor == mapping->device_minor)
			return true;
	}
	file = vector_push(&process->examined);
	if (file)
		*file = (struct examined_file){
			.device_major = mapping->device_major,
			.device_minor = mapping->device_minor,
			.inode = mapping->inode,
		};
	return false;
}

static int attach_mappings(struct user_process *process, struct error *error)
{
	const struct process_maps *maps = &process->space.maps;
	int result;

	for (size_t i = 0; i < maps->mappings.count; i++) {
		const struct process_mapping *mapping =
			&maps->mappings.items[i];

		if (!mapping->executable || !mapping->inode ||
		    is_examined(process, mapping))
			continue;
		progress_begin(resolver_progress(process->user->resolver),
			       "looking for allocators in %s", mapping->path);
		result = attach_mapping(process, mapping, error);
		progress_end(resolver_progress(process->user->resolver));
		if (result)
			return result;
	}
	return 0;
}

/* Says what was found: of several processes, what each one adds. */
static void describe(const struct user_process *process)
{
	static const char and_more[] = "; ...";
	struct user_capture *user = process->user;
	char text[sizeof(user->capture.description)] = "";
	char *whole = user->capture.description;
	size_t used = strlen(whole);

	found_allocators_describe(&process->attachment.found, text,
				  sizeof(text));
	if (!user->many || !used)
		strcpy(whole, text);
	else if (used + strlen(text) + 2 * sizeof(and_more) < sizeof(text) &&
		 !strstr(whole, text))
		sprintf(whole + used, "; %s", text);
	else if (!strstr(whole, text) && !strstr(whole, and_more))
		strcat(whole, and_more);
}

int user_refresh(struct user_process *process, struct error *error)
{
	int result = user_read_mappings(process, error);

	if (result)
		return result;
	if (!process->user->many)
		process->user->capture.probes = &process->attachment.lines;
	result = process->user->options.object
			 ? attach_named_object(process, error)
			 : attach_mappings(process, error);
	describe(process);
	return result;
}

int user_refresh_running(struct user_process *process, struct error *error)
{
	int result = user_refresh(process, error);

	return result ? result : user_refresh(process, error);
}
