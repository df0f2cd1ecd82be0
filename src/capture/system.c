// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether BPF tracing can work here at all: capture_check_system(). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "util/cleanup.h"

/* capabilities(7) */
#define CAPABILITY_SYS_PTRACE 19
#define CAPABILITY_SYS_ADMIN 21
#define CAPABILITY_PERFMON 38
#define CAPABILITY_BPF 39

static bool has_capabilities(void)
{
	auto_fclose FILE *file = fopen("/proc/self/status", "re");
	uint64_t needed = UINT64_C(1) << CAPABILITY_BPF |
			  UINT64_C(1) << CAPABILITY_PERFMON |
			  UINT64_C(1) << CAPABILITY_SYS_PTRACE;
	uint64_t held = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %" SCNx64, &held) == 1)
			break;
	return (held >> CAPABILITY_SYS_ADMIN & 1) || (held & needed) == needed;
}

/* kernel_lockdown(7): "none integrity [confidentiality]". */
static bool is_locked_down(void)
{
	auto_fclose FILE *file = fopen("/sys/kernel/security/lockdown", "re");
	char line[128] = "";

	if (!file || !fgets(line, sizeof(line), file))
		return false;
	return strstr(line, "[confidentiality]") != NULL;
}

int capture_check_system(struct error *error)
{
	if (!has_capabilities())
		return error_set(
			error, EPERM,
			"leaktrace needs root to load BPF programs: run it with sudo");
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return error_set(
			error, ENOTSUP,
			"this kernel has no BTF (/sys/kernel/btf/vmlinux): use one built with CONFIG_DEBUG_INFO_BTF=y, as distributions' are since 5.10");
	if (is_locked_down())
		return error_set(
			error, EPERM,
			"the kernel is locked down (confidentiality), which forbids BPF to read memory: boot with lockdown=integrity or none");
	return 0;
}
