// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two hundred threads that come and go, with stacks of several sizes so that
 * the libc maps and unmaps them again and again. Each leaves one block and
 * one mapping of its own behind; the stacks are nobody's leak.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "truth.h"

#define THREADS 200
#define AT_ONCE 10
#define PAGE 4096u

TRUTH_SITE(thread_malloc, TRUTH_HEAP);
TRUTH_SITE(thread_mmap, TRUTH_MAPPING);

static TRUTH_CALLER void *thread_malloc(size_t size)
{
	void *block = malloc(size);

	truth_require(block != NULL, "out of memory");
	truth_allocated(&thread_malloc_site, size);
	return block;
}

static TRUTH_CALLER void thread_mmap(size_t size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	truth_require(map != MAP_FAILED, "mmap failed");
	truth_allocated(&thread_mmap_site, size);
}

static void *work(void *argument)
{
	size_t number = (size_t)argument, i;
	void *blocks[5];

	for (i = 0; i < 5; i++)
		blocks[i] = thread_malloc(100 * i + number);
	for (i = 1; i < 5; i++) {
		truth_freed(&thread_malloc_site, 100 * i + number);
		free(blocks[i]);
	}
	thread_mmap((1 + number % 3) * PAGE);
	return NULL;
}

int main(void)
{
	static pthread_t threads[AT_ONCE];
	pthread_attr_t attributes;
	size_t round, i;

	pthread_attr_init(&attributes);
	truth_ready();
	for (round = 0; round < THREADS / AT_ONCE; round++) {
		/* More than the 40 MiB of stacks that the libc keeps. */
		pthread_attr_setstacksize(&attributes, (size_t)(1 + round % 8)
							       << 20);
		for (i = 0; i < AT_ONCE; i++)
			truth_require(
				pthread_create(&threads[i], &attributes, work,
					       (void *)(round * AT_ONCE + i)) ==
					0,
				"no thread");
		for (i = 0; i < AT_ONCE; i++)
			pthread_join(threads[i], NULL);
	}
	truth_report();
	return 0;
}
