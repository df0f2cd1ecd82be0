// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measures its own malloc+free pairs. Reads orders from standard input, a line
 * each, and answers each with a line:
 *
 *	tight DEPTH THREADS MILLISECONDS    as many pairs as fit in the time,
 *	                                    in each thread
 *	paced DEPTH RATE MILLISECONDS       RATE pairs a second, with some
 *	                                    computation beside each
 *
 *	PAIRS CPU_NS WALL_NS ALLOCATIONS    of all threads; WALL_NS is a
 *	                                    thread's mean. ALLOCATIONS counts the
 *	                                    warm-up too and is never reset.
 *
 * DEPTH counts this program's own frames, from the thread's first function to
 * the caller of malloc; it is built with frame pointers, so that tracers which
 * need them see all of these. "ready PID" comes first; the end of input is the
 * end.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 16
#define BLOCK_SIZE 64
#define PAIRS_PER_LOOK 256 /* at the clock */
#define TICK_NS 1000000
#define COMPUTATION 600 /* steps beside a paced pair: about a microsecond */
#define NS_PER_SECOND INT64_C(1000000000)

#ifdef __clang__
#define noinline __attribute__((noinline))
#else
#define noinline __attribute__((noinline, noipa))
#endif

struct work {
	unsigned depth;
	int64_t duration_ns;
	int64_t rate; /* pairs a second, 0 = tight */
	pthread_barrier_t *start;
	int64_t pairs, cpu_ns, wall_ns, allocations;
};

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/*
 * The first block of each call stack is never freed: reports list stacks that
 * hold something, and only then can bench.py hold them against what was done.
 */
static inline void pair(void **kept)
{
	void *block = malloc(BLOCK_SIZE);

	__asm__ volatile("" : "+r"(block) : : "memory"); /* do not drop it */
	if (*kept)
		free(block);
	else
		*kept = block;
}

static noinline int64_t pairs_for(int64_t duration_ns)
{
	int64_t end = clock_ns(CLOCK_MONOTONIC) + duration_ns;
	void *kept = NULL;
	int64_t pairs = 0;

	do {
		for (int i = 0; i < PAIRS_PER_LOOK; i++)
			pair(&kept);
		pairs += PAIRS_PER_LOOK;
	} while (clock_ns(CLOCK_MONOTONIC) < end);
	return pairs;
}

/* Late ticks are made up for as far as the processor allows. */
static noinline int64_t pairs_at_rate(int64_t rate, int64_t duration_ns)
{
	int64_t start = clock_ns(CLOCK_MONOTONIC);
	int64_t per_tick = rate * TICK_NS / NS_PER_SECOND;
	void *kept = NULL;
	int64_t tick = 0;

	while (clock_ns(CLOCK_MONOTONIC) < start + duration_ns) {
		int64_t next = start + ++tick * TICK_NS;
		struct timespec when = { next / NS_PER_SECOND,
					 next % NS_PER_SECOND };

		for (int64_t i = 0; i < per_tick; i++) {
			uint64_t state = (uint64_t)i;

			pair(&kept);
			for (int step = 0; step < COMPUTATION; step++) {
				state = state * 6364136223846793005u + 1;
				__asm__ volatile("" : "+r"(state));
			}
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
	}
	return tick * per_tick;
}

static noinline void measure(struct work *work)
{
	int64_t warm_up, cpu, wall;

	warm_up = pairs_for(work->duration_ns / 10);
	pthread_barrier_wait(work->start);
	wall = clock_ns(CLOCK_MONOTONIC);
	cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	work->pairs = work->rate ? pairs_at_rate(work->rate, work->duration_ns)
				 : pairs_for(work->duration_ns);
	work->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	work->wall_ns = clock_ns(CLOCK_MONOTONIC) - wall;
	work->allocations = warm_up + work->pairs;
}

static noinline void descend(struct work *work, unsigned levels)
{
	if (levels)
		descend(work, levels - 1);
	else
		measure(work);
	__asm__ volatile("" : : : "memory"); /* no tail call */
}

/* This, measure() and its loop make three frames already. */
static noinline void *thread_main(void *argument)
{
	struct work *work = argument;

	if (work->depth == 3)
		measure(work);
	else
		descend(work, work->depth - 4);
	__asm__ volatile("" : : : "memory");
	return NULL;
}

static void fail(const char *what)
{
	fprintf(stderr, "pairs: %s\n", what);
	exit(1);
}

static void run(const struct work *order, unsigned threads)
{
	static int64_t allocations;
	struct work works[THREADS_MAX], sum = { 0 };
	pthread_t ids[THREADS_MAX];
	pthread_barrier_t start;

	if (order->depth < 3 || !threads || threads > THREADS_MAX)
		fail("DEPTH is at least 3, THREADS at most 16");
	pthread_barrier_init(&start, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		works[i] = *order;
		works[i].start = &start;
		if (pthread_create(&ids[i], NULL, thread_main, &works[i]))
			fail("cannot create a thread");
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		sum.pairs += works[i].pairs;
		sum.cpu_ns += works[i].cpu_ns;
		sum.wall_ns += works[i].wall_ns;
		allocations += works[i].allocations;
	}
	pthread_barrier_destroy(&start);
	dprintf(STDOUT_FILENO, "%lld %lld %lld %lld\n", (long long)sum.pairs,
		(long long)sum.cpu_ns, (long long)sum.wall_ns / threads,
		(long long)allocations);
}

int main(void)
{
	char line[128];

	dprintf(STDOUT_FILENO, "ready %d\n", getpid());
	for (;;) {
		ssize_t length = read(STDIN_FILENO, line, sizeof(line) - 1);
		struct work order = { 0 };
		unsigned threads = 1;
		long long milliseconds, rate = 0;

		if (length <= 0)
			return 0;
		line[length] = '\0';
		if (sscanf(line, "tight %u %u %lld", &order.depth, &threads,
			   &milliseconds) != 3 &&
		    sscanf(line, "paced %u %lld %lld", &order.depth, &rate,
			   &milliseconds) != 3)
			fail("no such order");
		order.rate = rate;
		order.duration_ns = milliseconds * 1000000;
		run(&order, threads);
	}
}
