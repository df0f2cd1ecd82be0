// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line: what is accepted, what is refused and in which words. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "options.h"
#include "options_table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND UINT64_C(1000000000)
#define MOST_ARGUMENTS 16

/* An argument vector, as main gets it; the strings are literals. */
struct arguments {
	char *items[MOST_ARGUMENTS + 1];
};

#define ARGUMENTS(...) ((struct arguments){ { "leaktrace", __VA_ARGS__ } })

static int count_of(const struct arguments *arguments)
{
	int count = 0;

	while (arguments->items[count])
		count++;
	return count;
}

static struct options accepted(const struct arguments *arguments)
{
	struct error error = { "" };
	struct options options;

	memset(&options, 0xff, sizeof(options));
	if (options_parse(&options, count_of(arguments), arguments->items,
			  &error))
		fail_msg("%s", error.message);
	return options;
}

#define ACCEPTED(...) accepted(&ARGUMENTS(__VA_ARGS__))

static void test_defaults(void **state)
{
	struct options options = ACCEPTED("-p", "41");

	(void)state;
	assert_int_equal(options.action, ACTION_TRACE);
	assert_int_equal(options.mode, MODE_PROCESS);
	assert_int_equal(options.pids[0], 41);
	assert_null(options.command);
	assert_null(options.shell_command);
	assert_int_equal(options.kernel_spaces, 0);
	assert_int_equal(options.interval_ns, 5 * SECOND);
	assert_int_equal(options.count, 0);
	assert_int_equal(options.duration_ns, 0);
	assert_int_equal(options.older_ns, 0);
	assert_int_equal(options.sample_bytes, 0);
	assert_true(options.max_overhead == 0);
	assert_int_equal(options.min_size, 0);
	assert_int_equal(options.max_size, 0);
	assert_int_equal(options.top, 10);
	assert_int_equal(options.sort, SORT_SUSPICION);
	assert_int_equal(options.stacks, STACKS_DWARF);
	assert_false(options.show_allocs);
	assert_null(options.object);
	assert_null(options.symbols_prefix);
	assert_int_equal(options.max_blocks, 1 << 20);
	assert_int_equal(options.max_stacks, 1 << 14);
	assert_string_equal(options.output, "text");
	assert_false(options.exit_zero);
	assert_int_equal(options.fail_on, FAIL_ON_NOTHING);
	assert_int_equal(options.error_exit, 3);
	assert_false(options.verbose);
}

static void test_every_option(void **state)
{
	struct options options = ACCEPTED(
		"--pid=7", "--object", "/lib/x.so", "--symbols-prefix=je_",
		"--min-size", "64K", "--max-size=1.5MiB", "--older", "500ms",
		"--top=20", "--sort", "growth", "--show-allocs",
		"--sample=512K", "--max-overhead=2.5%");
	struct options python = ACCEPTED("-p7", "--python=off");
	struct options growth =
		ACCEPTED("--growth", "-p7", "--older=1m", "--max-stacks=32");

	(void)state;
	assert_int_equal(options.pids[0], 7);
	assert_string_equal(options.object, "/lib/x.so");
	assert_string_equal(options.symbols_prefix, "je_");
	assert_int_equal(options.min_size, 65536);
	assert_int_equal(options.max_size, 1572864);
	assert_int_equal(options.older_ns, SECOND / 2);
	assert_int_equal(options.sample_bytes, 512 << 10);
	assert_true(options.max_overhead == 2.5);
	assert_int_equal(options.top, 20);
	assert_int_equal(options.sort, SORT_GROWTH);
	assert_true(options.show_allocs);
	assert_false(options.growth);
	assert_true(options.python);
	assert_false(python.python);
	assert_true(growth.growth);

	options = ACCEPTED("-c", "sleep 1 | cat", "--output", "json",
			   "--duration=2m", "--exit-zero", "--fail-on=leaking",
			   "--error-exit", "9", "--max-blocks", "4M",
			   "--max-stacks=1M", "--verbose");
	assert_int_equal(options.mode, MODE_COMMAND);
	assert_string_equal(options.shell_command, "sleep 1 | cat");
	assert_null(options.command);
	assert_string_equal(options.output, "json");
	assert_int_equal(options.duration_ns, 120 * SECOND);
	assert_true(options.exit_zero);
	assert_int_equal(options.fail_on, FAIL_ON_LEAKING);
	assert_int_equal(options.error_exit, 9);
	assert_int_equal(options.max_blocks, 4 << 20);
	assert_int_equal(options.max_stacks, 1 << 20);
	assert_true(options.verbose);

	options = ACCEPTED("-p1", "--save=/tmp/x", "--suppressions", "y");
	assert_string_equal(options.suppressions, "y");
	assert_string_equal(options.save, "/tmp/x");
}

/* Sub-commands may stand behind options, and options behind files. */
static void test_sub_commands(void **state)
{
	struct options options = ACCEPTED("-T3", "report", "x", "--sort=age",
					  "--sysroot", "/mnt", "-a", "--output",
					  "folded", "-v");

	(void)state;
	assert_int_equal(options.mode, MODE_REPORT);
	assert_string_equal(options.files[0], "x");
	assert_null(options.files[1]);
	assert_int_equal(options.top, 3);
	assert_int_equal(options.sort, SORT_AGE);
	assert_string_equal(options.sysroot, "/mnt");
	assert_string_equal(options.output, "folded");
	assert_true(options.show_allocs);
	options = ACCEPTED("diff", "report", "--drop-negatives", "diff");
	assert_int_equal(options.mode, MODE_DIFF);
	assert_string_equal(options.files[0], "report");
	assert_string_equal(options.files[1], "diff");
	assert_true(options.drop_negatives);
	options = ACCEPTED("-p1", "-O", "report");
	assert_int_equal(options.mode, MODE_PROCESS);
}

static void test_letters(void **state)
{
	struct options options = ACCEPTED("-avp7", "-O/lib/x.so", "-S", "je_",
					  "-z1K", "-Z", "2K", "-o", "10s",
					  "-T3", "-d", "1h", "-s4096");

	(void)state;
	assert_true(options.show_allocs && options.verbose);
	assert_int_equal(options.pids[0], 7);
	assert_string_equal(options.object, "/lib/x.so");
	assert_string_equal(options.symbols_prefix, "je_");
	assert_int_equal(options.min_size, 1024);
	assert_int_equal(options.max_size, 2048);
	assert_int_equal(options.older_ns, 10 * SECOND);
	assert_int_equal(options.sample_bytes, 4096);
	assert_int_equal(options.top, 3);
	assert_int_equal(options.duration_ns, 3600 * SECOND);
}

static void test_kernel(void **state)
{
	static const struct {
		char *argument;
		unsigned spaces;
	} cases[] = {
		{ "--kernel", KERNEL_ALL },
		{ "--kernel=slab", KERNEL_SLAB },
		{ "--kernel=percpu,page", KERNEL_PERCPU | KERNEL_PAGE },
		{ "--kernel=slab,page,percpu,vmalloc", KERNEL_ALL },
	};
	struct options options;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		options = ACCEPTED(cases[i].argument, "10");
		assert_int_equal(options.mode, MODE_KERNEL);
		assert_int_equal(options.kernel_spaces, cases[i].spaces);
		assert_int_equal(options.interval_ns, 10 * SECOND);
	}
}

static void test_interval_and_count(void **state)
{
	struct options options = ACCEPTED("-p", "41", "500ms", "3");

	(void)state;
	assert_int_equal(options.interval_ns, SECOND / 2);
	assert_int_equal(options.count, 3);
	options = ACCEPTED("0.01", "2K", "-p", "41", "-a");
	assert_int_equal(options.interval_ns, SECOND / 100);
	assert_int_equal(options.count, 2048);
	assert_int_equal(options.pids[0], 41);
	assert_true(options.show_allocs);
	options = ACCEPTED("-c", "true", "1h");
	assert_int_equal(options.interval_ns, 3600 * SECOND);
	assert_int_equal(options.count, 0);
}

/* What stands behind -- is the command's, options and dashes included. */
static void test_command(void **state)
{
	struct arguments arguments = ARGUMENTS("-a", "2", "7", "--", "ls", "-p",
					       "-1", "--", "--help");
	struct options options = accepted(&arguments);

	(void)state;
	assert_int_equal(options.mode, MODE_COMMAND);
	assert_ptr_equal(options.command, &arguments.items[5]);
	assert_null(options.shell_command);
	assert_int_equal(options.interval_ns, 2 * SECOND);
	assert_int_equal(options.count, 7);
	assert_true(options.show_allocs);
	assert_int_equal(options.pids[0], 0);

	arguments = ARGUMENTS("--", "--");
	options = accepted(&arguments);
	assert_string_equal(options.command[0], "--");
	assert_null(options.command[1]);

	/* Here -- is the argument of -c. */
	options = ACCEPTED("-c", "--", "3");
	assert_string_equal(options.shell_command, "--");
	assert_int_equal(options.interval_ns, 3 * SECOND);
}

static void test_help_and_version(void **state)
{
	(void)state;
	assert_int_equal(ACCEPTED("--help").action, ACTION_HELP);
	assert_int_equal(ACCEPTED("-h").action, ACTION_HELP);
	assert_int_equal(ACCEPTED("-V").action, ACTION_VERSION);
	assert_int_equal(ACCEPTED("--version").action, ACTION_VERSION);
	assert_int_equal(ACCEPTED("-p", "41", "-ah", "--nonsense").action,
			 ACTION_HELP);
}

/* Each message names the thing and the remedy. */
static const struct {
	struct arguments arguments;
	const char *thing, *remedy;
} refused[] = {
#define REFUSED(thing, remedy, ...)                             \
	{                                                       \
		{ { "leaktrace", __VA_ARGS__ } }, thing, remedy \
	}
	REFUSED("nothing to trace", "give -p PID", NULL),
	REFUSED("nothing to trace", "give -p PID", "-a"),
	REFUSED("nothing to trace", "give -p PID", "5"),
	REFUSED("option --nonsense", "--help", "--nonsense"),
	REFUSED("option --foo=3", "--help", "--foo=3"),
	REFUSED("ambiguous option --m", "--help", "--m"),
	REFUSED("option -x", "--help", "-vx"),
	REFUSED("option -x", "--help", "-xv"),
	REFUSED("option -5", "--help", "-p", "1", "-5"),
	REFUSED("--verbose takes no argument", "leave away", "--verbose=3"),
	REFUSED("--pid needs an argument", "PID", "-p"),
	REFUSED("--older needs an argument", "AGE", "--older"),
	REFUSED("--pid: '0'", "positive", "-p0"),
	REFUSED("--pid: '-3'", "positive", "-p", "-3"),
	REFUSED("--pid: 'self'", "positive", "--pid=self"),
	REFUSED("--pid: ''", "positive", "--pid="),
	REFUSED("--pid: '7x'", "positive", "--pid=7x"),
	REFUSED("--pid: '2147483648'", "positive", "--pid=2147483648"),
	REFUSED("--pid: '99999999999999999999'", "positive",
		"--pid=99999999999999999999"),
	REFUSED("--pid and --:", "give one of", "-p", "1", "--kernel", "--",
		"true"),
	REFUSED("--cycle needs --module", "--cycle 3 'COMMAND'", "--kernel",
		"--cycle", "3", "true"),
	REFUSED("--cycle needs --module", "--cycle 3 'COMMAND'", "--kernel",
		"--module=ext4", "--cycle", "3"),
	REFUSED("--round: 'SIGUSR1'", "give SIGUSR2", "-p1", "--round",
		"SIGUSR1"),
	REFUSED("--round: 'USR2'", "give SIGUSR2", "-p1", "--round=USR2"),
	REFUSED("--round: neither a command nor a time: '10x'", "ms, s", "-p1",
		"--round", "10x"),
	REFUSED("--round: '1ms' is too short", "10ms", "-p1", "--round=1ms"),
	REFUSED("--round: ' ' is empty", "SIGUSR2, a time", "-p1", "--round",
		" "),
	REFUSED("--rounds: say", "--round what", "-p1", "--rounds=3"),
	REFUSED("--rounds: '0'", "1 to", "-p1", "--round=1s", "--rounds=0"),
	REFUSED("--rounds 11 is too few", "12 or more", "-p1", "--round=1s",
		"--rounds=11", "--fail-on=leaking"),
	REFUSED("--round and --cycle", "one of them", "--kernel",
		"--module=ext4", "--cycle", "3", "true", "--round=1s"),
	REFUSED("--round has no meaning with --growth", "leave it", "--growth",
		"-p1", "--round=1s"),
	REFUSED("--comm and --:", "give one of", "--comm", "server", "--",
		"true"),
	REFUSED("--kernel goes by one process", "--comm", "--kernel", "-p1,2"),
	REFUSED("--kernel goes by one process", "-p PID", "--kernel",
		"--cgroup=x"),
	REFUSED("--growth looks at one process", "-p PID", "--growth", "-p1,2"),
	REFUSED("--growth looks at one process", "-p PID", "--growth",
		"--comm=x"),
	REFUSED("--follow-forks has no meaning with --growth", "leave it",
		"--growth", "-p1", "-f"),
	REFUSED("--pid: '1,x'", "commas", "-p1,x"),
	REFUSED("--pid: '1,'", "commas", "-p", "1,"),
	REFUSED("--comm: ''", "name", "--comm="),
	REFUSED("--comm: 'sixteen-letters-'", "'sixteen-letters'",
		"--comm=sixteen-letters-"),
	REFUSED("--cgroup: ''", "PATH", "--cgroup="),
	REFUSED("--follow-forks has no meaning with --kernel", "leave it",
		"--kernel", "-f"),
	REFUSED("--command and --:", "give one of", "-c", "true", "--", "true"),
	REFUSED("--kernel and --:", "give one of", "--kernel", "--", "true"),
	REFUSED("-- needs a command", "leaktrace -- COMMAND", "--"),
	REFUSED("-- needs a command", "leaktrace -- COMMAND", "--", ""),
	REFUSED("--command: ''", "COMMAND", "-c", ""),
	REFUSED("--object: ''", "PATH", "-p1", "-O", ""),
	REFUSED("'ls'", "put -- before", "ls", "-l"),
	REFUSED("report needs a file", "leaktrace report FILE", "report"),
	REFUSED("diff needs two files", "leaktrace diff BEFORE AFTER", "diff",
		"a"),
	REFUSED("'b' is one argument too many", "leaktrace report FILE",
		"report", "a", "b"),
	REFUSED("'c' is one argument too many", "leaktrace diff BEFORE AFTER",
		"diff", "a", "b", "c"),
	REFUSED("report reads files", "leave --pid away", "report", "a", "-p1"),
	REFUSED("report reads files", "leaktrace report FILE", "-p1", "report"),
	REFUSED("diff reads files", "leaktrace diff", "5", "diff"),
	REFUSED("--older has no meaning with report", "leave it away", "report",
		"a", "-o5"),
	REFUSED("--sort has no meaning with diff", "leave it away", "diff", "a",
		"b", "--sort=age"),
	REFUSED("--sysroot has no meaning with -p PID", "leave it away", "-p1",
		"--sysroot=/"),
	REFUSED("--save has no meaning with diff", "leave it away", "diff", "a",
		"b", "--save=c"),
	REFUSED("--output", "text or json, not folded", "diff", "a", "b",
		"--output=folded"),
	REFUSED("'slab'", "--kernel=slab", "--kernel", "slab"),
	REFUSED("interval: '5x'", "ms, s, m, h", "-p1", "5x"),
	REFUSED("interval: '0'", "10ms", "-p1", "0"),
	REFUSED("interval: '9ms'", "10ms", "-p1", "9ms"),
	REFUSED("count: '0'", "leave it away", "-p1", "5", "0"),
	REFUSED("count: 'x'", "16K", "-p1", "5", "x"),
	REFUSED("'7'", "put -- before", "-p1", "5", "6", "7"),
	REFUSED("kind of kernel memory", "slab,page,percpu,vmalloc",
		"--kernel=slab,heap"),
	REFUSED("''", "slab,page,percpu,vmalloc", "--kernel="),
	REFUSED("''", "slab,page,percpu,vmalloc", "--kernel=slab,"),
	REFUSED("'slabs'", "slab,page,percpu,vmalloc", "--kernel=slabs"),
	REFUSED("--min-size: '64Q'", "use B, K, M", "-p1", "-z64Q"),
	REFUSED("--max-size: '0'", "more than 0", "-p1", "-Z0"),
	REFUSED("--min-size 5.0 KiB", "no block", "-p1", "-Z4K", "-z5K"),
	REFUSED("--older: 'old'", "500ms", "-p1", "-oold"),
	REFUSED("--older: '10x'", "use ns, us", "-p1", "-o10x"),
	REFUSED("--growth has no meaning with --kernel", "leave it", "--growth",
		"--kernel"),
	REFUSED("--sample has no meaning with --growth", "leave it", "--growth",
		"-p1", "-s1M"),
	REFUSED("--max-overhead has no meaning with --growth", "leave it",
		"--growth", "-p1", "--max-overhead=5"),
	REFUSED("--object has no meaning with --growth", "leave it", "-p1",
		"-O/x", "--growth"),
	REFUSED("--sample: '0'", "64 to 16M", "-p1", "-s0"),
	REFUSED("--sample: '63'", "64 to 16M", "-p1", "--sample=63"),
	REFUSED("--sample: '17M'", "64 to 16M", "-p1", "--sample=17M"),
	REFUSED("--sample: '5%'", "use B, K, M", "-p1", "-s5%"),
	REFUSED("--sample has no meaning with --kernel", "leave it", "--kernel",
		"-s4K"),
	REFUSED("--duration: '0'", "more than 0", "-p1", "-d0"),
	REFUSED("--top: '0'", "1 to 1000000", "-p1", "-T0"),
	REFUSED("--top: '1000001'", "1 to 1000000", "-p1", "-T1000001"),
	REFUSED("--stacks: 'lbr'", "dwarf, fp", "-p1", "--stacks=lbr"),
	REFUSED("--sort: 'name'", "bytes, blocks, age, growth", "-p1",
		"--sort=name"),
	REFUSED("--output: 'xml'", "text, json", "-p1", "--output=xml"),
	REFUSED("--max-blocks: '0'", "1 to 1G", "-p1", "--max-blocks=0"),
	REFUSED("--max-blocks: '1025M'", "1 to 1G", "-p1",
		"--max-blocks=1025M"),
	REFUSED("--max-stacks: '15'", "16 to 1M", "-p1", "--max-stacks=15"),
	REFUSED("--max-stacks: '2M'", "16 to 1M", "-p1", "--max-stacks=2M"),
	REFUSED("--object has no meaning with --kernel", "leave it", "--kernel",
		"-Ox"),
	REFUSED("--symbols-prefix has no meaning", "leave it", "-Sx",
		"--kernel"),
	REFUSED("--fail-on: 'leak' is no WHAT", "leaking", "-p1",
		"--fail-on=leak"),
	REFUSED("--error-exit: '0'", "1 to 255", "-p1", "--error-exit=0"),
	REFUSED("--exit-zero has no meaning with -p", "leave it", "-p1",
		"--exit-zero"),
#undef REFUSED
};

static void test_refused(void **state)
{
	struct options options, before;
	struct error error;
	size_t i;

	(void)state;
	memset(&before, 0x5a, sizeof(before));
	for (i = 0; i < COUNT(refused); i++) {
		options = before;
		error.message[0] = '\0';
		if (options_parse(&options, count_of(&refused[i].arguments),
				  refused[i].arguments.items,
				  &error) != -EINVAL)
			fail_msg("%zu (%s) was not refused", i,
				 refused[i].thing);
		if (!strstr(error.message, refused[i].thing) ||
		    !strstr(error.message, refused[i].remedy) ||
		    strchr(error.message, '\n'))
			fail_msg("message %zu is \"%s\", want %s ... %s", i,
				 error.message, refused[i].thing,
				 refused[i].remedy);
		assert_memory_equal(&options, &before, sizeof(options));
	}
}

/* The bounds themselves are within. */
static void test_bounds(void **state)
{
	(void)state;
	assert_int_equal(ACCEPTED("-p1", "-T1").top, 1);
	assert_int_equal(ACCEPTED("-p1", "-T10000").top, 10000);
	assert_int_equal(ACCEPTED("-p1", "--max-blocks=1").max_blocks, 1);
	assert_int_equal(ACCEPTED("-p1", "--max-blocks=1G").max_blocks,
			 1 << 30);
	assert_int_equal(ACCEPTED("-p1", "--max-stacks=16").max_stacks, 16);
	assert_int_equal(ACCEPTED("-p1", "-z4K", "-Z4K").max_size, 4096);
	assert_int_equal(ACCEPTED("-p2", "--kernel").mode, MODE_KERNEL);
	assert_int_equal(ACCEPTED("--kernel=slab", "-p2").mode, MODE_KERNEL);
	assert_int_equal(ACCEPTED("--kernel=slab", "-p2").pids[0], 2);
	assert_true(ACCEPTED("--kernel", "--pages=all").all_pages);
	assert_string_equal(ACCEPTED("--kernel", "--comm=server").comm,
			    "server");
	assert_string_equal(ACCEPTED("--kernel", "--module=ext4", "--cycle",
				     "3", "modprobe -r x", "1s")
				    .cycle_command,
			    "modprobe -r x");
	assert_int_equal(ACCEPTED("--kernel", "--module=ext4", "--cycle=3",
				  "true", "1s")
				 .interval_ns,
			 SECOND);
	assert_string_equal(
		ACCEPTED("report", "x", "--suppressions", "y").suppressions,
		"y");
	assert_string_equal(
		ACCEPTED("diff", "x", "z", "--suppressions", "y").suppressions,
		"y");
	assert_int_equal(ACCEPTED("-p1", "--round=SIGUSR2").round.kind,
			 ROUND_SIGNAL);
	assert_int_equal(ACCEPTED("-p1", "--round=10").round.kind, ROUND_TIME);
	assert_int_equal(ACCEPTED("-p1", "--round=1.5 s").round.period_ns,
			 SECOND / 2 * 3);
	assert_string_equal(ACCEPTED("-p1", "--round", "7z x a").round.command,
			    "7z x a");
	assert_string_equal(ACCEPTED("-p1", "--round", "./go").round.command,
			    "./go");
	assert_int_equal(ACCEPTED("-p1", "--round=1s", "--rounds=12",
				  "--fail-on=leaking")
				 .rounds,
			 12);
	assert_int_equal(ACCEPTED("-p2147483647").pids[0], 2147483647);
	assert_int_equal(ACCEPTED("-p1", "10ms").interval_ns, SECOND / 100);
}

/* Processes can be named in several ways at once. */
static void test_processes(void **state)
{
	struct options options = ACCEPTED("-p", "41,42", "-p43", "-p42", "-f",
					  "--comm", "fifteen-letters",
					  "--cgroup=/a.slice");

	(void)state;
	assert_int_equal(options.mode, MODE_PROCESS);
	assert_int_equal(options.pid_count, 3);
	assert_int_equal(options.pids[0], 41);
	assert_int_equal(options.pids[1], 42);
	assert_int_equal(options.pids[2], 43);
	assert_string_equal(options.comm, "fifteen-letters");
	assert_string_equal(options.cgroup, "/a.slice");
	assert_true(options.follow);
}

/* Every entry can be parsed, and none shadows another. */
static void test_table(void **state)
{
	const struct option_entry *entries;
	size_t count, i, j;

	(void)state;
	entries = option_table(&count);
	assert_true(count > 0 && count <= OPTION_TABLE_MAXIMUM);
	for (i = 0; i < count; i++) {
		assert_non_null(entries[i].name);
		assert_non_null(entries[i].help);
		assert_non_null(entries[i].apply);
		assert_true(entries[i].modes);
		if (entries[i].chooses)
			assert_int_equal(__builtin_popcount(entries[i].modes),
					 1);
		if (entries[i].optional || entries[i].initial)
			assert_non_null(entries[i].argument);
		for (j = 0; j < i; j++) {
			assert_string_not_equal(entries[i].name,
						entries[j].name);
			if (entries[i].letter)
				assert_int_not_equal(entries[i].letter,
						     entries[j].letter);
		}
	}
}

/*
 * --help has one line beginning with each entry and no other that begins so,
 * the default with it, and stays within 80 columns.
 */
static void test_help(void **state)
{
	const struct option_entry *entries;
	char *text = NULL, *line, *rest, expected[80];
	size_t size, count, found = 0;
	FILE *stream;

	(void)state;
	entries = option_table(&count);
	stream = open_memstream(&text, &size);
	assert_non_null(stream);
	options_help(stream);
	fclose(stream);
	for (rest = text; (line = strsep(&rest, "\n"));) {
		assert_true(strlen(line) <= 80);
		if (!*line)
			continue;
		assert_int_not_equal(line[strlen(line) - 1], ' ');
		if (strncmp(line, "  -", 3) && strncmp(line, "      --", 8))
			continue;
		assert_true(found < count);
		snprintf(expected, sizeof(expected), "  %c%c%c --%s%s%s%s ",
			 entries[found].letter ? '-' : ' ',
			 entries[found].letter ? entries[found].letter : ' ',
			 entries[found].letter ? ',' : ' ', entries[found].name,
			 !entries[found].argument  ? ""
			 : entries[found].optional ? "[="
						   : " ",
			 entries[found].argument ? entries[found].argument : "",
			 entries[found].optional ? "]" : "");
		if (strncmp(line, expected, strlen(expected)))
			fail_msg("\"%s\" does not begin \"%s\"", line,
				 expected);
		found++;
	}
	assert_int_equal(found, count);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_option),
		cmocka_unit_test(test_sub_commands),
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_interval_and_count),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_help_and_version),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
