/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways to attach uprobes, and the bpf(2) calls behind those that libbpf
 * 1.1 does not know: kernel/trace/bpf_trace.c, bpf_uprobe_multi_link_attach().
 */
#ifndef LEAKTRACE_CAPTURE_UPROBE_LINK_H
#define LEAKTRACE_CAPTURE_UPROBE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum attach_method {
	ATTACH_SESSION, /* one link for entries and returns: kernel 6.13 */
	ATTACH_MULTI,	/* one link for entries, one for returns: 6.6 */
	ATTACH_PERF,	/* a perf event each: every kernel */
	ATTACH_METHODS,
};

/* "session", "multi", "perf" */
const char *attach_method_name(enum attach_method method);

/*
 * The best way that the running kernel offers. The environment variable
 * LEAKTRACE_ATTACH names another, for tests; what the kernel does not offer or
 * nobody knows is passed over. "plain" is ATTACH_PERF without cookies.
 */
enum attach_method attach_method_choose(void);

/*
 * Whether probes can carry cookies: those of ATTACH_PERF since 5.15, the
 * others always. LEAKTRACE_ATTACH=plain does without.
 */
bool attach_method_has_cookies(enum attach_method method);

/* expected_attach_type of programs for the method; 0 for ATTACH_PERF. */
uint32_t attach_method_type(enum attach_method method);

/* Probes at offsets of one file, hit by one process only. */
struct uprobe_sites {
	const char *path;
	const uint64_t *offsets; /* in the file, count of them */
	const uint64_t *cookies;
	size_t count;
	int pid;
};

/*
 * One link with all the sites for ATTACH_SESSION or ATTACH_MULTI; on_return
 * (ATTACH_MULTI only) puts them on the functions' returns. The program must
 * have been loaded with attach_method_type(). Returns a descriptor that holds
 * the link, or -errno.
 */
int uprobe_link_create(enum attach_method method, int program_fd,
		       const struct uprobe_sites *sites, bool on_return);

#endif
