// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Call stacks of many kinds for unwind_check: recursion through functions with
 * awkward frames, libc callbacks, signal handlers on two stacks, contexts,
 * threads.
 *
 *	unwind_target [ROUNDS]           all of them
 *	unwind_target --depth N ROUNDS   one depth only, for measuring
 */
#include "unwind_truth.h"

#include <alloca.h>
#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>

static unsigned randomness = 1;

static unsigned random_below(unsigned limit)
{
	unsigned value = __atomic_load_n(&randomness, __ATOMIC_RELAXED);

	value = value * 1103515245 + 12345;
	__atomic_store_n(&randomness, value, __ATOMIC_RELAXED);
	return (value >> 8) % limit;
}

static volatile unsigned sink;
typedef unsigned descent(unsigned depth);
static descent *const kinds[];
#define KINDS 6

static noinline unsigned descend(unsigned depth)
{
	unsigned result;

	if (!depth) {
		mark();
		return 1;
	}
	result = kinds[random_below(KINDS)](depth - 1);
	return result + sink; /* no tail call */
}

static noinline unsigned plain(unsigned depth)
{
	return descend(depth) + 1;
}

static noinline unsigned with_alloca(unsigned depth)
{
	unsigned size = 16 + random_below(2000);
	char *block = alloca(size);

	memset(block, (int)depth, size);
	return descend(depth) + (unsigned)block[size / 2];
}

static noinline unsigned with_large_frame(unsigned depth)
{
	char block[3000];

	memset(block, (int)depth, sizeof(block));
	__asm__ volatile("" : : "r"(block) : "memory");
	return descend(depth) + (unsigned)block[depth];
}

static noinline unsigned realigned(unsigned depth)
{
	char block[128] __attribute__((aligned(64)));
	unsigned size = 16 + random_below(100);
	char *more = alloca(size);

	memset(block, (int)depth, sizeof(block));
	memset(more, 0, size);
	__asm__ volatile("" : : "r"(block), "r"(more) : "memory");
	return descend(depth) + (unsigned)block[depth % 128];
}

static noinline unsigned many_registers(unsigned depth)
{
	unsigned long a = depth, b = a * 3, c = b ^ a, d = c + 7, e = d * b,
		      f = e - a;

	__asm__ volatile(""
			 : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e),
			   "+r"(f));
	return (unsigned)(descend(depth) + a + b * c + d * e * f);
}

static noinline unsigned variadic_inner(unsigned depth, ...)
{
	va_list list;
	unsigned value;

	va_start(list, depth);
	value = va_arg(list, unsigned);
	va_end(list);
	return descend(depth) + value;
}

static noinline unsigned variadic(unsigned depth)
{
	return variadic_inner(depth, 3u, 4.0, 5u, 6u, 7u, 8u, 9u, 10u) + 1;
}

static descent *const kinds[KINDS] = {
	plain,	   with_alloca,	   with_large_frame,
	realigned, many_registers, variadic
};

static int compare(const void *first, const void *second)
{
	if (random_below(8) == 0)
		descend(random_below(4));
	return *(const int *)first - *(const int *)second;
}

static noinline void by_callbacks(void)
{
	int numbers[40];
	int key = 5;
	void *tree = NULL;

	for (int i = 0; i < 40; i++)
		numbers[i] = (int)random_below(1000);
	qsort(numbers, 40, sizeof(numbers[0]), compare);
	bsearch(&key, numbers, 40, sizeof(numbers[0]), compare);
	for (int i = 0; i < 10; i++)
		tsearch(&numbers[i], &tree, compare);
	while (tree)
		tdelete(*(int **)tree, &tree, compare);
	sink = 0;
}

static void on_signal(int number)
{
	(void)number;
	descend(random_below(3));
}

static noinline void by_signals(void)
{
	static char other[1 << 16];
	struct sigaction action = { .sa_handler = on_signal };
	stack_t stack = { .ss_sp = other, .ss_size = sizeof(other) };

	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	sigaltstack(&stack, NULL);
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	sink = 0;
}

static int compare_quietly(const void *first, const void *second)
{
	return *(const int *)first - *(const int *)second;
}

/* Interrupts anywhere: in prologues, epilogues, linkage tables, libc. */
static noinline void by_timer(void)
{
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 300 }, { 0, 300 } };
	struct itimerval never = { { 0, 0 }, { 0, 0 } };

	sigaction(SIGPROF, &action, NULL);
	setitimer(ITIMER_PROF, &often, NULL);
	for (int round = 0; round < 2000; round++) {
		char text[64];
		int numbers[30];

		for (int i = 0; i < 30; i++)
			numbers[i] = (int)random_below(1000);
		qsort(numbers, 30, sizeof(numbers[0]), compare_quietly);
		snprintf(text, sizeof(text), "%d %p %f", numbers[3],
			 (void *)text, (double)round);
		sink = strlen(text) > 100;
	}
	setitimer(ITIMER_PROF, &never, NULL);
}

static ucontext_t outer, inner;

static void in_context(void)
{
	descend(random_below(20));
	swapcontext(&inner, &outer);
}

static noinline void by_context(void)
{
	static char stack[1 << 17];

	getcontext(&inner);
	inner.uc_stack.ss_sp = stack;
	inner.uc_stack.ss_size = sizeof(stack);
	inner.uc_link = &outer;
	makecontext(&inner, in_context, 0);
	swapcontext(&outer, &inner);
}

static void *in_thread(void *argument)
{
	for (int i = 0; i < 10; i++)
		descend(random_below(30));
	return argument;
}

static noinline void by_threads(void)
{
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, in_thread, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

/*
 * A return probe hides the return address from the program's own unwinder, so
 * the truth is taken before there is one: the same calls, the same stack.
 */
static struct truth before_probe;

static noinline unsigned probed(unsigned depth)
{
	if (depth)
		return probed(depth - 1) + sink;
	if (!before_probe.count) {
		_Unwind_Backtrace(truth_frame, &before_probe);
	} else {
		unwind_mark(before_probe.frames, before_probe.count);
		__asm__ volatile("" : : : "memory");
	}
	return 1;
}

static noinline void by_return_probe(void)
{
	probed(3);
	sink = 0;
}

static noinline void do_round(unsigned round)
{
	by_return_probe();
	if (!round)
		return; /* that was for the truth */
	descend(random_below(100));
	by_callbacks();
	by_signals();
	by_context();
	if (round % 10 == 0)
		by_threads();
	if (round % 20 == 0)
		by_timer();
}

static noinline unsigned straight(unsigned depth)
{
	if (depth > 1)
		return straight(depth - 1) + sink;
	unwind_mark(NULL, 0);
	return sink;
}

static int measure(unsigned depth, unsigned rounds)
{
	wait_for_go(0);
	for (unsigned i = 0; i < rounds; i++)
		straight(depth);
	return 0;
}

int main(int count, char **arguments)
{
	unsigned rounds = count > 1 ? (unsigned)atoi(arguments[1]) : 300;

	if (count > 3 && !strcmp(arguments[1], "--depth"))
		return measure((unsigned)atoi(arguments[2]),
			       (unsigned)atoi(arguments[3]));
	for (unsigned i = 0; i <= rounds; i++) {
		do_round(i);
		if (!i)
			wait_for_go((uint64_t)(uintptr_t)probed);
	}
	return 0;
}
