/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Modules that come and go. What is allocated by the init of the one that is
 * waited for counts, so its code is known before it runs.
 */
#ifndef LEAKTRACE_BPF_KERNEL_MODULE_H
#define LEAKTRACE_BPF_KERNEL_MODULE_H

#include "bpf/kernel_stack.bpf.h"

/* enum mod_mem_type, since 6.4 (commit ac3b43283923) */
#define MOD_TEXT 0
#define MOD_INIT_TEXT 4

struct module_code {
	struct abi_module_range text, init;
};

static __always_inline struct abi_module_range code_range(const void *base,
							  u32 size)
{
	return (struct abi_module_range){ (u64)base, (u64)base + size };
}

static __always_inline void module_code_read(struct module *module,
					     struct module_code *code)
{
	if (bpf_core_field_exists(module->mem)) {
		code->text =
			code_range(BPF_CORE_READ(module, mem[MOD_TEXT].base),
				   BPF_CORE_READ(module, mem[MOD_TEXT].size));
		code->init = code_range(
			BPF_CORE_READ(module, mem[MOD_INIT_TEXT].base),
			BPF_CORE_READ(module, mem[MOD_INIT_TEXT].size));
	} else if (bpf_core_field_exists(module->core_layout)) {
		code->text = code_range(BPF_CORE_READ(module, core_layout.base),
					BPF_CORE_READ(module,
						      core_layout.text_size));
		code->init = code_range(BPF_CORE_READ(module, init_layout.base),
					BPF_CORE_READ(module,
						      init_layout.text_size));
	}
}

/* Stacks are compared meanwhile: never with one's start and another's end. */
static __always_inline void module_range_set(u32 index,
					     struct abi_module_range range)
{
	atomic_publish(&module_ranges[index].start, 0);
	atomic_publish(&module_ranges[index].end, range.end);
	atomic_publish(&module_ranges[index].start, range.start);
	__sync_fetch_and_add(&kernel_memo_generation, 1);
}

static __always_inline bool range_holds(u32 index, u64 address)
{
	return address >= module_ranges[index].start &&
	       address < module_ranges[index].end;
}

/* The init's code is given back when it has run, which nothing tells. */
static __always_inline void module_other_loaded(const struct module_code *code)
{
	if (range_holds(1, code->text.start) ||
	    range_holds(1, code->init.start))
		module_range_set(1, (struct abi_module_range){ 0, 0 });
}

static __always_inline bool module_is_wanted(const char *name)
{
	for (u32 i = 0; i < ABI_MODULE_NAME_MAX; i++) {
		if (name[i] != config.module_name[i])
			return false;
		if (!name[i])
			break;
	}
	return true;
}

static __always_inline void module_follow(const struct module_code *code,
					  const char *name,
					  enum abi_module_change change)
{
	if (module_is_wanted(name)) {
		module_range_set(0, code->text);
		module_range_set(1, code->init);
	} else if (change == ABI_MODULE_LOADED) {
		module_other_loaded(code);
	}
}

static __always_inline int module_changed(struct module *module,
					  enum abi_module_change change)
{
	struct abi_event_module event = {
		.type = ABI_EVENT_MODULE,
		.change = change,
		.at_ns = bpf_ktime_get_ns(),
	};
	struct module_code code = {};

	bpf_probe_read_kernel_str(
		event.name, sizeof(event.name),
		__builtin_preserve_access_index(&module->name));
	if (change == ABI_MODULE_LOADED)
		module_code_read(module, &code);
	event.text = code.text;
	event.init = code.init;
	if (config.by_module)
		module_follow(&code, event.name, change);
	if (bpf_ringbuf_output(&events, &event, sizeof(event), 0))
		count(ABI_LIFECYCLE_LOST, 1);
	return 0;
}

/* module_load(module): it is in place, its init has not run. */
SEC("raw_tp/module_load")
int module_load(struct bpf_raw_tracepoint_args *context)
{
	return module_changed((struct module *)context->args[0],
			      ABI_MODULE_LOADED);
}

/* module_free(module): its exit has run, its code is about to be given back. */
SEC("raw_tp/module_free")
int module_free(struct bpf_raw_tracepoint_args *context)
{
	return module_changed((struct module *)context->args[0],
			      ABI_MODULE_GONE);
}

#endif
