// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of generated code: what compilers write, files that are no maps, and
 * names that stay when the map is gone. The map is this test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "resolve/generated_code.h"
#include "resolve/named_frames.h"
#include "resolve/resolver.h"

static const struct {
	const char *text, *function, *file;
	unsigned line;
} names[] = {
	{ "JS:*add /srv/app.js:3:14", "add", "/srv/app.js", 3 },
	{ "JS:~ /srv/my app.js:30:1", "(anonymous)", "/srv/my app.js", 30 },
	{ "LazyCompile:run node:internal/x:275:33", "run", "node:internal/x",
	  275 },
	{ "JS:*add", "JS:*add", "", 0 },
	{ "JS:*add :3:14", "JS:*add :3:14", "", 0 },
	/* Debian 12's node 18 */
	{ "Function:^add /srv/app.js:3", "add", "/srv/app.js", 3 },
	{ "LazyCompile:~ node:fs:440", "(anonymous)", "node:fs", 440 },
	{ "JS:*add /srv/app.js", "JS:*add /srv/app.js", "", 0 },
	{ "JS:*add :3", "JS:*add :3", "", 0 },
	{ "JS:^f /x:99999999999:1", "f", "/x:99999999999", 1 },
	{ "JS:", "JS:", "", 0 },
	{ "py::Class.run:/srv/main.py", "Class.run", "/srv/main.py", 0 },
	{ "py::<module>:/srv/a:b.py", "<module>", "/srv/a:b.py", 0 },
	{ "py::", "py::", "", 0 },
	{ "py:::/x", "py:::/x", "", 0 },
	{ "long Leak.other(long)", "long Leak.other(long)", "", 0 },
	{ "", "", "", 0 },
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct generated_name name;

		generated_name_split(names[i].text, &name);
		assert_string_equal(name.function, names[i].function);
		assert_string_equal(name.file, names[i].file);
		assert_int_equal(name.line, names[i].line);
	}
}

static void test_long_name(void **state)
{
	static char text[5000] = "JS:*";
	struct generated_name name;

	(void)state;
	memset(text + 4, 'a', 2000);
	text[2004] = ' ';
	memset(text + 2005, 'b', 2500);
	memcpy(text + 4505, ":7:1", 5);
	generated_name_split(text, &name);
	assert_int_equal(strlen(name.function), sizeof(name.function) - 1);
	assert_int_equal(strlen(name.file), sizeof(name.file) - 1);
	assert_int_equal(name.line, 7);
}

static char map_path[64];

static void write_map(const char *text)
{
	FILE *file = fopen(map_path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static int remove_map(void **state)
{
	(void)state;
	snprintf(map_path, sizeof(map_path), "/tmp/perf-%d.map", getpid());
	unlink(map_path);
	return 0;
}

/* The function at an address, or NULL. */
static const char *function_at(const struct generated_code *code,
			       uint64_t address, bool exact)
{
	static struct generated_name name;
	struct frame frame;

	if (!generated_code_frame(code, address, exact, &name, &frame))
		return NULL;
	return frame.function;
}

static void test_map(void **state)
{
	struct generated_code code;

	(void)state;
	generated_code_init(&code, getpid());
	assert_false(generated_code_refresh(&code, true));
	assert_null(function_at(&code, 0x1000, true));
	write_map("1000 10 first\n1010 10 second\n");
	assert_true(generated_code_refresh(&code, true));
	assert_string_equal(function_at(&code, 0x1010, true), "second");
	assert_string_equal(function_at(&code, 0x1010, false), "first");
	/* Nothing new, and what was read stays without the file. */
	assert_false(generated_code_refresh(&code, true));
	write_map("1000 10 first\n1010 10 second\n2000 10 third\n");
	assert_true(generated_code_refresh(&code, true));
	assert_string_equal(function_at(&code, 0x2001, true), "third");
	unlink(map_path);
	assert_false(generated_code_refresh(&code, true));
	assert_string_equal(function_at(&code, 0x2001, true), "third");
	generated_code_free(&code);
}

static void test_no_maps(void **state)
{
	struct generated_code code;

	(void)state;
	generated_code_init(&code, getpid());
	assert_int_equal(symlink("/etc/passwd", map_path), 0);
	assert_false(generated_code_refresh(&code, true));
	unlink(map_path);
	assert_int_equal(mkfifo(map_path, 0600), 0);
	assert_false(generated_code_refresh(&code, true));
	unlink(map_path);
	assert_int_equal(mkdir(map_path, 0700), 0);
	assert_false(generated_code_refresh(&code, true));
	rmdir(map_path);
	write_map("1000 10 planted\n");
	/* Somebody else's, who may write to /tmp as well. */
	if (!geteuid()) {
		assert_int_equal(chown(map_path, 12345, 12345), 0);
		assert_false(generated_code_refresh(&code, true));
		assert_int_equal(chown(map_path, 0, 0), 0);
	}
	assert_true(generated_code_refresh(&code, true));
	assert_int_equal(truncate(map_path, GENERATED_CODE_BYTES_MAX + 1), 0);
	assert_false(generated_code_refresh(&code, true));
	assert_true(code.too_large);
	assert_string_equal(function_at(&code, 0x1001, true), "planted");
	generated_code_free(&code);
}

static void test_kept(void **state)
{
	struct frame frame = { .function = "run", .file = "a.py", .line = 3 };
	struct location location = { .object = OBJECT_NONE }, other, again;
	struct resolver *resolver;
	frame_vector frames = { 0 };

	(void)state;
	assert_int_equal(resolver_new(&resolver, NULL), 0);
	other = again = location;
	assert_int_equal(resolver_name_frame(resolver, &frame, &location), 0);
	frame.line = 4;
	assert_int_equal(resolver_name_frame(resolver, &frame, &other), 0);
	frame.line = 3;
	frame.function = (char[]){ "run" };
	assert_int_equal(resolver_name_frame(resolver, &frame, &again), 0);
	assert_int_equal(location.object, OBJECT_NAMED);
	assert_int_equal(location.address, again.address);
	assert_int_not_equal(location.address, other.address);
	assert_int_equal(resolver_frames(resolver, &other, &frames), 0);
	other.address = 1000; /* never given */
	assert_int_equal(resolver_frames(resolver, &other, &frames), 0);
	assert_int_equal(frames.count, 2);
	assert_string_equal(frames.items[0].function, "run");
	assert_string_equal(frames.items[0].file, "a.py");
	assert_int_equal(frames.items[0].line, 4);
	assert_null(frames.items[0].module);
	assert_null(frames.items[1].function);
	vector_free(&frames);
	resolver_free(resolver);
}

static void test_many(void **state)
{
	struct named_frames named = { 0 };
	char function[32];
	uint32_t number;

	(void)state;
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 5000; i++) {
			struct frame frame = { .function = function };

			snprintf(function, sizeof(function), "f%u", i);
			assert_int_equal(
				named_frames_add(&named, &frame, &number), 0);
			assert_int_equal(number, i);
			assert_string_equal(
				named_frames_get(&named, i)->function,
				function);
		}
	assert_null(named_frames_get(&named, 5000));
	named.bytes = NAMED_FRAMES_BYTES_MAX;
	assert_int_equal(named_frames_add(&named, &(struct frame){ .line = 1 },
					  &number),
			 -ENOSPC);
	named_frames_free(&named);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test_setup_teardown(test_map, remove_map,
						remove_map),
		cmocka_unit_test_setup_teardown(test_no_maps, remove_map,
						remove_map),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
