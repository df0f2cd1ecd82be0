/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says that the probes of kernel mode did not get to see. */
#ifndef LEAKTRACE_CAPTURE_KERNEL_LOSSES_H
#define LEAKTRACE_CAPTURE_KERNEL_LOSSES_H

#include <stdint.h>

#include <bpf/libbpf.h>

#include "capture/kernel_probes.h"
#include "model/snapshot.h"

/*
 * Adds to the snapshot's losses: events whose program was skipped, as it ran
 * already on that CPU (nested_handled of bpf/nested.bpf.h was not lost), and
 * calls that kprobes missed. 0 or -ENOMEM.
 */
int kernel_losses(struct bpf_object *object, const __u64 *nested_handled,
		  const struct kernel_probes *probes,
		  struct snapshot *snapshot);

#endif
