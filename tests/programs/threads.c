// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Eight threads that put blocks into shared slots and free what they find
 * there: mostly blocks of other threads. What lies in the slots at the end is
 * outstanding.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "truth.h"

#define THREADS 8
#define ROUNDS 8000
#define SLOTS 512

struct block {
	struct truth_site *site;
	size_t size;
	unsigned thread;
};

TRUTH_SITE(worker_malloc, TRUTH_HEAP);
TRUTH_SITE(worker_calloc, TRUTH_HEAP);
TRUTH_SITE(worker_realloc, TRUTH_HEAP);

static struct block *_Atomic slots[SLOTS];
static atomic_llong freed_elsewhere;
static pthread_barrier_t start, done, end;

static TRUTH_CALLER struct block *worker_malloc(size_t size)
{
	struct block *block = malloc(size);

	truth_require(block != NULL, "out of memory");
	block->site = &worker_malloc_site;
	return block;
}

static TRUTH_CALLER struct block *worker_calloc(size_t size)
{
	struct block *block = calloc(1, size);

	truth_require(block != NULL, "out of memory");
	block->site = &worker_calloc_site;
	return block;
}

static TRUTH_CALLER struct block *worker_realloc(struct block *block,
						 size_t size)
{
	block = realloc(block, size);
	truth_require(block != NULL, "out of memory");
	truth_freed(block->site, block->size);
	block->site = &worker_realloc_site;
	return block;
}

static void exchange(unsigned thread, unsigned *seed)
{
	size_t size = sizeof(struct block) + truth_random(seed) % 2000;
	struct block *block, *other;

	block = truth_random(seed) % 2 ? worker_malloc(size)
				       : worker_calloc(size);
	block->size = size;
	block->thread = thread;
	truth_allocated(block->site, size);
	other = atomic_exchange(&slots[truth_random(seed) % SLOTS], block);
	if (!other)
		return;
	if (other->thread != thread)
		atomic_fetch_add(&freed_elsewhere, 1);
	if (truth_random(seed) % 4 == 0) {
		size = sizeof(struct block) + truth_random(seed) % 2000;
		other = worker_realloc(other, size);
		other->size = size;
		truth_allocated(other->site, size);
	}
	truth_freed(other->site, other->size);
	free(other);
}

static void *work(void *argument)
{
	unsigned thread = (unsigned)(size_t)argument, seed = thread + 1, i;

	pthread_barrier_wait(&start);
	for (i = 0; i < ROUNDS; i++)
		exchange(thread, &seed);
	pthread_barrier_wait(&done);
	pthread_barrier_wait(&end);
	return NULL;
}

int main(void)
{
	static pthread_t threads[THREADS];
	size_t i;

	pthread_barrier_init(&start, NULL, THREADS + 1);
	pthread_barrier_init(&done, NULL, THREADS + 1);
	pthread_barrier_init(&end, NULL, THREADS + 1);
	for (i = 0; i < THREADS; i++)
		truth_require(pthread_create(&threads[i], NULL, work,
					     (void *)i) == 0,
			      "no thread");
	truth_ready();
	pthread_barrier_wait(&start);
	pthread_barrier_wait(&done);
	truth_note("freed_elsewhere", freed_elsewhere);
	truth_note("unmatched_frees", 0);
	truth_report();
	pthread_barrier_wait(&end);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
