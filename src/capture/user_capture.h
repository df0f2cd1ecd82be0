/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of a capture of processes, shared by the user_*.c files and by
 * nothing else: user_capture.c owns the skeleton and the start, user_load.c
 * loads it, user_process.c has the processes, user_attach.c finds and probes
 * allocators, user_events.c follows what BPF reports, user_figures.c makes
 * snapshots.
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
#include "capture/pid_names.h"
#include "capture/process_memory.h"
#include "capture/records.h"
#include "capture/target.h"

struct user_bpf;

/* A file that was searched for allocators. */
struct examined_file {
	uint32_t device_major, device_minor;
	uint64_t inode;
};

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
	struct process_memory memory;
	VECTOR(struct examined_file) examined;
	unsigned functions; /* probed in all */
	unsigned allocators;
	unsigned library_changes; /* since the last exec */
	struct target found;	  /* the target, unless it is the caller's */
	uint64_t untraced_ns;	  /* as in struct process_figures */
	bool ended;
};

/* An image whose blocks are still among the live ones. */
struct departed_image {
	uint64_t image;
	bool by_exit;			/* else by exec */
	struct process_figures figures; /* by_exit */
};

/* How many of the processes that ended held blocks of a stack. */
struct ended_share {
	uint32_t pid; /* of the first */
	uint32_t count;
};

typedef VECTOR(struct process_account) process_account_vector;

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
	struct process_selection selection;
	char *cgroup; /* the directory of selection.cgroup */
	bool many;    /* config.many: several processes, or more to come */
	int wait_fd;  /* an epoll of the events and the processes' ends */
	struct link_closer *closer;		 /* NULL = there is no need */
	VECTOR(struct user_process *) processes; /* that run */
	/* Freed at the next snapshot: the last one has their names. */
	VECTOR(struct user_process *) leaving;
	VECTOR(struct user_process *) ended_mappers; /* ended with mappings */
	VECTOR(struct departed_image) departed;	     /* to be swept */
	VECTOR(struct ended_share) ended_shares;     /* index = stack id */
	VECTOR(struct process_figures) ended;	     /* since the last report */
	uint64_t ended_before, ended_blocks, ended_bytes; /* before that */
	struct pid_names names;
	bool started;	      /* what is found from now on is new */
	bool search_wanted;   /* the control group may have new processes */
	uint64_t unseen;      /* processes that ended before they were traced */
	uint64_t unprobed;    /* processes without a known allocator */
	uint64_t late_images; /* executed by a thread, without being held */
	process_account_vector last_accounts;
	size_t next_look;	/* whose address space is next, modulo count */
	uint64_t looks_paid_ns; /* CLOCK_MONOTONIC: until when the looks at
				   address spaces count */
	int failed;		/* first error while handling events */
	struct error error;
};

/* Opens and loads the skeleton; hold: as config.hold. 0 or -errno. */
int user_load(struct user_capture *user, bool hold, struct error *error);

/* Probes forks, execs, names and ends of processes. 0 or -errno. */
int user_lifecycle_attach(struct user_capture *user, struct error *error);

/*
 * Adds a process and tells BPF of it, without probes as yet. first_pid: in the
 * first PID namespace. image: as BPF has it already, 0 = the process is new to
 * BPF. The target stays the caller's, or is one that was found and is taken
 * over. 0; -EEXIST: BPF has it and will say so; -errno.
 */
int user_process_add(struct user_capture *user, struct target *target,
		     uint32_t first_pid, uint64_t image,
		     struct user_process **added, struct error *error);
void user_process_free(struct user_process *process);

/*
 * Forgets all probes of a process in which another thread than the first has
 * executed: the kernel bound them to the first one's task, which is gone.
 */
void user_process_renew(struct user_process *process);

/* Takes a process that has ended out, and notes what it held. */
int user_process_end(struct user_capture *user, struct user_process *process,
		     struct error *error);

/* Removes the blocks of images that are gone from the live ones. 0, -errno. */
int user_sweep(struct user_capture *user, struct error *error);

/*
 * Of several processes: what each holds, and how many share a stack of the
 * snapshot. 0 or -errno.
 */
int user_share(struct user_capture *user, struct snapshot *snapshot,
	       struct error *error);

/* Finds the processes that the selection has by name or group. 0, -errno. */
int user_search(struct user_capture *user, struct error *error);

/* Follows a fork, an exec or a process that may be of interest. */
int user_on_new_process(struct user_capture *user,
			const struct abi_event_process *event,
			struct error *error);

/* Lets a process run on that was held. */
void user_continue(struct user_capture *user, uint32_t first_pid, int pid);

/* By PID in the first namespace, by image; NULL = none that runs. */
struct user_process *user_process_find(const struct user_capture *user,
				       uint32_t first_pid);
struct user_process *user_process_of(const struct user_capture *user,
				     uint64_t image);

/* Reads the mappings, for names and for the stack walker. 0 or -errno. */
int user_read_mappings(struct user_process *process, struct error *error);

/* Reads the mappings and probes what is new in them. 0 or -errno. */
int user_refresh(struct user_process *process, struct error *error);

/*
 * The same for a process that runs on meanwhile: libraries that were mapped
 * before the dynamic linker's notice was probed are met as well.
 */
int user_refresh_running(struct user_process *process, struct error *error);

/* The ring buffer's callback; failures are kept in user->failed. */
int user_on_event(void *context, void *data, size_t size);

/*
 * Adds to a snapshot, which has its stacks, the accounts of the processes'
 * memory and what of the blocks is resident. 0 or -errno.
 */
int user_account(struct user_capture *user, struct snapshot *snapshot,
		 struct error *error);

/* Notes, for people, what there was before tracing. 0 or -ENOMEM. */
int user_account_begin(struct user_capture *user);

/* Appends a loss, unless count is 0. 0 or -ENOMEM. */
int user_loss(struct snapshot *snapshot, uint64_t count, const char *name,
	      const char *text, const char *remedy);

/* The same when the probes are gone: only lets run on what is held. */
int user_on_late_event(void *context, void *data, size_t size);

/* capture_operations.snapshot */
int user_snapshot(struct capture *capture, struct snapshot *snapshot,
		  struct error *error);

#endif
