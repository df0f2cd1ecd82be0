// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program that runs itself anew in its own process: what the first image
 * held is gone with it, and the second image's blocks are all there is. With
 * the argument "thread" another thread than the first executes, and so takes
 * the first one's place.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "truth.h"

TRUTH_SITE(first_malloc, TRUTH_HEAP);
TRUTH_SITE(first_mmap, TRUTH_MAPPING);
TRUTH_SITE(second_malloc, TRUTH_HEAP);

static TRUTH_CALLER void first_malloc(size_t size)
{
	truth_require(malloc(TRUTH_OPAQUE(size)) != NULL, "out of memory");
}

static TRUTH_CALLER void first_mmap(size_t size)
{
	truth_require(mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0) != MAP_FAILED,
		      "mmap failed");
}

static TRUTH_CALLER void *second_malloc(size_t size)
{
	void *block = malloc(size);

	truth_require(block != NULL, "out of memory");
	truth_allocated(&second_malloc_site, size);
	return block;
}

static void *become_second(void *path)
{
	first_malloc(99);
	execl(path, path, "second", (char *)NULL);
	truth_require(false, "exec failed");
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	size_t i;

	if (argc < 2 || strcmp(argv[1], "second") != 0) {
		truth_ready();
		for (i = 0; i < 500; i++)
			first_malloc(i);
		first_mmap(1 << 20);
		if (argc < 2)
			become_second(argv[0]);
		truth_require(pthread_create(&thread, NULL, become_second,
					     argv[0]) == 0,
			      "no thread");
		pthread_join(thread, NULL);
	}
	do {
		for (i = 0; i < 300; i++) {
			void *block = second_malloc(10 + i);

			if (i % 3)
				continue;
			truth_freed(&second_malloc_site, 10 + i);
			free(block);
		}
	} while (truth_report());
	return 0;
}
