// SPDX-License-Identifier: GPL-2.0-or-later
/* PIDs in two namespaces: see pid_names.h. */
#include "capture/pid_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "capture/iterator.h"

/* PROC_PID_INIT_INO of include/linux/proc_ns.h: of the first namespace. */
#define FIRST_NAMESPACE "pid:[4026531836]"

static void link_read(const char *path, char *text, size_t size)
{
	ssize_t length = readlink(path, text, size - 1);

	text[length > 0 ? length : 0] = '\0';
}

bool pid_names_are_first(void)
{
	char text[64];

	link_read("/proc/self/ns/pid", text, sizeof(text));
	return !strcmp(text, FIRST_NAMESPACE);
}

int pid_names_check(struct error *error)
{
	char text[64];

	link_read("/proc/self", text, sizeof(text));
	if (atoi(text) == getpid())
		return 0;
	return error_set(
		error, EINVAL,
		"/proc is that of another PID namespace: mount one of this namespace's (unshare --mount-proc)");
}

int pid_names_open(struct pid_names *names, struct bpf_program *list_processes,
		   struct error *error)
{
	LIBBPF_OPTS(bpf_iter_attach_opts, options);

	names->same = pid_names_are_first();
	if (names->same)
		return 0;
	names->iterator = bpf_program__attach_iter(list_processes, &options);
	if (!names->iterator)
		return error_set(
			error, errno,
			"cannot list processes by BPF, as is needed in a PID namespace: %s",
			strerror(errno));
	return 0;
}

void pid_names_close(struct pid_names *names)
{
	bpf_link__destroy(names->iterator);
	names->iterator = NULL;
	vector_free(&names->listed);
}

static int name_keep(void *context, const void *record)
{
	struct pid_names *names = context;
	struct abi_listed_process *slot = vector_push(&names->listed);

	if (!slot)
		return -ENOMEM;
	*slot = *(const struct abi_listed_process *)record;
	return 0;
}

/* Reads the list anew, as far as it can be read: who is not in it is gone. */
static void names_read(struct pid_names *names)
{
	names->listed.count = 0;
	iterator_visit(names->iterator, sizeof(struct abi_listed_process),
		       name_keep, names);
}

static uint32_t name_find(const struct pid_names *names, uint32_t pid)
{
	for (size_t i = 0; i < names->listed.count; i++)
		if (names->listed.items[i].local_pid == pid)
			return names->listed.items[i].pid;
	return 0;
}

uint32_t pid_names_first(struct pid_names *names, int pid)
{
	if (names->same)
		return (uint32_t)pid;
	/* Numbers are used again: what was read before may be wrong by now. */
	names_read(names);
	return name_find(names, (uint32_t)pid);
}
