// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernel releases and the features in /proc/PID/status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/probe_conditions.h"

static void test_nops(void **state)
{
	(void)state;
	assert_false(probe_conditions_nops("5.10.0-32-cloud-amd64"));
	assert_false(probe_conditions_nops("6.1.0"));
	assert_false(probe_conditions_nops("6.9.12-custom"));
	assert_true(probe_conditions_nops("6.16.0"));
	assert_true(probe_conditions_nops("6.18.4+"));
	assert_true(probe_conditions_nops("7.0.0-rc1"));
	assert_true(probe_conditions_nops("10.2"));
	assert_false(probe_conditions_nops("5.99.0"));
	assert_false(probe_conditions_nops(""));
	assert_false(probe_conditions_nops("6"));
	assert_false(probe_conditions_nops("next-20260101"));
}

static bool has_shadow_stack(const char *status)
{
	return probe_conditions_shadow_stack(status, strlen(status));
}

#define BEFORE "Name:\tshstk\nCpus_allowed:\t3\n"
#define AFTER "Speculation_Store_Bypass:\tthread vulnerable\n"

static void test_shadow_stack(void **state)
{
	(void)state;
	/* A kernel that cannot; the process's name is no feature. */
	assert_false(has_shadow_stack(BEFORE AFTER));
	assert_false(has_shadow_stack(""));
	assert_true(has_shadow_stack(BEFORE "x86_Thread_features:\tshstk \n"
					    "x86_Thread_features_locked:\t\n"));
	assert_true(has_shadow_stack(
		BEFORE "x86_Thread_features:\tshstk wrss\n"
		       "x86_Thread_features_locked:\tshstk wrss\n" AFTER));
	/* Off for good, and off as yet. */
	assert_false(has_shadow_stack(
		BEFORE "x86_Thread_features:\t\n"
		       "x86_Thread_features_locked:\tshstk wrss\n"));
	assert_true(has_shadow_stack(BEFORE "x86_Thread_features:\t\n"
					    "x86_Thread_features_locked:\t\n"));
	assert_true(has_shadow_stack(BEFORE
				     "x86_Thread_features:\t\n"
				     "x86_Thread_features_locked:\twrss\n"
				     "Note:\tshstk\n"));
	/* Cut off in the middle. */
	assert_true(has_shadow_stack(BEFORE "x86_Thread_features:\tshstk"));
	assert_true(has_shadow_stack(BEFORE "x86_Thread_features:"));
}

static void test_no_byte_behind_the_status_is_read(void **state)
{
	static const char text[] = BEFORE "x86_Thread_features:\tshstk\n";
	char *copy;

	(void)state;
	for (size_t size = 0; size < sizeof(text); size++) {
		/* A block of exactly its size, for ASan. */
		copy = malloc(size + !size);
		assert_non_null(copy);
		memcpy(copy, text, size);
		probe_conditions_shadow_stack(copy, size);
		free(copy);
	}
}

/* Of a process that is gone nothing is known: then with a shadow stack. */
static void test_conditions_here(void **state)
{
	struct probe_conditions own, gone;
	struct utsname kernel;

	(void)state;
	assert_int_equal(uname(&kernel), 0);
	own = probe_conditions_of(getpid(), ATTACH_SESSION);
	gone = probe_conditions_of(INT32_MAX, ATTACH_MULTI);
	assert_true(own.cookies && gone.cookies);
	assert_int_equal(own.nops, probe_conditions_nops(kernel.release));
	assert_int_equal(gone.nops, own.nops);
	assert_true(gone.shadow_stack >= own.shadow_stack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nops),
		cmocka_unit_test(test_shadow_stack),
		cmocka_unit_test(test_no_byte_behind_the_status_is_read),
		cmocka_unit_test(test_conditions_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
