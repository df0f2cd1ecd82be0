// SPDX-License-Identifier: GPL-2.0-or-later
/* Events that count a process's page faults: see fault_events.h. */
#include "capture/fault_events.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"

static int event_open(int thread, uint64_t period)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attributes),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = period,
		.disabled = 1,
		.inherit = 1,
		.inherit_thread = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attributes, thread, -1, -1,
			      PERF_FLAG_FD_CLOEXEC);

	if (fd >= 0 || errno != EINVAL)
		return fd;
	/* Before 5.13 children inherit too; the program leaves them out. */
	attributes.inherit_thread = 0;
	return (int)syscall(SYS_perf_event_open, &attributes, thread, -1, -1,
			    PERF_FLAG_FD_CLOEXEC);
}

static bool is_attached(const struct fault_events *events, int thread)
{
	for (size_t i = 0; i < events->threads.count; i++)
		if (events->threads.items[i].thread == thread)
			return true;
	return false;
}

/* One thread, which may have ended meanwhile. */
static int thread_attach(struct fault_events *events, int thread,
			 uint64_t period, struct bpf_program *program,
			 struct error *error)
{
	struct fault_event *event;
	struct bpf_link *link;
	int fd;

	if (vector_reserve(&events->threads, 1))
		return error_set(error, ENOMEM, "out of memory");
	fd = event_open(thread, period);
	if (fd < 0 && errno == ESRCH)
		return 0;
	if (fd < 0)
		return error_set(
			error, errno,
			"cannot count the page faults of thread %d: %s%s",
			thread, strerror(errno),
			errno == EMFILE ? "; raise ulimit -n" : "");
	link = bpf_program__attach_perf_event(program, fd);
	if (!link) {
		int code = errno;

		close(fd);
		return error_set(error, code,
				 "cannot attach to the page faults: %s",
				 strerror(code));
	}
	event = vector_push(&events->threads);
	event->thread = thread;
	event->link = link;
	return 0;
}

/* When a thread began, in ticks since boot: proc_pid_stat(5). */
static bool thread_start(int pid, int thread, uint64_t *ticks)
{
	auto_fclose FILE *file = NULL;
	char path[64], line[1024];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, thread);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file))
		return false;
	/* Names can have anything in them, also ")". */
	at = strrchr(line, ')');
	return at && sscanf(at,
			    ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u "
			    "%*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64,
			    ticks) == 1;
}

/* Attaches to the threads that are not yet and began before a time. */
static int threads_attach(struct fault_events *events, int pid, uint64_t period,
			  uint64_t before, struct bpf_program *program,
			  struct error *error)
{
	struct dirent *entry;
	char path[64];
	int result = 0;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	directory = opendir(path);
	if (!directory)
		return error_set(error, ESRCH, "PID %d has exited", pid);
	while (!result && (entry = readdir(directory))) {
		int thread = atoi(entry->d_name);
		uint64_t start;

		if (thread > 0 && !is_attached(events, thread) &&
		    thread_start(pid, thread, &start) && start <= before)
			result = thread_attach(events, thread, period, program,
					       error);
	}
	closedir(directory);
	return result;
}

int fault_events_attach(struct fault_events *events, int pid, uint64_t period,
			struct bpf_program *program, struct error *error)
{
	uint64_t tick_ns = NS_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t now = UINT64_MAX;
	int result;

	/*
	 * A thread inherits the event from the one that made it, also later.
	 * Those made by threads that had none yet are found by looking again.
	 */
	for (int round = 0; round < 2; round++) {
		result = threads_attach(events, pid, period, now, program,
					error);
		if (result)
			return result;
		now = clock_ns(CLOCK_BOOTTIME) / tick_ns;
	}
	if (!events->threads.count)
		return error_set(error, ESRCH, "PID %d has exited", pid);
	return 0;
}

void fault_events_detach(struct fault_events *events)
{
	for (size_t i = 0; i < events->threads.count; i++)
		bpf_link__destroy(events->threads.items[i].link);
	vector_free(&events->threads);
}
