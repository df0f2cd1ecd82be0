// SPDX-License-Identifier: GPL-2.0-or-later
/* --round WHAT: see round_option.h. */
#include "round_option.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "util/units.h"

#define SHORTEST_NS 10000000

/* One word of capitals and digits, as no command is called. */
static bool looks_like_signal(const char *argument)
{
	size_t length =
		strspn(argument, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

	return !argument[length] &&
	       (!strncmp(argument, "SIG", 3) || !strncmp(argument, "USR", 3));
}

static int parse_time(const char *argument, struct round_option *option,
		      struct error *error)
{
	uint64_t period;

	if (units_parse_duration(argument, &period, error))
		return error_wrap(error, EINVAL,
				  "neither a command nor a time");
	if (period < SHORTEST_NS)
		return error_set(error, EINVAL,
				 "'%s' is too short: give 10ms or more",
				 argument);
	option->kind = ROUND_TIME;
	option->period_ns = period;
	return 0;
}

int round_option_parse(const char *argument, struct round_option *option,
		       struct error *error)
{
	struct round_option parsed = { 0 };
	uint64_t unused;

	if (!strcmp(argument, "SIGUSR2")) {
		parsed.kind = ROUND_SIGNAL;
	} else if (!argument[strspn(argument, " \t\n")]) {
		return error_set(error, EINVAL,
				 "'%s' is empty: give SIGUSR2, a time or a "
				 "command",
				 argument);
	} else if (looks_like_signal(argument)) {
		return error_set(error, EINVAL,
				 "'%s' does not end rounds: give SIGUSR2",
				 argument);
	} else if (*argument >= '0' && *argument <= '9' &&
		   (!strpbrk(argument, " /-") ||
		    !units_parse_duration(argument, &unused, error))) {
		if (parse_time(argument, &parsed, error))
			return -EINVAL;
	} else {
		parsed.kind = ROUND_COMMAND;
		parsed.command = argument;
	}
	*option = parsed;
	return 0;
}
