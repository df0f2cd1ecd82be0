// SPDX-License-Identifier: GPL-2.0-or-later
/* Capture of the kernel's own allocations: owns the kernel object's skeleton. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/abi.h"
#include "bpf/kernel.skel.h"
#include "bpf/kernel_basic.skel.h"
#include "capture/atomics.h"
#include "capture/capture.h"
#include "capture/cost_watch.h"
#include "capture/kernel_labels.h"
#include "capture/kernel_losses.h"
#include "capture/kernel_probes.h"
#include "capture/records.h"
#include "options.h"

struct kernel_capture {
	struct capture capture;
	struct capture_options options;
	struct kernel_bpf *skeleton;
	struct ring_buffer *events;
	struct records records;
	struct kernel_labels labels;
	struct kernel_probes probes;
	struct resolver *resolver; /* not owned */
	struct cost_watch watch;
	char module_name[ABI_MODULE_NAME_MAX]; /* that is watched; "" = none */
};

static struct kernel_capture *kernel_of(struct capture *capture)
{
	return (struct kernel_capture *)capture;
}

static int on_stack(struct kernel_capture *kernel, const void *data,
		    size_t size)
{
	struct known_stack *known;
	int result = records_add_stack(&kernel->records, data, size,
				       OBJECT_KERNEL, &known);

	if (result)
		return result;
	/* Now, as the module may be gone when a report wants the names. */
	for (size_t i = 0; i < known->location_count; i++)
		resolver_kernel_prepare(kernel->resolver,
					known->locations[i].address);
	return 0;
}

static int on_label(struct kernel_capture *kernel,
		    const struct abi_event_label *event, size_t size)
{
	if (size < sizeof(*event))
		return -EINVAL;
	return kernel_labels_add(&kernel->labels, event->owner, event->text,
				 sizeof(event->text));
}

static void on_module(struct kernel_capture *kernel,
		      const struct abi_event_module *event, size_t size)
{
	if (size < sizeof(*event))
		return;
	resolver_kernel_changed(kernel->resolver);
	if (event->change == ABI_MODULE_LOADED) {
		resolver_kernel_loaded(kernel->resolver, event->name,
				       sizeof(event->name), event->text.start,
				       event->text.end);
		resolver_kernel_loaded(kernel->resolver, event->name,
				       sizeof(event->name), event->init.start,
				       event->init.end);
	}
	if (kernel->module_name[0] && event->change == ABI_MODULE_GONE &&
	    !strncmp(event->name, kernel->module_name, sizeof(event->name)))
		kernel->capture.module_unloads++;
}

static int on_event(void *context, void *data, size_t size)
{
	struct kernel_capture *kernel = context;
	const __u32 *type = data;
	int result = 0;

	if (size < sizeof(*type))
		return 0;
	if (*type == ABI_EVENT_STACK)
		result = on_stack(kernel, data, size);
	else if (*type == ABI_EVENT_LABEL)
		result = on_label(kernel, data, size);
	else if (*type == ABI_EVENT_MODULE)
		on_module(kernel, data, size);
	return result == -ENOMEM ? result : 0;
}

static int kernel_event_fd(const struct capture *capture)
{
	const struct kernel_capture *kernel =
		(const struct kernel_capture *)capture;

	return kernel->watch.on ? kernel->watch.wait_fd
				: ring_buffer__epoll_fd(kernel->events);
}

static int kernel_drain(struct capture *capture, struct error *error)
{
	int result = ring_buffer__consume(kernel_of(capture)->events);

	if (result < 0)
		return error_set(error, -result, "cannot read BPF events: %s",
				 strerror(-result));
	cost_watch_tick(&kernel_of(capture)->watch);
	return 0;
}

static bool owner_space(void *context, uint64_t owner, enum space *space,
			uint32_t *process)
{
	static const enum space spaces[] = {
		[0] = SPACE_SLAB, /* of a stack that was lost */
		[ABI_SLAB] = SPACE_SLAB,
		[ABI_PAGE] = SPACE_PAGE,
		[ABI_PERCPU] = SPACE_PERCPU,
		[ABI_VMALLOC] = SPACE_VMALLOC,
		[ABI_DMA] = SPACE_DMA,
		[ABI_DEVRES] = SPACE_DEVRES,
	};

	(void)context;
	*process = 0;
	owner &= ABI_SPACE_MASK;
	if (owner >= sizeof(spaces) / sizeof(spaces[0]))
		return false;
	*space = spaces[owner];
	return true;
}

static bool space_is_inflated(const struct kernel_capture *kernel,
			      enum space space)
{
	for (size_t i = 0; i < kernel->probes.gaps.count; i++) {
		const struct gap *gap = &kernel->probes.gaps.items[i];

		if (gap->inflates && gap->space == space)
			return true;
	}
	return false;
}

/* What the kernel's stacks have beyond those of processes. */
static void figures_complete(const struct kernel_capture *kernel,
			     struct stack_figures *figures)
{
	const struct records *records = &kernel->records;

	if (figures->id < records->stacks.count)
		figures->label = kernel_labels_find(
			&kernel->labels,
			records->stacks.items[figures->id].owner);
	figures->unseen_frees = records->totals[figures->id].unseen_frees;
	figures->may_be_freed = space_is_inflated(kernel, figures->space) &&
				(figures->unseen_frees || !figures->frees);
}

static int kernel_snapshot(struct capture *capture, struct snapshot *snapshot,
			   struct error *error)
{
	struct kernel_capture *kernel = kernel_of(capture);
	const struct snapshot_request request = {
		.older_ns = kernel->options.older_ns,
		.list_blocks = kernel->options.list_blocks,
	};
	int result = records_snapshot(&kernel->records, snapshot, &request,
				      owner_space, kernel, error);

	if (result)
		return result;
	for (size_t i = 0; i < snapshot->stacks.count; i++)
		figures_complete(kernel, &snapshot->stacks.items[i]);
	for (size_t i = 0; i < kernel->probes.gaps.count; i++) {
		struct gap *gap = vector_push(&snapshot->gaps);

		if (!gap)
			return error_set(error, ENOMEM, "out of memory");
		*gap = kernel->probes.gaps.items[i];
	}
	snapshot->cost = cost_watch_report(&kernel->watch);
	if (records_losses(&kernel->records, snapshot) ||
	    kernel_losses(kernel->skeleton->obj,
			  &kernel->skeleton->bss->nested_handled,
			  &kernel->probes, snapshot))
		return error_set(error, ENOMEM, "out of memory");
	return 0;
}

static void kernel_detach(struct capture *capture)
{
	kernel_probes_detach(&kernel_of(capture)->probes);
}

static void kernel_free(struct capture *capture)
{
	struct kernel_capture *kernel = kernel_of(capture);

	kernel_probes_free(&kernel->probes);
	kernel_labels_free(&kernel->labels);
	cost_watch_close(&kernel->watch);
	records_close(&kernel->records);
	ring_buffer__free(kernel->events);
	kernel_bpf__destroy(kernel->skeleton);
	free(kernel);
}

static const struct capture_operations kernel_operations = {
	.event_fd = kernel_event_fd,
	.drain = kernel_drain,
	.snapshot = kernel_snapshot,
	.detach = kernel_detach,
	.free = kernel_free,
};

static unsigned possible_cpus(void)
{
	int cpus = libbpf_num_possible_cpus();

	return cpus > 0 ? (unsigned)cpus : 1;
}

static void config_fill(const struct kernel_capture *kernel,
			struct abi_config *config)
{
	const struct capture_options *options = &kernel->options;

	const char *memo = getenv("LEAKTRACE_MEMO");

	/* For tests: is what is remembered what a walk would find? */
	config->check_memos = memo && !strcmp(memo, "check");
	config->bulk_pages_list = kernel->probes.bulk_pages_arguments > 5;
	config->page_size = (uint32_t)sysconf(_SC_PAGESIZE);
	config->possible_cpus = possible_cpus();
	config->pid = (uint32_t)options->pid;
	config->by_comm = options->comm != NULL;
	if (options->comm)
		strncpy(config->comm, options->comm, sizeof(config->comm) - 1);
	config->by_module = kernel->module_name[0] != '\0';
	memcpy(config->module_name, kernel->module_name,
	       sizeof(config->module_name));
}

static int skeleton_load(struct kernel_capture *kernel, struct error *error)
{
	struct kernel_bpf *skeleton = ATOMICS_OPEN_SKELETON(kernel);
	struct record_maps maps;
	int result;

	if (!skeleton) {
		error_set(error, EINVAL, "cannot open the BPF object: %s",
			  strerror(errno));
		return -EINVAL;
	}
	kernel->skeleton = skeleton;
	maps = RECORD_MAPS(skeleton);
	result = records_prepare(&maps, &kernel->options, error);
	if (result)
		return result;
	kernel_probes_look(&kernel->probes);
	config_fill(kernel, &skeleton->rodata->config);
	result = kernel_bpf__load(skeleton);
	if (result)
		return records_load_failed(result, error);
	maps = RECORD_MAPS(skeleton);
	result = records_open(&kernel->records, &maps, &kernel->options, error);
	if (result)
		return result;
	kernel->events = ring_buffer__new(bpf_map__fd(skeleton->maps.events),
					  on_event, kernel, NULL);
	if (!kernel->events)
		return error_set(error, errno, "cannot read BPF events: %s",
				 strerror(errno));
	return 0;
}

static int probes_attach(struct kernel_capture *kernel, struct error *error)
{
	struct capture *capture = &kernel->capture;
	int result = kernel_probes_attach(&kernel->probes,
					  kernel->skeleton->obj,
					  kernel->options.kernel_spaces, true,
					  error);
	size_t used;

	if (result)
		return result;
	used = (size_t)snprintf(capture->description,
				sizeof(capture->description), "%u tracepoints",
				kernel->probes.tracepoints);
	if (kernel->probes.functions)
		snprintf(capture->description + used,
			 sizeof(capture->description) - used,
			 ", %u probes on functions", kernel->probes.functions);
	kernel_probes_tell_gaps(&kernel->probes, capture->warning,
				sizeof(capture->warning));
	return 0;
}

/* As the kernel has it, which makes '_' of '-'. */
static int module_name_set(struct kernel_capture *kernel, struct error *error)
{
	const char *name = kernel->options.module;
	size_t length = name ? strlen(name) : 0;

	if (!length)
		return 0;
	if (access("/proc/modules", F_OK))
		return error_set(
			error, ENOTSUP,
			"this kernel has no loadable modules: leave --module away");
	if (length >= sizeof(kernel->module_name) || strpbrk(name, "/. "))
		return error_set(error, EINVAL,
				 "--module: '%s' is no module's name: give it "
				 "as lsmod prints it",
				 name);
	for (size_t i = 0; i < length; i++)
		kernel->module_name[i] = name[i] == '-' ? '_' : name[i];
	return 0;
}

/*
 * Where the code of a module that is loaded already is. Behind attaching: one
 * that is loaded now says so itself.
 */
static int module_find(struct kernel_capture *kernel, struct error *error)
{
	struct capture *capture = &kernel->capture;
	size_t used = strlen(capture->description);
	uint64_t start, end;
	bool loaded;

	if (!kernel->module_name[0])
		return 0;
	for (size_t i = 0; i < kernel->probes.gaps.count; i++)
		if (kernel->probes.gaps.items[i].space == SPACE_COUNT)
			return error_set(
				error, ENOTSUP,
				"this kernel does not tell when modules are loaded: leave --module away");
	loaded = resolver_kernel_module_range(
		kernel->resolver, kernel->module_name, &start, &end);
	if (loaded && !kernel->skeleton->bss->module_ranges[0].start) {
		kernel->skeleton->bss->module_ranges[0].end = end;
		kernel->skeleton->bss->module_ranges[0].start = start;
	}
	snprintf(capture->description + used,
		 sizeof(capture->description) - used, "; %s module %s",
		 loaded ? "only" : "waiting for", kernel->module_name);
	return 0;
}

int kernel_capture_new(struct capture **capture,
		       const struct capture_options *options,
		       struct resolver *resolver, struct error *error)
{
	struct kernel_capture *kernel = calloc(1, sizeof(*kernel));
	int result;

	if (!kernel)
		return error_set(error, ENOMEM, "out of memory");
	kernel->capture.operations = &kernel_operations;
	kernel->options = *options;
	kernel->resolver = resolver;
	cost_watch_init(&kernel->watch);
	if (!kernel->options.kernel_spaces)
		kernel->options.kernel_spaces = KERNEL_ALL;
	result = module_name_set(kernel, error);
	if (!result)
		result = skeleton_load(kernel, error);
	if (!result)
		result = probes_attach(kernel, error);
	if (!result && options->measure_cost)
		result = cost_watch_open(&kernel->watch, kernel->skeleton->obj,
					 BPF_PROG_TYPE_UNSPEC, -1,
					 ring_buffer__epoll_fd(kernel->events),
					 error);
	if (!result)
		result = module_find(kernel, error);
	if (result) {
		kernel_free(&kernel->capture);
		return result;
	}
	*capture = &kernel->capture;
	return 0;
}
