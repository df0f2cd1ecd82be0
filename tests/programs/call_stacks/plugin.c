// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plug-in for plugins.c; PLUGIN is its name, which its functions bear. One
 * of the two has a larger first function, so that in the same place of memory
 * the same addresses are of different functions.
 */
#include <stdlib.h>

#include "call_stacks.h"

#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define NAMED(suffix) JOIN(PLUGIN, suffix)

static void *volatile kept;

#ifdef PLUGIN_PADDING
__attribute__((used)) own_frame static void NAMED(_padding)(void)
{
	__asm__ volatile(".skip 200, 0x90" ::: "memory");
}
#endif

own_frame static void NAMED(_inner)(size_t size)
{
	kept = malloc(size);
	no_tail_call();
}

own_frame static void NAMED(_middle)(size_t size)
{
	char block[200];

	__asm__ volatile("" ::"r"(block) : "memory");
	NAMED(_inner)(size);
	__asm__ volatile("" ::"r"(block) : "memory");
}

void plugin_entry(void);

void plugin_entry(void)
{
	NAMED(_middle)(33);
	no_tail_call();
}

/* Linked to a program instead: called by the dynamic linker. */
__attribute__((constructor)) own_frame static void NAMED(_constructor)(void)
{
	kept = malloc(44);
	no_tail_call();
}
