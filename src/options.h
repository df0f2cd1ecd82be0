/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line as a struct. One table in options.c holds every option:
 * parsing, --help and the manual's check all come from it.
 */
#ifndef LEAKTRACE_OPTIONS_H
#define LEAKTRACE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "capture/custom_function.h"
#include "round_option.h"
#include "util/error.h"
#include "util/listen_address.h"

#define DEFAULT_INTERVAL "5s"

enum mode {
	MODE_PROCESS, /* -p PID, --comm, --cgroup */
	MODE_COMMAND, /* -- COMMAND or -c */
	MODE_KERNEL,  /* --kernel */
	MODE_REPORT,  /* report FILE: traces nothing */
	MODE_DIFF,    /* diff BEFORE AFTER: traces nothing */
};

enum sort_key {
	SORT_SUSPICION,
	SORT_BYTES,
	SORT_BLOCKS,
	SORT_AGE,
	SORT_GROWTH,
};

/* How call stacks of user space are found. */
enum stack_method {
	STACKS_DWARF, /* by unwind tables; exact without frame pointers */
	STACKS_FP,    /* by frame pointers */
};

/* What in the last report makes the exit status --error-exit's. */
enum fail_on {
	FAIL_ON_NOTHING,
	FAIL_ON_LEAKING,     /* a stack whose verdict is leaking */
	FAIL_ON_OUTSTANDING, /* anything that matches the options */
};

enum action { ACTION_TRACE, ACTION_HELP, ACTION_VERSION };

/* Bits of --kernel=LIST; 0 = none given, which means all. */
enum kernel_spaces {
	KERNEL_SLAB = 1 << 0,
	KERNEL_PAGE = 1 << 1,
	KERNEL_PERCPU = 1 << 2,
	KERNEL_VMALLOC = 1 << 3,
	KERNEL_ALL = KERNEL_SLAB | KERNEL_PAGE | KERNEL_PERCPU | KERNEL_VMALLOC,
};

#define OPTION_PIDS_MAX 256

struct options {
	enum action action;
	enum mode mode;
	int pids[OPTION_PIDS_MAX]; /* -p, each once */
	size_t pid_count;
	const char *comm;	   /* --comm, NULL = any or none */
	const char *cgroup;	   /* --cgroup, NULL = none */
	bool follow;		   /* -f */
	char *const *command;	   /* argv of -- COMMAND, points into main's */
	const char *shell_command; /* -c */
	unsigned kernel_spaces;
	bool all_pages;		     /* --pages all */
	const char *module;	     /* --module, NULL = all */
	uint64_t cycles;	     /* --cycle, 0 = none */
	const char *cycle_command;   /* that is run so often */
	struct round_option round;   /* --round */
	uint64_t rounds;	     /* --rounds, 0 = no limit */
	uint64_t interval_ns;	     /* default 5 s */
	uint64_t count;		     /* reports, 0 = no limit */
	uint64_t duration_ns;	     /* -d, 0 = no limit */
	uint64_t older_ns;	     /* -o, 0 = all */
	uint64_t min_size, max_size; /* -z, -Z; max_size 0 = no limit */
	uint64_t sample_bytes;	     /* -s, 0 = every block */
	double max_overhead;	     /* percent of a core, 0 = no limit */
	unsigned top;		     /* -T, default 10 */
	enum sort_key sort;
	bool show_allocs;	       /* -a */
	bool resident;		       /* --resident */
	enum stack_method stacks;      /* --stacks */
	bool python;		       /* --python */
	bool growth;		       /* --growth */
	const char *object;	       /* -O */
	const char *symbols_prefix;    /* -S */
	uint64_t max_blocks;	       /* default 1 Mi */
	uint64_t max_stacks;	       /* default 16 Ki */
	const char *output;	       /* name of a report format */
	const char *suppressions;      /* --suppressions, NULL = none */
	const char *save;	       /* --save, NULL = not */
	const char *files[2];	       /* of report and diff */
	const char *sysroot;	       /* --sysroot, NULL = none */
	bool drop_negatives;	       /* --drop-negatives */
	bool exit_zero;		       /* --exit-zero */
	enum fail_on fail_on;	       /* --fail-on */
	uint64_t error_exit;	       /* --error-exit, default 3 */
	struct listen_address metrics; /* --metrics */
	bool live;		       /* --live */
	bool verbose;

	/* --alloc, --free, --alloc-at, --free-at */
	struct custom_functions custom;
};

/*
 * Fills options from the command line. Returns 0, or -EINVAL with a message
 * that names the argument and the remedy (exit 2); options is untouched then.
 */
int options_parse(struct options *options, int argc, char *const argv[],
		  struct error *error);

/* Writes the text of --help. */
void options_help(FILE *stream);

#endif
