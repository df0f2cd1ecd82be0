/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LEAKLIB_H
#define LEAKLIB_H

#include <linux/slab.h>

/* Objects of 200 bytes, of a cache that is merged with no other. */
extern struct kmem_cache *leaklib_cache;

void *leaklib_alloc(size_t size);

#endif
