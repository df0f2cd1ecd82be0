// SPDX-License-Identifier: GPL-2.0-or-later
/* Sizes, durations and counts: see units.h. */
#include "util/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define KIBI UINT64_C(1024)
#define SECOND UINT64_C(1000000000)

struct unit {
	const char *name;
	uint64_t factor;
};

/* One kind of quantity: how to read it and what to say when it is wrong. */
struct quantity {
	const char *example;
	const char *known_units;
	bool any_case;
	uint64_t maximum;
	struct unit units[20];
};

static const struct quantity size_quantity = {
	.example = "a size such as 64K or 1.5MiB",
	.known_units = "B, K, M, G, T (KiB ... TiB the same; KB ... TB: "
		       "powers of 1000)",
	.any_case = true,
	.maximum = UINT64_MAX,
	.units = {
		{ "", 1 },
		{ "B", 1 },
		{ "K", KIBI },
		{ "KiB", KIBI },
		{ "KB", 1000 },
		{ "M", KIBI * KIBI },
		{ "MiB", KIBI * KIBI },
		{ "MB", UINT64_C(1000000) },
		{ "G", KIBI * KIBI * KIBI },
		{ "GiB", KIBI * KIBI * KIBI },
		{ "GB", UINT64_C(1000000000) },
		{ "T", KIBI * KIBI * KIBI * KIBI },
		{ "TiB", KIBI * KIBI * KIBI * KIBI },
		{ "TB", UINT64_C(1000000000000) },
	},
};

static const struct quantity duration_quantity = {
	.example = "a time such as 500ms, 10s or 2m",
	.known_units = "ns, us, ms, s, m, h, d",
	.maximum = INT64_MAX,
	.units = {
		{ "", SECOND },
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", SECOND },
		{ "m", 60 * SECOND },
		{ "min", 60 * SECOND },
		{ "h", 3600 * SECOND },
		{ "d", 86400 * SECOND },
	},
};

static const struct quantity count_quantity = {
	.example = "a number such as 500, 16K or 4M",
	.known_units = "K, M, G (powers of 1024)",
	.any_case = true,
	.maximum = UINT64_MAX,
	.units = {
		{ "", 1 },
		{ "K", KIBI },
		{ "M", KIBI * KIBI },
		{ "G", KIBI * KIBI * KIBI },
	},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const struct unit *find_unit(const struct quantity *quantity,
				    const char *name)
{
	const struct unit *unit;

	for (unit = quantity->units; unit->name; unit++)
		if (!(quantity->any_case ? strcasecmp : strcmp)(unit->name,
								name))
			return unit;
	return NULL;
}

/* Digits to a number; returns the first character behind them. */
static const char *read_whole(const char *text, uint64_t *whole, bool *overflow)
{
	for (*whole = 0; is_digit(*text); text++)
		if (__builtin_mul_overflow(*whole, UINT64_C(10), whole) ||
		    __builtin_add_overflow(*whole, (uint64_t)(*text - '0'),
					   whole))
			*overflow = true;
	return text;
}

/*
 * The digits behind a point as numerator / denominator. Those behind the 17th
 * are worth less than a hundredth of a byte or nanosecond in the largest unit.
 */
static const char *read_fraction(const char *text, uint64_t *numerator,
				 uint64_t *denominator)
{
	for (*numerator = 0, *denominator = 1; is_digit(*text); text++) {
		if (*denominator >= UINT64_C(100000000000000000))
			continue;
		*numerator = *numerator * 10 + (uint64_t)(*text - '0');
		*denominator *= 10;
	}
	return text;
}

static int parse(const struct quantity *quantity, const char *text,
		 uint64_t *result, struct error *error)
{
	uint64_t whole, numerator = 0, denominator = 1;
	const char *behind = text;
	bool overflow = false;
	const struct unit *unit;
	unsigned __int128 value;

	if (*text == '-' && is_digit(text[1]))
		return error_set(error, EINVAL, "'%s' is negative: give %s",
				 text, quantity->example);
	if (!is_digit(*text))
		return error_set(error, EINVAL, "'%s' is not %s", text,
				 quantity->example);
	behind = read_whole(text, &whole, &overflow);
	if (*behind == '.' && is_digit(behind[1]))
		behind = read_fraction(behind + 1, &numerator, &denominator);
	if (*behind == ' ' && behind[1])
		behind++;
	unit = find_unit(quantity, behind);
	if (!unit)
		return error_set(error, EINVAL,
				 "'%s' has the unknown unit '%s': use %s", text,
				 behind, quantity->known_units);
	if (unit->factor == 1 && numerator)
		return error_set(error, EINVAL,
				 "'%s' is not a whole number: give %s", text,
				 quantity->example);
	value = (unsigned __int128)whole * unit->factor +
		(unsigned __int128)numerator * unit->factor / denominator;
	if (overflow || value > quantity->maximum)
		return error_set(error, ERANGE, "'%s' is too large: give %s",
				 text, quantity->example);
	*result = (uint64_t)value;
	return 0;
}

int units_parse_size(const char *text, uint64_t *bytes, struct error *error)
{
	return parse(&size_quantity, text, bytes, error);
}

int units_parse_duration(const char *text, uint64_t *nanoseconds,
			 struct error *error)
{
	return parse(&duration_quantity, text, nanoseconds, error);
}

int units_parse_count(const char *text, uint64_t *count, struct error *error)
{
	return parse(&count_quantity, text, count, error);
}

static uint64_t magnitude(int64_t value)
{
	return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

/* value / unit in tenths, rounded to nearest. */
static uint64_t tenths_of(uint64_t value, uint64_t unit)
{
	return (uint64_t)(((unsigned __int128)value * 10 + unit / 2) / unit);
}

struct unit_text units_size(uint64_t bytes)
{
	static const char *const names[] = { "KiB", "MiB", "GiB",
					     "TiB", "PiB", "EiB" };
	struct unit_text result;
	uint64_t unit = KIBI, tenths;
	size_t i;

	if (bytes < KIBI) {
		snprintf(result.text, sizeof(result.text), "%" PRIu64 " B",
			 bytes);
		return result;
	}
	for (i = 0; i + 1 < sizeof(names) / sizeof(names[0]); i++) {
		/* 1023.95 KiB would round to 1024.0 KiB. */
		if (tenths_of(bytes, unit) < KIBI * 10)
			break;
		unit *= KIBI;
	}
	tenths = tenths_of(bytes, unit);
	snprintf(result.text, sizeof(result.text), "%" PRIu64 ".%" PRIu64 " %s",
		 tenths / 10, tenths % 10, names[i]);
	return result;
}

struct unit_text units_count(uint64_t count)
{
	struct unit_text result;
	char digits[24];
	char *out = result.text;
	int length, i;

	length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	for (i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return result;
}

static struct unit_text with_sign(int64_t change,
				  struct unit_text (*format)(uint64_t))
{
	struct unit_text result;

	if (!change) {
		snprintf(result.text, sizeof(result.text), "unchanged");
		return result;
	}
	snprintf(result.text, sizeof(result.text), "%c%.38s",
		 change < 0 ? '-' : '+', format(magnitude(change)).text);
	return result;
}

struct unit_text units_size_change(int64_t bytes)
{
	return with_sign(bytes, units_size);
}

struct unit_text units_count_change(int64_t count)
{
	return with_sign(count, units_count);
}

/* "12.3 s", "12 s", "517 ms": tenths only where there are some, below 100. */
static struct unit_text decimal_text(uint64_t value, const struct unit *unit)
{
	struct unit_text result;
	uint64_t tenths = tenths_of(value, unit->factor);

	if (tenths % 10 && tenths < 1000)
		snprintf(result.text, sizeof(result.text),
			 "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10,
			 unit->name);
	else
		snprintf(result.text, sizeof(result.text), "%" PRIu64 " %s",
			 (value + unit->factor / 2) / unit->factor, unit->name);
	return result;
}

/* "3 min 20 s", "3 min": value in units of small, large of them make one. */
static struct unit_text pair_text(uint64_t value, uint64_t large,
				  const char *large_name,
				  const char *small_name)
{
	struct unit_text result;

	if (value % large)
		snprintf(result.text, sizeof(result.text),
			 "%" PRIu64 " %s %" PRIu64 " %s", value / large,
			 large_name, value % large, small_name);
	else
		snprintf(result.text, sizeof(result.text), "%" PRIu64 " %s",
			 value / large, large_name);
	return result;
}

struct unit_text units_duration(uint64_t nanoseconds)
{
	/* Below the limit in ns a value does not round up to the next unit. */
	static const struct {
		struct unit unit;
		uint64_t limit;
	} decimals[] = {
		{ { "ns", 1 }, 1000 },
		{ { "us", 1000 }, 999500 },
		{ { "ms", 1000000 }, 999500000 },
		{ { "s", SECOND }, UINT64_C(59950000000) },
	};
	uint64_t seconds, minutes;
	size_t i;

	for (i = 0; i < sizeof(decimals) / sizeof(decimals[0]); i++)
		if (nanoseconds < decimals[i].limit)
			return decimal_text(nanoseconds, &decimals[i].unit);
	seconds = nanoseconds / SECOND + (nanoseconds % SECOND >= SECOND / 2);
	if (seconds < 3600)
		return pair_text(seconds, 60, "min", "s");
	minutes = seconds / 60 + (seconds % 60 >= 30);
	if (minutes < 24 * 60)
		return pair_text(minutes, 60, "h", "min");
	return pair_text(minutes / 60 + (minutes % 60 >= 30), 24, "d", "h");
}
