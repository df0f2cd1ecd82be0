// SPDX-License-Identifier: GPL-2.0-or-later
/* Putting the BPF programs on the allocator functions: see attach.h. */
#include "capture/attach.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/functions.h"
#include "capture/probe_sites.h"
#include "resolve/elf_symbols.h"
#include "util/cleanup.h"

#define NAME_SIZE 96
#define NAMES_MAX 32
#define LINE_SIZE 256

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
	for (size_t i = 0; i < attachment->lines.count; i++)
		free(attachment->lines.items[i]);
	vector_free(&attachment->lines);
}

/* The functions of one object that are to be probed together. */
struct probe_list {
	VECTOR(struct sited_function) functions;
	uint64_t *offsets, *cookies; /* of their sites, in the file */
	size_t first_returning; /* from here on, the return is needed too */
	bool have_cookies;
	unsigned allocators;
};

static void cleanup_probe_list(struct probe_list *list)
{
	vector_free(&list->functions);
	free(list->offsets);
	free(list->cookies);
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
static int probe_add(struct attachment *attachment, struct probe_list *list,
		     const struct stat *file, const struct elf_function *found,
		     const struct allocator_function *known)
{
	struct probed_function *probed;
	struct sited_function *function;

	if (is_probed(attachment, file, found->file_offset, known->shape))
		return 0;
	probed = vector_push(&attachment->functions);
	function = vector_push(&list->functions);
	if (!probed || !function)
		return -ENOMEM;
	*probed = (struct probed_function){
		.device = file->st_dev,
		.inode = file->st_ino,
		.offset = found->file_offset,
		.address = found->address,
		.size = found->size,
		.shape = known->shape,
	};
	*function = (struct sited_function){
		.known = known,
		.name = found->name,
		.address = found->address,
		.file_offset = found->file_offset,
		.size = found->size,
	};
	list->allocators += known->allocates;
	return 0;
}

/* Keeps a line that tells where a function is probed. */
static int line_add(struct attachment *attachment,
		    const struct sited_function *function, const char *object)
{
	char **slot = vector_push(&attachment->lines);
	char line[LINE_SIZE];

	if (!slot)
		return -ENOMEM;
	probe_site_describe(function, object, line, sizeof(line));
	*slot = strdup(line);
	return *slot ? 0 : -ENOMEM;
}

/* Chooses the sites of all functions on the list. */
static int probes_place(struct attachment *attachment, struct probe_list *list,
			int fd, const char *object)
{
	const struct probe_conditions conditions = probe_conditions_of(
		attachment->pid, attachment->programs->method);
	size_t count = list->functions.count;

	list->have_cookies = conditions.cookies;
	probe_sites_choose(fd, &conditions, list->functions.items, count);
	list->offsets = calloc(count, sizeof(*list->offsets));
	list->cookies = calloc(count, sizeof(*list->cookies));
	if (!list->offsets || !list->cookies)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct sited_function *function =
			&list->functions.items[i];

		list->offsets[i] =
			function->file_offset + function->site.offset;
		list->cookies[i] = probe_site_cookie(function);
		if (line_add(attachment, function, object))
			return -ENOMEM;
	}
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
			   const struct probe_list *list, const char *path)
{
	const struct attach_programs *programs = attachment->programs;
	bool session = programs->method == ATTACH_SESSION;
	struct uprobe_sites sites = {
		.path = path,
		.offsets = list->offsets,
		.cookies = list->cookies,
		.count = list->functions.count,
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
	return link_keep(
		attachment,
		uprobe_link_create(
			programs->method,
			bpf_program__fd(session ? programs->session
						: programs->multi_entry),
			&sites, false));
}

static int attach_by_perf_event(struct attachment *attachment,
				struct bpf_program *program, const char *path,
				uint64_t offset, uint64_t cookie,
				bool on_return)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options, .retprobe = on_return,
		    .bpf_cookie = cookie);
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

/* The return first, as above. */
static int attach_by_perf_events(struct attachment *attachment,
				 const struct probe_list *list,
				 const char *path)
{
	const struct attach_programs *programs = attachment->programs;

	for (size_t i = 0; i < list->functions.count; i++) {
		enum abi_shape shape = list->functions.items[i].known->shape;
		uint64_t offset = list->offsets[i], cookie = list->cookies[i];
		int result = 0;

		/* Kernels without cookies refuse any but 0. */
		if (!list->have_cookies)
			cookie = 0;
		if (i >= list->first_returning)
			result = attach_by_perf_event(attachment,
						      programs->perf_return,
						      path, offset, 0, true);
		if (!result)
			result = attach_by_perf_event(
				attachment, programs->perf_entry[shape], path,
				offset, cookie, false);
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
static int probes_add(struct attachment *attachment, struct probe_list *list,
		      const struct stat *file,
		      const elf_function_vector *functions, size_t index)
{
	for (size_t i = 0; i < functions->count; i++) {
		const struct elf_function *function = &functions->items[i];

		if (function->name_index % allocator_function_count == index &&
		    probe_add(attachment, list, file, function,
			      &allocator_functions[index]))
			return -ENOMEM;
	}
	return 0;
}

/* Lists what is to be probed, functions without returns first. */
static int probes_list(struct attachment *attachment, struct probe_list *list,
		       const elf_function_vector *functions,
		       const struct stat *file, bool linker_only)
{
	for (int returning = 0; returning <= 1; returning++) {
		list->first_returning = list->functions.count;
		for (size_t i = 0; i < allocator_function_count; i++) {
			const struct allocator_function *known =
				&allocator_functions[i];

			if (known->returns != returning ||
			    (linker_only &&
			     known->shape != ABI_SHAPE_LIBRARIES))
				continue;
			if (probes_add(attachment, list, file, functions, i))
				return -ENOMEM;
		}
	}
	return 0;
}

int attach_object(struct attachment *attachment, int fd, const char *path,
		  const char *name, bool linker_only,
		  struct attach_result *result, struct error *error)
{
	struct probe_list list cleanup(cleanup_probe_list) = { 0 };
	elf_function_vector functions = { 0 };
	struct name_list names;
	struct stat file;
	int code;

	*result = (struct attach_result){ 0 };
	if (fstat(fd, &file))
		return error_set(error, errno, "%s: %s", path, strerror(errno));
	names_fill(&names, attachment->symbols_prefix);
	code = elf_functions_find(fd, names.names, names.count, &functions,
				  error);
	if (code)
		return code;
	code = probes_list(attachment, &list, &functions, &file, linker_only);
	vector_free(&functions);
	if (!code && !list.functions.count)
		return 0;
	if (!code)
		code = probes_place(attachment, &list, fd, name);
	if (!code)
		code = attachment->programs->method == ATTACH_PERF
			       ? attach_by_perf_events(attachment, &list, path)
			       : attach_by_links(attachment, &list, path);
	if (code)
		return error_set(error, -code, "cannot probe the allocator: %s",
				 strerror(-code));
	result->functions = (unsigned)list.functions.count;
	result->allocators = list.allocators;
	return 0;
}
