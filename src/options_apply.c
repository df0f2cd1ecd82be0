// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the arguments of options into their fields: see options_apply.h. */
#include "options_apply.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/format.h"
#include "util/units.h"

static void *field(const struct option_entry *entry, struct options *options)
{
	return (char *)options + entry->offset;
}

int option_apply_flag(const struct option_entry *entry, struct options *options,
		      const char *argument, struct error *error)
{
	(void)argument;
	(void)error;
	*(bool *)field(entry, options) = true;
	return 0;
}

int option_apply_text(const struct option_entry *entry, struct options *options,
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

int option_apply_number(const struct option_entry *entry,
			struct options *options, const char *argument,
			struct error *error)
{
	return parse_number(entry, argument, field(entry, options), error);
}

/* "5", "0.5", "5%" */
int option_apply_percent(const struct option_entry *entry,
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

int option_apply_top(const struct option_entry *entry, struct options *options,
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

int option_apply_pid(const struct option_entry *entry, struct options *options,
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
int option_apply_comm(const struct option_entry *entry, struct options *options,
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

int option_apply_kernel(const struct option_entry *entry,
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

int option_apply_sort(const struct option_entry *entry, struct options *options,
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

int option_apply_pages(const struct option_entry *entry,
		       struct options *options, const char *argument,
		       struct error *error)
{
	static const char *const choices[] = { "own", "all", NULL };
	int choice = parse_word(entry, argument, choices, error);

	if (choice >= 0)
		options->all_pages = choice == 1;
	return choice < 0 ? choice : 0;
}

int option_apply_fail_on(const struct option_entry *entry,
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

int option_apply_stacks(const struct option_entry *entry,
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

int option_apply_python(const struct option_entry *entry,
			struct options *options, const char *argument,
			struct error *error)
{
	static const char *const words[] = { "off", "on", NULL };
	int word = parse_word(entry, argument, words, error);

	if (word >= 0)
		options->python = word == 1;
	return word < 0 ? word : 0;
}

int option_apply_output(const struct option_entry *entry,
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

int option_apply_metrics(const struct option_entry *entry,
			 struct options *options, const char *argument,
			 struct error *error)
{
	(void)entry;
	return listen_address_parse(argument, &options->metrics, error);
}

int option_apply_round(const struct option_entry *entry,
		       struct options *options, const char *argument,
		       struct error *error)
{
	(void)entry;
	return round_option_parse(argument, &options->round, error);
}

/* --help and --version: what else is on the command line does not matter. */
int option_apply_action(const struct option_entry *entry,
			struct options *options, const char *argument,
			struct error *error)
{
	(void)argument;
	(void)error;
	options->action = entry->letter == 'h' ? ACTION_HELP : ACTION_VERSION;
	return 0;
}

/* --alloc, --free, --alloc-at, --free-at: as often as is needed. */
int option_apply_custom(const struct option_entry *entry,
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
