/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of a capture of processes, shared by the user_*.c files and by
 * nothing else: user_capture.c owns the skeleton and the start, user_process.c
 * the processes, user_attach.c finds and probes allocators, user_events.c
 * follows what BPF reports, user_figures.c makes snapshots.
 */
#ifndef LEAKTRACE_CAPTURE_USER_CAPTURE_H
#define LEAKTRACE_CAPTURE_USER_CAPTURE_H

#include "capture/address_space.h"
#include "capture/attach.h"
#include "capture/capture.h"
#include "capture/cost_watch.h"
#include "capture/guardian.h"
#include "capture/heap_code.h"
#include "capture/ledger.h"
#include "capture/mapping_names.h"
#include "capture/records.h"
#include "capture/target.h"

struct user_bpf;

/* One traced process: what it has mapped, and the probes in it. */
struct user_process {
	struct user_capture *user;
	struct target *target;
	uint32_t first_pid; /* in the first PID namespace: BPF's key */
	uint64_t image;	    /* owner of the current image's blocks */
	struct attachment attachment;
	struct address_space space;
	struct heap_code heap_code;
	struct ledger ledger;
	struct mapping_names mapping_names;
	unsigned functions; /* probed in all */
	unsigned allocators;
	unsigned library_changes; /* since the last exec */
};

struct user_capture {
	struct capture capture;
	struct capture_options options;
	struct user_bpf *skeleton;
	struct ring_buffer *events;
	struct records records;
	struct attach_programs programs;
	struct resolver *resolver;    /* not owned */
	struct unwind_tables *tables; /* NULL = frame pointers */
	struct guardian guardian;
	struct cost_watch watch;
	unsigned lowest_level; /* of sampling, see struct abi_block */
	VECTOR(struct user_process *) processes; /* that run */
	int failed; /* first error while handling events */
	struct error error;
};

/*
 * Adds a process and tells BPF of it, without probes as yet. The target stays
 * the caller's. 0 or -errno.
 */
int user_process_add(struct user_capture *user, struct target *target,
		     struct user_process **added, struct error *error);
void user_process_free(struct user_process *process);

/* By PID in the first namespace, by image; NULL = none that runs. */
struct user_process *user_process_find(const struct user_capture *user,
				       uint32_t first_pid);
struct user_process *user_process_of(const struct user_capture *user,
				     uint64_t image);

/* Reads the mappings, for names and for the stack walker. 0 or -errno. */
int user_read_mappings(struct user_process *process, struct error *error);

/* Reads the mappings and probes what is new in them. 0 or -errno. */
int user_refresh(struct user_process *process, struct error *error);

/* The ring buffer's callback; failures are kept in user->failed. */
int user_on_event(void *context, void *data, size_t size);

/* capture_operations.snapshot */
int user_snapshot(struct capture *capture, struct snapshot *snapshot,
		  struct error *error);

#endif
