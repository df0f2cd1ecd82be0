// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Blocks from call stacks of many kinds, one kind at a time:
 *
 *	frames [--wait] KIND [ARGUMENT...]
 *
 * With --wait it says "ready" when it is set up and waits for a line; then it
 * allocates, says "done", and with --wait waits for another line. Nothing is
 * freed. The innermost function of each stack is of the kind's name.
 */
#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "call_stacks.h"

static void *volatile kept;

static own_frame void plain(size_t size)
{
	kept = malloc(size);
	no_tail_call();
}

static own_frame void middle(size_t size)
{
	plain(size);
	no_tail_call();
}

static own_frame void do_plain(char **arguments)
{
	(void)arguments;
	middle(100);
	no_tail_call();
}

/* A frame of no fixed size, realigned as well. */
static own_frame void with_alloca(size_t size)
{
	char *block = alloca(size);
	char aligned[64] __attribute__((aligned(64)));

	memset(block, 1, size);
	memset(aligned, 1, sizeof(aligned));
	__asm__ volatile("" ::"r"(block), "r"(aligned) : "memory");
	kept = malloc(size);
	no_tail_call();
}

static own_frame void do_alloca(char **arguments)
{
	(void)arguments;
	with_alloca(200);
	with_alloca(5000);
	no_tail_call();
}

static own_frame int compare(const void *first, const void *second)
{
	kept = malloc(24);
	return *(const int *)first - *(const int *)second;
}

static own_frame void do_qsort(char **arguments)
{
	int numbers[] = { 5, 3, 9, 1, 7, 2 };

	(void)arguments;
	qsort(numbers, 6, sizeof(numbers[0]), compare);
	no_tail_call();
}

static own_frame void on_signal(int number)
{
	(void)number;
	kept = malloc(40);
	no_tail_call();
}

static own_frame void signal_here(void)
{
	raise(SIGUSR1);
	no_tail_call();
}

static own_frame void do_signal(char **arguments)
{
	(void)arguments;
	signal(SIGUSR1, on_signal);
	signal_here();
	no_tail_call();
}

static own_frame void do_alternate(char **arguments)
{
	static char memory[1 << 16];
	stack_t stack = { .ss_sp = memory, .ss_size = sizeof(memory) };
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = SA_ONSTACK };

	(void)arguments;
	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	signal_here();
	no_tail_call();
}

static ucontext_t outer, inner;

static own_frame void in_context(void)
{
	kept = malloc(48);
	swapcontext(&inner, &outer);
	kept = malloc(56);
	no_tail_call();
}

static own_frame void do_context(char **arguments)
{
	static char memory[1 << 16];

	(void)arguments;
	getcontext(&inner);
	inner.uc_stack.ss_sp = memory;
	inner.uc_stack.ss_size = sizeof(memory);
	inner.uc_link = &outer;
	makecontext(&inner, in_context, 0);
	swapcontext(&outer, &inner);
	plain(64);
	swapcontext(&outer, &inner);
	no_tail_call();
}

static own_frame unsigned descend(unsigned depth)
{
	unsigned result = 0;

	if (depth)
		result = descend(depth - 1) + 1;
	else
		kept = malloc(72);
	no_tail_call();
	return result;
}

static own_frame void do_deep(char **arguments)
{
	descend((unsigned)atoi(arguments[0]));
	no_tail_call();
}

/*
 * push %rbp; mov %rsp,%rbp; mov %rdi,%rax; mov %rsi,%rdi; call *%rax;
 * pop %rbp; ret
 */
static const uint8_t jit_code[] = { 0x55, 0x48, 0x89, 0xe5, 0x48, 0x89, 0xf8,
				    0x48, 0x89, 0xf7, 0xff, 0xd0, 0x5d, 0xc3 };
static void *jit_page;

static own_frame void *jit_callee(size_t size)
{
	void *block = malloc(size);

	no_tail_call();
	return block;
}

static own_frame void jit_caller(void *(*callee)(size_t))
{
	void *(*code)(void *(*)(size_t), size_t) =
		(void *(*)(void *(*)(size_t), size_t))(uintptr_t)jit_page;

	/* Has this function use its frame pointer, as the JIT's code does. */
	__asm__ volatile("" : : "r"(__builtin_frame_address(0)));
	kept = code(callee, 88);
	no_tail_call();
}

static void make_jit_page(void)
{
	jit_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (jit_page == MAP_FAILED)
		exit(3);
	memcpy((char *)jit_page + 256, jit_code, sizeof(jit_code));
	jit_page = (char *)jit_page + 256;
}

static own_frame void do_jit(char **arguments)
{
	const struct timespec pause = { 0, 50000000 };

	(void)arguments;
	for (int i = 0; i < 4; i++) {
		jit_caller(jit_callee);
		jit_caller(malloc);
		nanosleep(&pause, NULL);
	}
	no_tail_call();
}

static own_frame void do_exec(char **arguments)
{
	plain(100);
	execv(arguments[0], arguments);
	exit(3);
}

static own_frame void in_child(void)
{
	kept = malloc(1000);
	no_tail_call();
}

static own_frame void do_fork(char **arguments)
{
	int status;
	pid_t child;

	(void)arguments;
	middle(100);
	child = fork();
	if (!child) {
		void *old = kept;

		for (int i = 0; i < 100; i++)
			in_child();
		free(old);
		_exit(0);
	}
	waitpid(child, &status, 0);
	middle(100);
	no_tail_call();
}

static void *in_thread(void *argument)
{
	middle(120);
	no_tail_call();
	return argument;
}

/*
 * pthread_create() itself has a return probe, and what it allocates has its
 * trampoline among its callers.
 */
static own_frame void do_thread(char **arguments)
{
	pthread_t thread;

	(void)arguments;
	if (!pthread_create(&thread, NULL, in_thread, NULL))
		pthread_join(thread, NULL);
	no_tail_call();
}

static __attribute__((constructor)) own_frame void in_constructor(void)
{
	kept = malloc(136);
	no_tail_call();
}

static const struct kind {
	const char *name;
	void (*run)(char **arguments);
} kinds[] = {
	{ "plain", do_plain },	       { "alloca", do_alloca },
	{ "qsort", do_qsort },	       { "signal", do_signal },
	{ "alternate", do_alternate }, { "context", do_context },
	{ "deep", do_deep },	       { "jit", do_jit },
	{ "exec", do_exec },	       { "fork", do_fork },
	{ "thread", do_thread },
};

static void say_and_wait(const char *what, bool wait)
{
	char line[16];

	if (write(1, what, strlen(what)) < 0)
		exit(3);
	if (wait && read(0, line, sizeof(line)) < 0)
		exit(3);
}

int main(int count, char **arguments)
{
	bool wait = count > 1 && !strcmp(arguments[1], "--wait");
	char **rest = arguments + 1 + wait;

	alarm(120);
	if (count < 2 + wait)
		return 2;
	make_jit_page();
	if (wait)
		say_and_wait("ready\n", true);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, rest[0]))
			kinds[i].run(rest + 1);
	say_and_wait("done\n", wait);
	return 0;
}
