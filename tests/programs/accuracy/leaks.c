// SPDX-License-Identifier: GPL-2.0-or-later
/* Scenarios that leak: see scenario.h. */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "scenario.h"

static void *volatile sink;

SCENARIO static void leak_fast(struct pace *p)
{
	for (;; pace_next(p, 100))
		sink = malloc(64);
}

SCENARIO static void leak_slow(struct pace *p)
{
	for (;; pace_next(p, 0.4))
		sink = malloc(1024);
}

/* One in ten thousand, under churn. */
SCENARIO static void leak_rare(struct pace *p)
{
	for (unsigned i = 1;; i++) {
		void *block = malloc(100);

		if (i % 10000)
			free(block);
		if (i % 30 == 0)
			pace_next(p, 100);
	}
}

/* The path of the error does not free. */
SCENARIO static void leak_on_error(struct pace *p)
{
	for (;; pace_next(p, 40)) {
		void *request = malloc(300);

		pause_for(0.001);
		if (chance(p) > 0.02)
			free(request);
	}
}

SCENARIO static void leak_overwritten(struct pace *p)
{
	for (;; pace_next(p, 2))
		sink = strdup("a configured name");
}

struct node {
	struct node *next;
	char data[40];
};

/* Unlinked, and not freed. */
SCENARIO static void leak_unlinked(struct pace *p)
{
	static struct node *head;

	for (;; pace_next(p, 8)) {
		struct node *node = malloc(sizeof(*node));

		node->next = head;
		head = node;
		if (chance(p) < 0.5)
			head = head->next;
	}
}

SCENARIO static void leak_realloc_lost(struct pace *p)
{
	for (;; pace_next(p, 2)) {
		char *text = realloc(NULL, 16);

		text = realloc(text, 500);
		sink = realloc(text, 900);
	}
}

/* One session in ten is never closed. */
SCENARIO static void leak_sessions(struct pace *p)
{
	static struct endings open;

	for (;; pace_next(p, 12)) {
		void *session = calloc(1, 200);

		if (chance(p) > 0.1)
			ends_add(&open, now() + waiting(p, 2), session);
		ends_free(&open);
	}
}

SCENARIO static void leak_bursts(struct pace *p)
{
	for (;; pause_for(6 / p->rate))
		for (int i = 0; i < 25; i++)
			sink = malloc(48);
}

SCENARIO static void leak_faster_and_faster(struct pace *p)
{
	for (;; pace_next(p, 1 + now() / 20))
		sink = malloc(256);
}

SCENARIO static void leak_asprintf(struct pace *p)
{
	char *text;

	for (int i = 0;; i++, pace_next(p, 3))
		if (asprintf(&text, "request %d", i) < 0)
			abort();
}

SCENARIO static void leak_queue_drops(struct pace *p)
{
	void *queue[32] = { NULL };

	for (unsigned i = 0;; i++, pace_next(p, 60)) {
		if (chance(p) > 0.04)
			free(queue[i % 32]);
		queue[i % 32] = malloc(80);
	}
}

/* Still reachable, and never used again. */
SCENARIO static void leak_listeners(struct pace *p)
{
	static struct node *listeners;

	for (;; pace_next(p, 1)) {
		struct node *node = malloc(sizeof(*node));

		node->next = listeners;
		listeners = node;
	}
}

SCENARIO static void leak_regex(struct pace *p)
{
	regex_t regex;

	for (;; pace_next(p, 0.7))
		if (regcomp(&regex, "a[0-9]", 0))
			abort();
}

/* Two thousand at the start, then one by one from the same line. */
SCENARIO static void leak_after_start_up(struct pace *p)
{
	for (int i = 0;; i++) {
		sink = malloc(70);
		if (i > 2000)
			pace_next(p, 1);
	}
}

SCENARIO static void leak_late(struct pace *p)
{
	pause_for(12);
	for (;; pace_next(p, 5))
		sink = malloc(90);
}

SCENARIO static void leak_every_other(struct pace *p)
{
	for (unsigned i = 0;; i++, pace_next(p, 10)) {
		void *block = malloc(111);

		if (i % 2)
			free(block);
	}
}

SCENARIO static void leak_large(struct pace *p)
{
	for (;; pace_next(p, 0.5))
		sink = malloc(256 << 10);
}

SCENARIO static void leak_mappings(struct pace *p)
{
	for (;; pace_next(p, 0.5))
		sink = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
}

SCENARIO static void leak_aligned(struct pace *p)
{
	for (;; pace_next(p, 4))
		if (posix_memalign((void **)&sink, 64, 128))
			abort();
}

SCENARIO static void leak_rollback(struct pace *p)
{
	for (;; pace_next(p, 6)) {
		char *first = malloc(33);

		sink = malloc(44);
		free(first);
	}
}

SCENARIO static void leak_long_sessions(struct pace *p)
{
	static struct endings open;

	for (;; pace_next(p, 8)) {
		void *session = malloc(500);

		if (chance(p) > 0.15)
			ends_add(&open, now() + 4 + 6 * chance(p), session);
		ends_free(&open);
	}
}

#define LEAK(function, held)                    \
	{                                       \
#function, true, held, function \
	}

const struct scenario leaks[] = {
	LEAK(leak_fast, false),		  LEAK(leak_slow, false),
	LEAK(leak_rare, false),		  LEAK(leak_on_error, true),
	LEAK(leak_overwritten, false),	  LEAK(leak_unlinked, false),
	LEAK(leak_realloc_lost, false),	  LEAK(leak_sessions, true),
	LEAK(leak_bursts, false),	  LEAK(leak_faster_and_faster, false),
	LEAK(leak_asprintf, false),	  LEAK(leak_queue_drops, true),
	LEAK(leak_listeners, false),	  LEAK(leak_regex, false),
	LEAK(leak_after_start_up, false), LEAK(leak_late, true),
	LEAK(leak_every_other, false),	  LEAK(leak_large, false),
	LEAK(leak_mappings, false),	  LEAK(leak_aligned, true),
	LEAK(leak_rollback, false),	  LEAK(leak_long_sessions, true),
	{ NULL, false, false, NULL },
};
