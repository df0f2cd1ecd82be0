// SPDX-License-Identifier: GPL-2.0-or-later
/* What the probes of kernel mode did not get to see: see kernel_losses.h. */
#include "capture/kernel_losses.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "capture/records.h"

/* Of enum bpf_link_type and enum bpf_perf_event_type. */
#define LINK_PERF_EVENT 7
#define EVENT_KPROBE 3
#define EVENT_KRETPROBE 4

/*
 * struct bpf_link_info of a kprobe since 6.7 (commit 3acf8ace6823); earlier
 * kernels leave what they do not have zero.
 */
struct kprobe_link_info {
	uint32_t type, id, program, unused;
	uint32_t event, unused_too;
	uint64_t function;
	uint32_t name_length, offset;
	uint64_t address;
	uint64_t missed;
	uint64_t rest[16];
};

static bool is_second(const struct bpf_program *program)
{
	const char *name = bpf_program__name(program);
	size_t length = strlen(name);

	return length > 7 && !strcmp(name + length - 7, "_nested");
}

/* By the first programs: what a second one misses, the first has seen. */
static uint64_t skipped(struct bpf_object *object)
{
	struct bpf_program *program;
	uint64_t misses = 0;

	bpf_object__for_each_program(program, object)
	{
		struct bpf_prog_info info = { 0 };
		__u32 size = sizeof(info);
		int fd = bpf_program__fd(program);

		if (fd >= 0 && !is_second(program) &&
		    !bpf_obj_get_info_by_fd(fd, &info, &size))
			misses += info.recursion_misses;
	}
	return misses;
}

static uint64_t kprobe_missed(const struct bpf_link *link)
{
	struct kprobe_link_info info = { 0 };
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_link__fd(link), &info, &size) ||
	    info.type != LINK_PERF_EVENT ||
	    (info.event != EVENT_KPROBE && info.event != EVENT_KRETPROBE))
		return 0;
	return info.missed;
}

static int loss_add(struct snapshot *snapshot, const char *name,
		    const char *text, uint64_t count)
{
	const struct loss loss = {
		.name = name,
		.text = text,
		.count = count,
		.understates = true,
	};

	return record_loss(snapshot, &loss);
}

int kernel_losses(struct bpf_object *object, const __u64 *nested_handled,
		  const struct kernel_probes *probes, struct snapshot *snapshot)
{
	/* Read first: each of them was a miss before. */
	uint64_t handled = __atomic_load_n(nested_handled, __ATOMIC_ACQUIRE);
	uint64_t misses = skipped(object), missed = 0;

	for (size_t i = 0; i < KERNEL_PROBES_MAX; i++)
		if (probes->links[i])
			missed += kprobe_missed(probes->links[i]);
	if (loss_add(snapshot, "recursion_misses",
		     "events skipped: a probe's program was running already",
		     misses > handled ? misses - handled : 0) ||
	    loss_add(snapshot, "probes_missed",
		     "calls of functions that their kprobes missed", missed))
		return -ENOMEM;
	return 0;
}
