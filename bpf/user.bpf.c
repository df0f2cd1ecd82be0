// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The programs on the allocator functions of traced processes, once for each
 * way that kernels offer to attach them; user space loads those of one way.
 *
 * session (6.13): one link an object, which also spares the return trap where
 *   nothing returns. The cookie says which shape the function has.
 * multi (6.6): two links an object, with cookies.
 * perf (always): a link a probe. One program a shape, as cookies are not to
 *   be had everywhere (5.15).
 *
 * A probe need not stand on a function's first instruction: the cookie says
 * where the arguments are at its site.
 */
#include <vmlinux.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/account.bpf.h"
#include "bpf/allocate.bpf.h"
#include "bpf/calls.bpf.h"
#include "bpf/hits.bpf.h"
#include "bpf/lifecycle.bpf.h"
#include "bpf/preempt.bpf.h"
#include "bpf/site.bpf.h"
#include "bpf/walk.bpf.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline bool enter_function(struct pt_regs *registers,
					   u64 cookie)
{
	const struct entry entry = entry_at_site(registers, cookie);

	hit_entry(cookie);
	return enter(cookie & ABI_COOKIE_SHAPE_MASK, &entry);
}

static __always_inline int leave_function(struct pt_regs *registers)
{
	u64 began_ns = hit_return();

	if (leave(registers))
		hit_recorded(began_ns);
	return 0;
}

/*
 * Cookies of perf links came with 5.15; before, probes stand only where
 * everything is in its place.
 */
static __always_inline u64 perf_cookie(struct pt_regs *registers, u32 shape)
{
	u64 cookie = 0;

	if (bpf_core_enum_value_exists(enum bpf_func_id,
				       BPF_FUNC_get_attach_cookie))
		cookie = bpf_get_attach_cookie(registers);
	return (cookie & ~ABI_COOKIE_SHAPE_MASK) | shape;
}

/*
 * Whether a session probe is at the function's return: the probed address is
 * the same at both ends. (The kernel function that says so is called in another
 * way since 7.0, and a declaration that does not fit fails the whole object.)
 */
static __always_inline bool is_return(struct pt_regs *registers)
{
	return PT_REGS_IP(registers) != bpf_get_func_ip(registers);
}

/* Returns 1 where the return is of no interest: the kernel then skips it. */
SEC("uprobe")
int session_probe(struct pt_regs *registers)
{
	OWN_STACK();
	if (is_return(registers))
		return leave_function(registers);
	return !enter_function(registers, bpf_get_attach_cookie(registers));
}

SEC("uprobe")
int multi_entry(struct pt_regs *registers)
{
	OWN_STACK();
	enter_function(registers, bpf_get_attach_cookie(registers));
	return 0;
}

SEC("uprobe")
int multi_return(struct pt_regs *registers)
{
	OWN_STACK();
	return leave_function(registers);
}

#define PERF_ENTRY(name, shape)                                           \
	SEC("uprobe")                                                     \
	int name(struct pt_regs *registers)                               \
	{                                                                 \
		OWN_STACK();                                              \
		enter_function(registers, perf_cookie(registers, shape)); \
		return 0;                                                 \
	}

PERF_ENTRY(perf_malloc, ABI_SHAPE_MALLOC)
PERF_ENTRY(perf_new, ABI_SHAPE_NEW)
PERF_ENTRY(perf_throwing, ABI_SHAPE_THROWING)
PERF_ENTRY(perf_calloc, ABI_SHAPE_CALLOC)
PERF_ENTRY(perf_memalign, ABI_SHAPE_MEMALIGN)
PERF_ENTRY(perf_posix_memalign, ABI_SHAPE_POSIX_MEMALIGN)
PERF_ENTRY(perf_realloc, ABI_SHAPE_REALLOC)
PERF_ENTRY(perf_reallocarray, ABI_SHAPE_REALLOCARRAY)
PERF_ENTRY(perf_calloc_out, ABI_SHAPE_CALLOC_OUT)
PERF_ENTRY(perf_free, ABI_SHAPE_FREE)
PERF_ENTRY(perf_delete, ABI_SHAPE_DELETE)
PERF_ENTRY(perf_release, ABI_SHAPE_RELEASE)
PERF_ENTRY(perf_mmap, ABI_SHAPE_MMAP)
PERF_ENTRY(perf_munmap, ABI_SHAPE_MUNMAP)
PERF_ENTRY(perf_mremap, ABI_SHAPE_MREMAP)
PERF_ENTRY(perf_break, ABI_SHAPE_BREAK)
PERF_ENTRY(perf_thread_create, ABI_SHAPE_THREAD_CREATE)
PERF_ENTRY(perf_libraries, ABI_SHAPE_LIBRARIES)

SEC("uretprobe")
int perf_return(struct pt_regs *registers)
{
	OWN_STACK();
	return leave_function(registers);
}
