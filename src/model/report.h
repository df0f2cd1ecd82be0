/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A report, ready to print: ranked stacks with names. Judge makes it from
 * snapshots, report/ turns it into text or JSON. Owns its vectors; strings
 * belong to the resolver or are static, and outlive it.
 */
#ifndef LEAKTRACE_MODEL_REPORT_H
#define LEAKTRACE_MODEL_REPORT_H

#include "model/location.h"
#include "model/snapshot.h"
#include "model/verdict.h"

enum report_reason {
	REPORT_INTERVAL,  /* the interval passed */
	REPORT_ON_SIGNAL, /* SIGUSR1 */
	REPORT_UNLOADED,  /* the kernel module that is watched is gone */
	REPORT_CYCLE,	  /* a command of --cycle has ended */
	REPORT_LAST,	  /* nothing follows */
};

struct report_stack {
	const struct stack_figures *figures; /* in the report's snapshot */
	int64_t bytes_change, blocks_change; /* since the last report */
	uint64_t oldest_age_ns;		     /* 0 = no block */
	frame_vector frames;		     /* innermost first */
	struct judgement judgement;
	/* Its history, periods of report.period_ns; the judge's own. */
	const struct history_marks *history;
	unsigned history_first, history_count; /* since tracing began */
	/* At the ends of the snapshot's rounds; NULL = none, or not kept. */
	const struct stack_rounds *rounds;
};

struct space_total {
	enum space space;
	uint64_t bytes, blocks; /* outstanding */
	uint64_t stacks;	/* with outstanding blocks */
	bool estimate;		/* as in struct stack_figures */
	double blocks_error, bytes_error;
	int64_t bytes_change, blocks_change;
	/* Over the last report.rounds_over rounds. */
	int64_t round_bytes_change, round_blocks_change;
};

/* What belongs to one kernel module; pages set apart are not in it. */
struct module_total {
	const char *name;	/* "vmlinux" for the kernel proper */
	uint64_t bytes, blocks; /* outstanding */
	uint64_t stacks;	/* with outstanding blocks */
	int64_t bytes_change, blocks_change;
	struct {
		uint64_t bytes, blocks;
	} spaces[SPACE_COUNT];
};

/* What bounds the memory of the target, read when the report was made. */
struct memory_limit {
	enum {
		LIMIT_NONE,    /* not known */
		LIMIT_CGROUP,  /* the tightest of its control groups */
		LIMIT_MACHINE, /* physical memory */
	} kind;
	uint64_t limit_bytes, used_bytes;
};

/* What --suppressions kept out of everything else in the report. */
struct suppressed {
	const char *pattern;
	uint64_t stacks, blocks, bytes; /* outstanding */
};

struct report_process {
	const struct process_figures *figures; /* in the report's snapshot */
	int64_t bytes_change, blocks_change;   /* since the last report */
};

/* The account of a process's memory, or of several added up. */
struct report_account {
	struct process_account figures; /* of several: id, pid and name unset */
	/*
	 * Since tracing began for what ran before, else since the first
	 * report that had the process.
	 */
	struct account_change change;
	/* Bytes that the allocator was given back of what is recorded. */
	uint64_t freed_bytes;
};

struct report {
	unsigned number; /* 1 for the first */
	enum report_reason reason;
	const char *end;    /* REPORT_LAST: "target exited with status 0",
					"interrupted"; else NULL */
	const char *target; /* "redis-server", "kernel" */
	uint32_t pid;	    /* 0 in kernel mode */
	bool kernel;
	uint64_t elapsed_ns;	   /* since tracing began */
	uint64_t since_last_ns;	   /* since the last report, 0 on the first */
	struct snapshot *snapshot; /* owned */
	VECTOR(struct space_total) totals; /* spaces in use, enum order */
	/* In kernel mode, the most bytes first, "vmlinux" always last. */
	VECTOR(struct module_total) modules;
	struct {
		uint64_t bytes, blocks;
	} apart[PAGE_USE_COUNT]; /* SPACE_APART by what it is used for */
	VECTOR(struct suppressed) suppressed; /* by rule, those that matched */
	const char *module;		      /* --module, NULL = all */
	unsigned cycle, cycles;	  /* REPORT_CYCLE: this one, of so many */
	bool by_rounds;		  /* --round: verdicts are by rounds */
	unsigned rounds;	  /* that ended so far */
	unsigned rounds_over;	  /* of these, the last that can be compared:
				     behind the warm-up; 0 = none yet */
	bool at_least;		  /* something was lost: totals understate */
	uint64_t older_than_ns;	  /* --older, 0 = off */
	uint64_t stacks_matching; /* with outstanding blocks, all of them */
	VECTOR(struct report_stack) top;	 /* ranked, at most --top */
	VECTOR(struct report_process) processes; /* by bytes; if several */
	/* In all; figures.now.taken_ns is 0 if there is none. */
	struct report_account account;
	VECTOR(struct report_account) accounts; /* of each; if several */
	/*
	 * Only where the format or --save wants all: the stacks behind top,
	 * ranked, then those with nothing outstanding; all with their frames.
	 */
	VECTOR(struct report_stack) rest;
	/* Of all stacks that match, also those that are not shown: */
	bool judged; /* one of them has a verdict */
	uint64_t leaking_stacks, growing_stacks;
	double leaking_bytes_per_second;
	struct memory_limit limit;
	uint64_t period_ns; /* of the stacks' histories */
	/* Of a report that was read from a file: owned, stacks point in. */
	VECTOR(struct history_marks *) histories;
	uint64_t limit_reached_ns; /* from now at this rate, 0 = not */
};

/* top and rest as one list. */
size_t report_stack_count(const struct report *report);
const struct report_stack *report_stack_at(const struct report *report,
					   size_t index);

/* Frees the report, itself from malloc, and all that it owns. NULL is fine. */
void report_free(struct report *report);

#endif
