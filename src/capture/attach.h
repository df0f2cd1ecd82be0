/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting the BPF programs on the allocator functions of one process: which
 * functions an object has, where they are, the links that hold the probes.
 * Every probe is confined to that process: a probe on libc for all would slow
 * the whole machine.
 */
#ifndef LEAKTRACE_CAPTURE_ATTACH_H
#define LEAKTRACE_CAPTURE_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include <bpf/libbpf.h>

#include "bpf/abi.h"
#include "capture/capture.h"
#include "capture/found_allocators.h"
#include "capture/object_search.h"
#include "capture/uprobe_link.h"
#include "util/error.h"
#include "util/vector.h"

/* The programs of the user object, by the method that uses them. */
struct attach_programs {
	enum attach_method method; /* whose programs are loaded */
	/*
	 * Functions whose return is of no interest have multi_entry, although
	 * the method is session: of a session's link for another process the
	 * kernel thinks that it wants the return (uprobe_prog_run()).
	 */
	bool apart;
	struct bpf_program *session;
	struct bpf_program *multi_entry, *multi_return;
	struct bpf_program *perf_entry[ABI_SHAPES], *perf_return;
};

/* A function that is probed. */
struct probed_function {
	uint64_t device, inode, offset; /* its entry, in which file */
	uint64_t address, size;		/* as in struct elf_function */
	enum abi_shape shape;
};

/* A file that was searched. */
struct searched_object {
	uint64_t device, inode;
};

/* The probes of one process. */
struct attachment {
	int pid;
	const struct attach_programs *programs;
	const char *symbols_prefix; /* also try PREFIXmalloc; NULL = none */
	const struct custom_functions *custom; /* NULL = none */
	bool custom_seen[CUSTOM_FUNCTIONS_MAX];
	struct function_names names; /* filled by the first attach_object() */
	VECTOR(struct searched_object) searched;
	found_allocators found;
	unsigned throwing; /* functions only counted, as they may throw */
	VECTOR(struct probed_function) functions;
	capture_lines lines;		 /* name, site and reason of each */
	VECTOR(struct bpf_link *) links; /* ATTACH_PERF */
	VECTOR(int) link_fds;		 /* the others */
};

void attachment_init(struct attachment *attachment, int pid,
		     const struct attach_programs *programs,
		     const char *symbols_prefix,
		     const struct custom_functions *custom);

/* Removes all probes. */
void attachment_free(struct attachment *attachment);

/* What attaching to one object came to. */
struct attach_result {
	unsigned functions;  /* probed now, that were not before */
	unsigned allocators; /* of these, functions that allocate */
};

/*
 * Probes the allocator functions that a file defines, each at its site
 * (probe_sites.h), and notes in found what they make of the file. One that was
 * searched before, and functions at an address that is probed already, are
 * passed over. Returns 0 also when the file defines none; -ENOEXEC for files
 * of another architecture, -EINVAL for damaged ones, other -errno when a probe
 * is refused, and those of object_search().
 */
int attach_object(struct attachment *attachment,
		  const struct object_source *source,
		  struct attach_result *result, struct error *error);

/*
 * Writes into text, cut to size, what is not traced: functions that may throw,
 * functions of the user's that were in no object so far; "" = nothing.
 */
void attachment_describe_missing(const struct attachment *attachment,
				 char *text, size_t size);

#endif
