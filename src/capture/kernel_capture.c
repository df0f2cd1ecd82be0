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
#include "capture/records.h"
#include "options.h"

struct kernel_capture {
	struct capture capture;
	struct capture_options options;
	struct kernel_bpf *skeleton;
	struct ring_buffer *events;
	struct records records;
	struct bpf_link *links[16]; /* of kernel_probes, NULL = not attached */
};

/* A tracepoint, the space that it serves, and whether one can do without. */
struct kernel_probe {
	const char *tracepoint; /* also the name of the BPF program */
	unsigned space;		/* KERNEL_* */
	bool optional;		/* gone in newer kernels: not a gap */
};

static const struct kernel_probe kernel_probes[] = {
	{ "kmalloc", KERNEL_SLAB, false },
	{ "kmalloc_node", KERNEL_SLAB, true },
	{ "kfree", KERNEL_SLAB, false },
	{ "kmem_cache_alloc", KERNEL_SLAB, false },
	{ "kmem_cache_alloc_node", KERNEL_SLAB, true },
	{ "kmem_cache_free", KERNEL_SLAB, false },
	{ "mm_page_alloc", KERNEL_PAGE, false },
	{ "mm_page_free", KERNEL_PAGE, false },
	{ "mm_page_free_batched", KERNEL_PAGE, false },
	{ "percpu_alloc_percpu", KERNEL_PERCPU, false },
	{ "percpu_free_percpu", KERNEL_PERCPU, false },
};

#define KERNEL_PROBES (sizeof(kernel_probes) / sizeof(kernel_probes[0]))
_Static_assert(KERNEL_PROBES <= 16, "struct kernel_capture has the links");

static struct kernel_capture *kernel_of(struct capture *capture)
{
	return (struct kernel_capture *)capture;
}

static int on_event(void *context, void *data, size_t size)
{
	struct kernel_capture *kernel = context;
	struct known_stack *known;
	int result = records_add_stack(&kernel->records, data, size,
				       OBJECT_KERNEL, &known);

	return result == -ENOMEM ? result : 0;
}

static int kernel_event_fd(const struct capture *capture)
{
	const struct kernel_capture *kernel =
		(const struct kernel_capture *)capture;

	return ring_buffer__epoll_fd(kernel->events);
}

static int kernel_drain(struct capture *capture, struct error *error)
{
	int result = ring_buffer__consume(kernel_of(capture)->events);

	if (result < 0)
		return error_set(error, -result, "cannot read BPF events: %s",
				 strerror(-result));
	return 0;
}

static bool owner_space(void *context, uint64_t owner, enum space *space,
			uint32_t *process)
{
	(void)context;
	*process = 0;
	*space = owner == ABI_PAGE     ? SPACE_PAGE
		 : owner == ABI_PERCPU ? SPACE_PERCPU
				       : SPACE_SLAB;
	return true;
}

/*
 * Events that found their own program running on the CPU already, in an
 * interrupt: the kernel skips the program and counts (since 5.12).
 */
static uint64_t recursion_misses(const struct kernel_bpf *skeleton)
{
	uint64_t misses = 0;

	for (size_t i = 0; i < KERNEL_PROBES; i++) {
		struct bpf_program *program = bpf_object__find_program_by_name(
			skeleton->obj, kernel_probes[i].tracepoint);
		struct bpf_prog_info info = { 0 };
		__u32 size = sizeof(info);

		if (program && bpf_program__fd(program) >= 0 &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(program), &info,
					    &size))
			misses += info.recursion_misses;
	}
	return misses;
}

static int kernel_snapshot(struct capture *capture, struct snapshot *snapshot,
			   struct error *error)
{
	struct kernel_capture *kernel = kernel_of(capture);
	const struct snapshot_request request = {
		.older_ns = kernel->options.older_ns,
		.list_blocks = kernel->options.list_blocks,
	};
	uint64_t misses = recursion_misses(kernel->skeleton);
	int result = records_snapshot(&kernel->records, snapshot, &request,
				      owner_space, kernel, error);

	if (result)
		return result;
	if (records_losses(&kernel->records, snapshot))
		return error_set(error, ENOMEM, "out of memory");
	if (misses) {
		struct loss *loss = vector_push(&snapshot->losses);

		if (!loss)
			return error_set(error, ENOMEM, "out of memory");
		loss->name = "recursion_misses";
		loss->text =
			"events skipped: in an interrupt of their own probe";
		loss->count = misses;
		loss->understates = true;
	}
	return 0;
}

static void kernel_detach(struct capture *capture)
{
	struct kernel_capture *kernel = kernel_of(capture);

	for (size_t i = 0; i < KERNEL_PROBES; i++) {
		bpf_link__destroy(kernel->links[i]);
		kernel->links[i] = NULL;
	}
}

static void kernel_free(struct capture *capture)
{
	struct kernel_capture *kernel = kernel_of(capture);

	kernel_detach(capture);
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
	skeleton->rodata->config.page_size = (uint32_t)sysconf(_SC_PAGESIZE);
	skeleton->rodata->config.possible_cpus = possible_cpus();
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

/* Notes a tracepoint that this kernel does not have. */
static void note_gap(struct capture *capture, const char *tracepoint)
{
	size_t used = strlen(capture->warning);

	snprintf(capture->warning + used, sizeof(capture->warning) - used,
		 "%s%s", used ? ", " : "this kernel has no tracepoint ",
		 tracepoint);
}

static int probes_attach(struct kernel_capture *kernel, struct error *error)
{
	unsigned wanted = kernel->options.kernel_spaces;
	unsigned attached = 0;

	for (size_t i = 0; i < KERNEL_PROBES; i++) {
		const struct kernel_probe *probe = &kernel_probes[i];
		struct bpf_program *program = bpf_object__find_program_by_name(
			kernel->skeleton->obj, probe->tracepoint);

		if (!(wanted & probe->space))
			continue;
		kernel->links[i] = bpf_program__attach_raw_tracepoint(
			program, probe->tracepoint);
		if (kernel->links[i]) {
			attached++;
		} else if (errno != ENOENT) {
			return error_set(
				error, errno,
				"cannot attach to the tracepoint %s: %s",
				probe->tracepoint, strerror(errno));
		} else if (!probe->optional) {
			note_gap(&kernel->capture, probe->tracepoint);
		}
	}
	if (!attached)
		return error_set(
			error, ENOENT,
			"%s: use a kernel built with CONFIG_TRACEPOINTS",
			kernel->capture.warning);
	snprintf(kernel->capture.description,
		 sizeof(kernel->capture.description), "%u tracepoints",
		 attached);
	return 0;
}

int kernel_capture_new(struct capture **capture,
		       const struct capture_options *options,
		       struct error *error)
{
	struct kernel_capture *kernel = calloc(1, sizeof(*kernel));
	int result;

	if (!kernel)
		return error_set(error, ENOMEM, "out of memory");
	kernel->capture.operations = &kernel_operations;
	kernel->options = *options;
	if (!kernel->options.kernel_spaces)
		kernel->options.kernel_spaces = KERNEL_ALL;
	result = skeleton_load(kernel, error);
	if (!result)
		result = probes_attach(kernel, error);
	if (result) {
		kernel_free(&kernel->capture);
		return result;
	}
	*capture = &kernel->capture;
	return 0;
}
