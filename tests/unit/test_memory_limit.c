// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the limits of memory are told: files of /proc as they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/memory_limit.h"

static void path_of_a_process(void **state)
{
	static const char both[] = "12:cpu,cpuacct:/other\n"
				   "5:hugetlb,memory:/a b/c\n"
				   "1:name=systemd:/init.scope\n"
				   "0::/unified\n";
	char path[16];

	(void)state;
	assert_true(cgroup_path(both, 1, path, sizeof(path)));
	assert_string_equal(path, "/a b/c");
	assert_true(cgroup_path(both, 2, path, sizeof(path)));
	assert_string_equal(path, "/unified");
	assert_false(cgroup_path("3:cpu:/x\n", 1, path, sizeof(path)));
	assert_false(cgroup_path("3:memoryx:/x\n", 1, path, sizeof(path)));
	assert_false(cgroup_path("3:cpu:/x\n", 2, path, sizeof(path)));
	assert_false(cgroup_path("", 2, path, sizeof(path)));
	assert_false(cgroup_path("0:", 2, path, sizeof(path)));
	assert_false(cgroup_path("0::/longer/than/there/is/room", 2, path,
				 sizeof(path)));
}

static void mount_of_a_hierarchy(void **state)
{
	static const char mounts[] =
		"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
		"30 22 0:26 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 "
		"cgroup2 rw,nsdelegate\n"
		"31 22 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
		"36 22 0:32 /docker/1 /sys/fs/cgroup/memory rw - cgroup cgroup "
		"rw,memory\n";
	char point[40], root[40];

	(void)state;
	assert_true(cgroup_mount(mounts, 2, point, root, sizeof(point)));
	assert_string_equal(point, "/sys/fs/cgroup/unified");
	assert_string_equal(root, "/");
	assert_true(cgroup_mount(mounts, 1, point, root, sizeof(point)));
	assert_string_equal(point, "/sys/fs/cgroup/memory");
	assert_string_equal(root, "/docker/1");
	assert_true(
		cgroup_mount("31 22 0:27 /my\\040root /my\\134x rw - cgroup "
			     "none rw,memory\n",
			     1, point, root, sizeof(point)));
	assert_string_equal(point, "/my\\x");
	assert_string_equal(root, "/my root");
	assert_false(cgroup_mount("", 1, point, root, sizeof(point)));
	assert_false(cgroup_mount("1 2 3\n - cgroup2", 2, point, root,
				  sizeof(point)));
	assert_false(cgroup_mount(mounts, 2, point, root, 4));
}

static void memory_of_the_machine(void **state)
{
	static const char text[] = "MemTotal:       16315412 kB\n"
				   "MemFree:         1 kB\n"
				   "MemAvailable:   x\n";
	uint64_t bytes = 1;

	(void)state;
	assert_true(meminfo_bytes(text, "MemTotal", &bytes));
	assert_int_equal(bytes, UINT64_C(16315412) * 1024);
	assert_false(meminfo_bytes(text, "MemAvailable", &bytes));
	assert_false(meminfo_bytes(text, "Mem", &bytes));
	assert_false(meminfo_bytes("", "MemTotal", &bytes));
}

/* Of this process and of none: never more than the machine has. */
static void limits_here(void **state)
{
	struct memory_limit own, machine, gone;

	(void)state;
	memory_limit_read(&machine, 0);
	assert_int_equal(machine.kind, LIMIT_MACHINE);
	assert_true(machine.used_bytes < machine.limit_bytes);
	memory_limit_read(&own, getpid());
	assert_int_not_equal(own.kind, LIMIT_NONE);
	assert_true(own.limit_bytes <= machine.limit_bytes);
	memory_limit_read(&gone, 0x7ffffffe);
	assert_int_equal(gone.kind, LIMIT_MACHINE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_of_a_process),
		cmocka_unit_test(mount_of_a_hierarchy),
		cmocka_unit_test(memory_of_the_machine),
		cmocka_unit_test(limits_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
