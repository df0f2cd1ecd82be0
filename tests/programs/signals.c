// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Signals in the middle of malloc, by a timer that fires every 50 us, with a
 * handler that allocates and frees itself. Modes (first argument):
 *
 *	stack	the handler runs on the thread's own stack
 *	other	the handler runs on an alternate stack
 *	jump	the handler also leaves by siglongjmp: from the program's own
 *		code, and from the first instructions of malloc, which then
 *		never returns
 *
 * The libc does not promise malloc in a handler. It holds here because the
 * handler alone uses blocks of HANDLER_SIZE, of which the thread's cache was
 * filled with seven before: malloc and free of those touch nothing else.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

#include "truth.h"

#define HANDLER_SIZE 1000u /* no block of the main code is as large */
#define HELD_MAX 5
#define SLOTS 64
#define PERIOD_NS 50000
#define TICKS 4000
#define ROUNDS 20000
#define JUMPS 20
#define SECONDS_MAX 8
#define PROLOGUE 8 /* bytes of malloc that only save registers */

TRUTH_SITE(main_malloc, TRUTH_HEAP);
TRUTH_SITE(main_calloc, TRUTH_HEAP);
TRUTH_SITE(main_realloc, TRUTH_HEAP);
TRUTH_SITE(main_large, TRUTH_HEAP);
TRUTH_SITE(handler_malloc, TRUTH_HEAP);

struct block {
	void *address;
	size_t size;
	struct truth_site *site;
};

static struct block blocks[SLOTS];
static void *held[HELD_MAX];
static volatile unsigned held_count, ticks;
static volatile unsigned jumps_in_program, jumps_in_malloc;
static volatile sig_atomic_t armed, in_allocator;
static sigjmp_buf landing;

static TRUTH_CALLER void *main_malloc(size_t size)
{
	return malloc(size);
}

static TRUTH_CALLER void *main_calloc(size_t size)
{
	return calloc(1, size);
}

static TRUTH_CALLER void *main_realloc(size_t size)
{
	return realloc(NULL, size);
}

static TRUTH_CALLER void *main_large(size_t size)
{
	return malloc(size);
}

static TRUTH_CALLER void *handler_malloc(void)
{
	void *block = malloc(TRUTH_OPAQUE(HANDLER_SIZE));

	truth_allocated(&handler_malloc_site, HANDLER_SIZE);
	return block;
}

static void handler_work(void)
{
	if (held_count < HELD_MAX && ticks % 7 < 4) {
		held[held_count] = handler_malloc();
		held_count++;
	} else if (held_count) {
		held_count--;
		truth_freed(&handler_malloc_site, HANDLER_SIZE);
		free(held[held_count]);
	}
}

static uintptr_t interrupted_at(const void *context)
{
	const ucontext_t *user = context;

#if defined(__x86_64__)
	return (uintptr_t)user->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (uintptr_t)user->uc_mcontext.pc;
#else
#error "which register is the program counter?"
#endif
}

static void on_tick(int signal, siginfo_t *info, void *context)
{
	int saved = errno;
	uintptr_t into = interrupted_at(context) - (uintptr_t)malloc;

	(void)signal;
	(void)info;
	ticks++;
	handler_work();
	errno = saved;
	if (!armed)
		return;
	if (in_allocator && into < PROLOGUE) {
		jumps_in_malloc++;
		siglongjmp(landing, 1);
	}
	if (!in_allocator && ticks % 5 == 0) {
		jumps_in_program++;
		siglongjmp(landing, 1);
	}
}

static const struct {
	void *(*allocate)(size_t size);
	struct truth_site *site;
} kinds[] = {
	{ main_malloc, &main_malloc_site },
	{ main_calloc, &main_calloc_site },
	{ main_realloc, &main_realloc_site },
	{ main_large, &main_large_site },
};

/* A few microseconds in which a signal finds the program outside malloc. */
static void compute(void)
{
	unsigned i;

	for (i = 0; i < 5000; i++)
		__asm__ volatile("");
}

/* One block in, one out. A jump may end it before the allocation only. */
static void one_round(unsigned round, unsigned *seed)
{
	struct block *slot = &blocks[truth_random(seed) % SLOTS], made;
	unsigned kind = round % 50 == 0 ? 3 : truth_random(seed) % 3;

	made.size = kind == 3 ? 200000 : 16 + truth_random(seed) % 800;
	made.site = kinds[kind].site;
	compute();
	in_allocator = 1;
	made.address = kinds[kind].allocate(made.size);
	armed = 0;
	in_allocator = 0;
	truth_require(made.address != NULL, "out of memory");
	truth_allocated(made.site, made.size);
	if (slot->address) {
		truth_freed(slot->site, slot->size);
		free(slot->address);
	}
	*slot = made;
}

static void fill_cache(void)
{
	void *filling[7];
	unsigned i;

	for (i = 0; i < 7; i++)
		filling[i] = malloc(TRUTH_OPAQUE(HANDLER_SIZE));
	for (i = 0; i < 7; i++)
		free(filling[i]);
}

static timer_t prepare(bool alternate_stack)
{
	static char stack[1 << 16];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGUSR2 };
	timer_t timer;

	if (alternate_stack) {
		truth_require(sigaltstack(&alternate, NULL) == 0, "no stack");
		action.sa_flags |= SA_ONSTACK;
	}
	action.sa_sigaction = on_tick;
	truth_require(sigaction(SIGUSR2, &action, NULL) == 0, "no handler");
	truth_require(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0,
		      "no timer");
	return timer;
}

static void set_timer(timer_t timer, long nanoseconds)
{
	struct itimerspec period = { { 0, nanoseconds }, { 0, nanoseconds } };

	truth_require(timer_settime(timer, 0, &period, NULL) == 0, "no timer");
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "stack";
	volatile bool jump = strcmp(mode, "jump") == 0;
	volatile unsigned round = 0;
	unsigned seed = 1;
	time_t end;
	timer_t timer;

	timer = prepare(strcmp(mode, "other") == 0);
	fill_cache();
	truth_ready();
	end = time(NULL) + SECONDS_MAX;
	set_timer(timer, PERIOD_NS);
	sigsetjmp(landing, 1);
	in_allocator = 0;
	while ((ticks < TICKS || round < ROUNDS ||
		(jump && jumps_in_malloc < JUMPS)) &&
	       time(NULL) < end) {
		armed = jump;
		round++;
		one_round(round, &seed);
	}
	armed = 0;
	set_timer(timer, 0);
	truth_note("ticks", ticks);
	truth_note("rounds", round);
	truth_note("jumps_in_program", jumps_in_program);
	truth_note("jumps_in_malloc", jumps_in_malloc);
	truth_note("unmatched_frees", 0);
	truth_report();
	return 0;
}
