// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process whose memory grows in ways that no allocator probe sees: linked
 * statically and stripped of every symbol but the sites' (programs.mk). Each
 * site touches whole pages, in the threads' case from four threads; what is
 * outstanding is what stays resident. With an argument: huge pages only.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "truth.h"

#define MIB (1UL << 20)
#define THREADS 4

TRUTH_SITE(growth_planted, TRUTH_MAPPING);
TRUTH_SITE(growth_thread, TRUTH_MAPPING);
TRUTH_SITE(growth_read, TRUTH_MAPPING);
TRUTH_SITE(growth_huge, TRUTH_MAPPING);
TRUTH_SITE(growth_released, TRUTH_MAPPING);

static char *map(size_t size, size_t alignment)
{
	char *start = mmap(NULL, size + alignment, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	truth_require(start != MAP_FAILED, "no memory");
	return start + (alignment - (size_t)start % alignment) % alignment;
}

static void touched(struct truth_site *site, size_t size)
{
	truth_changed(site, (long long)(size / 4096), (long long)size);
}

#define TOUCH(start, size)                                   \
	do {                                                 \
		volatile char *touch_ = (start);             \
		for (size_t at = 0; at < (size); at += 4096) \
			touch_[at] = 1;                      \
	} while (0)

TRUTH_CALLER void growth_planted(size_t size)
{
	TOUCH((char *)sbrk((intptr_t)size), size);
	touched(&growth_planted_site, size);
}

TRUTH_CALLER void *growth_thread(void *unused)
{
	size_t size = 4 * MIB;

	TOUCH(map(size, 4096), size);
	return unused;
}

/* The kernel touches these, for the program. */
TRUTH_CALLER void growth_read(size_t size)
{
	int zeros = open("/dev/zero", O_RDONLY);
	char *into = map(size, 4096);

	truth_require(read(zeros, into, size) == (ssize_t)size, "cannot read");
	close(zeros);
	touched(&growth_read_site, size);
}

TRUTH_CALLER void growth_huge(size_t size)
{
	char *start = map(size, 2 * MIB);

	truth_require(!madvise(start, size, MADV_HUGEPAGE), "no huge pages");
	TOUCH(start, size);
	touched(&growth_huge_site, size);
}

TRUTH_CALLER void growth_released(size_t size)
{
	char *start = map(size, 4096);

	TOUCH(start, size);
	truth_require(!madvise(start, size, MADV_DONTNEED), "madvise");
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	(void)argv;
	truth_ready();
	if (argc > 1) {
		growth_huge(128 * MIB);
		truth_report();
		return 0;
	}
	growth_planted(24 * MIB);
	for (int i = 0; i < THREADS; i++)
		truth_require(!pthread_create(&threads[i], NULL, growth_thread,
					      NULL),
			      "no thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	touched(&growth_thread_site, THREADS * 4 * MIB);
	growth_read(8 * MIB);
	growth_released(64 * MIB);
	truth_report();
	return 0;
}
