// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/kallsyms: modules, aliases, hidden addresses, malformed lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resolve/kallsyms.h"

static const char sample[] =
	"0000000000000000 A fixed_percpu_data\n"
	"0000000000015000 a irq_stack\n"
	"ffffffff81000100 T __alias\n"
	"ffffffff81000100 t alias_local\n"
	"ffffffff81000100 T alias\n"
	"ffffffff81000000 T _stext\n"
	"ffffffff81000400 D some_data\n"
	"ffffffff81000800 W weak_function\n"
	"ffffffff81001010 t last_of_kernel\n"
	"ffffffffc0100000 t driver_open\t[driver]\n"
	"ffffffffc0100040 t driver_leak\t[driver]\n"
	"ffffffffc0100080 d driver_data\t[driver]\n"
	"ffffffffc0200000 t other_init\t[other]\n"
	"ffffffffc0300000 t bpf_prog_6deef7357e7b4530_f\t[bpf]\n"
	"ffffffffc0100060 t driver_late\t[driver]";

struct expected {
	uint64_t address;
	const char *function, *module; /* function NULL: none there */
};

static void check(const struct kallsyms *kallsyms,
		  const struct expected *expected)
{
	const struct kernel_symbol *symbol =
		kallsyms_find(kallsyms, expected->address);

	if (!expected->function) {
		assert_null(symbol);
		return;
	}
	assert_non_null(symbol);
	assert_string_equal(kallsyms->names + symbol->name, expected->function);
	if (!expected->module)
		assert_int_equal(symbol->module, KALLSYMS_NO_MODULE);
	else
		assert_string_equal(kallsyms->names + symbol->module,
				    expected->module);
}

static void test_sample(void **state)
{
	static const struct expected expected[] = {
		{ 0, NULL, NULL },
		{ 0x15000, NULL, NULL },
		{ 0xffffffff80ffffff, NULL, NULL },
		{ 0xffffffff81000000, "_stext", NULL },
		{ 0xffffffff810000ff, "_stext", NULL },
		{ 0xffffffff81000100, "alias", NULL },
		{ 0xffffffff810003ff, "alias", NULL },
		{ 0xffffffff81000400, NULL, NULL }, /* data */
		{ 0xffffffff81000801, "weak_function", NULL },
		{ 0xffffffff81002fff, "last_of_kernel", NULL },
		{ 0xffffffff81003000, NULL, NULL }, /* not up to the module */
		{ 0xffffffffc0100000, "driver_open", "driver" },
		{ 0xffffffffc010005f, "driver_leak", "driver" },
		{ 0xffffffffc0100060, "driver_late", "driver" },
		{ 0xffffffffc0100080, NULL, NULL },
		{ 0xffffffffc0200010, "other_init", "other" },
		{ 0xffffffffc0300010, "bpf_prog_6deef7357e7b4530_f", "bpf" },
		{ UINT64_MAX, NULL, NULL },
	};
	struct kallsyms kallsyms;

	(void)state;
	assert_int_equal(kallsyms_parse(sample, sizeof(sample) - 1,
					KALLSYMS_ALL, &kallsyms),
			 0);
	assert_false(kallsyms.hidden);
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		check(&kallsyms, &expected[i]);
	kallsyms_free(&kallsyms);
}

static void test_modules_only(void **state)
{
	static const struct expected expected[] = {
		{ 0xffffffff81000100, NULL, NULL },
		{ 0xffffffffc0100000, "driver_open", "driver" },
	};
	struct kallsyms kallsyms;

	(void)state;
	assert_int_equal(kallsyms_parse(sample, sizeof(sample) - 1,
					KALLSYMS_MODULES, &kallsyms),
			 0);
	assert_int_equal(kallsyms.symbols.count, 5);
	for (size_t i = 0; i < 2; i++)
		check(&kallsyms, &expected[i]);
	assert_false(kallsyms.hidden);
	kallsyms_free(&kallsyms);
}

static void test_hidden(void **state)
{
	static const char zeros[] =
		"0000000000000000 T _stext\n"
		"0000000000000000 t driver_open\t[driver]\n";
	struct kallsyms kallsyms;

	(void)state;
	assert_int_equal(kallsyms_parse(zeros, sizeof(zeros) - 1, KALLSYMS_ALL,
					&kallsyms),
			 0);
	assert_true(kallsyms.hidden);
	assert_int_equal(kallsyms.symbols.count, 0);
	assert_null(kallsyms_find(&kallsyms, 0));
	kallsyms_free(&kallsyms);
	assert_int_equal(kallsyms_parse("", 0, KALLSYMS_ALL, &kallsyms), 0);
	assert_false(kallsyms.hidden);
	kallsyms_free(&kallsyms);
}

static void test_malformed(void **state)
{
	static const char text[] = "\n"
				   " \n"
				   "nonsense\n"
				   "ffffffff81000000\n"
				   "ffffffff81000001 T\n"
				   "ffffffff81000002 T \n"
				   "ffffffff81000003 TT name\n"
				   "ffffffff81000004  name\n"
				   "11ffffffff81000005 T too_wide\n"
				   "ffffffff81000006 T name\t[unclosed\n"
				   "ffffffff81000007 T name\t[]\n"
				   "ffffffff81000008 \0 name\n"
				   "FFFFFFFF81000009 T good\r\n"
				   "ffffffff8100000a T cut";
	struct kallsyms kallsyms;

	(void)state;
	/* every prefix, in memory of its own length: no read past the end */
	for (size_t size = 0; size < sizeof(text); size++) {
		char *copy = malloc(size + !size);

		assert_non_null(copy);
		memcpy(copy, text, size);
		assert_int_equal(
			kallsyms_parse(copy, size, KALLSYMS_ALL, &kallsyms), 0);
		free(copy);
		kallsyms_free(&kallsyms);
	}
	assert_int_equal(kallsyms_parse(text, sizeof(text) - 1, KALLSYMS_ALL,
					&kallsyms),
			 0);
	assert_int_equal(kallsyms.symbols.count, 2);
	check(&kallsyms, &(struct expected){ 0xffffffff81000009, "good", 0 });
	check(&kallsyms, &(struct expected){ 0xffffffff8100000a, "cut", 0 });
	kallsyms_free(&kallsyms);
}

static void test_own_kernel(void **state)
{
	struct kallsyms kallsyms;
	struct error error = { 0 };
	int failed;

	(void)state;
	failed = kallsyms_load(KALLSYMS_ALL, &kallsyms, &error);
	if (failed) {
		assert_true(error.message[0]);
		return;
	}
	assert_true(kallsyms.hidden || kallsyms.symbols.count > 1000);
	for (size_t i = 1; i < kallsyms.symbols.count; i++) {
		assert_true(kallsyms.symbols.items[i].start >=
			    kallsyms.symbols.items[i - 1].end);
		assert_true(kallsyms.symbols.items[i].end >
			    kallsyms.symbols.items[i].start);
	}
	kallsyms_free(&kallsyms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_modules_only),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_own_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
