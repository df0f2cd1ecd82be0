// SPDX-License-Identifier: GPL-2.0-or-later
/* The model's names are part of the formats: each is there, once, and stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/snapshot.h"
#include "model/verdict.h"

static void test_verdicts(void **state)
{
	static const char *const expected[VERDICT_COUNT] = {
		"none", "leaking", "growing", "plateaued", "steady", "start-up",
	};

	(void)state;
	for (int i = 0; i < VERDICT_COUNT; i++)
		assert_string_equal(verdict_name((enum verdict)i), expected[i]);
	assert_string_equal(verdict_name(VERDICT_COUNT), "unknown");
	assert_string_equal(verdict_name((enum verdict) - 1), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
