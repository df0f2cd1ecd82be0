/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who stands behind a kernel call stack: which module it belongs to, and what
 * pages are for. Pure: names in, an opinion out.
 */
#ifndef LEAKTRACE_JUDGE_KERNEL_ORIGIN_H
#define LEAKTRACE_JUDGE_KERNEL_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "model/location.h"
#include "model/snapshot.h"

#define KERNEL_PROPER "vmlinux"

/*
 * Removes the innermost frames that are the tracing's own: the BPF program and
 * what calls it (bpf_trace_run, and __bpf_trace_ and __traceiter_ where those
 * are not inlined; kernel/trace/bpf_trace.c).
 */
void kernel_frames_drop_own(frame_vector *frames);

/* Whether module `user` uses functions of module `used` (/proc/modules). */
typedef bool module_uses(void *context, const char *user, const char *used);

/*
 * The module that a stack (innermost frame first) belongs to: the one nearest
 * to the allocation. If another one further out on the stack uses that one's
 * functions, the first was a library that allocated for it: the stack belongs
 * to the user, and so on. KERNEL_PROPER if there is no module on the stack;
 * else one of the frames' own strings.
 */
const char *kernel_origin_module(const struct frame *frames, size_t count,
				 module_uses *uses, void *context);

/*
 * What a stack of the page allocator allocated for. The innermost function
 * that is not the page allocator's own decides; what a module asks for is the
 * module's (PAGE_USE_NONE).
 */
enum page_use kernel_origin_page_use(const struct frame *frames, size_t count);

/*
 * The same of the slab allocator: whether an object is what vmalloc, the
 * per-CPU or the slab allocator keeps beside each block for itself.
 */
enum page_use kernel_origin_object_use(const struct frame *frames,
				       size_t count);

#endif
