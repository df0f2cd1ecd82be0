// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of all options: see options_table.h. */
#include "options_table.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "report/format.h"
#include "util/units.h"

#define FIELD(member) .offset = offsetof(struct options, member)

static void *field(const struct option_entry *entry, struct options *options)
{
	return (char *)options + entry->offset;
}

static int apply_flag(const struct option_entry *entry, struct options *options,
		      const char *argument, struct error *error)
{
	(void)argument;
	(void)error;
	*(bool *)field(entry, options) = true;
	return 0;
}

static int apply_text(const struct option_entry *entry, struct options *options,
		      const char *argument, struct error *error)
{
	if (!*argument)
		return error_set(error, EINVAL, "'' is empty: give a %s",
				 entry->argument);
	*(const char **)field(entry, options) = argument;
	return 0;
}

/* A bound as people type it: 1G, not 1073741824. */
static struct unit_text bound_text(uint64_t bound)
{
	static const char suffixes[] = "\0KMG";
	struct unit_text result;
	size_t i = 0;

	while (bound && bound % 1024 == 0 && i < 3) {
		bound /= 1024;
		i++;
	}
	snprintf(result.text, sizeof(result.text), "%" PRIu64 "%.1s", bound,
		 suffixes + i);
	return result;
}

static int parse_number(const struct option_entry *entry, const char *argument,
			uint64_t *value, struct error *error)
{
	uint64_t parsed;
	int status;

	status = entry->parse(argument, &parsed, error);
	if (status)
		return status;
	if (entry->maximum &&
	    (parsed < entry->minimum || parsed > entry->maximum))
		return error_set(error, ERANGE,
				 "'%s' is out of range: give %s to %s",
				 argument, bound_text(entry->minimum).text,
				 bound_text(entry->maximum).text);
	if (parsed < entry->minimum)
		return error_set(error, ERANGE,
				 "'%s' is too small: give more than 0",
				 argument);
	*value = parsed;
	return 0;
}

static int apply_number(const struct option_entry *entry,
			struct options *options, const char *argument,
			struct error *error)
{
	return parse_number(entry, argument, field(entry, options), error);
}

/* "5", "0.5", "5%" */
static int apply_percent(const struct option_entry *entry,
			 struct options *options, const char *argument,
			 struct error *error)
{
	size_t length = strspn(argument, "0123456789.");
	double value = 0;
	char *end = NULL;

	if (length && length < 16)
		value = strtod(argument, &end);
	if (!end || end != argument + length || (*end && strcmp(end, "%") != 0))
		return error_set(error, EINVAL,
				 "'%s' is no percentage: give a number such "
				 "as 5 or 0.5",
				 argument);
	if (value < 0.01 || value > 100000)
		return error_set(error, ERANGE,
				 "'%s' is out of range: give 0.01 to 100000",
				 argument);
	*(double *)field(entry, options) = value;
	return 0;
}

static int apply_top(const struct option_entry *entry, struct options *options,
		     const char *argument, struct error *error)
{
	uint64_t value = 0;
	int status;

	status = parse_number(entry, argument, &value, error);
	if (!status)
		options->top = (unsigned)value;
	return status;
}

static int pid_add(struct options *options, long pid, struct error *error)
{
	for (size_t i = 0; i < options->pid_count; i++)
		if (options->pids[i] == pid)
			return 0;
	if (options->pid_count == OPTION_PIDS_MAX)
		return error_set(error, ERANGE,
				 "more than %d processes: trace them by "
				 "--comm or --cgroup",
				 OPTION_PIDS_MAX);
	options->pids[options->pid_count++] = (int)pid;
	return 0;
}

static int apply_pid(const struct option_entry *entry, struct options *options,
		     const char *argument, struct error *error)
{
	const char *rest = argument;
	char *end;
	long value;
	int status = 0;

	(void)entry;
	do {
		errno = 0;
		value = strtol(rest, &end, 10);
		if (*rest < '0' || *rest > '9' || (*end && *end != ',') ||
		    errno || value < 1 || value > INT_MAX)
			return error_set(error, EINVAL,
					 "'%s' is not a process ID: give "
					 "positive numbers, as pgrep prints "
					 "them, with commas between them",
					 argument);
		status = pid_add(options, value, error);
		rest = end + 1;
	} while (!status && *end);
	return status;
}

/* Of a process's name the kernel keeps 15 characters (TASK_COMM_LEN). */
static int apply_comm(const struct option_entry *entry, struct options *options,
		      const char *argument, struct error *error)
{
	(void)entry;
	if (!*argument)
		return error_set(error, EINVAL, "'' is empty: give a name");
	if (strlen(argument) > 15)
		return error_set(
			error, EINVAL,
			"'%s' has more than 15 characters, the most "
			"that the kernel keeps of a name: give '%.15s'",
			argument, argument);
	options->comm = argument;
	return 0;
}

static int apply_kernel(const struct option_entry *entry,
			struct options *options, const char *argument,
			struct error *error)
{
	static const struct {
		const char *name;
		unsigned bit;
	} spaces[] = {
		{ "slab", KERNEL_SLAB },
		{ "page", KERNEL_PAGE },
		{ "percpu", KERNEL_PERCPU },
		{ "vmalloc", KERNEL_VMALLOC },
	};
	const size_t count = sizeof(spaces) / sizeof(spaces[0]);
	unsigned chosen = argument ? 0 : KERNEL_ALL;
	size_t length, i;

	(void)entry;
	while (argument) {
		length = strcspn(argument, ",");
		for (i = 0; i < count; i++)
			if (strlen(spaces[i].name) == length &&
			    !strncmp(spaces[i].name, argument, length))
				break;
		if (i == count)
			return error_set(
				error, EINVAL,
				"'%.*s' is no kind of kernel memory: "
				"give some of slab,page,percpu,vmalloc",
				(int)length, argument);
		chosen |= spaces[i].bit;
		argument = argument[length] ? argument + length + 1 : NULL;
	}
	options->kernel_spaces = chosen;
	return 0;
}

/* The index of a word in a list that ends with NULL, or -EINVAL. */
static int parse_word(const struct option_entry *entry, const char *argument,
		      const char *const *words, struct error *error)
{
	char known[64] = "";
	size_t used = 0;

	for (int i = 0; words[i]; i++) {
		if (!strcmp(argument, words[i]))
			return i;
		used += (size_t)snprintf(known + used, sizeof(known) - used,
					 "%s%s", i ? ", " : "", words[i]);
	}
	return error_set(error, EINVAL, "'%s' is no %s: give one of %s",
			 argument, entry->argument, known);
}

static int apply_sort(const struct option_entry *entry, struct options *options,
		      const char *argument, struct error *error)
{
	static const char *const keys[] = {
		[SORT_SUSPICION] = "suspicion", [SORT_BYTES] = "bytes",
		[SORT_BLOCKS] = "blocks",	[SORT_AGE] = "age",
		[SORT_GROWTH] = "growth",	[SORT_GROWTH + 1] = NULL,
	};
	int key = parse_word(entry, argument, keys, error);

	if (key >= 0)
		options->sort = (enum sort_key)key;
	return key < 0 ? key : 0;
}

static int apply_pages(const struct option_entry *entry,
		       struct options *options, const char *argument,
		       struct error *error)
{
	static const char *const choices[] = { "own", "all", NULL };
	int choice = parse_word(entry, argument, choices, error);

	if (choice >= 0)
		options->all_pages = choice == 1;
	return choice < 0 ? choice : 0;
}

static int apply_fail_on(const struct option_entry *entry,
			 struct options *options, const char *argument,
			 struct error *error)
{
	static const char *const whats[] = {
		[FAIL_ON_NOTHING] = "nothing",
		[FAIL_ON_LEAKING] = "leaking",
		[FAIL_ON_OUTSTANDING] = "outstanding",
		[FAIL_ON_OUTSTANDING + 1] = NULL,
	};
	int what = parse_word(entry, argument, whats, error);

	if (what >= 0)
		options->fail_on = (enum fail_on)what;
	return what < 0 ? what : 0;
}

static int apply_stacks(const struct option_entry *entry,
			struct options *options, const char *argument,
			struct error *error)
{
	static const char *const methods[] = {
		[STACKS_DWARF] = "dwarf",
		[STACKS_FP] = "fp",
		[STACKS_FP + 1] = NULL,
	};
	int method = parse_word(entry, argument, methods, error);

	if (method >= 0)
		options->stacks = (enum stack_method)method;
	return method < 0 ? method : 0;
}

static int apply_python(const struct option_entry *entry,
			struct options *options, const char *argument,
			struct error *error)
{
	static const char *const words[] = { "off", "on", NULL };
	int word = parse_word(entry, argument, words, error);

	if (word >= 0)
		options->python = word == 1;
	return word < 0 ? word : 0;
}

static int apply_output(const struct option_entry *entry,
			struct options *options, const char *argument,
			struct error *error)
{
	(void)entry;
	if (!report_format_find(argument))
		return error_set(error, EINVAL,
				 "'%s' is no report format: give one of %s",
				 argument, report_format_names());
	options->output = argument;
	return 0;
}

static int apply_metrics(const struct option_entry *entry,
			 struct options *options, const char *argument,
			 struct error *error)
{
	(void)entry;
	return listen_address_parse(argument, &options->metrics, error);
}

/* --help and --version: what else is on the command line does not matter. */
static int apply_action(const struct option_entry *entry,
			struct options *options, const char *argument,
			struct error *error)
{
	(void)argument;
	(void)error;
	options->action = entry->letter == 'h' ? ACTION_HELP : ACTION_VERSION;
	return 0;
}

/* --alloc, --free, --alloc-at, --free-at: as often as is needed. */
static int apply_custom(const struct option_entry *entry,
			struct options *options, const char *argument,
			struct error *error)
{
	struct custom_functions *custom = &options->custom;
	unsigned int kind = CUSTOM_ALLOC;
	int status;

	if (custom->count == CUSTOM_FUNCTIONS_MAX)
		return error_set(error, ENOSPC,
				 "'%s' is one too many: no more than %d "
				 "functions can be named",
				 argument, CUSTOM_FUNCTIONS_MAX);
	if (!strncmp(entry->name, "free", 4))
		kind |= CUSTOM_FREE;
	if (strstr(entry->name, "-at"))
		kind |= CUSTOM_AT;
	status = custom_function_parse(kind, argument,
				       &custom->items[custom->count], error);
	if (!status)
		custom->count++;
	return status;
}

#define TEXT(member) .apply = apply_text, FIELD(member)
#define FLAG(member) .apply = apply_flag, FIELD(member)
#define SIZE(member) \
	.apply = apply_number, .parse = units_parse_size, FIELD(member)
#define TIME(member) \
	.apply = apply_number, .parse = units_parse_duration, FIELD(member)
#define COUNT(member) \
	.apply = apply_number, .parse = units_parse_count, FIELD(member)

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
	  .apply = apply_pid },
	{ .name = "comm",
	  .argument = "NAME",
	  .chooses = true,
	  .modes = WITH_PROCESS,
	  .help = "all processes with that name, also those to come; with "
		  "--kernel, what the kernel allocates on their behalf",
	  .apply = apply_comm },
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
	  .help = "also the children of what is traced, and what they execute",
	  FLAG(follow) },
	{ .name = "kernel",
	  .argument = "KINDS",
	  .optional = true,
	  .chooses = true,
	  .modes = WITH_KERNEL,
	  .help = "the kernel's memory: slab, page, percpu, vmalloc, with "
		  "commas between them; all of it without KINDS",
	  .apply = apply_kernel },
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
	  .apply = apply_python },
	{ .name = "alloc",
	  .argument = "FUNCTION",
	  .modes = WITH_USER,
	  .help = "also trace this function as one that allocates: "
		  "[OBJECT!]NAME with [:size=ARG[*ARG]], [:ret|:out=ARG], "
		  "[:ptr=ARG]",
	  .apply = apply_custom },
	{ .name = "free",
	  .argument = "FUNCTION",
	  .modes = WITH_USER,
	  .help = "also trace this function as one that frees: "
		  "[OBJECT!]NAME[:ptr=ARG]",
	  .apply = apply_custom },
	{ .name = "alloc-at",
	  .argument = "PLACE",
	  .modes = WITH_USER,
	  .help = "like --alloc, without a name: [OBJECT]+ADDRESS[:size=ARG] "
		  "and so on",
	  .apply = apply_custom },
	{ .name = "free-at",
	  .argument = "PLACE",
	  .modes = WITH_USER,
	  .help = "like --free, without a name: [OBJECT]+ADDRESS[:ptr=ARG]",
	  .apply = apply_custom },
	{ .name = "stacks",
	  .argument = "METHOD",
	  .modes = WITH_USER,
	  .initial = "dwarf",
	  .help = "how to find callers: dwarf, by unwind tables, or fp, by "
		  "frame pointers",
	  .apply = apply_stacks },
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
	{ .name = "pages",
	  .argument = "WHICH",
	  .modes = WITH_KERNEL,
	  .initial = "own",
	  .help = "own, or all, which lists also pages under slab objects, of "
		  "the page cache, of processes",
	  .apply = apply_pages },

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
	  .apply = apply_percent,
	  FIELD(max_overhead) },

	{ .group = "The report",
	  .letter = 'T',
	  .name = "top",
	  .argument = "N",
	  .modes = WITH_ANY,
	  .initial = "10",
	  .help = "how many call stacks to show",
	  .apply = apply_top,
	  .parse = units_parse_count,
	  .minimum = 1,
	  .maximum = 1000000 },
	{ .name = "sort",
	  .argument = "KEY",
	  .modes = WITH_ALL | WITH_REPORT,
	  .initial = "suspicion",
	  .help = "what to rank them by: suspicion (leaks first), bytes, "
		  "blocks, age, growth",
	  .apply = apply_sort },
	{ .letter = 'a',
	  .name = "show-allocs",
	  .modes = WITH_ALL | WITH_REPORT,
	  .help = "list address, size and age of each outstanding block",
	  FLAG(show_allocs) },
	{ .name = "output",
	  .argument = "FORMAT",
	  .modes = WITH_ANY,
	  .initial = "text",
	  .help = "text; json, one object a line; folded, for flame graphs; "
		  "pprof, for go tool pprof; html, a page for a browser",
	  .apply = apply_output },
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
	  .apply = apply_metrics },
	{ .name = "suppressions",
	  .argument = "FILE",
	  .modes = WITH_ALL,
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
	  .apply = apply_fail_on },
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
	  .apply = apply_action },
	{ .letter = 'h',
	  .name = "help",
	  .modes = WITH_ANY,
	  .help = "print this and exit",
	  .apply = apply_action },
};

_Static_assert(sizeof(entries) / sizeof(entries[0]) <= OPTION_TABLE_MAXIMUM,
	       "raise OPTION_TABLE_MAXIMUM");

const struct option_entry *option_table(size_t *count)
{
	*count = sizeof(entries) / sizeof(entries[0]);
	return entries;
}
