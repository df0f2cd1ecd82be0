/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PIDs of leaktrace's own PID namespace and of the first one, which BPF knows
 * processes by.
 */
#ifndef LEAKTRACE_CAPTURE_PID_NAMES_H
#define LEAKTRACE_CAPTURE_PID_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <bpf/libbpf.h>

#include "bpf/abi.h"
#include "util/error.h"
#include "util/vector.h"

struct pid_names {
	bool same;		   /* leaktrace is in the first namespace */
	struct bpf_link *iterator; /* over the tasks, unless they are the same */
	VECTOR(struct abi_listed_process) listed;
};

/* Whether leaktrace is in the first PID namespace. */
bool pid_names_are_first(void);

/*
 * Whether /proc is that of leaktrace's own PID namespace: 0, or -EINVAL, as
 * nothing found there would be what it seems.
 */
int pid_names_check(struct error *error);

/* list_processes: the loaded iterator, unless pid_names_are_first(). */
int pid_names_open(struct pid_names *names, struct bpf_program *list_processes,
		   struct error *error);
void pid_names_close(struct pid_names *names);

/* The PID in the first namespace; 0: no such process. */
uint32_t pid_names_first(struct pid_names *names, int pid);

#endif
