/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probes of kernel mode: a table of BPF programs and what each hangs on,
 * tracepoints where there are some, kprobes on functions where there are none.
 * What the running kernel offers neither for is a gap, which is told.
 */
#ifndef LEAKTRACE_CAPTURE_KERNEL_PROBES_H
#define LEAKTRACE_CAPTURE_KERNEL_PROBES_H

#include <bpf/libbpf.h>

#include "model/snapshot.h"
#include "util/error.h"
#include "util/vector.h"

#define KERNEL_PROBES_MAX 48

/* All zero = nothing attached. */
struct kernel_probes {
	struct bpf_link *links[KERNEL_PROBES_MAX]; /* NULL = not attached */
	unsigned tracepoints, functions;	   /* attached */
	unsigned bulk_pages_arguments; /* of alloc_pages_bulk(); 0 = none */
	VECTOR(struct gap) gaps;
};

/* Looks at the kernel's BTF for what attaching and the programs must know. */
void kernel_probes_look(struct kernel_probes *probes);

/*
 * Attaches what the spaces (KERNEL_* of options.h) need, and the programs on
 * modules if modules is set. Returns 0, -ENOENT if the kernel has none of it,
 * or -errno of a probe that is there but cannot be had.
 */
int kernel_probes_attach(struct kernel_probes *probes,
			 struct bpf_object *object, unsigned spaces,
			 bool modules, struct error *error);

/* Takes the probes away; the gaps stay known. */
void kernel_probes_detach(struct kernel_probes *probes);

void kernel_probes_free(struct kernel_probes *probes);

/* The gaps in one line for people; "" = none. */
void kernel_probes_tell_gaps(const struct kernel_probes *probes, char *text,
			     size_t size);

#endif
