// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of all options: see options_table.h. */
#include "options_table.h"

#include <stddef.h>

#include "options_apply.h"
#include "util/units.h"

#define FIELD(member) .offset = offsetof(struct options, member)

#define TEXT(member) .apply = option_apply_text, FIELD(member)
#define FLAG(member) .apply = option_apply_flag, FIELD(member)
#define SIZE(member) \
	.apply = option_apply_number, .parse = units_parse_size, FIELD(member)
#define TIME(member)                                                 \
	.apply = option_apply_number, .parse = units_parse_duration, \
	FIELD(member)
#define COUNT(member) \
	.apply = option_apply_number, .parse = units_parse_count, FIELD(member)

static const struct option_entry entries[] = {
	{ .group = "What to trace",
	  .letter = 'p',
	  .name = "pid",
	  .argument = "PID",
	  .chooses = true,
	  .modes = WITH_PROCESS,
	  .help = "a running process, until it ends; several with commas "
		  "between them; with --kernel, what the kernel allocates on "
		  "its behalf",
	  .apply = option_apply_pid },
	{ .name = "comm",
	  .argument = "NAME",
	  .chooses = true,
	  .modes = WITH_PROCESS,
	  .help = "all processes with that name, also those to come; with "
		  "--kernel, what the kernel allocates on their behalf",
	  .apply = option_apply_comm },
	{ .name = "cgroup",
	  .argument = "PATH",
	  .chooses = true,
	  .modes = WITH_PROCESS,
	  .help = "all processes of a control group and of those below it, "
		  "also those to come",
	  TEXT(cgroup) },
	{ .letter = 'c',
	  .name = "command",
	  .argument = "COMMAND",
	  .chooses = true,
	  .modes = WITH_COMMAND,
	  .help = "COMMAND, run by a shell, until it ends; -- COMMAND "
		  "[ARG...] needs no quoting and no shell",
	  TEXT(shell_command) },
	{ .letter = 'f',
	  .name = "follow-forks",
	  .modes = WITH_USER,
	  .help = "also the children of what is traced, those there are and "
		  "those to come, and what they execute",
	  FLAG(follow) },
	{ .name = "kernel",
	  .argument = "KINDS",
	  .optional = true,
	  .chooses = true,
	  .modes = WITH_KERNEL,
	  .help = "the kernel's memory: slab, page, percpu, vmalloc, with "
		  "commas between them; all of it without KINDS",
	  .apply = option_apply_kernel },
	{ .name = "growth",
	  .modes = WITH_USER,
	  .help = "instead of an allocator's blocks, which stacks make resident "
		  "memory grow: estimates, whatever allocates, at next to no "
		  "cost",
	  FLAG(growth) },
	{ .letter = 'O',
	  .name = "object",
	  .argument = "PATH",
	  .modes = WITH_USER,
	  .help = "trace the allocator functions of this object file instead "
		  "of searching the process for them",
	  TEXT(object) },
	{ .letter = 'S',
	  .name = "symbols-prefix",
	  .argument = "PREFIX",
	  .modes = WITH_USER,
	  .help = "also try PREFIXmalloc, PREFIXfree and so on",
	  TEXT(symbols_prefix) },
	{ .name = "python",
	  .argument = "WHEN",
	  .modes = WITH_USER,
	  .initial = "on",
	  .help = "Python's functions and lines in call stacks: on or off",
	  .apply = option_apply_python },
	{ .name = "alloc",
	  .argument = "FUNCTION",
	  .modes = WITH_USER,
	  .help = "also trace this function as one that allocates: "
		  "[OBJECT!]NAME with [:size=ARG[*ARG]], [:ret|:out=ARG], "
		  "[:ptr=ARG]",
	  .apply = option_apply_custom },
	{ .name = "free",
	  .argument = "FUNCTION",
	  .modes = WITH_USER,
	  .help = "also trace this function as one that frees: "
		  "[OBJECT!]NAME[:ptr=ARG]",
	  .apply = option_apply_custom },
	{ .name = "alloc-at",
	  .argument = "PLACE",
	  .modes = WITH_USER,
	  .help = "like --alloc, without a name: [OBJECT]+ADDRESS[:size=ARG] "
		  "and so on",
	  .apply = option_apply_custom },
	{ .name = "free-at",
	  .argument = "PLACE",
	  .modes = WITH_USER,
	  .help = "like --free, without a name: [OBJECT]+ADDRESS[:ptr=ARG]",
	  .apply = option_apply_custom },
	{ .name = "stacks",
	  .argument = "METHOD",
	  .modes = WITH_USER,
	  .initial = "dwarf",
	  .help = "how to find callers: dwarf, by unwind tables, or fp, by "
		  "frame pointers",
	  .apply = option_apply_stacks },
	{ .name = "module",
	  .argument = "NAME",
	  .modes = WITH_KERNEL,
	  .help = "only allocations with the kernel module NAME on the stack, "
		  "from its init on; what it leaves when it is unloaded",
	  TEXT(module) },
	{ .name = "cycle",
	  .argument = "N",
	  .modes = WITH_KERNEL,
	  .help = "with --module, run COMMAND, the argument behind, N times "
		  "and report what each time left",
	  COUNT(cycles),
	  .minimum = 1,
	  .maximum = 1000000 },
	{ .name = "round",
	  .argument = "WHAT",
	  .modes = WITH_ALL,
	  .help = "what ends a round of the same work: SIGUSR2, a time, or "
		  "each run of a command; what survives ever more rounds leaks",
	  .apply = option_apply_round },
	{ .name = "rounds",
	  .argument = "N",
	  .modes = WITH_ALL,
	  .help = "with --round, end after N rounds",
	  COUNT(rounds),
	  .minimum = 1,
	  .maximum = 1000000 },
	{ .name = "pages",
	  .argument = "WHICH",
	  .modes = WITH_KERNEL,
	  .initial = "own",
	  .help = "own, or all, which lists also pages under slab objects, of "
		  "the page cache, of processes",
	  .apply = option_apply_pages },

	{ .group = "Which blocks",
	  .letter = 'z',
	  .name = "min-size",
	  .argument = "SIZE",
	  .modes = WITH_ALL,
	  .help = "only blocks of at least SIZE",
	  SIZE(min_size) },
	{ .letter = 'Z',
	  .name = "max-size",
	  .argument = "SIZE",
	  .modes = WITH_ALL,
	  .help = "only blocks of at most SIZE",
	  SIZE(max_size),
	  .minimum = 1 },
	{ .letter = 'o',
	  .name = "older",
	  .argument = "AGE",
	  .modes = WITH_ALL,
	  .help = "only blocks that have been outstanding for at least AGE",
	  TIME(older_ns) },
	{ .letter = 's',
	  .name = "sample",
	  .argument = "BYTES",
	  .modes = WITH_USER,
	  .help = "not every block: one for every BYTES allocated on average, "
		  "and estimates from these; cheaper",
	  SIZE(sample_bytes),
	  .minimum = 64,
	  .maximum = 16 << 20 },
	{ .name = "max-overhead",
	  .argument = "PERCENT",
	  .modes = WITH_USER,
	  .help = "sample as sparsely as it takes to keep the cost of tracing "
		  "under PERCENT of a core",
	  .apply = option_apply_percent,
	  FIELD(max_overhead) },

	{ .group = "The report",
	  .letter = 'T',
	  .name = "top",
	  .argument = "N",
	  .modes = WITH_ANY,
	  .initial = "10",
	  .help = "how many call stacks to show",
	  .apply = option_apply_top,
	  .parse = units_parse_count,
	  .minimum = 1,
	  .maximum = 1000000 },
	{ .name = "sort",
	  .argument = "KEY",
	  .modes = WITH_ALL | WITH_REPORT,
	  .initial = "suspicion",
	  .help = "what to rank them by: suspicion (leaks first), bytes, "
		  "blocks, age, growth",
	  .apply = option_apply_sort },
	{ .letter = 'a',
	  .name = "show-allocs",
	  .modes = WITH_ALL | WITH_REPORT,
	  .help = "list address, size and age of each outstanding block",
	  FLAG(show_allocs) },
	{ .name = "resident",
	  .modes = WITH_USER,
	  .help = "tell what of each stack's blocks is resident",
	  FLAG(resident) },
	{ .name = "output",
	  .argument = "FORMAT",
	  .modes = WITH_ANY,
	  .initial = "text",
	  .help = "text; json, one object a line; folded, for flame graphs; "
		  "pprof, for go tool pprof; html, a page for a browser; "
		  "massif, for ms_print",
	  .apply = option_apply_output },
	{ .name = "live",
	  .modes = WITH_ALL,
	  .help = "show a full-screen table of call stacks instead, like top; "
		  "h there lists the keys",
	  FLAG(live) },
	{ .name = "metrics",
	  .argument = "[ADDRESS:]PORT",
	  .modes = WITH_ALL,
	  .help = "serve the last report's figures over HTTP as OpenMetrics "
		  "text at /metrics; on the loopback without ADDRESS",
	  .apply = option_apply_metrics },
	{ .name = "suppressions",
	  .argument = "FILE",
	  .modes = WITH_ANY,
	  .help = "leave out call stacks that the rules in FILE match: "
		  "leak:PATTERN, as for LeakSanitizer",
	  TEXT(suppressions) },
	{ .name = "save",
	  .argument = "FILE",
	  .modes = WITH_ALL,
	  .help = "keep the last report in FILE, with every call stack, for "
		  "leaktrace report and leaktrace diff",
	  TEXT(save) },
	{ .name = "sysroot",
	  .argument = "DIR",
	  .modes = WITH_FILES,
	  .help = "name frames that have no name in the file by the objects "
		  "and debug files under DIR",
	  TEXT(sysroot) },
	{ .name = "drop-negatives",
	  .modes = WITH_DIFF,
	  .help = "leave out call stacks that shrank or are gone",
	  FLAG(drop_negatives) },
	{ .letter = 'd',
	  .name = "duration",
	  .argument = "TIME",
	  .modes = WITH_ALL,
	  .help = "end after TIME, with a last report",
	  TIME(duration_ns),
	  .minimum = 1 },
	{ .name = "exit-zero",
	  .modes = WITH_COMMAND,
	  .help = "exit with 0 whatever the command's exit status was",
	  FLAG(exit_zero) },
	{ .name = "fail-on",
	  .argument = "WHAT",
	  .modes = WITH_ALL,
	  .initial = "nothing",
	  .help = "exit with the status of --error-exit if the last report has "
		  "it: nothing, leaking (a stack that leaks), outstanding "
		  "(anything)",
	  .apply = option_apply_fail_on },
	{ .name = "error-exit",
	  .argument = "N",
	  .modes = WITH_ALL,
	  .initial = "3",
	  .help = "the exit status for --fail-on, 1 to 255",
	  COUNT(error_exit),
	  .minimum = 1,
	  .maximum = 255 },

	{ .group = "Limits",
	  .name = "max-blocks",
	  .argument = "N",
	  .modes = WITH_ALL,
	  .initial = "1M",
	  .help = "how many outstanding blocks to have room for",
	  COUNT(max_blocks),
	  .minimum = 1,
	  .maximum = 1 << 30 },
	{ .name = "max-stacks",
	  .argument = "N",
	  .modes = WITH_ALL,
	  .initial = "16K",
	  .help = "how many different call stacks to have room for",
	  COUNT(max_stacks),
	  .minimum = 16,
	  .maximum = 1 << 20 },

	{ .group = "Other",
	  .letter = 'v',
	  .name = "verbose",
	  .modes = WITH_ANY,
	  .help = "say on standard error what is done, and more of each stack "
		  "in the report",
	  FLAG(verbose) },
	{ .letter = 'V',
	  .name = "version",
	  .modes = WITH_ANY,
	  .help = "print the version and exit",
	  .apply = option_apply_action },
	{ .letter = 'h',
	  .name = "help",
	  .modes = WITH_ANY,
	  .help = "print this and exit",
	  .apply = option_apply_action },
};

_Static_assert(sizeof(entries) / sizeof(entries[0]) <= OPTION_TABLE_MAXIMUM,
	       "raise OPTION_TABLE_MAXIMUM");

const struct option_entry *option_table(size_t *count)
{
	*count = sizeof(entries) / sizeof(entries[0]);
	return entries;
}
