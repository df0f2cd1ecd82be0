// SPDX-License-Identifier: GPL-2.0-or-later
/* What ends the rounds of a session: see round_marker.h. */
#include "round_marker.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "util/clock.h"

static int timer_start(struct round_marker *marker, uint64_t ns, bool again,
		       struct error *error)
{
	const struct timespec time = { (time_t)(ns / NS_PER_SECOND),
				       (long)(ns % NS_PER_SECOND) };
	const struct itimerspec when = {
		.it_value = time,
		.it_interval = again ? time : (struct timespec){ 0 },
	};

	if (marker->timer_fd < 0)
		marker->timer_fd = timerfd_create(CLOCK_MONOTONIC,
						  TFD_CLOEXEC | TFD_NONBLOCK);
	if (marker->timer_fd < 0 ||
	    timerfd_settime(marker->timer_fd, 0, &when, NULL))
		return error_set(error, errno, "cannot set a timer: %s",
				 strerror(errno));
	return 0;
}

static bool timer_passed(const struct round_marker *marker)
{
	uint64_t ticks;

	return marker->timer_fd >= 0 &&
	       read(marker->timer_fd, &ticks, sizeof(ticks)) > 0;
}

int round_marker_open(struct round_marker *marker,
		      const struct round_option *option, struct error *error)
{
	*marker = (struct round_marker){ .option = option, .timer_fd = -1 };
	if (option->kind == ROUND_TIME) {
		int result =
			timer_start(marker, option->period_ns, true, error);

		if (result)
			return result;
	}
	return round_marker_next(marker, error);
}

int round_marker_fd(const struct round_marker *marker)
{
	if (marker->command.pid)
		return driven_command_fd(&marker->command);
	return marker->option ? marker->timer_fd : -1;
}

/* A command has ended, or it is time to try again. */
static int command_check(struct round_marker *marker, bool *ended,
			 struct error *error)
{
	int status;

	if (!marker->command.pid && timer_passed(marker))
		return driven_command_begin(&marker->command,
					    marker->option->command, error);
	if (!driven_command_ended(&marker->command, &status))
		return 0;
	if (!driven_command_tell_failure(status, "round", marker->round)) {
		marker->failures = 0;
		*ended = true;
		return 0;
	}
	if (++marker->failures == ROUND_FAILURES)
		return error_set(error, ECHILD,
				 "--round: the command failed %d times in a "
				 "row: is what it drives there?",
				 ROUND_FAILURES);
	return timer_start(marker, ROUND_RETRY_NS, false, error);
}

int round_marker_check(struct round_marker *marker, bool signalled, bool *ended,
		       struct error *error)
{
	*ended = false;
	if (!marker->option)
		return 0;
	switch (marker->option->kind) {
	case ROUND_NONE:
		break;
	case ROUND_SIGNAL:
		*ended = signalled;
		break;
	case ROUND_TIME:
		*ended = timer_passed(marker);
		break;
	case ROUND_COMMAND:
		return command_check(marker, ended, error);
	}
	return 0;
}

int round_marker_next(struct round_marker *marker, struct error *error)
{
	marker->round++;
	if (marker->option->kind != ROUND_COMMAND)
		return 0;
	return driven_command_begin(&marker->command, marker->option->command,
				    error);
}

void round_marker_close(struct round_marker *marker)
{
	driven_command_end(&marker->command);
	if (marker->option && marker->timer_fd >= 0)
		close(marker->timer_fd);
	*marker = (struct round_marker){ 0 };
}
