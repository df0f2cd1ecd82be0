// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line as a struct: see options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "judge/round_verdict.h"
#include "options_table.h"
#include "util/units.h"

#define SHORTEST_INTERVAL_NS UINT64_C(10000000)

/* getopt's value for options without a letter: this + the table's index. */
#define LONG_ONLY 256

struct parsing {
	struct options options;
	bool seen[OPTION_TABLE_MAXIMUM];
	const char *mode_choice; /* the option that chose the mode, or NULL */
	const char *interval, *count; /* as given, or NULL */
};

/* The table as getopt_long wants it. */
struct getopt_tables {
	/* "-:" first: arguments in their order, ':' for a missing one. */
	char letters[2 + 2 * OPTION_TABLE_MAXIMUM + 1];
	struct option names[OPTION_TABLE_MAXIMUM + 1];
};

static int getopt_value(const struct option_entry *entry, size_t index)
{
	return entry->letter ? entry->letter : LONG_ONLY + (int)index;
}

static void make_getopt_tables(struct getopt_tables *tables)
{
	const struct option_entry *entries;
	char *letter = stpcpy(tables->letters, "-:");
	size_t count, i;

	entries = option_table(&count);
	memset(tables->names, 0, sizeof(tables->names));
	for (i = 0; i < count; i++) {
		tables->names[i].name = entries[i].name;
		tables->names[i].val = getopt_value(&entries[i], i);
		if (entries[i].optional)
			tables->names[i].has_arg = optional_argument;
		else if (entries[i].argument)
			tables->names[i].has_arg = required_argument;
		if (!entries[i].letter)
			continue;
		*letter++ = entries[i].letter;
		if (entries[i].argument)
			*letter++ = ':';
	}
	*letter = '\0';
}

/* The entry of a value that getopt_long returned, or NULL. */
static const struct option_entry *entry_of(int value, size_t *index)
{
	const struct option_entry *entries;
	size_t count, i;

	entries = option_table(&count);
	for (i = 0; i < count; i++) {
		if (getopt_value(&entries[i], i) != value)
			continue;
		*index = i;
		return &entries[i];
	}
	return NULL;
}

/* The words that stand for a mode, and how many files each reads. */
static const struct sub_command {
	const char *name, *files;
	enum mode mode;
	unsigned count;
} sub_commands[] = {
	{ "report", "FILE", MODE_REPORT, 1 },
	{ "diff", "BEFORE AFTER", MODE_DIFF, 2 },
};

static const struct sub_command *sub_command_of(const struct parsing *parsing)
{
	const size_t count = sizeof(sub_commands) / sizeof(sub_commands[0]);

	for (size_t i = 0; parsing->mode_choice && i < count; i++)
		if (sub_commands[i].mode == parsing->options.mode)
			return &sub_commands[i];
	return NULL;
}

/* choice: the option's name; "" stands for the -- before a command. */
static int choose_mode(struct parsing *parsing, enum mode mode,
		       const char *choice, struct error *error)
{
	enum mode chosen = parsing->options.mode;

	if (sub_command_of(parsing))
		return error_set(error, EINVAL,
				 "%s reads files and traces nothing: leave "
				 "--%s away",
				 parsing->mode_choice, choice);
	/* -p beside --kernel: the kernel, in that process's context. */
	if (parsing->mode_choice && mode != chosen &&
	    (mode | chosen) == (MODE_KERNEL | MODE_PROCESS)) {
		parsing->options.mode = MODE_KERNEL;
		return 0;
	}
	/* Processes are named in several ways, and all of them are traced. */
	if (parsing->mode_choice &&
	    (mode != MODE_PROCESS || chosen != MODE_PROCESS))
		return error_set(error, EINVAL,
				 "--%s and --%s: only one thing can be traced "
				 "at a time: give one of -p PID, -- COMMAND, "
				 "--kernel",
				 parsing->mode_choice, choice);
	parsing->mode_choice = choice;
	parsing->options.mode = mode;
	return 0;
}

static int apply_option(struct parsing *parsing, int value,
			const char *argument, struct error *error)
{
	const struct option_entry *entry;
	size_t index;

	entry = entry_of(value, &index);
	if (entry->apply(entry, &parsing->options, argument, error))
		return error_wrap(error, EINVAL, "--%s", entry->name);
	parsing->seen[index] = true;
	if (!entry->chooses)
		return 0;
	return choose_mode(parsing, (enum mode)__builtin_ctz(entry->modes),
			   entry->name, error);
}

/* What getopt_long did not like. given: the argument that it looked at. */
static int wrong_option(int result, const char *given, struct error *error)
{
	const struct option_entry *entry;
	size_t index;

	entry = optopt ? entry_of(optopt, &index) : NULL;
	if (entry && result == ':')
		return error_set(error, EINVAL, "--%s needs an argument: %s",
				 entry->name, entry->argument);
	if (entry)
		return error_set(error, EINVAL,
				 "--%s takes no argument: leave away what is "
				 "behind '='",
				 entry->name);
	if (optopt)
		return error_set(error, EINVAL,
				 "unknown option -%c: see leaktrace --help",
				 optopt);
	return error_set(error, EINVAL,
			 "unknown or ambiguous option %s: see leaktrace --help",
			 given);
}

static int not_an_interval(const struct parsing *parsing, const char *argument,
			   struct error *error)
{
	if (parsing->options.kernel_spaces)
		return error_set(error, EINVAL,
				 "'%s' is not an interval: to choose kinds of "
				 "memory, write --kernel=%s",
				 argument, argument);
	return error_set(error, EINVAL,
			 "'%s' is neither an option nor an interval: put -- "
			 "before a command",
			 argument);
}

/* True if the argument is a sub-command, with its mode chosen or an error. */
static bool take_sub_command(struct parsing *parsing, const char *argument,
			     int *status, struct error *error)
{
	const size_t count = sizeof(sub_commands) / sizeof(sub_commands[0]);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(argument, sub_commands[i].name))
			continue;
		*status = 0;
		if (parsing->mode_choice || parsing->interval)
			*status = error_set(error, EINVAL,
					    "%s reads files and traces "
					    "nothing: give leaktrace %s %s",
					    argument, argument,
					    sub_commands[i].files);
		parsing->mode_choice = sub_commands[i].name;
		parsing->options.mode = sub_commands[i].mode;
		return true;
	}
	return false;
}

static int take_file(struct parsing *parsing,
		     const struct sub_command *sub_command,
		     const char *argument, struct error *error)
{
	for (unsigned i = 0; i < sub_command->count; i++) {
		if (parsing->options.files[i])
			continue;
		parsing->options.files[i] = argument;
		return 0;
	}
	return error_set(error, EINVAL,
			 "'%s' is one argument too many: give leaktrace %s %s",
			 argument, sub_command->name, sub_command->files);
}

static int take_positional(struct parsing *parsing, const char *argument,
			   struct error *error)
{
	uint64_t *interval = &parsing->options.interval_ns;
	const struct sub_command *sub_command = sub_command_of(parsing);
	int status;

	if (sub_command)
		return take_file(parsing, sub_command, argument, error);
	if (take_sub_command(parsing, argument, &status, error))
		return status;
	if (parsing->options.cycles && !parsing->options.cycle_command) {
		parsing->options.cycle_command = argument;
		return 0;
	}
	if (!parsing->interval) {
		if (*argument < '0' || *argument > '9')
			return not_an_interval(parsing, argument, error);
		parsing->interval = argument;
		if (units_parse_duration(argument, interval, error))
			return error_wrap(error, EINVAL, "interval");
		if (*interval < SHORTEST_INTERVAL_NS)
			return error_set(error, EINVAL,
					 "interval: '%s' is too short: give "
					 "10ms or more",
					 argument);
		return 0;
	}
	if (parsing->count)
		return error_set(error, EINVAL,
				 "'%s' is one argument too many behind an "
				 "interval and a count: put -- before a "
				 "command",
				 argument);
	parsing->count = argument;
	if (units_parse_count(argument, &parsing->options.count, error))
		return error_wrap(error, EINVAL, "count");
	if (!parsing->options.count)
		return error_set(error, EINVAL,
				 "count: '%s' must be more than 0: leave it "
				 "away for reports without end",
				 argument);
	return 0;
}

/* Applies every argument up to -- or to --help; sets *rest to what follows. */
static int take_arguments(struct parsing *parsing, int argc, char *const argv[],
			  char *const **rest, struct error *error)
{
	struct getopt_tables tables;
	int result, at, status;

	make_getopt_tables(&tables);
	opterr = 0;
	optind = 0; /* glibc and musl: begin anew */
	*rest = NULL;
	while (parsing->options.action == ACTION_TRACE) {
		at = optind ? optind : 1;
		result = getopt_long(argc, argv, tables.letters, tables.names,
				     NULL);
		if (result == -1) {
			if (at < argc)
				*rest = argv + at + 1;
			return 0;
		}
		if (result == '?' || result == ':')
			return wrong_option(result, argv[at], error);
		if (result == 1)
			status = take_positional(parsing, optarg, error);
		else
			status = apply_option(parsing, result, optarg, error);
		if (status)
			return status;
	}
	return 0;
}

static int take_command(struct parsing *parsing, char *const *command,
			struct error *error)
{
	if (!command)
		return 0;
	if (!command[0] || !command[0][0])
		return error_set(error, EINVAL,
				 "-- needs a command behind it: leaktrace -- "
				 "COMMAND [ARG...]");
	parsing->options.command = command;
	return choose_mode(parsing, MODE_COMMAND, "", error);
}

/* --growth does not see the blocks that these are about. */
static int check_growth(const struct parsing *parsing, struct error *error)
{
	static const char *const others[] = {
		"object",	"symbols-prefix", "stacks",	 "min-size",
		"max-size",	"sample",	  "show-allocs", "max-overhead",
		"follow-forks", "resident",	  "round",
	};
	const struct option_entry *entries;
	size_t count;

	if (!parsing->options.growth)
		return 0;
	if (parsing->options.mode == MODE_PROCESS &&
	    (parsing->options.pid_count != 1 || parsing->options.comm ||
	     parsing->options.cgroup))
		return error_set(error, EINVAL,
				 "--growth looks at one process: give one "
				 "-p PID");
	entries = option_table(&count);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < sizeof(others) / sizeof(others[0]); j++)
			if (parsing->seen[i] &&
			    !strcmp(entries[i].name, others[j]))
				return error_set(error, EINVAL,
						 "--%s has no meaning with "
						 "--growth: leave it away",
						 others[j]);
	return 0;
}

/* Of these a command inherits ours. */
static bool shares_terminal(void)
{
	return isatty(STDIN_FILENO) || isatty(STDOUT_FILENO) ||
	       isatty(STDERR_FILENO);
}

/* Blocks are sampled by their size. */
static int check_sizes(const struct options *options, struct error *error)
{
	if (!options->sample_bytes && options->max_overhead == 0)
		return 0;
	for (size_t i = 0; i < options->custom.count; i++)
		if (options->custom.items[i].sizeless)
			return error_set(error, EINVAL,
					 "%s: blocks without a size cannot be "
					 "sampled by size: leave --sample and "
					 "--max-overhead away",
					 options->custom.items[i].text);
	return 0;
}

static int check_rounds(const struct options *options, struct error *error)
{
	if (options->rounds && options->round.kind == ROUND_NONE)
		return error_set(error, EINVAL,
				 "--rounds: say with --round what ends one");
	if (options->cycles && options->round.kind != ROUND_NONE)
		return error_set(error, EINVAL,
				 "--round and --cycle: give only one of them");
	/* It would pass whatever leaks. */
	if (options->fail_on == FAIL_ON_LEAKING && options->rounds &&
	    options->rounds < ROUNDS_FOR_VERDICT)
		return error_set(error, EINVAL,
				 "--rounds %" PRIu64
				 " is too few for --fail-on leaking: give %d "
				 "or more",
				 options->rounds, ROUNDS_FOR_VERDICT);
	return 0;
}

/* Whether there is something to do, and each option has a meaning with it. */
static int check_mode(const struct parsing *parsing, struct error *error)
{
	static const char *const mode_texts[] = {
		[MODE_PROCESS] = "-p PID",  [MODE_COMMAND] = "a command",
		[MODE_KERNEL] = "--kernel", [MODE_REPORT] = "report",
		[MODE_DIFF] = "diff",
	};
	const struct sub_command *sub_command = sub_command_of(parsing);
	const struct options *options = &parsing->options;
	const struct option_entry *entries;
	size_t count, i;

	if (!parsing->mode_choice)
		return error_set(error, EINVAL,
				 "nothing to trace: give -p PID, -- COMMAND or "
				 "--kernel, see leaktrace --help");
	if (sub_command && !options->files[sub_command->count - 1])
		return error_set(error, EINVAL, "%s needs %s: leaktrace %s %s",
				 sub_command->name,
				 sub_command->count == 1 ? "a file"
							 : "two files",
				 sub_command->name, sub_command->files);
	if (options->mode == MODE_DIFF && strcmp(options->output, "text") &&
	    strcmp(options->output, "json"))
		return error_set(error, EINVAL,
				 "--output: diff writes text or json, not %s",
				 options->output);
	entries = option_table(&count);
	for (i = 0; i < count; i++)
		/* Which choices go together, choose_mode() has said. */
		if (parsing->seen[i] && !entries[i].chooses &&
		    !(entries[i].modes & 1U << options->mode))
			return error_set(error, EINVAL,
					 "--%s has no meaning with %s: leave "
					 "it away",
					 entries[i].name,
					 mode_texts[options->mode]);
	return 0;
}

/* What can only be judged when all arguments are known. */
static int check_together(const struct parsing *parsing, struct error *error)
{
	const struct options *options = &parsing->options;

	if (check_mode(parsing, error))
		return -EINVAL;
	if (options->live && options->mode == MODE_COMMAND && shares_terminal())
		return error_set(error, EINVAL,
				 "--live and the command would share the "
				 "terminal: redirect the command's input and "
				 "output, as in leaktrace --live -- COMMAND "
				 "</dev/null >log 2>&1");
	if (options->cycles && (!options->module || !options->cycle_command))
		return error_set(error, EINVAL,
				 "--cycle needs --module NAME and a command "
				 "behind it: --module NAME --cycle %" PRIu64
				 " 'COMMAND'",
				 options->cycles);
	if (options->mode == MODE_KERNEL &&
	    (options->pid_count > 1 || options->cgroup))
		return error_set(error, EINVAL,
				 "--kernel goes by one process: give one "
				 "-p PID, or --comm NAME");
	if (options->max_size && options->min_size > options->max_size)
		return error_set(error, EINVAL,
				 "--min-size %s is more than --max-size %s: no "
				 "block could match",
				 units_size(options->min_size).text,
				 units_size(options->max_size).text);
	if (check_sizes(options, error) || check_rounds(options, error))
		return -EINVAL;
	return check_growth(parsing, error);
}

static int apply_defaults(struct options *options, struct error *error)
{
	const struct option_entry *entries;
	size_t count, i;
	int status;

	entries = option_table(&count);
	for (i = 0; i < count; i++) {
		if (!entries[i].initial)
			continue;
		status = entries[i].apply(&entries[i], options,
					  entries[i].initial, error);
		if (status)
			return status;
	}
	return units_parse_duration(DEFAULT_INTERVAL, &options->interval_ns,
				    error);
}

int options_parse(struct options *options, int argc, char *const argv[],
		  struct error *error)
{
	struct parsing parsing = { .options.action = ACTION_TRACE };
	char *const *command;
	int status;

	status = apply_defaults(&parsing.options, error);
	if (!status)
		status = take_arguments(&parsing, argc, argv, &command, error);
	if (!status && parsing.options.action == ACTION_TRACE) {
		status = take_command(&parsing, command, error);
		if (!status)
			status = check_together(&parsing, error);
	}
	if (!status)
		*options = parsing.options;
	return status;
}
