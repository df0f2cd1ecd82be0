// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loading of the user object: which of its programs this kernel and these
 * processes need, their settings, and the probes on the processes' lives.
 */
#include "capture/user_capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "bpf/abi.h"
#include "bpf/user.skel.h"
#include "bpf/user_basic.skel.h"
#include "capture/atomics.h"

/* Has only the programs of the best method loaded. */
static int programs_choose(struct attach_programs *programs,
			   struct user_bpf *skeleton, bool many)
{
	enum attach_method method = attach_method_choose();
	struct bpf_program *const perf_entry[ABI_SHAPES] = {
		[ABI_SHAPE_MALLOC] = skeleton->progs.perf_malloc,
		[ABI_SHAPE_NEW] = skeleton->progs.perf_new,
		[ABI_SHAPE_THROWING] = skeleton->progs.perf_throwing,
		[ABI_SHAPE_CALLOC] = skeleton->progs.perf_calloc,
		[ABI_SHAPE_MEMALIGN] = skeleton->progs.perf_memalign,
		[ABI_SHAPE_POSIX_MEMALIGN] =
			skeleton->progs.perf_posix_memalign,
		[ABI_SHAPE_REALLOC] = skeleton->progs.perf_realloc,
		[ABI_SHAPE_REALLOCARRAY] = skeleton->progs.perf_reallocarray,
		[ABI_SHAPE_CALLOC_OUT] = skeleton->progs.perf_calloc_out,
		[ABI_SHAPE_FREE] = skeleton->progs.perf_free,
		[ABI_SHAPE_DELETE] = skeleton->progs.perf_delete,
		[ABI_SHAPE_RELEASE] = skeleton->progs.perf_release,
		[ABI_SHAPE_MMAP] = skeleton->progs.perf_mmap,
		[ABI_SHAPE_MUNMAP] = skeleton->progs.perf_munmap,
		[ABI_SHAPE_MREMAP] = skeleton->progs.perf_mremap,
		[ABI_SHAPE_BREAK] = skeleton->progs.perf_break,
		[ABI_SHAPE_THREAD_CREATE] = skeleton->progs.perf_thread_create,
		[ABI_SHAPE_LIBRARIES] = skeleton->progs.perf_libraries,
	};
	const struct {
		struct bpf_program *program;
		enum attach_method method;
	} owners[] = {
		{ skeleton->progs.session_probe, ATTACH_SESSION },
		{ skeleton->progs.multi_entry, ATTACH_MULTI },
		{ skeleton->progs.multi_return, ATTACH_MULTI },
		{ skeleton->progs.perf_return, ATTACH_PERF },
	};
	int result = 0;

	for (size_t i = 0; !result && i < ABI_SHAPES; i++)
		result = bpf_program__set_autoload(perf_entry[i],
						   method == ATTACH_PERF);
	for (size_t i = 0; !result && i < sizeof(owners) / sizeof(owners[0]);
	     i++) {
		uint32_t type = attach_method_type(owners[i].method);
		bool used = owners[i].method == method ||
			    (many && method == ATTACH_SESSION &&
			     owners[i].program == skeleton->progs.multi_entry);

		result = bpf_program__set_autoload(owners[i].program, used);
		if (!result && used && type)
			result = bpf_program__set_expected_attach_type(
				owners[i].program, (enum bpf_attach_type)type);
	}
	programs->method = method;
	programs->apart = many && method == ATTACH_SESSION;
	programs->session = skeleton->progs.session_probe;
	programs->multi_entry = skeleton->progs.multi_entry;
	programs->multi_return = skeleton->progs.multi_return;
	programs->perf_return = skeleton->progs.perf_return;
	memcpy(programs->perf_entry, perf_entry, sizeof(perf_entry));
	return result;
}

/* Whether the kernel can stop a child before it runs (6.13). */
static bool child_can_be_held(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool can = btf && btf__find_by_name_kind(btf, "bpf_send_signal_task",
						 BTF_KIND_FUNC) > 0;
	const char *wanted = getenv("LEAKTRACE_HOLD");

	btf__free(btf);
	return can && (!wanted || strcmp(wanted, "syscall") != 0);
}

/* Has only the programs loaded that these processes need. */
static int programs_prune(struct user_capture *user, bool hold)
{
	const struct user_bpf *skeleton = user->skeleton;
	const struct process_selection *selection = &user->selection;
	bool forks = selection->follow || selection->comm || selection->cgroup;
	bool held = forks && hold && child_can_be_held();
	const struct {
		struct bpf_program *program;
		bool wanted;
	} programs[] = {
		{ skeleton->progs.child_held, held },
		{ skeleton->progs.child_forked, forks && !held },
		{ skeleton->progs.process_begins, forks && hold && !held },
		{ skeleton->progs.process_renamed, selection->comm },
		{ skeleton->progs.process_moved, selection->cgroup },
		{ skeleton->progs.list_processes, !pid_names_are_first() },
	};
	int result = 0;

	for (size_t i = 0;
	     !result && i < sizeof(programs) / sizeof(programs[0]); i++)
		result = bpf_program__set_autoload(programs[i].program,
						   programs[i].wanted);
	return result;
}

/* Bytes of which more are not to be had by one allocation. */
static uint64_t throwing_size(void)
{
	struct sysinfo memory;

	if (sysinfo(&memory))
		return UINT64_MAX;
	return (memory.totalram + memory.totalswap) * (uint64_t)memory.mem_unit;
}

/* What the programs on forks, execs and names go by. */
static void config_follow(struct user_capture *user)
{
	struct abi_config *config = &user->skeleton->rodata->config;

	config->many = user->many;
	if (user->selection.follow)
		config->follow |= ABI_FOLLOW_CHILDREN;
	if (user->selection.cgroup)
		config->follow |= ABI_FOLLOW_CGROUP;
	if (user->selection.comm) {
		config->follow |= ABI_FOLLOW_COMM;
		snprintf(config->comm, sizeof(config->comm), "%s",
			 user->selection.comm);
	}
}

int user_load(struct user_capture *user, bool hold, struct error *error)
{
	struct user_bpf *skeleton = ATOMICS_OPEN_SKELETON(user);
	struct record_maps maps;
	int result;

	if (!skeleton)
		return error_set(error, EINVAL,
				 "cannot open the BPF object: %s",
				 strerror(errno));
	user->skeleton = skeleton;
	maps = RECORD_MAPS(skeleton);
	result = records_prepare(&maps, &user->options, error);
	if (result)
		return result;
	skeleton->rodata->config.hold = hold;
	config_follow(user);
	skeleton->rodata->config.frame_pointers = user->options.frame_pointers;
	skeleton->rodata->config.throwing_size = throwing_size();
	skeleton->rodata->config.measure = user->options.measure_cost;
	skeleton->bss->sample_level = user->lowest_level;
	skeleton->bss->sampling_began = user->lowest_level;
	result = programs_choose(&user->programs, skeleton, user->many);
	if (!result)
		result = programs_prune(user, hold);
	if (!result && user->options.measure_cost)
		cost_watch_calibrate(&user->watch, user->programs.method);
	if (result)
		return records_load_failed(result, error);
	result = user_bpf__load(skeleton);
	if (result)
		return records_load_failed(result, error);
	maps = RECORD_MAPS(skeleton);
	return records_open(&user->records, &maps, &user->options, error);
}

/* Follows the lives of the processes. */
int user_lifecycle_attach(struct user_capture *user, struct error *error)
{
	struct user_bpf *skeleton = user->skeleton;
	const struct {
		struct bpf_program *program;
		struct bpf_link **link;
	} lifecycle[] = {
		{ skeleton->progs.process_exec, &skeleton->links.process_exec },
		{ skeleton->progs.process_exit, &skeleton->links.process_exit },
		{ skeleton->progs.signal_deliver,
		  &skeleton->links.signal_deliver },
		{ skeleton->progs.child_held, &skeleton->links.child_held },
		{ skeleton->progs.child_forked, &skeleton->links.child_forked },
		{ skeleton->progs.process_begins,
		  &skeleton->links.process_begins },
		{ skeleton->progs.process_renamed,
		  &skeleton->links.process_renamed },
		{ skeleton->progs.process_moved,
		  &skeleton->links.process_moved },
	};

	for (size_t i = 0; i < sizeof(lifecycle) / sizeof(lifecycle[0]); i++) {
		if (!bpf_program__autoload(lifecycle[i].program))
			continue;
		*lifecycle[i].link = bpf_program__attach(lifecycle[i].program);
		if (!*lifecycle[i].link)
			return error_set(
				error, errno,
				"cannot attach to the tracepoint of %s: %s",
				bpf_program__name(lifecycle[i].program),
				strerror(errno));
	}
	return 0;
}
