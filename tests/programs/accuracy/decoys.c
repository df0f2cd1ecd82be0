// SPDX-License-Identifier: GPL-2.0-or-later
/* Scenarios that do not leak: see scenario.h. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "scenario.h"

static void *volatile sink;

/* Fills evenly for so many seconds, and stays. */
SCENARIO static void fill(struct pace *p, double seconds, double per_second)
{
	while (now() < seconds) {
		sink = malloc(120);
		pace_next(p, per_second);
	}
}

SCENARIO static void cache_fills_in_10_s(struct pace *p)
{
	fill(p, 10, 20);
	p->random++;
}

SCENARIO static void cache_fills_in_25_s(struct pace *p)
{
	fill(p, 25, 10);
	p->random++;
}

SCENARIO static void cache_fills_in_40_s(struct pace *p)
{
	fill(p, 40, 10);
	p->random++;
}

SCENARIO static void lru_cache(struct pace *p)
{
	void *slots[160] = { NULL };

	for (unsigned i = 0;; i++, pace_next(p, 20)) {
		free(slots[i % 160]);
		slots[i % 160] = malloc(200);
	}
}

/* What is used often stays, and what that is changes slowly. */
SCENARIO static void lru_cache_with_hot_keys(struct pace *p)
{
	struct {
		unsigned key;
		double used;
		void *block;
	} slots[64] = { { 0, 0, NULL } }, *slot;

	for (;; pace_next(p, 30)) {
		unsigned key =
			1 + (unsigned)(pow(chance(p), 3) * 400 + now() * 2);

		slot = slots;
		for (int i = 0; i < 64 && slot->key != key; i++)
			if (slots[i].key == key || slots[i].used < slot->used)
				slot = &slots[i];
		if (slot->key != key) {
			free(slot->block);
			slot->block = malloc(150);
			slot->key = key;
		}
		slot->used = now();
	}
}

SCENARIO static void pool_of_peaks(struct pace *p)
{
	void *pool[64];
	unsigned held = 0;

	for (;; pace_next(p, 5)) {
		unsigned wanted = (unsigned)(chance(p) * 60);

		while (held < wanted)
			pool[held++] = malloc(90);
	}
	sink = pool[0];
}

SCENARIO static void sawtooth(struct pace *p, double period)
{
	static __thread void *heap[8192];
	unsigned count = 0;
	double end = now() + period;

	for (;; pace_next(p, 30)) {
		if (now() > end || count == 8192) {
			while (count)
				free(heap[--count]);
			end += period;
		}
		heap[count++] = malloc(64);
	}
}

SCENARIO static void collected_every_5_s(struct pace *p)
{
	sawtooth(p, 5);
	p->random++;
}

SCENARIO static void collected_every_18_s(struct pace *p)
{
	sawtooth(p, 18);
	p->random++;
}

SCENARIO static void start_up_at_once(struct pace *p)
{
	(void)p;
	for (int i = 0; i < 3000; i++)
		sink = malloc(55);
}

SCENARIO static void start_up_for_5_s(struct pace *p)
{
	while (now() < 5) {
		sink = malloc(66);
		pace_next(p, 100);
	}
}

SCENARIO static void buffer_doubles(struct pace *p)
{
	size_t size = 16, used = 0;
	char *buffer = malloc(size);

	for (;; pace_next(p, 30)) {
		used += 50;
		if (used > size)
			buffer = realloc(buffer, size *= 2);
	}
}

SCENARIO static void buffer_grows(struct pace *p)
{
	size_t size = 0;
	char *buffer = NULL;

	for (;; pace_next(p, 2))
		buffer = realloc(buffer, size += 3000);
}

static void *volatile handed_over;

SCENARIO static void *other_thread(void *context)
{
	(void)context;
	for (;; pause_for(0.002))
		free(__atomic_exchange_n(&handed_over, NULL, __ATOMIC_ACQ_REL));
	return NULL;
}

SCENARIO static void freed_by_another_thread(struct pace *p)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, other_thread, NULL))
		abort();
	for (;; pace_next(p, 50))
		free(__atomic_exchange_n(&handed_over, malloc(70),
					 __ATOMIC_ACQ_REL));
}

SCENARIO static void arena_reset(struct pace *p)
{
	void *chunks[32];

	for (;;) {
		for (int i = 0; i < 32; i++, pace_next(p, 10))
			chunks[i] = malloc(4096);
		for (int i = 0; i < 32; i++)
			free(chunks[i]);
	}
}

/* Entries of keys without end would leak; of 300 keys they do not. */
SCENARIO static void hash_table(struct pace *p)
{
	size_t size = 8, used = 0;
	void **table = calloc(size, sizeof(*table));
	bool known[300] = { false };

	for (;; pace_next(p, 40)) {
		unsigned key = (unsigned)(chance(p) * 300);

		if (known[key])
			continue;
		known[key] = true;
		if (++used > size / 2) {
			free(table);
			table = calloc(size *= 2, sizeof(*table));
		}
		table[used] = malloc(77);
	}
}

SCENARIO static void memoisation(struct pace *p)
{
	void *results[250] = { NULL };

	for (;; pace_next(p, 25)) {
		unsigned key = (unsigned)(chance(p) * 250);

		if (!results[key])
			results[key] = malloc(333);
	}
}

SCENARIO static void queue_with_backlog(struct pace *p)
{
	void *queue[4096];
	unsigned in = 0, out = 0;

	for (;; pace_next(p, 40)) {
		bool busy = (int)(now() / 4) % 2;

		if (in - out < 4000)
			queue[in++ % 4096] = malloc(99);
		for (int i = 0; !busy && i < 3 && out < in; i++)
			free(queue[out++ % 4096]);
	}
}

SCENARIO static void connections(struct pace *p)
{
	static struct endings open;

	for (;; pace_next(p, 15)) {
		ends_add(&open, now() + waiting(p, 3), malloc(400));
		ends_free(&open);
	}
}

SCENARIO static void long_tail(struct pace *p)
{
	static struct endings open;

	for (;; pace_next(p, 20)) {
		double life = 0.2 / pow(1 - chance(p), 1.1);

		ends_add(&open, now() + (life < 15 ? life : 15), malloc(123));
		ends_free(&open);
	}
}

SCENARIO static void log_ring(struct pace *p)
{
	char *ring[500] = { NULL };

	for (unsigned i = 0;; i++, pace_next(p, 50)) {
		free(ring[i % 500]);
		ring[i % 500] = strdup("a line of the log");
	}
}

SCENARIO static void reload(struct pace *p)
{
	char *settings[20] = { NULL };

	for (;; pause_for(3 / p->rate))
		for (int i = 0; i < 20; i++) {
			free(settings[i]);
			settings[i] = strdup("setting");
		}
}

SCENARIO static void churn(struct pace *p)
{
	for (;; pace_next(p, 200)) {
		void *block = malloc(88);

		free(block);
	}
}

/* Each module is initialised when it is first used. */
SCENARIO static void lazy_modules(struct pace *p)
{
	for (int i = 0; i < 15; i++) {
		pause_for(1.2 * chance(p));
		sink = malloc(1000);
	}
}

SCENARIO static void mapping_ring(struct pace *p)
{
	void *ring[8] = { NULL };

	for (unsigned i = 0;; i++, pace_next(p, 2)) {
		if (ring[i % 8])
			munmap(ring[i % 8], 8192);
		ring[i % 8] = mmap(NULL, 8192, PROT_READ,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
}

SCENARIO static void batches(struct pace *p)
{
	void *batch[300];

	for (;; pause_for(5)) {
		for (int i = 0; i < 300; i++, pace_next(p, 75))
			batch[i] = malloc(60);
		for (int i = 0; i < 300; i++)
			free(batch[i]);
	}
}

SCENARIO static void stack_of_random_depth(struct pace *p)
{
	void *stack[200];
	int depth = 0;

	for (;; pace_next(p, 40))
		if (depth < 200 && (chance(p) < 0.5 || !depth))
			stack[depth++] = malloc(72);
		else
			free(stack[--depth]);
}

SCENARIO static void generations(struct pace *p)
{
	static void *old[4096];
	unsigned count = 0;
	double end = now() + 15;

	for (;; pace_next(p, 60)) {
		void *block = malloc(81);

		if (chance(p) > 0.05 || count == 4096)
			free(block);
		else
			old[count++] = block;
		if (now() > end) {
			while (count)
				free(old[--count]);
			end += 15;
		}
	}
}

SCENARIO static void expiring_cache(struct pace *p)
{
	static struct endings cache;

	for (;; pace_next(p, 20)) {
		ends_add(&cache, now() + 10, malloc(140));
		ends_free(&cache);
	}
}

#define DECOY(function, held)                    \
	{                                        \
#function, false, held, function \
	}

const struct scenario decoys[] = {
	DECOY(cache_fills_in_10_s, false),
	DECOY(cache_fills_in_25_s, true),
	DECOY(cache_fills_in_40_s, false),
	DECOY(lru_cache, false),
	DECOY(lru_cache_with_hot_keys, true),
	DECOY(pool_of_peaks, false),
	DECOY(collected_every_5_s, false),
	DECOY(collected_every_18_s, true),
	DECOY(start_up_at_once, false),
	DECOY(start_up_for_5_s, false),
	DECOY(buffer_doubles, false),
	DECOY(buffer_grows, true),
	DECOY(freed_by_another_thread, false),
	DECOY(arena_reset, false),
	DECOY(hash_table, false),
	DECOY(memoisation, false),
	DECOY(queue_with_backlog, true),
	DECOY(connections, false),
	DECOY(long_tail, false),
	DECOY(log_ring, false),
	DECOY(reload, false),
	DECOY(churn, false),
	DECOY(lazy_modules, true),
	DECOY(mapping_ring, false),
	DECOY(batches, false),
	DECOY(stack_of_random_depth, true),
	DECOY(generations, false),
	DECOY(expiring_cache, true),
	{ NULL, false, false, NULL },
};
