// SPDX-License-Identifier: GPL-2.0-or-later
/* Parsing of /proc/PID/maps. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "unwind/process_maps.h"

static int parse(struct process_maps *maps, const char *text,
		 struct error *error)
{
	return process_maps_parse(maps, text, strlen(text), error);
}

static void a_usual_file_is_understood(void **state)
{
	static const char text[] =
		"5580a0000000-5580a0001000 r--p 00000000 fe:00 1234     /bin/a b\n"
		"5580a0001000-5580a0003000 r-xp 00001000 fe:00 1234     /bin/a b\n"
		"7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n"
		"7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0        [vdso]\n"
		"7ffd00000000-7ffd00001000 r--s 00000000 00:05 77       /x\\012y (deleted)\n";
	struct process_maps maps = { 0 };
	const struct process_mapping *mapping;

	(void)state;
	assert_int_equal(parse(&maps, text, NULL), 0);
	assert_int_equal(maps.mappings.count, 5);
	mapping = process_maps_find(&maps, 0x5580a0002fff);
	assert_non_null(mapping);
	assert_int_equal(mapping->offset, 0x1000);
	assert_int_equal(mapping->device_major, 0xfe);
	assert_int_equal(mapping->inode, 1234);
	assert_true(mapping->executable);
	assert_false(mapping->writable);
	assert_string_equal(mapping->path, "/bin/a b");
	assert_true(process_mapping_same_file(mapping, mapping - 1));
	assert_false(process_mapping_same_file(mapping + 1, mapping + 1));
	assert_null(process_maps_find(&maps, 0x5580a0003000));
	assert_null(process_maps_find(&maps, 0));
	assert_null(maps.mappings.items[2].path);
	assert_true(maps.mappings.items[4].shared);
	assert_string_equal(maps.mappings.items[4].path, "/x\ny (deleted)");
	process_maps_free(&maps);
}

static void damaged_files_are_refused(void **state)
{
	static const char *const texts[] = {
		"nonsense\n",
		"1000-2000\n",
		"2000-1000 r-xp 0 0:0 0 \n",
		"1000-2000 r-xp 00000000 00:00\n",
		"10000000000000000-20000000000000000 r-xp 0 00:00 0 \n",
		"1000-2000 r-xp 0 100000000:00 0 \n",
		"2000-3000 r-xp 0 00:00 0 \n1000-2000 r-xp 0 00:00 0 \n",
		"1000-3000 r-xp 0 00:00 0 \n2000-4000 r-xp 0 00:00 0 \n",
		"1000-2000 r-xp 0 00:00 0",
		"\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct process_maps maps = { 0 };
		struct error error = { "" };

		assert_int_equal(parse(&maps, texts[i], &error), -EINVAL);
		assert_non_null(strstr(error.message, "line"));
		assert_int_equal(maps.mappings.count, 0);
	}
}

/* Any prefix of a good file either parses or is refused; it never overreads. */
static void every_prefix_is_safe(void **state)
{
	static const char text[] =
		"5580a0001000-5580a0003000 r-xp 00001000 fe:00 1234     /bin/a\\012\n"
		"7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n";

	(void)state;
	for (size_t size = 0; size < sizeof(text); size++) {
		char *copy = malloc(size ? size : 1);
		struct process_maps maps = { 0 };

		assert_non_null(copy);
		memcpy(copy, text, size);
		process_maps_parse(&maps, copy, size, NULL);
		process_maps_free(&maps);
		free(copy);
	}
}

static void our_own_maps_hold_our_own_code(void **state)
{
	struct process_maps maps = { 0 };
	const struct process_mapping *mapping;
	int fd;

	(void)state;
	assert_int_equal(process_maps_read(&maps, getpid(), NULL), 0);
	mapping = process_maps_find(
		&maps, (uint64_t)(uintptr_t)our_own_maps_hold_our_own_code);
	assert_non_null(mapping);
	assert_true(mapping->executable);
	fd = process_mapping_open(mapping, getpid());
	assert_true(fd >= 0);
	close(fd);
	process_maps_free(&maps);
}

static void a_process_that_is_gone_is_named(void **state)
{
	struct process_maps maps = { 0 };
	struct error error = { "" };

	(void)state;
	assert_int_equal(process_maps_read(&maps, 4194304 + 1, &error), -ESRCH);
	assert_non_null(strstr(error.message, "4194305"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_usual_file_is_understood),
		cmocka_unit_test(damaged_files_are_refused),
		cmocka_unit_test(every_prefix_is_safe),
		cmocka_unit_test(our_own_maps_hold_our_own_code),
		cmocka_unit_test(a_process_that_is_gone_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
