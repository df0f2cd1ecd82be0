// SPDX-License-Identifier: GPL-2.0-or-later
/* A library: allocates for who uses it, and has a slab cache. */
#include <linux/module.h>

#include "leaklib.h"

struct kmem_cache *leaklib_cache;
EXPORT_SYMBOL_GPL(leaklib_cache);

noinline void *leaklib_alloc(size_t size)
{
	void *block = kmalloc(size, GFP_KERNEL);

	barrier(); /* no tail call: the library stays on the stack */
	return block;
}
EXPORT_SYMBOL_GPL(leaklib_alloc);

/* Caches with a constructor are never merged. */
static void construct(void *object)
{
}

static int __init leaklib_start(void)
{
	leaklib_cache =
		kmem_cache_create("leaklib-objects", 200, 0, 0, construct);
	return leaklib_cache ? 0 : -ENOMEM;
}

/* The cache stays: objects that leaked are in it. */
static void __exit leaklib_stop(void)
{
}

module_init(leaklib_start);
module_exit(leaklib_stop);
MODULE_DESCRIPTION("A library of the leaking driver");
MODULE_LICENSE("GPL");
