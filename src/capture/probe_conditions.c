// SPDX-License-Identifier: GPL-2.0-or-later
/* What kernel and process allow of probe sites: see probe_conditions.h. */
#include "capture/probe_conditions.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/utsname.h>

#include "resolve/read_all.h"
#include "util/cleanup.h"

/* A process in 65,536 groups, the most there can be, has half of this. */
#define STATUS_MAX (1 << 20)

#if defined(__x86_64__)
#include <cpuid.h>

enum { NOPS_MAJOR = 6, NOPS_MINOR = 16 };

/* CET_SS in CPUID.(EAX=7, ECX=0):ECX, whether the kernel uses it or not. */
static bool processor_has_shadow_stacks(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && c >> 7 & 1;
}
#elif defined(__aarch64__)
enum { NOPS_MAJOR = 6, NOPS_MINOR = 13 };

/* HWCAP_GCS of arch/arm64/include/uapi/asm/hwcap.h */
static bool processor_has_shadow_stacks(void)
{
	return getauxval(AT_HWCAP) >> 32 & 1;
}
#endif

bool probe_conditions_nops(const char *release)
{
	unsigned int major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > NOPS_MAJOR ||
	       (major == NOPS_MAJOR && minor >= NOPS_MINOR);
}

/* The features of a line of status, NULL if there is no such line. */
static const char *features_find(const char *status, size_t size,
				 const char *name, size_t *length)
{
	const char *line = memmem(status, size, name, strlen(name));
	const char *end;

	if (!line)
		return NULL;
	line += strlen(name);
	*length = (size_t)(status + size - line);
	end = memchr(line, '\n', *length);
	if (end)
		*length = (size_t)(end - line);
	return line;
}

static bool features_have_shstk(const char *features, size_t length)
{
	return features && memmem(features, length, "shstk", 5);
}

/*
 * The C library turns it on while the program starts, when its dynamic linker
 * may have probes already, and then locks it: until then it may come.
 */
bool probe_conditions_shadow_stack(const char *status, size_t size)
{
	size_t on_length, locked_length;
	const char *on = features_find(status, size,
				       "\nx86_Thread_features:", &on_length);
	const char *locked = features_find(
		status, size, "\nx86_Thread_features_locked:", &locked_length);

	if (!on)
		return false; /* built without */
	return features_have_shstk(on, on_length) ||
	       !features_have_shstk(locked, locked_length);
}

static bool has_shadow_stack(int pid)
{
	auto_free char *status = NULL;
	auto_close int fd = -1;
	char path[32];
	size_t size;

	if (!processor_has_shadow_stacks())
		return false;
#if defined(__aarch64__)
	return true; /* not told of processes */
#endif
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read_all(fd, STATUS_MAX, &status, &size))
		return true;
	return probe_conditions_shadow_stack(status, size);
}

struct probe_conditions probe_conditions_of(int pid, enum attach_method method)
{
	struct probe_conditions conditions = {
		.cookies = attach_method_has_cookies(method),
		.shadow_stack = has_shadow_stack(pid),
	};
	struct utsname kernel;

	if (!uname(&kernel))
		conditions.nops = probe_conditions_nops(kernel.release);
	return conditions;
}
