// SPDX-License-Identifier: GPL-2.0-or-later
/* Putting the BPF programs on the allocator functions: see attach.h. */
#include "capture/attach.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/probe_sites.h"
#include "util/cleanup.h"

#define LINE_SIZE 256

void attachment_init(struct attachment *attachment, int pid,
		     const struct attach_programs *programs,
		     const char *symbols_prefix,
		     const struct custom_functions *custom)
{
	*attachment = (struct attachment){
		.pid = pid,
		.programs = programs,
		.symbols_prefix = symbols_prefix,
		.custom = custom,
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
	vector_free(&attachment->searched);
	function_names_free(&attachment->names);
	found_allocators_free(&attachment->found);
	for (size_t i = 0; i < attachment->lines.count; i++)
		free(attachment->lines.items[i]);
	vector_free(&attachment->lines);
}

/* The functions of one object that are to be probed together. */
struct probe_list {
	VECTOR(struct sited_function) functions;
	uint64_t *offsets, *cookies; /* of their sites, in the file */
	size_t first_returning; /* from here on so many need the return too */
	size_t returning;
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
		      const struct stat *file, uint64_t offset)
{
	for (size_t i = 0; i < attachment->functions.count; i++) {
		const struct probed_function *function =
			&attachment->functions.items[i];

		if (function->inode == file->st_ino &&
		    function->device == file->st_dev &&
		    function->offset == offset)
			return true;
	}
	return false;
}

/*
 * An exception out of a function whose return is probed cannot be caught. Only
 * a session probe can leave a call's return alone.
 */
static const struct allocator_function *
probed_as(const struct attachment *attachment,
	  const struct meant_function *found)
{
	if (found->known->throws &&
	    attachment->programs->method != ATTACH_SESSION)
		return &allocator_throwing;
	return found->known;
}

/* Notes a function as probed and puts it on the list of what to attach. */
static int probe_add(struct attachment *attachment, struct probe_list *list,
		     const struct stat *file,
		     const struct meant_function *found)
{
	const struct allocator_function *known = probed_as(attachment, found);
	struct probed_function *probed;
	struct sited_function *function;

	if (is_probed(attachment, file, found->file_offset))
		return 0;
	if (known == &allocator_throwing)
		attachment->throwing++;
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

	if (programs->apart && list->first_returning) {
		sites.count = list->first_returning;
		result = link_keep(
			attachment,
			uprobe_link_create(
				ATTACH_MULTI,
				bpf_program__fd(programs->multi_entry), &sites,
				false));
		sites.offsets += sites.count;
		sites.cookies += sites.count;
		sites.count = list->functions.count - sites.count;
		if (result || !sites.count)
			return result;
	}
	/* The return first: an entry without it would wait for ever. */
	returning.offsets += list->first_returning;
	returning.cookies += list->first_returning;
	returning.count = list->returning;
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
		if (i - list->first_returning < list->returning)
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

/* Lists what is to be probed: what gives memory back comes first. */
static int probes_list(struct attachment *attachment, struct probe_list *list,
		       const struct stat *file,
		       const struct object_search *search)
{
	static const struct {
		bool returns, counted;
	} passes[] = { { false, false }, { true, false }, { false, true } };

	/* Counted ones come last: another name may have the same address. */
	for (size_t pass = 0; pass < sizeof(passes) / sizeof(passes[0]);
	     pass++) {
		size_t first = list->functions.count;

		for (size_t i = 0; i < search->functions.count; i++) {
			const struct meant_function *found =
				&search->functions.items[i];
			const struct allocator_function *known =
				probed_as(attachment, found);

			if (known->returns == passes[pass].returns &&
			    (known == &allocator_throwing) ==
				    passes[pass].counted &&
			    probe_add(attachment, list, file, found))
				return -ENOMEM;
		}
		if (passes[pass].returns) {
			list->first_returning = first;
			list->returning = list->functions.count - first;
		}
	}
	return 0;
}

/* Notes the file. Returns whether it was searched before, or -ENOMEM. */
static int search_again(struct attachment *attachment, const struct stat *file)
{
	struct searched_object *searched;

	for (size_t i = 0; i < attachment->searched.count; i++) {
		searched = &attachment->searched.items[i];
		if (searched->inode == file->st_ino &&
		    searched->device == file->st_dev)
			return true;
	}
	searched = vector_push(&attachment->searched);
	if (!searched)
		return -ENOMEM;
	searched->device = file->st_dev;
	searched->inode = file->st_ino;
	return false;
}

/* Notes what the object is to people. */
static int allocator_note(struct attachment *attachment,
			  const struct object_source *source,
			  const struct object_search *search,
			  const struct attach_result *result)
{
	struct found_allocator *found = vector_push(&attachment->found);

	if (!found)
		return -ENOMEM;
	found->object = strdup(source->name);
	if (!found->object) {
		attachment->found.count--;
		return -ENOMEM;
	}
	found->family = search->family;
	found->version = allocator_version_read(source->fd, search->family,
						search->version_function);
	found->functions = result->functions;
	found->interposes = search->interposes;
	found->program = source->program;
	found->address = source->address;
	return 0;
}

/* Attaches what was found in the file. */
static int attach_found(struct attachment *attachment,
			const struct object_source *source,
			const struct stat *file,
			const struct object_search *search,
			struct attach_result *result, struct error *error)
{
	struct probe_list list cleanup(cleanup_probe_list) = { 0 };
	int code = probes_list(attachment, &list, file, search);

	if (!code && !list.functions.count)
		return 0;
	if (!code)
		code = probes_place(attachment, &list, source->fd,
				    source->name);
	if (!code)
		code = attachment->programs->method == ATTACH_PERF
			       ? attach_by_perf_events(attachment, &list,
						       source->path)
			       : attach_by_links(attachment, &list,
						 source->path);
	if (code)
		return error_set(error, -code, "cannot probe the allocator: %s",
				 strerror(-code));
	result->functions = (unsigned)list.functions.count;
	result->allocators = list.allocators;
	if (result->allocators &&
	    allocator_note(attachment, source, search, result))
		return error_set(error, ENOMEM, "out of memory");
	return 0;
}

int attach_object(struct attachment *attachment,
		  const struct object_source *source,
		  struct attach_result *result, struct error *error)
{
	struct object_search search cleanup(object_search_free) = { 0 };
	struct function_names *names = &attachment->names;
	const struct search_terms terms = {
		.names = names,
		.custom = attachment->custom,
		.custom_seen = attachment->custom_seen,
		.cookies =
			attach_method_has_cookies(attachment->programs->method),
	};
	struct stat file;
	int code;

	*result = (struct attach_result){ 0 };
	if (fstat(source->fd, &file))
		return error_set(error, errno, "%s: %s", source->path,
				 strerror(errno));
	if (!names->texts.count &&
	    function_names_fill(names, attachment->symbols_prefix,
				attachment->custom))
		return error_set(error, ENOMEM, "out of memory");
	code = search_again(attachment, &file);
	if (code < 0)
		return error_set(error, ENOMEM, "out of memory");
	if (code)
		return 0;
	code = object_search(&search, source, &terms, error);
	if (code)
		return code;
	return attach_found(attachment, source, &file, &search, result, error);
}

void attachment_describe_missing(const struct attachment *attachment,
				 char *text, size_t size)
{
	const struct custom_functions *custom = attachment->custom;
	size_t used = 0;
	bool named = false;

	*text = '\0';
	if (attachment->throwing) {
		snprintf(
			text, size,
			"%u functions that may throw are not traced but counted, operator new among them: only since Linux 6.13 could what they throw be caught",
			attachment->throwing);
		used = strlen(text);
	}
	for (size_t i = 0; custom && i < custom->count; i++) {
		int length;

		if (attachment->custom_seen[i])
			continue;
		length = snprintf(text + used, size - used, "%s%s",
				  named	 ? ", "
				  : used ? "; in no object so far: "
					 : "in no object so far: ",
				  custom->items[i].text);
		if (length < 0 || used + (size_t)length >= size)
			return;
		used += (size_t)length;
		named = true;
	}
}
