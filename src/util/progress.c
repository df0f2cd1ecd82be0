// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What takes so long: see progress.h. A thread shows it, so that one call that
 * lasts, such as reading the debug information of a large file, is no gap.
 */
#include "util/progress.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"

struct progress {
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	unsigned depth; /* pieces of work begun, one within the other */
	bool shown;	/* the line is on the terminal */
	bool ends;
	struct timespec show_at; /* CLOCK_MONOTONIC */
	char text[160];
};

/* Back to the first column, and away with what is there (ECMA-48, EL). */
static const char erase[] = "\r\033[K";

/* Not to be helped if it fails. */
static void put(const char *text, size_t size)
{
	if (write(STDERR_FILENO, text, size) < 0)
		return;
}

static void line_show(struct progress *progress)
{
	struct winsize size = { .ws_col = 80 };
	char line[sizeof(erase) + sizeof(progress->text) + 16];
	size_t begin = strlen(erase), length;

	ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
	snprintf(line, sizeof(line), "%sleaktrace: %s", erase, progress->text);
	length = strlen(line);
	/* Not to the last column: some terminals wrap there. */
	if (size.ws_col > 1 && length - begin >= size.ws_col)
		length = begin + size.ws_col - 1u;
	/* Names come from the target. */
	for (size_t i = begin; i < length; i++)
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	put(line, length);
	progress->shown = true;
}

static void later(struct timespec *time, long nanoseconds)
{
	clock_gettime(CLOCK_MONOTONIC, time);
	time->tv_nsec += nanoseconds;
	time->tv_sec += time->tv_nsec / (long)NS_PER_SECOND;
	time->tv_nsec %= (long)NS_PER_SECOND;
}

static bool is_past(const struct timespec *time)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > time->tv_sec ||
	       (now.tv_sec == time->tv_sec && now.tv_nsec >= time->tv_nsec);
}

static void *run(void *context)
{
	struct progress *progress = context;

	pthread_mutex_lock(&progress->lock);
	while (!progress->ends) {
		if (!progress->depth) {
			pthread_cond_wait(&progress->changed, &progress->lock);
			continue;
		}
		if (is_past(&progress->show_at)) {
			line_show(progress);
			later(&progress->show_at, PROGRESS_EVERY_NS);
		}
		pthread_cond_timedwait(&progress->changed, &progress->lock,
				       &progress->show_at);
	}
	pthread_mutex_unlock(&progress->lock);
	return NULL;
}

static int thread_start(struct progress *progress)
{
	sigset_t all, before;
	int result;

	/* Signals are for those who wait for them, also later. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&progress->thread, NULL, run, progress);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result;
}

struct progress *progress_new(void)
{
	struct progress *progress;
	pthread_condattr_t attributes;

	if (!isatty(STDERR_FILENO))
		return NULL;
	progress = calloc(1, sizeof(*progress));
	if (!progress)
		return NULL;
	pthread_mutex_init(&progress->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&progress->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	if (thread_start(progress)) {
		free(progress);
		return NULL;
	}
	return progress;
}

static void hide(struct progress *progress)
{
	if (progress->shown)
		put(erase, strlen(erase));
	progress->shown = false;
}

void progress_free(struct progress *progress)
{
	if (!progress)
		return;
	pthread_mutex_lock(&progress->lock);
	hide(progress);
	progress->ends = true;
	pthread_cond_signal(&progress->changed);
	pthread_mutex_unlock(&progress->lock);
	pthread_join(progress->thread, NULL);
	pthread_cond_destroy(&progress->changed);
	pthread_mutex_destroy(&progress->lock);
	free(progress);
}

void progress_begin(struct progress *progress, const char *format, ...)
{
	va_list arguments;

	if (!progress)
		return;
	va_start(arguments, format);
	pthread_mutex_lock(&progress->lock);
	vsnprintf(progress->text, sizeof(progress->text), format, arguments);
	if (!progress->depth++) {
		later(&progress->show_at, PROGRESS_AFTER_NS);
		pthread_cond_signal(&progress->changed);
	}
	pthread_mutex_unlock(&progress->lock);
	va_end(arguments);
}

void progress_note(struct progress *progress, const char *format, ...)
{
	va_list arguments;

	if (!progress)
		return;
	va_start(arguments, format);
	pthread_mutex_lock(&progress->lock);
	if (progress->depth)
		vsnprintf(progress->text, sizeof(progress->text), format,
			  arguments);
	pthread_mutex_unlock(&progress->lock);
	va_end(arguments);
}

void progress_count(struct progress *progress, const char *what, size_t done,
		    size_t all)
{
	progress_note(progress, "%s (%zu of %zu)", what, done, all);
}

void progress_end(struct progress *progress)
{
	if (!progress)
		return;
	pthread_mutex_lock(&progress->lock);
	if (progress->depth && !--progress->depth)
		hide(progress);
	pthread_mutex_unlock(&progress->lock);
}
