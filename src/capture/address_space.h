/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is mapped where in one process, as objects of the resolver: turns the
 * addresses of a call stack into locations that outlive the process.
 */
#ifndef LEAKTRACE_CAPTURE_ADDRESS_SPACE_H
#define LEAKTRACE_CAPTURE_ADDRESS_SPACE_H

#include "capture/python_runtime.h"
#include "model/location.h"
#include "resolve/generated_code.h"
#include "resolve/resolver.h"
#include "unwind/process_maps.h"
#include "unwind/unwind_tables.h"

/* The unwind_maps of a loaded skeleton. */
#define UNWIND_MAPS(skeleton)                                                \
	((struct unwind_maps){                                               \
		.chunks = bpf_map__fd((skeleton)->maps.unwind_chunks),       \
		.rules = bpf_map__fd((skeleton)->maps.unwind_rules),         \
		.modules = bpf_map__fd((skeleton)->maps.unwind_modules),     \
		.processes = bpf_map__fd((skeleton)->maps.unwind_processes), \
		.slots = bpf_map__fd((skeleton)->maps.unwind_slots),         \
	})

/* A mapped file, as the resolver and the stack walker each know it. */
struct mapped_code {
	uint32_t object; /* of the resolver, OBJECT_NONE = none */
	uint32_t module; /* of the unwind tables, UNWIND_MODULE_NONE = none */
};

struct address_space {
	int pid;
	uint32_t walker_pid; /* in the first PID namespace: the walker's key */
	struct resolver *resolver;    /* not owned */
	struct unwind_tables *tables; /* not owned; NULL = frame pointers */
	struct process_maps maps;
	VECTOR(struct mapped_code) code; /* of maps.mappings, same index */
	VECTOR(uint32_t) module_objects; /* objects by module id */
	uint64_t refreshes_paid_ns;	 /* CLOCK_MONOTONIC: until when the
				       refreshes after misses count */
	unsigned modules_without_tables;
	struct generated_code generated;
	bool python_wanted; /* to look for it; the owner's to set */
	struct python_runtime python;
};

void address_space_init(struct address_space *space, int pid,
			struct resolver *resolver,
			struct unwind_tables *tables);
void address_space_free(struct address_space *space);

/*
 * Reads the mappings anew, opens the files that are new and tells the stack
 * walker. On failure (-ESRCH: the process is gone) what was known stays.
 */
int address_space_refresh(struct address_space *space, struct error *error);

/*
 * The location of a frame, as unwind_abi.h describes them. False when its
 * address lies in no known mapping; the location is then absolute.
 */
bool address_space_locate(struct address_space *space, uint64_t frame,
			  struct location *location);

/*
 * Turns the words of a stack, as BPF sent them, into locations: native frames,
 * each by address_space_locate() before, and Python's. `native` of *count are
 * native. 0 or -ENOMEM.
 */
int address_space_add_python(struct address_space *space,
			     struct location *frames, size_t native,
			     size_t *count);

/*
 * Reads what the process tells of the code that it generates, if that has
 * changed. True if there are new names: of locations in OBJECT_NONE
 * address_space_name() may find some now.
 */
bool address_space_read_names(struct address_space *space);

/* Names a location of OBJECT_NONE, if its function is known. */
void address_space_name(struct address_space *space, struct location *location);

#endif
