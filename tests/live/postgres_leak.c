// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An extension of PostgreSQL 15 whose functions leak at each call: 100 blocks
 * of malloc, or 100 of the server's own palloc in a memory context that lasts
 * as long as the session. Declared here as in fmgr.h and palloc.h, so that
 * the server's headers are not needed.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define CALLER __attribute__((noinline, noipa))
#define CALLS 100
#define SIZE 3000

struct Pg_magic_struct {
	int len, version, funcmaxargs, indexmaxkeys, namedatalen, float8byval;
	char abi_extra[32];
};

struct Pg_finfo_record {
	int api_version;
};

const struct Pg_magic_struct *Pg_magic_func(void);
const struct Pg_finfo_record *pg_finfo_leak_malloc(void);
const struct Pg_finfo_record *pg_finfo_leak_palloc(void);
uintptr_t leak_malloc(void *call);
uintptr_t leak_palloc(void *call);

/* Of the server. */
extern void *TopMemoryContext;
void *MemoryContextAlloc(void *context, size_t size);

static const struct Pg_finfo_record finfo = { 1 };
static void *volatile kept;

const struct Pg_magic_struct *Pg_magic_func(void)
{
	static const struct Pg_magic_struct magic = {
		sizeof(magic), 1500, 100, 32, 64, 1, "PostgreSQL",
	};

	return &magic;
}

const struct Pg_finfo_record *pg_finfo_leak_malloc(void)
{
	return &finfo;
}

const struct Pg_finfo_record *pg_finfo_leak_palloc(void)
{
	return &finfo;
}

CALLER static void planted_malloc(void)
{
	kept = malloc(SIZE);
}

CALLER static void planted_palloc(void)
{
	kept = MemoryContextAlloc(TopMemoryContext, SIZE);
}

uintptr_t leak_malloc(void *call)
{
	(void)call;
	for (int i = 0; i < CALLS; i++)
		planted_malloc();
	return 0;
}

uintptr_t leak_palloc(void *call)
{
	(void)call;
	for (int i = 0; i < CALLS; i++)
		planted_palloc();
	return 0;
}
