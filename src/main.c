// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * leaktrace: who allocated the memory that nobody freed. Reads the command
 * line, sets the stages up, and is the only one to print fatal errors.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "capture/capture.h"
#include "capture/target.h"
#include "options.h"
#include "report/format.h"
#include "resolve/resolver.h"
#include "session.h"
#include "snapshot/snapshot_file.h"
#include "snapshot_commands.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/progress.h"

enum { STATUS_DONE = 0, STATUS_FAILURE = 1, STATUS_USAGE = 2 };

static int libbpf_silent(enum libbpf_print_level level, const char *format,
			 va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static int libbpf_verbose(enum libbpf_print_level level, const char *format,
			  va_list arguments)
{
	if (level == LIBBPF_DEBUG)
		return 0;
	return vfprintf(stderr, format, arguments);
}

/* See no-color.org. */
static bool wants_colour(void)
{
	const char *no_colour = getenv("NO_COLOR");

	return !no_colour || !*no_colour;
}

static struct report_style style_of_output(const struct options *options)
{
	struct report_style style = { .verbose = options->verbose };
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return style;
	style.colour = wants_colour();
	style.width = 80;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col >= 40)
		style.width = size.ws_col;
	return style;
}

/* The processes that the options name, forked or opened, and nothing else. */
struct targets {
	struct target items[OPTION_PIDS_MAX];
	size_t count;
};

static int targets_prepare(struct targets *targets,
			   const struct options *options, struct error *error)
{
	struct target *target = &targets->items[0];
	int result;

	switch (options->mode) {
	case MODE_PROCESS:
		for (; targets->count < options->pid_count; targets->count++) {
			result = target_open(&targets->items[targets->count],
					     options->pids[targets->count],
					     error);
			if (result)
				return result;
		}
		break;
	case MODE_COMMAND:
		if (options->shell_command)
			result = target_spawn_shell(
				target, options->shell_command, error);
		else
			result = target_spawn(target, options->command, error);
		targets->count = !result;
		return result;
	case MODE_KERNEL:
	case MODE_REPORT:
	case MODE_DIFF:
		break;
	}
	return 0;
}

/* The first words: what is traced. */
static void tell_tracing(const struct session *session)
{
	const struct capture *capture = session->capture;

	if (session->options->mode == MODE_KERNEL)
		fprintf(stderr, "leaktrace: tracing the kernel: %s\n",
			capture->description);
	else if (session->target)
		fprintf(stderr, "leaktrace: tracing %s (PID %d): %s\n",
			session->target->name, session->target->pid,
			capture->description);
	else
		fprintf(stderr, "leaktrace: tracing %s: %s\n", capture->subject,
			capture->description);
	if (capture->warning[0])
		fprintf(stderr, "leaktrace: %s\n", capture->warning);
	for (size_t i = 0; i < capture->notes.count; i++)
		fprintf(stderr, "leaktrace: %s\n", capture->notes.items[i]);
}

static int capture_start(struct session *session, struct targets *targets,
			 struct resolver *resolver, struct error *error)
{
	const struct options *options = session->options;
	const struct capture_options wanted = {
		.min_size = options->min_size,
		.max_size = options->max_size,
		.max_blocks = options->max_blocks,
		.max_stacks = options->max_stacks,
		.older_ns = options->older_ns,
		.list_blocks = options->show_allocs,
		.resident = options->resident,
		.python = options->python,
		.frame_pointers = options->stacks == STACKS_FP,
		.object = options->object,
		.symbols_prefix = options->symbols_prefix,
		.custom = &options->custom,
		.kernel_spaces = options->kernel_spaces,
		.sample_bytes = options->sample_bytes,
		.pid = options->pid_count ? options->pids[0] : 0,
		.comm = options->comm,
		.measure_cost = options->verbose || options->max_overhead > 0 ||
				!strcmp(options->output, "json"),
		.max_overhead = options->max_overhead,
		.module = options->module,
	};
	const struct process_selection selection = {
		.targets = targets->items,
		.target_count = targets->count,
		.comm = options->comm,
		.cgroup = options->cgroup,
		.follow = options->follow,
	};
	int result;

	progress_begin(resolver_progress(resolver), "loading BPF programs");
	if (options->mode == MODE_KERNEL)
		result = kernel_capture_new(&session->capture, &wanted,
					    resolver, error);
	else if (options->growth)
		result = growth_capture_new(&session->capture, session->target,
					    &wanted, resolver, error);
	else
		result = user_capture_new(&session->capture, &selection,
					  &wanted, resolver, error);
	progress_end(resolver_progress(resolver));
	if (!result)
		tell_tracing(session);
	return result;
}

/* Tells, with -v, of the probes that came behind the first `told`. */
static size_t tell_probes(const struct session *session, size_t told)
{
	const capture_lines *probes = session->capture->probes;

	if (!probes || !session->options->verbose)
		return 0;
	for (; told < probes->count; told++)
		fprintf(stderr, "leaktrace: %s\n", probes->items[told]);
	return told;
}

/* Whether the last report has what --fail-on asks for. */
static bool fails(const struct session *session)
{
	switch (session->options->fail_on) {
	case FAIL_ON_NOTHING:
		break;
	case FAIL_ON_LEAKING:
		return session->leaking;
	case FAIL_ON_OUTSTANDING:
		return session->outstanding;
	}
	return false;
}

/* The status of a command, as a shell would give it. */
static int command_status(const struct session *session)
{
	const struct target *target = session->target;

	if (session->options->exit_zero)
		return STATUS_DONE;
	if (!target->reaped)
		return 128 + session->end_signal;
	if (WIFSIGNALED(target->wait_status))
		return 128 + WTERMSIG(target->wait_status);
	return WEXITSTATUS(target->wait_status);
}

/* Before anything runs, so that a port in use leaves nothing behind. */
static int metrics_start(struct session *session, struct error *error)
{
	int result;

	if (!session->options->metrics.given)
		return 0;
	result = metrics_server_new(&session->metrics,
				    &session->options->metrics, error);
	if (!result)
		fprintf(stderr, "leaktrace: metrics at http://%s/metrics\n",
			metrics_server_address(session->metrics).text);
	return result;
}

/* What can fail before anything is traced; undone if it fails. */
static int trace_prepare(struct session *session,
			 struct suppressions *suppressions,
			 struct resolver **resolver, struct error *error)
{
	const struct options *options = session->options;
	int result = options->live ? view_check(error) : 0;

	if (!result && options->suppressions)
		result = suppressions_load(suppressions, options->suppressions,
					   error);
	if (!result)
		result = metrics_start(session, error);
	if (!result)
		result = resolver_new(resolver, error);
	if (result)
		metrics_server_free(session->metrics);
	return result;
}

/* Traces from start to end; the session's own parts are released here. */
static int trace(const struct options *options, struct targets *targets,
		 struct error *error)
{
	struct session session = {
		.options = options,
		.format = report_format_find(options->output),
		.style = style_of_output(options),
		.target = targets->count == 1 && !options->comm &&
					  !options->cgroup
				  ? &targets->items[0]
				  : NULL,
	};
	cleanup(suppressions_free) struct suppressions suppressions = { 0 };
	/* Libbpf's words, and the screen, leave no room for it. */
	auto_progress struct progress *progress =
		options->verbose || options->live ? NULL : progress_new();
	struct resolver *resolver;
	sigset_t handled;
	size_t told;
	int result, status = STATUS_DONE;

	result = trace_prepare(&session, &suppressions, &resolver, error);
	if (result) {
		if (targets->count)
			target_kill(&targets->items[0]);
		return result;
	}
	resolver_set_progress(resolver, progress);
	session_block_signals(&handled);
	result = capture_start(&session, targets, resolver, error);
	if (result) {
		metrics_server_free(session.metrics);
		resolver_free(resolver);
		return result;
	}
	told = tell_probes(&session, 0);
	judge_init(&session.judge, options, resolver);
	session.judge.suppress.rules = suppressions; /* the judge's now */
	suppressions = (struct suppressions){ 0 };
	session.judge.all_stacks = session.format->all_stacks ||
				   options->save || options->live;
	session.started_ns = clock_monotonic_ns();
	result = options->live ? view_new(&session.view, wants_colour(), error)
			       : 0;
	if (!result)
		result = session_run(&session, &handled, error);
	view_free(session.view);
	if (result == -EPIPE)
		result = 0; /* as much as the reader wanted */
	tell_probes(&session, told);
	session.capture->operations->detach(session.capture);
	if (options->mode == MODE_COMMAND) {
		session_wait_command(&session, &handled);
		status = command_status(&session);
	}
	metrics_server_free(session.metrics);
	session.capture->operations->free(session.capture);
	judge_free(&session.judge);
	resolver_free(resolver);
	if (fails(&session))
		status = (int)options->error_exit;
	return result ? result : status;
}

static int fail(const struct error *error, int status)
{
	fprintf(stderr, "leaktrace: %s\n", error->message);
	return status;
}

static bool refuses_terminal(const struct options *options)
{
	return report_format_find(options->output)->binary &&
	       isatty(STDOUT_FILENO);
}

/* The sub-commands that trace nothing. */
static int read_files(const struct options *options, struct error *error)
{
	const struct report_style style = style_of_output(options);
	int result = options->mode == MODE_REPORT
			     ? snapshot_report(options, &style, error)
			     : snapshot_diff(options, &style, error);

	return result ? fail(error, STATUS_FAILURE) : STATUS_DONE;
}

int main(int argc, char *argv[])
{
	struct targets targets = { .count = 0 };
	struct options options;
	struct error error = { "" };
	int result;

	/* A report is seen when it is made, also through a pipe. */
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	if (options_parse(&options, argc, argv, &error))
		return fail(&error, STATUS_USAGE);
	switch (options.action) {
	case ACTION_HELP:
		options_help(stdout);
		return STATUS_DONE;
	case ACTION_VERSION:
		puts("leaktrace " LEAKTRACE_VERSION);
		return STATUS_DONE;
	case ACTION_TRACE:
		break;
	}
	if (refuses_terminal(&options)) {
		error_set(&error, EINVAL,
			  "%s is not for a terminal: redirect standard output "
			  "to a file",
			  options.output);
		return fail(&error, STATUS_USAGE);
	}
	if (options.mode == MODE_REPORT || options.mode == MODE_DIFF)
		return read_files(&options, &error);
	libbpf_set_print(options.verbose ? libbpf_verbose : libbpf_silent);
	result = capture_check_system(&error);
	if (!result && options.save)
		result = snapshot_check_path(options.save, &error);
	if (!result)
		result = targets_prepare(&targets, &options, &error);
	if (!result)
		result = trace(&options, &targets, &error);
	for (size_t i = 0; i < targets.count; i++)
		target_close(&targets.items[i]);
	return result < 0 ? fail(&error, STATUS_FAILURE) : result;
}
