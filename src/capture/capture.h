/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A capture: probes in place, figures on demand. One struct of operations a
 * kind (processes, kernel); main drives either through it.
 */
#ifndef LEAKTRACE_CAPTURE_CAPTURE_H
#define LEAKTRACE_CAPTURE_CAPTURE_H

#include <stdbool.h>

#include "model/snapshot.h"
#include "resolve/resolver.h"
#include "util/error.h"
#include "util/vector.h"

struct capture;
struct custom_functions;
struct target;

struct capture_options {
	uint64_t min_size, max_size; /* bytes; max_size 0 = no limit */
	uint64_t max_blocks, max_stacks;
	uint64_t older_ns;
	bool list_blocks;
	bool resident;	     /* which of the blocks' pages are */
	bool frame_pointers; /* find callers by frame pointers only */
	bool python;	     /* Python's frames, too */
	const char *object;  /* only this file's functions */
	const char *symbols_prefix;
	unsigned kernel_spaces; /* KERNEL_* of options.h */
	uint64_t sample_bytes;	/* mean bytes a sample; 0 = every block */
	bool measure_cost;	/* of tracing, for snapshots */
	double max_overhead;	/* percent of a core, 0 = no limit */
	int pid;		/* kernel: only in this process; 0 = in all */
	const char *module;	/* kernel: only with it on the stack, or NULL */
	const char *comm; /* kernel: only in tasks of this name, or NULL */

	/* Functions that the user names; NULL = none. */
	const struct custom_functions *custom;
};

/* Which processes to trace: all that one of these names. */
struct process_selection {
	struct target *targets; /* open, stay the caller's; NULL = none */
	size_t target_count;
	const char *comm;   /* NULL = none */
	const char *cgroup; /* directory or path of a control group */
	bool follow;	    /* also their children */
};

struct capture_operations {
	/* Readable when events wait. */
	int (*event_fd)(const struct capture *capture);
	/* Handles the events that wait. 0 or -errno. */
	int (*drain)(struct capture *capture, struct error *error);
	/*
	 * Fills a snapshot, zeroed but for started_ns and totals_only, with
	 * which it takes no longer for many blocks, and its generations. 0 or
	 * -errno; freed by the caller.
	 */
	int (*snapshot)(struct capture *capture, struct snapshot *snapshot,
			struct error *error);
	/* Detaches all probes; figures can still be read. */
	void (*detach)(struct capture *capture);
	void (*free)(struct capture *capture);
};

/* Lines of text, each a string on the heap. */
typedef VECTOR(char *) capture_lines;

/* Every kind of capture begins with this. */
struct capture {
	const struct capture_operations *operations;
	char description[1024]; /* "libc.so.6 (14 functions)": what is probed */
	unsigned module_unloads; /* of the module that is watched, so far */
	char warning[512];	 /* what cannot be seen here; "" = nothing */
	/* What of a language's own memory is seen; the capture's own. */
	capture_lines notes;
	char subject[96]; /* what is traced: "3 processes" */
	bool ended;	  /* none of the processes is left */
	/*
	 * Where each function is probed and why there, the capture's own: more
	 * come with new libraries, none are left after detach. NULL = none.
	 */
	const capture_lines *probes;
};

/*
 * Says why BPF cannot be used here, with the remedy: not root, no BTF, locked
 * down. Returns 0 or -EPERM, -ENOTSUP.
 */
int capture_check_system(struct error *error);

/*
 * Attaches to the processes of the selection: they run, or one was spawned
 * and is released here: then it runs when this returns. The resolver must
 * outlive the capture. -ENOENT: no known allocator in a process that was named
 * by its PID, or nothing that matches.
 */
int user_capture_new(struct capture **capture,
		     const struct process_selection *selection,
		     const struct capture_options *options,
		     struct resolver *resolver, struct error *error);

/*
 * Instead of an allocator's blocks follows the pages that page faults make
 * resident, estimated from one fault in some. Otherwise as above; there is
 * always something to trace.
 */
int growth_capture_new(struct capture **capture, struct target *target,
		       const struct capture_options *options,
		       struct resolver *resolver, struct error *error);

/* The resolver must outlive the capture. */
int kernel_capture_new(struct capture **capture,
		       const struct capture_options *options,
		       struct resolver *resolver, struct error *error);

#endif
