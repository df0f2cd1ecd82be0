// SPDX-License-Identifier: GPL-2.0-or-later
/* Which BPF programs hang on what in kernel mode: see kernel_probes.h. */
#include "capture/kernel_probes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "options.h"

#define KPROBES "/sys/bus/event_source/devices/kprobe/type"
#define KPROBE_EVENTS "/sys/kernel/tracing/kprobe_events"

/* Since 5.13 (commit 387ba26fb1cb) under the second name, since 6.10 the first */
#define BULK_PAGES "alloc_pages_bulk_noprof"
#define BULK_PAGES_BEFORE "__alloc_pages_bulk"

enum hook { HOOK_TRACEPOINT, HOOK_ENTRY, HOOK_RETURN };

/* What is not seen where the probes for it cannot be had. */
enum gap_index {
	GAP_NONE, /* what the kernel does not have it does not need */
	GAP_SLAB,
	GAP_PAGE,
	GAP_PERCPU,
	GAP_VMALLOC,
	GAP_DMA,
	GAP_KFREE_RCU,
	GAP_FREE_BULK,
	GAP_ALLOC_BULK,
	GAP_PAGES_BULK,
	GAP_MODULES,
	GAP_COUNT,
};

static const struct gap gap_texts[GAP_COUNT] = {
	[GAP_SLAB] = { "slab", "slab objects", SPACE_SLAB, false },
	[GAP_PAGE] = { "page", "pages", SPACE_PAGE, false },
	[GAP_PERCPU] = { "percpu", "per-CPU memory", SPACE_PERCPU, false },
	[GAP_VMALLOC] = { "vmalloc",
			  "vmalloc areas (pages under them are listed)",
			  SPACE_VMALLOC, false },
	[GAP_DMA] = { "dma",
		      "DMA-coherent memory by device (pages under it are listed)",
		      SPACE_DMA, false },
	[GAP_KFREE_RCU] = { "kfree_rcu", "objects freed by kfree_rcu()",
			    SPACE_SLAB, true },
	[GAP_FREE_BULK] = { "kmem_cache_free_bulk", "objects freed in bulk",
			    SPACE_SLAB, true },
	[GAP_ALLOC_BULK] = { "kmem_cache_alloc_bulk",
			     "objects allocated in bulk", SPACE_SLAB, false },
	[GAP_PAGES_BULK] = { "alloc_pages_bulk", "pages allocated in bulk",
			     SPACE_PAGE, false },
	[GAP_MODULES] = { "modules", "modules that come and go", SPACE_COUNT,
			  false },
};

struct kernel_probe {
	const char *program; /* and the tracepoint's name, if it has no other */
	enum hook hook;
	unsigned space; /* KERNEL_*; 0 = all, if modules are followed */
	enum gap_index gap;
	/*
	 * Functions: names by version, the first that is there. Of a tracepoint
	 * the first, for a second program on it (bpf/nested.bpf.h).
	 */
	const char *names[2];
};

/*
 * Return probes come before the entry probes of the same function: the last
 * one attached runs first, and before 5.15 the kernel cannot walk a stack whose
 * return address a return probe has taken.
 */
static const struct kernel_probe probe_table[] = {
	{ "kmalloc", HOOK_TRACEPOINT, KERNEL_SLAB, GAP_SLAB, { 0 } },
	{ "kfree", HOOK_TRACEPOINT, KERNEL_SLAB, GAP_SLAB, { 0 } },
	{ "kmem_cache_alloc", HOOK_TRACEPOINT, KERNEL_SLAB, GAP_SLAB, { 0 } },
	{ "kmem_cache_free", HOOK_TRACEPOINT, KERNEL_SLAB, GAP_SLAB, { 0 } },
	/* Until 6.0 (commit 11e9734bcb6a) */
	{ "kmalloc_node", HOOK_TRACEPOINT, KERNEL_SLAB, GAP_NONE, { 0 } },
	{ "kmem_cache_alloc_node",
	  HOOK_TRACEPOINT,
	  KERNEL_SLAB,
	  GAP_NONE,
	  { 0 } },
	/* Since 5.14; device-managed memory is made of slab objects */
	{ "devres_log", HOOK_TRACEPOINT, KERNEL_SLAB, GAP_NONE, { 0 } },
	{ "kfree_rcu_called",
	  HOOK_ENTRY,
	  KERNEL_SLAB,
	  GAP_KFREE_RCU,
	  { "kvfree_call_rcu" } },
	{ "slab_free_bulk",
	  HOOK_ENTRY,
	  KERNEL_SLAB,
	  GAP_FREE_BULK,
	  { "kmem_cache_free_bulk" } },
	{ "slab_alloc_bulk_returned",
	  HOOK_RETURN,
	  KERNEL_SLAB,
	  GAP_ALLOC_BULK,
	  { "kmem_cache_alloc_bulk_noprof", "kmem_cache_alloc_bulk" } },
	{ "slab_alloc_bulk",
	  HOOK_ENTRY,
	  KERNEL_SLAB,
	  GAP_ALLOC_BULK,
	  { "kmem_cache_alloc_bulk_noprof", "kmem_cache_alloc_bulk" } },
	{ "pages_alloc_bulk_returned",
	  HOOK_RETURN,
	  KERNEL_PAGE,
	  GAP_PAGES_BULK,
	  { BULK_PAGES, BULK_PAGES_BEFORE } },
	{ "pages_alloc_bulk",
	  HOOK_ENTRY,
	  KERNEL_PAGE,
	  GAP_PAGES_BULK,
	  { BULK_PAGES, BULK_PAGES_BEFORE } },
	{ "mm_page_alloc", HOOK_TRACEPOINT, KERNEL_PAGE, GAP_PAGE, { 0 } },
	{ "mm_page_free", HOOK_TRACEPOINT, KERNEL_PAGE, GAP_PAGE, { 0 } },
	/* Since 6.12 (commit 038eb433dc14) */
	{ "dma_alloc", HOOK_TRACEPOINT, KERNEL_PAGE, GAP_DMA, { 0 } },
	{ "dma_free", HOOK_TRACEPOINT, KERNEL_PAGE, GAP_DMA, { 0 } },
	{ "dma_alloc_pages", HOOK_TRACEPOINT, KERNEL_PAGE, GAP_NONE, { 0 } },
	{ "dma_free_pages", HOOK_TRACEPOINT, KERNEL_PAGE, GAP_NONE, { 0 } },
	{ "percpu_alloc_percpu",
	  HOOK_TRACEPOINT,
	  KERNEL_PERCPU,
	  GAP_PERCPU,
	  { 0 } },
	{ "percpu_free_percpu",
	  HOOK_TRACEPOINT,
	  KERNEL_PERCPU,
	  GAP_PERCPU,
	  { 0 } },
	/* Since 6.3 (commit cf243da6abb3); these two, or the three behind */
	{ "alloc_vmap_area",
	  HOOK_TRACEPOINT,
	  KERNEL_VMALLOC,
	  GAP_VMALLOC,
	  { 0 } },
	{ "free_vmap_area_noflush",
	  HOOK_TRACEPOINT,
	  KERNEL_VMALLOC,
	  GAP_VMALLOC,
	  { 0 } },
	{ "vmalloc_returned",
	  HOOK_RETURN,
	  KERNEL_VMALLOC,
	  GAP_VMALLOC,
	  { "__get_vm_area_node" } },
	{ "vmalloc_called",
	  HOOK_ENTRY,
	  KERNEL_VMALLOC,
	  GAP_VMALLOC,
	  { "__get_vm_area_node" } },
	{ "vfree_called",
	  HOOK_ENTRY,
	  KERNEL_VMALLOC,
	  GAP_VMALLOC,
	  { "remove_vm_area" } },
	{ "kmalloc_nested",
	  HOOK_TRACEPOINT,
	  KERNEL_SLAB,
	  GAP_NONE,
	  { "kmalloc" } },
	{ "kfree_nested", HOOK_TRACEPOINT, KERNEL_SLAB, GAP_NONE, { "kfree" } },
	{ "kmem_cache_alloc_nested",
	  HOOK_TRACEPOINT,
	  KERNEL_SLAB,
	  GAP_NONE,
	  { "kmem_cache_alloc" } },
	{ "kmem_cache_free_nested",
	  HOOK_TRACEPOINT,
	  KERNEL_SLAB,
	  GAP_NONE,
	  { "kmem_cache_free" } },
	{ "mm_page_alloc_nested",
	  HOOK_TRACEPOINT,
	  KERNEL_PAGE,
	  GAP_NONE,
	  { "mm_page_alloc" } },
	{ "mm_page_free_nested",
	  HOOK_TRACEPOINT,
	  KERNEL_PAGE,
	  GAP_NONE,
	  { "mm_page_free" } },
	{ "module_load", HOOK_TRACEPOINT, 0, GAP_MODULES, { 0 } },
	{ "module_free", HOOK_TRACEPOINT, 0, GAP_MODULES, { 0 } },
};

#define PROBE_COUNT (sizeof(probe_table) / sizeof(probe_table[0]))
_Static_assert(PROBE_COUNT <= KERNEL_PROBES_MAX, "struct kernel_probes");

static struct bpf_link *probe_link(const struct kernel_probe *probe,
				   struct bpf_program *program)
{
	struct bpf_link *link = NULL;

	if (probe->hook == HOOK_TRACEPOINT)
		return bpf_program__attach_raw_tracepoint(
			program,
			probe->names[0] ? probe->names[0] : probe->program);
	for (size_t i = 0; i < 2 && !link && probe->names[i]; i++)
		link = bpf_program__attach_kprobe(
			program, probe->hook == HOOK_RETURN, probe->names[i]);
	return link;
}

/* Whether a failed probe means that the kernel does not have it. */
static bool probe_is_absent(const struct kernel_probe *probe, int code)
{
	/*
	 * Without kprobes there is no such event source; functions may be
	 * inlined, renamed (EINVAL too) or closed to probes, and lockdown
	 * forbids what it does.
	 */
	return probe->hook != HOOK_TRACEPOINT || code == ENOENT;
}

static bool probe_is_wanted(const struct kernel_probe *probe, unsigned spaces,
			    bool modules)
{
	return probe->space ? (probe->space & spaces) != 0 : modules;
}

static bool gap_is_known(const struct kernel_probes *probes,
			 enum gap_index index)
{
	for (size_t i = 0; i < probes->gaps.count; i++)
		if (probes->gaps.items[i].name == gap_texts[index].name)
			return true;
	return false;
}

static int gap_add(struct kernel_probes *probes, enum gap_index index)
{
	struct gap *gap;

	if (gap_is_known(probes, index))
		return 0;
	gap = vector_push(&probes->gaps);
	if (!gap)
		return -ENOMEM;
	*gap = gap_texts[index];
	return 0;
}

/* Takes back the probes that serve one purpose: half of them only misleads. */
static void gap_detach(struct kernel_probes *probes, enum gap_index gap,
		       bool functions)
{
	for (size_t i = 0; i < PROBE_COUNT; i++) {
		if (probe_table[i].gap != gap || !probes->links[i] ||
		    (probe_table[i].hook != HOOK_TRACEPOINT) != functions)
			continue;
		bpf_link__destroy(probes->links[i]);
		probes->links[i] = NULL;
	}
}

/*
 * Attaches the probes of one purpose: those on tracepoints, or else those on
 * functions. False if neither is complete.
 */
static int purpose_attach(struct kernel_probes *probes,
			  struct bpf_object *object, enum gap_index gap,
			  bool functions, bool *complete, struct error *error)
{
	size_t attached = 0, absent = 0;

	for (size_t i = 0; i < PROBE_COUNT; i++) {
		const struct kernel_probe *probe = &probe_table[i];

		if (probe->gap != gap ||
		    (probe->hook != HOOK_TRACEPOINT) != functions)
			continue;
		probes->links[i] =
			probe_link(probe, bpf_object__find_program_by_name(
						  object, probe->program));
		if (probes->links[i]) {
			attached++;
			continue;
		}
		absent++;
		if (!probe_is_absent(probe, errno))
			return error_set(
				error, errno,
				"cannot attach to the tracepoint %s: %s",
				probe->program, strerror(errno));
	}
	*complete = attached && !absent;
	if (!*complete)
		gap_detach(probes, gap, functions);
	return 0;
}

/*
 * Probes that nothing is short of without: each by itself, and behind the
 * others, as second programs come behind the first.
 */
static int extras_attach(struct kernel_probes *probes,
			 struct bpf_object *object, unsigned spaces,
			 struct error *error)
{
	for (size_t i = 0; i < PROBE_COUNT; i++) {
		const struct kernel_probe *probe = &probe_table[i];

		if (probe->gap != GAP_NONE ||
		    !probe_is_wanted(probe, spaces, false))
			continue;
		probes->links[i] =
			probe_link(probe, bpf_object__find_program_by_name(
						  object, probe->program));
		if (!probes->links[i] && !probe_is_absent(probe, errno))
			return error_set(
				error, errno,
				"cannot attach to the tracepoint %s: %s",
				probe->program, strerror(errno));
	}
	return 0;
}

static bool purpose_is_wanted(const struct kernel_probes *probes,
			      enum gap_index gap, unsigned spaces, bool modules)
{
	/* What the kernel has not got it does not lack. */
	if (gap == GAP_PAGES_BULK && !probes->bulk_pages_arguments)
		return false;
	/* A kernel that is all of one piece lacks nothing. */
	if (gap == GAP_MODULES && access("/proc/modules", F_OK))
		return false;
	for (size_t i = 0; i < PROBE_COUNT; i++)
		if (probe_table[i].gap == gap)
			return probe_is_wanted(&probe_table[i], spaces,
					       modules);
	return false;
}

static void probes_count(struct kernel_probes *probes)
{
	for (size_t i = 0; i < PROBE_COUNT; i++) {
		if (!probes->links[i])
			continue;
		if (probe_table[i].hook != HOOK_TRACEPOINT)
			probes->functions++;
		else if (!probe_table[i].names[0])
			probes->tracepoints++;
	}
}

/* Without one kind of memory that is seen there would be nothing to report. */
static int check_something(const struct kernel_probes *probes, unsigned spaces,
			   struct error *error)
{
	char missing[64] = "";
	size_t used = 0;

	for (int gap = GAP_SLAB; gap <= GAP_VMALLOC; gap++) {
		if (!purpose_is_wanted(probes, (enum gap_index)gap, spaces,
				       false))
			continue;
		if (!gap_is_known(probes, (enum gap_index)gap))
			return 0;
		used += (size_t)snprintf(missing + used, sizeof(missing) - used,
					 "%s%s", used ? ", " : "",
					 gap_texts[gap].name);
	}
	return error_set(
		error, ENOENT,
		"this kernel has no tracepoints for %s memory: choose other kinds with --kernel=KINDS, or a kernel built with CONFIG_TRACEPOINTS",
		missing);
}

void kernel_probes_look(struct kernel_probes *probes)
{
	struct btf *btf = btf__load_vmlinux_btf();
	const struct btf_type *function = NULL;
	int id;

	if (libbpf_get_error(btf))
		return;
	id = btf__find_by_name_kind(btf, BULK_PAGES, BTF_KIND_FUNC);
	if (id < 0)
		id = btf__find_by_name_kind(btf, BULK_PAGES_BEFORE,
					    BTF_KIND_FUNC);
	if (id > 0)
		function = btf__type_by_id(btf, (__u32)id);
	if (function)
		function = btf__type_by_id(btf, function->type);
	if (function)
		probes->bulk_pages_arguments = btf_vlen(function);
	btf__free(btf);
}

int kernel_probes_attach(struct kernel_probes *probes,
			 struct bpf_object *object, unsigned spaces,
			 bool modules, struct error *error)
{
	int result = 0;

	for (int gap = GAP_NONE + 1; !result && gap < GAP_COUNT; gap++) {
		bool complete = false;

		if (!purpose_is_wanted(probes, (enum gap_index)gap, spaces,
				       modules))
			continue;
		result = purpose_attach(probes, object, (enum gap_index)gap,
					false, &complete, error);
		if (!result && !complete)
			result = purpose_attach(probes, object,
						(enum gap_index)gap, true,
						&complete, error);
		if (!result && !complete &&
		    gap_add(probes, (enum gap_index)gap))
			result = error_set(error, ENOMEM, "out of memory");
	}
	if (!result)
		result = extras_attach(probes, object, spaces, error);
	if (result)
		return result;
	probes_count(probes);
	return check_something(probes, spaces, error);
}

void kernel_probes_detach(struct kernel_probes *probes)
{
	for (size_t i = 0; i < KERNEL_PROBES_MAX; i++) {
		bpf_link__destroy(probes->links[i]);
		probes->links[i] = NULL;
	}
}

void kernel_probes_free(struct kernel_probes *probes)
{
	kernel_probes_detach(probes);
	vector_free(&probes->gaps);
}

void kernel_probes_tell_gaps(const struct kernel_probes *probes, char *text,
			     size_t size)
{
	bool kprobes = !access(KPROBES, F_OK) || !access(KPROBE_EVENTS, F_OK);
	bool inflates = false;
	size_t used;

	*text = '\0';
	if (!probes->gaps.count)
		return;
	used = (size_t)snprintf(text, size, "not seen on this kernel%s:",
				kprobes ? "" : ", which has no kprobes");
	for (size_t i = 0; i < probes->gaps.count && used < size; i++) {
		inflates |= probes->gaps.items[i].inflates;
		used += (size_t)snprintf(text + used, size - used, "%s %s",
					 i ? "," : "",
					 probes->gaps.items[i].text);
	}
	if (inflates && used < size)
		snprintf(text + used, size - used,
			 "; stacks that may include such are marked");
}
