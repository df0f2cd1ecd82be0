/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keeps the compiler from doing away with the frames of these programs. */
#ifndef LEAKTRACE_TESTS_CALL_STACKS_H
#define LEAKTRACE_TESTS_CALL_STACKS_H

/* A function with a frame and a name of its own. */
#ifdef __clang__
#define own_frame __attribute__((noinline))
#else
#define own_frame __attribute__((noinline, noipa))
#endif

/* At its end: what it called last is no tail call. */
#define no_tail_call() __asm__ volatile("" ::: "memory")

#endif
