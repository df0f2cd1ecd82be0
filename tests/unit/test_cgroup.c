// SPDX-License-Identifier: GPL-2.0-or-later
/* Where control groups are mounted, and the processes of a tree of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/cgroup.h"
#include "util/cleanup.h"

static void check_mount(const char *line, int wanted_version,
			const char *wanted_place)
{
	int version = 0;
	auto_free char *place = cgroup_mount_parse(line, &version);

	if (!wanted_place) {
		assert_null(place);
		return;
	}
	assert_non_null(place);
	assert_string_equal(place, wanted_place);
	assert_int_equal(version, wanted_version);
}

static void lines_of_mountinfo(void **state)
{
	(void)state;
	check_mount("30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 "
		    "cgroup2 rw,nsdelegate\n",
		    2, "/sys/fs/cgroup");
	check_mount("31 22 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup "
		    "rw,pids\n",
		    1, "/sys/fs/cgroup/pids");
	/* No optional field, or several. */
	check_mount("31 22 0:27 /a /b rw - cgroup none rw", 1, "/b");
	check_mount("31 22 0:27 /a /b rw shared:1 master:2 - cgroup none rw", 1,
		    "/b");
	check_mount("31 22 0:27 / /my\\040groups\\134x rw - cgroup2 none rw", 2,
		    "/my groups\\x");
	/* What looks like an escape and is none. */
	check_mount("31 22 0:27 / /a\\04 rw - cgroup2 none rw", 2, "/a\\04");
	check_mount("31 22 0:27 / /a\\999 rw - cgroup2 none rw", 2, "/a\\999");
}

static void other_lines(void **state)
{
	(void)state;
	check_mount("22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw", 0, NULL);
	check_mount("22 1 8:1 / /cgroup rw - cgroup3 none rw", 0, NULL);
	check_mount("22 1 8:1 / /x rw cgroup2", 0, NULL);
	check_mount("", 0, NULL);
	check_mount(" - cgroup2", 0, NULL);
	check_mount("1 2 3 - cgroup2 none rw", 0, NULL);
	check_mount("1 2 3 4 - cgroup2 none rw", 0, NULL);
	check_mount("1 2 3 / relative rw - cgroup2 none rw", 0, NULL);
	check_mount("22 1 8:1 / /x rw - ", 0, NULL);
}

static void file_write(const char *directory, const char *name,
		       const char *text)
{
	auto_free char *path = NULL;
	auto_fclose FILE *file = NULL;

	assert_true(asprintf(&path, "%s/%s", directory, name) > 0);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static void remove_tree(const char *directory)
{
	auto_free char *command = NULL;

	assert_true(asprintf(&command, "rm -r '%s'", directory) > 0);
	assert_int_equal(system(command), 0);
}

static bool has(const pid_vector *pids, int pid)
{
	for (size_t i = 0; i < pids->count; i++)
		if (pids->items[i] == pid)
			return true;
	return false;
}

static void processes_of_a_tree(void **state)
{
	char directory[] = "/tmp/leaktrace-test-cgroup-XXXXXX";
	auto_free char *below = NULL, *empty = NULL;
	pid_vector pids = { 0 };

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_true(asprintf(&below, "%s/below", directory) > 0);
	assert_true(asprintf(&empty, "%s/no-group", directory) > 0);
	assert_int_equal(mkdir(below, 0755), 0);
	assert_int_equal(mkdir(empty, 0755), 0);
	assert_int_equal(cgroup_processes(directory, &pids), -ENOENT);
	/* 0: a process of another PID namespace. */
	file_write(directory, "cgroup.procs", "12\n0\n34\n");
	file_write(below, "cgroup.procs", "56\nnonsense\n78\n");
	assert_int_equal(cgroup_processes(directory, &pids), 0);
	assert_int_equal(pids.count, 3);
	assert_true(has(&pids, 12) && has(&pids, 34) && has(&pids, 56));
	vector_free(&pids);
	remove_tree(directory);
}

static void groups_by_path(void **state)
{
	char directory[] = "/tmp/leaktrace-test-cgroup-XXXXXX";
	struct error error = { "" };
	char *found = NULL;

	(void)state;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(cgroup_find(directory, &found, &error), -ENOENT);
	assert_non_null(strstr(error.message, directory));
	file_write(directory, "cgroup.procs", "");
	assert_int_equal(cgroup_find(directory, &found, &error), 0);
	assert_string_equal(found, directory);
	free(found);
	remove_tree(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_mountinfo),
		cmocka_unit_test(other_lines),
		cmocka_unit_test(processes_of_a_tree),
		cmocka_unit_test(groups_by_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
