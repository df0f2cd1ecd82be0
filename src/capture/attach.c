// SPDX-License-Identifier: GPL-2.0-or-later
/* Putting the BPF programs on the allocator functions: see attach.h. */
#include "capture/attach.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/functions.h"
#include "resolve/elf_symbols.h"

#define NAME_SIZE 96
#define NAMES_MAX 32

void attachment_init(struct attachment *attachment, int pid,
		     const struct attach_programs *programs,
		     const char *symbols_prefix)
{
	*attachment = (struct attachment){
		.pid = pid,
		.programs = programs,
		.symbols_prefix = symbols_prefix,
	};
}

void attachment_free(struct attachment *attachment)
{
	for (size_t i = 0; i < attachment->links.count; i++)
		bpf_link__destroy(attachment->links.items[i]);
	for (size_t i = 0; i < attachment->link_fds.count; i++)
		close(attachment->link_fds.items[i]);
	vector_free(&attachment->links);
	vector_free(&attachment->link_fds);
	vector_free(&attachment->functions);
}

/* The functions of one object that are to be probed together. */
struct site_list {
	VECTOR(uint64_t) offsets;
	VECTOR(uint64_t) cookies; /* enum abi_shape */
	size_t first_returning;   /* from here on, the return is needed too */
	unsigned allocators;
};

static void site_list_free(struct site_list *sites)
{
	vector_free(&sites->offsets);
	vector_free(&sites->cookies);
}

static bool is_probed(const struct attachment *attachment,
		      const struct stat *file, uint64_t offset,
		      enum abi_shape shape)
{
	for (size_t i = 0; i < attachment->functions.count; i++) {
		const struct probed_function *function =
			&attachment->functions.items[i];

		if (function->inode == file->st_ino &&
		    function->device == file->st_dev &&
		    function->offset == offset && function->shape == shape)
			return true;
	}
	return false;
}

/* Notes a function as probed and puts it on the list of what to attach. */
static int site_add(struct attachment *attachment, struct site_list *sites,
		    const struct stat *file, uint64_t offset,
		    const struct allocator_function *known)
{
	struct probed_function *function;

	if (is_probed(attachment, file, offset, known->shape))
		return 0;
	if (vector_reserve(&sites->offsets, 1) ||
	    vector_reserve(&sites->cookies, 1))
		return -ENOMEM;
	function = vector_push(&attachment->functions);
	if (!function)
		return -ENOMEM;
	*function = (struct probed_function){
		.device = file->st_dev,
		.inode = file->st_ino,
		.offset = offset,
		.shape = known->shape,
	};
	sites->offsets.items[sites->offsets.count++] = offset;
	sites->cookies.items[sites->cookies.count++] = known->shape;
	sites->allocators += known->allocates;
	return 0;
}

static int link_keep(struct attachment *attachment, int fd)
{
	int *slot;

	if (fd < 0)
		return fd;
	slot = vector_push(&attachment->link_fds);
	if (!slot) {
		close(fd);
		return -ENOMEM;
	}
	*slot = fd;
	return 0;
}

static int attach_by_links(struct attachment *attachment,
			   const struct site_list *list, const char *path)
{
	const struct attach_programs *programs = attachment->programs;
	bool session = programs->method == ATTACH_SESSION;
	struct uprobe_sites sites = {
		.path = path,
		.offsets = list->offsets.items,
		.cookies = list->cookies.items,
		.count = list->offsets.count,
		.pid = attachment->pid,
	};
	struct uprobe_sites returning = sites;
	int result = 0;

	/* The return first: an entry without it would wait for ever. */
	returning.offsets += list->first_returning;
	returning.cookies += list->first_returning;
	returning.count -= list->first_returning;
	if (!session && returning.count)
		result = link_keep(
			attachment,
			uprobe_link_create(
				programs->method,
				bpf_program__fd(programs->multi_return),
				&returning, true));
	if (result)
		return result;
	return link_keep(attachment,
			 uprobe_link_create(
				 programs->method,
				 bpf_program__fd(session ?
							 programs->session :
							 programs->multi_entry),
				 &sites, false));
}

static int attach_by_perf_event(struct attachment *attachment,
				struct bpf_program *program, const char *path,
				uint64_t offset, bool on_return)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options, .retprobe = on_return);
	struct bpf_link **slot = vector_push(&attachment->links);

	if (!slot)
		return -ENOMEM;
	*slot = bpf_program__attach_uprobe_opts(program, attachment->pid, path,
						offset, &options);
	if (*slot)
		return 0;
	attachment->links.count--;
	return -errno;
}

static int attach_by_perf_events(struct attachment *attachment,
				 const struct site_list *list, const char *path)
{
	const struct attach_programs *programs = attachment->programs;

	for (size_t i = 0; i < list->offsets.count; i++) {
		uint64_t offset = list->offsets.items[i];
		int result = 0;

		if (i >= list->first_returning)
			result = attach_by_perf_event(attachment,
						      programs->perf_return,
						      path, offset, true);
		if (!result)
			result = attach_by_perf_event(
				attachment,
				programs->perf_entry[list->cookies.items[i]],
				path, offset, false);
		if (result)
			return result;
	}
	return 0;
}

/* The names to look for: the table's, then the table's with the prefix. */
struct name_list {
	const char *names[2 * NAMES_MAX];
	char prefixed[NAMES_MAX][NAME_SIZE];
	size_t count;
};

static void names_fill(struct name_list *list, const char *prefix)
{
	list->count = 0;
	for (size_t i = 0; i < allocator_function_count; i++)
		list->names[list->count++] = allocator_functions[i].name;
	if (!prefix)
		return;
	for (size_t i = 0; i < allocator_function_count; i++) {
		snprintf(list->prefixed[i], NAME_SIZE, "%s%s", prefix,
			 allocator_functions[i].name);
		list->names[list->count++] = list->prefixed[i];
	}
}

/* Adds the places where the object has one of the table's functions. */
static int sites_add(struct attachment *attachment, struct site_list *sites,
		     const struct stat *file,
		     const elf_function_vector *functions, size_t index)
{
	for (size_t i = 0; i < functions->count; i++) {
		const struct elf_function *function = &functions->items[i];

		if (function->name_index % allocator_function_count == index &&
		    site_add(attachment, sites, file, function->file_offset,
			     &allocator_functions[index]))
			return -ENOMEM;
	}
	return 0;
}

/* Lists what is to be probed, functions without returns first. */
static int sites_list(struct attachment *attachment, struct site_list *sites,
		      const elf_function_vector *functions,
		      const struct stat *file, bool linker_only)
{
	for (int returning = 0; returning <= 1; returning++) {
		sites->first_returning = sites->offsets.count;
		for (size_t i = 0; i < allocator_function_count; i++) {
			const struct allocator_function *known =
				&allocator_functions[i];

			if (known->returns != returning ||
			    (linker_only &&
			     known->shape != ABI_SHAPE_LIBRARIES))
				continue;
			if (sites_add(attachment, sites, file, functions, i))
				return -ENOMEM;
		}
	}
	return 0;
}

int attach_object(struct attachment *attachment, int fd, const char *path,
		  bool linker_only, struct attach_result *result,
		  struct error *error)
{
	elf_function_vector functions = { 0 };
	struct site_list sites = { 0 };
	struct name_list list;
	struct stat file;
	int code;

	*result = (struct attach_result){ 0 };
	if (fstat(fd, &file))
		return error_set(error, errno, "%s: %s", path, strerror(errno));
	names_fill(&list, attachment->symbols_prefix);
	code = elf_functions_find(fd, list.names, list.count, &functions,
				  error);
	if (code)
		return code;
	code = sites_list(attachment, &sites, &functions, &file, linker_only);
	if (!code && sites.offsets.count)
		code = attachment->programs->method == ATTACH_PERF ?
			       attach_by_perf_events(attachment, &sites, path) :
			       attach_by_links(attachment, &sites, path);
	if (code)
		error_set(error, -code, "cannot probe the allocator: %s",
			  strerror(-code));
	else
		*result = (struct attach_result){
			.functions = (unsigned)sites.offsets.count,
			.allocators = sites.allocators,
		};
	vector_free(&functions);
	site_list_free(&sites);
	return code;
}
