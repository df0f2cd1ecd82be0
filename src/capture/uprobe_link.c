// SPDX-License-Identifier: GPL-2.0-or-later
/* The ways to attach uprobes: see uprobe_link.h. */
#include "capture/uprobe_link.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "util/cleanup.h"

/*
 * Of enum bpf_attach_type (include/uapi/linux/bpf.h): newer than Debian 12's
 * headers, and fixed for ever.
 */
#define TRACE_UPROBE_MULTI 48
#define TRACE_UPROBE_SESSION 57
#define UPROBE_MULTI_RETURN 1u

/* The start of union bpf_attr for BPF_LINK_CREATE with uprobe_multi. */
struct link_create_uprobe_multi {
	__u32 program_fd;
	__u32 target_fd;
	__u32 attach_type;
	__u32 flags;
	__u64 path;
	__u64 offsets;
	__u64 reference_counters;
	__u64 cookies;
	__u32 count;
	__u32 uprobe_flags;
	__u32 pid;
	__u32 unused;
};

/* LEAKTRACE_ATTACH for perf links as on kernels before 5.15. */
#define NO_COOKIES "plain"

static const struct {
	const char *name;
	uint32_t type;
} methods[ATTACH_METHODS] = {
	[ATTACH_SESSION] = { "session", TRACE_UPROBE_SESSION },
	[ATTACH_MULTI] = { "multi", TRACE_UPROBE_MULTI },
	[ATTACH_PERF] = { "perf", 0 },
};

const char *attach_method_name(enum attach_method method)
{
	return methods[method].name;
}

uint32_t attach_method_type(enum attach_method method)
{
	return methods[method].type;
}

int uprobe_link_create(enum attach_method method, int program_fd,
		       const struct uprobe_sites *sites, bool on_return)
{
	struct link_create_uprobe_multi attributes = {
		.program_fd = (__u32)program_fd,
		.attach_type = methods[method].type,
		.path = (__u64)(uintptr_t)sites->path,
		.offsets = (__u64)(uintptr_t)sites->offsets,
		.cookies = (__u64)(uintptr_t)sites->cookies,
		.count = (__u32)sites->count,
		.uprobe_flags = on_return ? UPROBE_MULTI_RETURN : 0,
		.pid = (__u32)sites->pid,
	};
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attributes,
			  sizeof(attributes));

	return fd < 0 ? -errno : (int)fd;
}

/*
 * Whether the kernel takes such links: with a path that is no file, it gets as
 * far as EBADF. A PID of -1 is EINVAL only where the PID is understood as a
 * process; kernels before 6.10 took it for one thread (commit 46ba0e49b642).
 */
static bool method_is_supported(enum attach_method method)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const uint64_t zero = 0;
	struct uprobe_sites sites = {
		.path = "/",
		.offsets = &zero,
		.cookies = &zero,
		.count = 1,
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type =
			    (enum bpf_attach_type)methods[method].type);
	auto_close int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "probe", "GPL",
					  nothing, 2, &options);

	if (fd < 0 || uprobe_link_create(method, fd, &sites, false) != -EBADF)
		return false;
	sites.pid = -1;
	return uprobe_link_create(method, fd, &sites, false) == -EINVAL;
}

static const char *wanted_name(void)
{
	const char *name = getenv("LEAKTRACE_ATTACH");

	return name ? name : "";
}

enum attach_method attach_method_choose(void)
{
	const char *wanted = wanted_name();
	enum attach_method method = ATTACH_SESSION;

	for (int i = 0; i < ATTACH_METHODS; i++)
		if (!strcmp(wanted, methods[i].name))
			method = (enum attach_method)i;
	if (!strcmp(wanted, NO_COOKIES))
		method = ATTACH_PERF;
	while (method < ATTACH_PERF && !method_is_supported(method))
		method++;
	return method;
}

bool attach_method_has_cookies(enum attach_method method)
{
	if (method != ATTACH_PERF)
		return true;
	if (!strcmp(wanted_name(), NO_COOKIES))
		return false;
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE,
				       BPF_FUNC_get_attach_cookie, NULL) == 1;
}
