// SPDX-License-Identifier: GPL-2.0-or-later
/* Who shares a call stack: each pair is new once, however many there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture/block_shares.h"

static void a_pair_is_new_once(void **state)
{
	struct block_shares shares = { 0 };

	(void)state;
	assert_int_equal(block_shares_add(&shares, 7, 0), 1);
	assert_int_equal(block_shares_add(&shares, 7, 0), 0);
	assert_int_equal(block_shares_add(&shares, 7, 1), 1);
	assert_int_equal(block_shares_add(&shares, 0, 7), 1);
	assert_int_equal(block_shares_add(&shares, 0, 0), 1);
	assert_int_equal(block_shares_add(&shares, UINT32_MAX, 4095), 1);
	assert_int_equal(block_shares_add(&shares, UINT32_MAX, 4095), 0);
	assert_int_equal(shares.count, 5);
	block_shares_free(&shares);
	assert_int_equal(shares.count, 0);
	assert_null(shares.places);
}

/* Over many growths of the table, in both directions of the pair. */
static void many_pairs(void **state)
{
	enum { STACKS = 300, PROCESSES = 200 };
	struct block_shares shares = { 0 };

	(void)state;
	for (int round = 0; round < 2; round++)
		for (uint32_t stack = 0; stack < STACKS; stack++)
			for (uint32_t process = 0; process < PROCESSES;
			     process++)
				assert_int_equal(block_shares_add(&shares,
								  stack << 12,
								  process),
						 round == 0);
	assert_int_equal(shares.count, STACKS * PROCESSES);
	assert_true(shares.size >= 2 * shares.count);
	assert_int_equal(shares.size & (shares.size - 1), 0);
	block_shares_free(&shares);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pair_is_new_once),
		cmocka_unit_test(many_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
