/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of a process's capture, shared by the user_*.c files and by
 * nothing else: user_capture.c owns the skeleton and the start, user_attach.c
 * finds and probes allocators, user_events.c follows what BPF reports,
 * user_figures.c makes snapshots.
 */
#ifndef LEAKTRACE_CAPTURE_USER_CAPTURE_H
#define LEAKTRACE_CAPTURE_USER_CAPTURE_H

#include "capture/address_space.h"
#include "capture/attach.h"
#include "capture/capture.h"
#include "capture/guardian.h"
#include "capture/heap_code.h"
#include "capture/ledger.h"
#include "capture/records.h"
#include "capture/target.h"

struct user_bpf;

struct user_capture {
	struct capture capture;
	struct capture_options options;
	struct target *target; /* not owned */
	struct user_bpf *skeleton;
	struct ring_buffer *events;
	struct records records;
	struct attach_programs programs;
	struct attachment attachment;
	struct unwind_tables *tables; /* NULL = frame pointers */
	struct address_space space;
	struct heap_code heap_code;
	struct ledger ledger;
	struct guardian guardian;
	uint64_t image;	    /* owner of the current image's blocks */
	unsigned functions; /* probed in all */
	unsigned allocators;
	unsigned library_changes; /* since the last exec */
	int failed;		  /* first error while handling events */
	struct error error;
};

/* Reads the mappings, for names and for the stack walker. 0 or -errno. */
int user_read_mappings(struct user_capture *user, struct error *error);

/* Reads the mappings and probes what is new in them. 0 or -errno. */
int user_refresh(struct user_capture *user, struct error *error);

/* The ring buffer's callback; failures are kept in user->failed. */
int user_on_event(void *context, void *data, size_t size);

/* capture_operations.snapshot */
int user_snapshot(struct capture *capture, struct snapshot *snapshot,
		  struct error *error);

#endif
