// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a server may listen, as text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "util/listen_address.h"

static void check(const char *text, int family, const char *expected)
{
	struct listen_address address = { 0 };
	struct error error = { "" };

	if (listen_address_parse(text, &address, &error))
		fail_msg("%s: %s", text, error.message);
	assert_true(address.given);
	assert_int_equal(address.address.ss_family, family);
	assert_string_equal(listen_address_text(&address.address).text,
			    expected);
}

static void test_valid(void **state)
{
	(void)state;
	check("9100", AF_INET, "127.0.0.1:9100");
	check("0", AF_INET, "127.0.0.1:0");
	check("0.0.0.0:65535", AF_INET, "0.0.0.0:65535");
	check("[::1]:80", AF_INET6, "[::1]:80");
	check("[2001:db8::ff]:8080", AF_INET6, "[2001:db8::ff]:8080");
	check("[::ffff:255.255.255.255]:65535", AF_INET6,
	      "[::ffff:255.255.255.255]:65535");
	check("[1111:2222:3333:4444:5555:6666:7777:8888]:65535", AF_INET6,
	      "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}

static void test_invalid(void **state)
{
	static const char *const texts[] = {
		"",
		":",
		":80",
		"80:",
		"65536",
		"-1",
		"+1",
		" 1",
		"1 ",
		"99999999999999999999999",
		"localhost:80",
		"1.2.3:80",
		"1.2.3.4.5:80",
		"::1:80",
		"[]:80",
		"[::1]",
		"[::1]80",
		"[::1:80",
		"[1.2.3.4:80",
		"1.2.3.4:http",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]:1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct listen_address address = { .length = 7 };
		struct error error = { "" };

		assert_int_equal(listen_address_parse(texts[i], &address,
						      &error),
				 -EINVAL);
		assert_non_null(strstr(error.message, texts[i]));
		assert_int_equal(address.length, 7);
		assert_false(address.given);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
