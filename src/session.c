// SPDX-License-Identifier: GPL-2.0-or-later
/* One capture from its start to the last report: see session.h. */
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "capture/memory_limit.h"
#include "report/openmetrics.h"
#include "snapshot/snapshot_file.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/progress.h"
#include "util/units.h"
#include "view/view.h"

void session_block_signals(sigset_t *handled)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1,
				       SIGUSR2 };

	sigemptyset(handled);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(handled, signals[i]);
	sigprocmask(SIG_BLOCK, handled, NULL);
	/* A reader that goes away is an error of the write, not our death. */
	signal(SIGPIPE, SIG_IGN);
}

static int timer_set(int fd, uint64_t first_ns, uint64_t interval_ns,
		     struct error *error)
{
	struct itimerspec when = {
		.it_value = { (time_t)(first_ns / NS_PER_SECOND),
			      (long)(first_ns % NS_PER_SECOND) },
		.it_interval = { (time_t)(interval_ns / NS_PER_SECOND),
				 (long)(interval_ns % NS_PER_SECOND) },
	};

	if (timerfd_settime(fd, 0, &when, NULL))
		return error_set(error, errno, "cannot set a timer: %s",
				 strerror(errno));
	return 0;
}

static int timer_open(uint64_t first_ns, uint64_t interval_ns,
		      struct error *error)
{
	auto_close int fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int result;

	if (fd < 0)
		return error_set(error, errno, "cannot make a timer: %s",
				 strerror(errno));
	result = timer_set(fd, first_ns, interval_ns, error);
	return result ? result : take_fd(&fd);
}

static int snapshot_take(struct session *session, bool totals_only,
			 struct snapshot **snapshot, struct error *error)
{
	struct snapshot *taken = calloc(1, sizeof(*taken));
	int result;

	if (!taken)
		return error_set(error, ENOMEM, "out of memory");
	taken->totals_only = totals_only;
	taken->started_ns = session->started_ns;
	taken->rounds = session->judge.rounds;
	snapshot_set_generations(taken, clock_monotonic_ns());
	/* Stacks must be known before their figures are shown. */
	result = session->capture->operations->drain(session->capture, error);
	if (!result)
		result = session->capture->operations->snapshot(
			session->capture, taken, error);
	/* The clock is read last: no block is younger than its report. */
	taken->taken_ns = clock_monotonic_ns();
	taken->wall_ns = (int64_t)clock_ns(CLOCK_REALTIME);
	if (!result)
		result = session->capture->operations->drain(session->capture,
							     error);
	if (result) {
		snapshot_free(taken);
		return result;
	}
	*snapshot = taken;
	return 0;
}

/* On stderr, where the format has no place for them. */
static void losses_tell(const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->losses.count; i++) {
		const struct loss *loss = &snapshot->losses.items[i];

		fprintf(stderr, "leaktrace: %s (%s)%s%s\n", loss->text,
			units_count(loss->count).text, loss->remedy ? ": " : "",
			loss->remedy ? loss->remedy : "");
	}
}

/* Writes the report if its format wants it: whole documents come last. */
static int report_print(struct session *session, const struct report *report,
			struct error *error)
{
	int result;

	if (session->format->whole && report->reason != REPORT_LAST)
		return 0;
	if (session->format->no_losses)
		losses_tell(report->snapshot);
	result = session->format->write(stdout, report, &session->style);
	if (result && result != -EPIPE)
		return error_set(error, -result, "cannot write the report: %s",
				 strerror(-result));
	session->style.continues = true;
	return result;
}

/* Without memory for it the figures served before stay. */
static void metrics_publish(struct session *session,
			    const struct report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream;
	int result;

	if (!session->metrics)
		return;
	stream = open_memstream(&text, &size);
	if (!stream)
		return;
	result = openmetrics_write(stream, report);
	if (fclose(stream) || result)
		free(text);
	else
		metrics_server_publish(session->metrics, text, size);
}

/*
 * A failure, such as a disk that is full, need not last: it is told, and only
 * that of the last report counts.
 */
static int report_save(const struct session *session,
		       const struct report *report, struct error *error)
{
	struct error why = { "" };
	int result;

	if (!session->options->save)
		return 0;
	result = snapshot_save(session->options->save, report, &why);
	if (result && report->reason == REPORT_LAST)
		return error_set(error, -result, "%s", why.message);
	if (result && session->view)
		view_tell(session->view, why.message);
	else if (result)
		fprintf(stderr, "leaktrace: %s\n", why.message);
	return 0;
}

static int report_write(struct session *session, enum report_reason reason,
			struct error *error)
{
	struct snapshot *snapshot = NULL;
	struct report *report = NULL;
	struct progress *progress = resolver_progress(session->judge.resolver);
	int result, saved;

	progress_begin(progress, "reading what is outstanding");
	result = snapshot_take(session, false, &snapshot, error);
	memory_limit_read(&session->judge.limit,
			  session->target ? session->target->pid : 0);
	if (!result)
		result =
			judge_report(&session->judge, snapshot, &report, error);
	progress_end(progress);
	if (result)
		return result;
	session->leaking = report->leaking_stacks != 0;
	session->outstanding = report->stacks_matching != 0;
	report->reason = reason;
	report->end = reason == REPORT_LAST ? session->end : NULL;
	report->target = "kernel";
	if (session->target) {
		report->target = session->target->name;
		report->pid = (uint32_t)session->target->pid;
	} else if (session->capture->subject[0]) {
		report->target = session->capture->subject;
	}
	report->module = session->options->module;
	report->cycles = (unsigned)session->options->cycles;
	if (reason == REPORT_CYCLE)
		report->cycle = session->watch.cycle;
	/* Saved first: nobody may read the reports any more. */
	saved = report_save(session, report, error);
	metrics_publish(session, report);
	if (session->view && reason != REPORT_LAST) {
		if (view_show(session->view, report))
			view_tell(session->view, "out of memory");
		return 0;
	}
	/* The terminal is the last report's again. */
	view_free(take(session->view));
	result = report_print(session, report, saved ? NULL : error);
	report_free(report);
	return saved ? saved : result;
}

/* Saves what the view shows, where --save says or to a file of its own. */
static void view_save(struct session *session)
{
	const struct report *report = view_report(session->view);
	const char *path = session->options->save;
	struct error error = { "" };
	char name[64], text[160];

	if (!report)
		return;
	if (!path) {
		snprintf(name, sizeof(name), "leaktrace-%d-%u.snapshot",
			 (int)report->pid, report->number);
		path = name;
	}
	if (snapshot_save(path, report, &error))
		snprintf(text, sizeof(text), "%s", error.message);
	else
		snprintf(text, sizeof(text), "saved to %s", path);
	view_tell(session->view, text);
}

/* Keys, and a terminal of another size. */
static int view_handle(struct session *session, struct error *error)
{
	switch (view_input(session->view)) {
	case VIEW_QUIT:
		session->end = "ended by q";
		break;
	case VIEW_REPORT:
		return report_write(session, REPORT_ON_SIGNAL, error);
	case VIEW_SAVE:
		view_save(session);
		break;
	case VIEW_NOTHING:
		break;
	}
	return 0;
}

/* Looks at the totals, between reports, for the verdicts to come. */
static int look(struct session *session, struct error *error)
{
	struct snapshot *snapshot = NULL;
	int result = snapshot_take(session, true, &snapshot, error);

	if (!result)
		result = judge_look(&session->judge, snapshot, error);
	snapshot_free(snapshot);
	return result;
}

/* Ends a round, and begins the next if there is to be one. */
static int round_handle(struct session *session, bool signalled,
			struct error *error)
{
	uint64_t now_ns = clock_monotonic_ns(), wanted;
	bool ended;
	int result =
		round_marker_check(&session->rounds, signalled, &ended, error);

	if (result || !ended)
		return result;
	result = look(session, error);
	if (!result)
		result = judge_end_round(&session->judge, now_ns, error);
	wanted = session->options->rounds;
	if (!result && wanted && session->judge.rounds.ended == wanted)
		session->end = "all rounds done";
	else if (!result)
		result = round_marker_next(&session->rounds, error);
	return result;
}

/* Has the next look wait for as long as the history wants. */
static int look_later(struct session *session, int fd, struct error *error)
{
	return timer_set(fd, history_pause_ns(&session->judge.history), 0,
			 error);
}

static void signal_handle(struct session *session, int fd, bool *report,
			  bool *round)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR1) {
			*report = true;
			continue;
		}
		if (info.ssi_signo == SIGUSR2) {
			*round = true;
			continue;
		}
		session->end = info.ssi_signo == SIGINT ? "interrupted"
							: "terminated";
		session->end_signal = (int)info.ssi_signo;
		session->signal_from_user = info.ssi_code <= 0;
	}
}

enum {
	WAIT_SIGNAL,
	WAIT_EVENTS,
	WAIT_LOOK,
	WAIT_INTERVAL,
	WAIT_DURATION,
	WAIT_TARGET,
	WAIT_METRICS,
	WAIT_VIEW,
	WAIT_CYCLE,
	WAIT_ROUND,
	WAITS,
};

/* A module that is watched has gone, or a command of --cycle has ended. */
static int module_handle(struct session *session, struct error *error)
{
	const struct options *options = session->options;
	struct module_watch *watch = &session->watch;
	int result;

	if (!options->cycles) {
		if (session->capture->module_unloads == watch->unloads)
			return 0;
		watch->unloads = session->capture->module_unloads;
		module_settle();
		return report_write(session, REPORT_UNLOADED, error);
	}
	if (!module_cycle_ended(watch))
		return 0;
	module_settle();
	result = report_write(session, REPORT_CYCLE, error);
	if (!result && watch->cycle == options->cycles)
		session->end = "all cycles done";
	else if (!result)
		result = module_cycle_begin(watch, options->cycle_command,
					    error);
	return result;
}

/* Handles what became ready; -errno to stop. */
static int ready_handle(struct session *session, const struct pollfd *waits,
			struct error *error)
{
	const struct options *options = session->options;
	bool asked = false, round = false;
	uint64_t ticks;
	int result = 0;

	if (waits[WAIT_SIGNAL].revents)
		signal_handle(session, waits[WAIT_SIGNAL].fd, &asked, &round);
	if (waits[WAIT_EVENTS].revents)
		result = session->capture->operations->drain(session->capture,
							     error);
	/* Asked at the same time, the report is of the round as well. */
	if (!result && !session->end)
		result = round_handle(session, round, error);
	if (!result && asked)
		result = report_write(session, REPORT_ON_SIGNAL, error);
	if (!result && waits[WAIT_VIEW].revents)
		result = view_handle(session, error);
	if (!result && !session->end)
		result = module_handle(session, error);
	if ((session->capture->ended || waits[WAIT_TARGET].revents) &&
	    !session->end)
		session->end = session->target ? "target exited"
					       : "all processes exited";
	if (waits[WAIT_DURATION].revents && !session->end)
		session->end = "duration over";
	if (result || session->end)
		return result;
	if (waits[WAIT_LOOK].revents) {
		result = look(session, error);
		if (!result)
			result =
				look_later(session, waits[WAIT_LOOK].fd, error);
	}
	if (!result && waits[WAIT_INTERVAL].revents &&
	    read(waits[WAIT_INTERVAL].fd, &ticks, sizeof(ticks)) > 0 &&
	    !options->cycles) {
		if (options->count &&
		    session->judge.reports + 1 >= options->count)
			session->end = "all reports done";
		else
			result = report_write(session, REPORT_INTERVAL, error);
	}
	return result;
}

/* What ends rounds or cycles, from now on. */
static int markers_begin(struct session *session, struct error *error)
{
	const struct options *options = session->options;
	int result = 0;

	if (options->cycles)
		result = module_cycle_begin(&session->watch,
					    options->cycle_command, error);
	if (!result && options->round.kind != ROUND_NONE)
		result = round_marker_open(&session->rounds, &options->round,
					   error);
	return result;
}

/* Waits until something is ready and handles it. */
static int wait_once(struct session *session, struct pollfd waits[WAITS],
		     struct error *error)
{
	int result;

	waits[WAIT_ROUND].fd = round_marker_fd(&session->rounds);
	waits[WAIT_CYCLE].fd = module_cycle_fd(&session->watch);
	if (poll(waits, WAITS,
		 session->metrics ? metrics_server_timeout(session->metrics)
				  : -1) < 0) {
		if (errno != EINTR)
			return error_set(error, errno, "cannot wait: %s",
					 strerror(errno));
		/* SIGWINCH, of which curses tells as a key. */
		return session->view ? view_handle(session, error) : 0;
	}
	result = ready_handle(session, waits, error);
	/* Behind a report that was due at the same time. */
	if (session->metrics)
		metrics_server_run(session->metrics);
	return result;
}

int session_run(struct session *session, const sigset_t *handled,
		struct error *error)
{
	const struct options *options = session->options;
	auto_close int signal_fd =
		signalfd(-1, handled, SFD_CLOEXEC | SFD_NONBLOCK);
	auto_close int interval_fd =
		timer_open(options->interval_ns, options->interval_ns, error);
	auto_close int look_fd =
		timer_open(history_pause_ns(&session->judge.history), 0, error);
	auto_close int duration_fd = -1;
	struct pollfd waits[WAITS] = {
		[WAIT_SIGNAL] = { signal_fd, POLLIN, 0 },
		[WAIT_EVENTS] = { session->capture->operations->event_fd(
					  session->capture),
				  POLLIN, 0 },
		[WAIT_LOOK] = { look_fd, POLLIN, 0 },
		[WAIT_INTERVAL] = { interval_fd, POLLIN, 0 },
		[WAIT_DURATION] = { -1, POLLIN, 0 },
		/* Captures of allocations know themselves who is left. */
		[WAIT_TARGET] = { options->growth ? session->target->pid_fd
						  : -1,
				  POLLIN, 0 },
		[WAIT_METRICS] = { session->metrics
					   ? metrics_server_fd(session->metrics)
					   : -1,
				   POLLIN, 0 },
		[WAIT_VIEW] = { session->view ? view_fd(session->view) : -1,
				POLLIN, 0 },
		[WAIT_CYCLE] = { -1, POLLIN, 0 },
		[WAIT_ROUND] = { -1, POLLIN, 0 },
	};
	int result;

	if (signal_fd < 0)
		return error_set(error, errno, "cannot wait for signals: %s",
				 strerror(errno));
	if (interval_fd < 0)
		return interval_fd;
	if (look_fd < 0)
		return look_fd;
	if (options->duration_ns) {
		duration_fd = timer_open(options->duration_ns, 0, error);
		if (duration_fd < 0)
			return duration_fd;
		waits[WAIT_DURATION].fd = duration_fd;
	}
	result = markers_begin(session, error);
	while (!result && !session->end)
		result = wait_once(session, waits, error);
	module_cycle_end(&session->watch);
	round_marker_close(&session->rounds);
	if (result)
		return result;
	return report_write(session, REPORT_LAST, error);
}
