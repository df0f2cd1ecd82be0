// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A driver that leaks on order: "KIND COUNT" written to the parameter `leak`
 * leaks COUNT blocks in a function of its own, leak_KIND(); written to
 * `balance`, balance_KIND() allocates and frees as many. The parameters held
 * and freed are all kinds with what was leaked, and what twins gave back.
 * Nothing of the driver's own bookkeeping is allocated.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/version.h>
#include <linux/vmalloc.h>

#include "leaklib.h"

#define BULK 16
#define INIT_BLOCKS 7

struct with_rcu {
	struct rcu_head rcu;
	char rest[100];
};

static struct platform_device *device;
static void *bulk[BULK];

/* Each block by itself, so that no tail call hides the function. */
#define ALLOCATES(name, expression)               \
	static noinline bool name(void)           \
	{                                         \
		bool done = (expression) != NULL; \
		barrier();                        \
		return done;                      \
	}

static void *grown(void)
{
	return krealloc(kmalloc(16, GFP_KERNEL), 1000, GFP_KERNEL);
}

static void *split_page_of_four(void)
{
	struct page *pages = alloc_pages(GFP_KERNEL, 2);

	if (!pages)
		return NULL;
	split_page(pages, 2);
	__free_page(pages);
	__free_page(pages + 1);
	__free_page(pages + 3);
	return pages + 2;
}

static bool device_made(void)
{
	if (device)
		return true;
	device = platform_device_register_simple("leakdrv-device", -1, NULL, 0);
	if (IS_ERR(device))
		device = NULL;
	return device &&
	       !dma_coerce_mask_and_coherent(&device->dev, DMA_BIT_MASK(32));
}

static void *dma_block(void)
{
	dma_addr_t address;

	return device_made() ? dma_alloc_coherent(&device->dev, 8192, &address,
						  GFP_KERNEL)
			     : NULL;
}

static void *devm_block(void)
{
	return device_made() ? devm_kmalloc(&device->dev, 300, GFP_KERNEL)
			     : NULL;
}

ALLOCATES(leak_kmalloc, kmalloc(128, GFP_KERNEL))
ALLOCATES(leak_large, kmalloc(40000, GFP_KERNEL))
ALLOCATES(leak_cache, kmem_cache_alloc(leaklib_cache, GFP_KERNEL))
ALLOCATES(leak_library, leaklib_alloc(64))
ALLOCATES(leak_pages, alloc_pages(GFP_KERNEL, 0))
ALLOCATES(leak_order2, alloc_pages(GFP_KERNEL, 2))
ALLOCATES(leak_split, split_page_of_four())
ALLOCATES(leak_vmalloc, vmalloc(3 * PAGE_SIZE))
ALLOCATES(leak_percpu, __alloc_percpu(72, 8))
ALLOCATES(leak_kvmalloc, kvmalloc(100000, GFP_KERNEL))
ALLOCATES(leak_krealloc, grown())
ALLOCATES(leak_kstrdup, kstrdup("a string that is never freed", GFP_KERNEL))
ALLOCATES(leak_dma, dma_block())
ALLOCATES(leak_devm, devm_block())

static noinline bool leak_bulk(void)
{
	/* How many, or (since 7.1) whether all. */
	bool done =
		kmem_cache_alloc_bulk(leaklib_cache, GFP_KERNEL, BULK, bulk);

	barrier();
	return done;
}

/* Fills the array, beside the pages that it has; how many it has then. */
static unsigned long pages_in_bulk(struct page **pages)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
	return alloc_pages_bulk(GFP_KERNEL, BULK, pages);
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(5, 13, 0)
	return alloc_pages_bulk_array(GFP_KERNEL, BULK, pages);
#else
	int i;

	for (i = 0; i < BULK; i++) {
		if (!pages[i])
			pages[i] = alloc_page(GFP_KERNEL);
		if (!pages[i])
			break;
	}
	return i;
#endif
}

static noinline bool leak_bulk_pages(void)
{
	unsigned long had = 0, has = 0;

	memset(bulk, 0, sizeof(bulk));
	/* One is there already; it may take several calls to have them all. */
	bulk[0] = alloc_page(GFP_KERNEL);
	for (; bulk[0] && has < BULK; had = has) {
		has = pages_in_bulk((struct page **)bulk);
		if (has <= had)
			break;
	}
	barrier();
	return has == BULK;
}

static bool balance_bulk_pages(void)
{
	unsigned long has, i;

	memset(bulk, 0, sizeof(bulk));
	has = pages_in_bulk((struct page **)bulk);
	for (i = 0; i < has; i++)
		__free_page(bulk[i]);
	return has;
}

static bool balance_kmalloc(void)
{
	void *block = kmalloc(128, GFP_KERNEL);

	kfree(block);
	return block;
}

static bool balance_large(void)
{
	void *block = kmalloc(40000, GFP_KERNEL);

	kfree(block);
	return block;
}

static bool balance_cache(void)
{
	void *block = kmem_cache_alloc(leaklib_cache, GFP_KERNEL);

	if (block)
		kmem_cache_free(leaklib_cache, block);
	return block;
}

static bool balance_pages(void)
{
	struct page *pages = alloc_pages(GFP_KERNEL, 2);

	if (pages)
		__free_pages(pages, 2);
	return pages;
}

static bool balance_split(void)
{
	struct page *pages = alloc_pages(GFP_KERNEL, 3);
	int i;

	if (!pages)
		return false;
	split_page(pages, 3);
	for (i = 7; i >= 0; i--)
		__free_page(pages + i);
	return true;
}

static bool balance_exact(void)
{
	void *block = alloc_pages_exact(5 * PAGE_SIZE, GFP_KERNEL);

	if (block)
		free_pages_exact(block, 5 * PAGE_SIZE);
	return block;
}

static bool balance_vmalloc(void)
{
	void *block = vmalloc(3 * PAGE_SIZE);

	vfree(block);
	return block;
}

static bool balance_percpu(void)
{
	void __percpu *block = __alloc_percpu(72, 8);

	free_percpu(block);
	return block;
}

static bool balance_kvmalloc(void)
{
	void *block = kvmalloc(100000, GFP_KERNEL);

	kvfree(block);
	return block;
}

static bool balance_krealloc(void)
{
	void *block = grown();

	kfree(block);
	return block;
}

static bool balance_kstrdup(void)
{
	char *block = kstrdup("a string that is freed", GFP_KERNEL);

	kfree(block);
	return block;
}

static bool balance_kfree_rcu(void)
{
	struct with_rcu *block = kmalloc(sizeof(*block), GFP_KERNEL);

	if (block)
		kfree_rcu(block, rcu);
	return block;
}

static bool balance_kvfree_rcu(void)
{
	struct with_rcu *block = kvmalloc(sizeof(*block), GFP_KERNEL);

	if (block)
		kvfree_rcu(block, rcu);
	return block;
}

static bool balance_bulk(void)
{
	if (!kmem_cache_alloc_bulk(leaklib_cache, GFP_KERNEL, BULK, bulk))
		return false;
	kmem_cache_free_bulk(leaklib_cache, BULK, bulk);
	return true;
}

/* Allocated one by one, freed at once. */
static bool balance_free_bulk(void)
{
	int i;

	for (i = 0; i < BULK; i++) {
		bulk[i] = kmem_cache_alloc(leaklib_cache, GFP_KERNEL);
		if (!bulk[i])
			return false;
	}
	kmem_cache_free_bulk(leaklib_cache, BULK, bulk);
	return true;
}

static bool balance_dma(void)
{
	dma_addr_t address;
	void *block;

	if (!device_made())
		return false;
	block = dma_alloc_coherent(&device->dev, 8192, &address, GFP_KERNEL);
	if (block)
		dma_free_coherent(&device->dev, 8192, block, address);
	return block;
}

static bool balance_devm(void)
{
	void *block = devm_block();

	if (block)
		devm_kfree(&device->dev, block);
	return block;
}

static struct kind {
	const char *name;
	bool (*run)(void);
	unsigned int blocks; /* in one go */
	unsigned int count;
} leaks[] = { { "kmalloc", leak_kmalloc, 1 },
	      { "large", leak_large, 1 },
	      { "cache", leak_cache, 1 },
	      { "library", leak_library, 1 },
	      { "pages", leak_pages, 1 },
	      { "order2", leak_order2, 1 },
	      { "split", leak_split, 1 },
	      { "vmalloc", leak_vmalloc, 1 },
	      { "percpu", leak_percpu, 1 },
	      { "kvmalloc", leak_kvmalloc, 1 },
	      { "krealloc", leak_krealloc, 1 },
	      { "kstrdup", leak_kstrdup, 1 },
	      { "dma", leak_dma, 1 },
	      { "devm", leak_devm, 1 },
	      { "bulk", leak_bulk, BULK },
	      { "bulk_pages", leak_bulk_pages, BULK },
	      { "init" },
	      {} },
  twins[] = { { "kmalloc", balance_kmalloc, 1 },
	      { "large", balance_large, 1 },
	      { "cache", balance_cache, 1 },
	      { "pages", balance_pages, 1 },
	      { "split", balance_split, 1 },
	      { "exact", balance_exact, 1 },
	      { "vmalloc", balance_vmalloc, 1 },
	      { "percpu", balance_percpu, 1 },
	      { "kvmalloc", balance_kvmalloc, 1 },
	      { "krealloc", balance_krealloc, 1 },
	      { "kstrdup", balance_kstrdup, 1 },
	      { "kfree_rcu", balance_kfree_rcu, 1 },
	      { "kvfree_rcu", balance_kvfree_rcu, 1 },
	      { "bulk", balance_bulk, BULK },
	      { "bulk_pages", balance_bulk_pages, 1 },
	      { "free_bulk", balance_free_bulk, BULK },
	      { "dma", balance_dma, 1 },
	      { "devm", balance_devm, 1 },
	      {} };

static int kinds_run(const char *text, const struct kernel_param *parameter)
{
	struct kind *kind = parameter->arg;
	unsigned int count;
	char name[16];

	if (sscanf(text, "%15s %u", name, &count) != 2)
		return -EINVAL;
	while (kind->run && strcmp(kind->name, name))
		kind++;
	if (!kind->run)
		return -ENOENT;
	for (; count; count--) {
		if (!kind->run())
			return -ENOMEM;
		kind->count += kind->blocks;
	}
	return 0;
}

static int kinds_show(char *text, const struct kernel_param *parameter)
{
	const struct kind *kind;
	int length = 0;

	for (kind = parameter->arg; kind->name; kind++)
		length += scnprintf(text + length, PAGE_SIZE - length,
				    "%s %u\n", kind->name, kind->count);
	return length;
}

static const struct kernel_param_ops kinds_operations = {
	.set = kinds_run,
	.get = kinds_show,
};

module_param_cb(leak, &kinds_operations, leaks, 0600);
MODULE_PARM_DESC(leak, "write KIND COUNT; read what was leaked");
module_param_cb(balance, &kinds_operations, twins, 0600);
MODULE_PARM_DESC(balance, "write KIND COUNT; read what was given back");

static int __init leak_in_init(void)
{
	struct kind *kind = leaks;
	int i;

	while (strcmp(kind->name, "init"))
		kind++;
	for (i = 0; i < INIT_BLOCKS; i++)
		kind->count += kmalloc(64, GFP_KERNEL) != NULL;
	return 0;
}

static void __exit leakdrv_stop(void)
{
	if (device)
		platform_device_unregister(device);
}

module_init(leak_in_init);
module_exit(leakdrv_stop);
MODULE_DESCRIPTION("Leaks on order");
MODULE_LICENSE("GPL");
