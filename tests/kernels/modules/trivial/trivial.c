// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Proves the way a module takes into a guest: built against each kernel's
 * headers, loaded, a parameter written by it read in the guest.
 */
#include <linux/module.h>
#include <linux/slab.h>

static unsigned int answer;
module_param(answer, uint, 0444);
MODULE_PARM_DESC(answer, "bytes that kmalloc() gave for 42");

static int __init trivial_start(void)
{
	void *block = kmalloc(42, GFP_KERNEL);

	if (!block)
		return -ENOMEM;
	answer = ksize(block);
	kfree(block);
	return 0;
}

static void __exit trivial_stop(void)
{
}

module_init(trivial_start);
module_exit(trivial_stop);
MODULE_DESCRIPTION("Way of a module into the kernel tests");
MODULE_LICENSE("GPL");
