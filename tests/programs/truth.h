/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that know their own truth: each plants allocations at named sites
 * and says to the byte and the block what is outstanding, so that a test can
 * hold leaktrace's report against it.
 *
 * The protocol, a line at a time on standard output (or, with TRUTH_OUT=PATH
 * in the environment, on PATH):
 *
 *	ready PID			nothing is planted yet
 *	{"truth":1,"pid":PID,		the state now; nothing changes until
 *	 "sites":[{...}],"notes":{}}	the next line on standard input
 *
 * After "ready" and after every truth the program waits for a line on
 * standard input; the end of input counts as a line, so a closed standard
 * input lets the program run through and exit at once. A site is
 * {"name","space","blocks","bytes","allocations","allocated_bytes"}: what is
 * outstanding, and what was ever allocated, by stacks whose innermost frame
 * outside the allocator is the function of that name.
 *
 * Nothing here allocates, uses stdio or starts a thread, so the sites are all
 * there is to find once the program is ready. A program ends by itself
 * (SIGALRM) after TRUTH_SECONDS if nobody ends it.
 */
#ifndef LEAKTRACE_TESTS_TRUTH_H
#define LEAKTRACE_TESTS_TRUTH_H

#include <stdbool.h>
#include <stddef.h>

#define TRUTH_SECONDS 240

enum truth_space { TRUTH_HEAP, TRUTH_MAPPING };

/* Fields change by truth_allocated() and its like only, from any thread. */
struct truth_site {
	const char *name;
	enum truth_space space;
	long long blocks, bytes;
	long long allocations, allocated_bytes;
};

/* Declares function_site, the record of the site of that function. */
#define TRUTH_SITE(function, where)                                      \
	static struct truth_site function##_site = { .name = #function,  \
						     .space = (where) }; \
	static struct truth_site *const function##_listed                \
		__attribute__((section("truth_sites"), used)) =          \
			&function##_site

/* For the functions that call the allocator: a frame of its own, as named. */
#ifdef __clang__
#define TRUTH_CALLER __attribute__((noinline))
#else
#define TRUTH_CALLER __attribute__((noinline, noipa))
#endif

/* The value, hidden from the optimiser. */
#define TRUTH_OPAQUE(value)                           \
	({                                            \
		__typeof__(value) opaque_ = (value);  \
		__asm__ volatile("" : "+r"(opaque_)); \
		opaque_;                              \
	})

void truth_allocated(struct truth_site *site, size_t bytes);

/* Only the record: the block itself is the caller's to free. */
void truth_freed(struct truth_site *site, size_t bytes);

/* For ranges, which grow, shrink and split. */
void truth_changed(struct truth_site *site, long long blocks, long long bytes);

/* A number beside the sites, such as "unmatched_frees". name: a literal. */
void truth_note(const char *name, long long value);

/* Says ready, waits for the first line. */
void truth_ready(void);

/* Says the truth, waits for a line. Returns false at the end of input. */
bool truth_report(void);

/*
 * The line that ended the last wait, without its newline; "" at the end of
 * input. Overwritten by the next.
 */
const char *truth_line(void);

/* Ends the program with a message on standard error when what is false. */
void truth_require(bool what, const char *message);

/* The next number of a sequence that is the same in every run. */
unsigned truth_random(unsigned *state);

#endif
