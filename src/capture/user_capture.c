// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Capture of a process: owns the user object's skeleton and its loading, and
 * starts, holds and ends the trace.
 */
#include "capture/user_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "bpf/user.skel.h"
#include "resolve/elf_symbols.h"
#include "util/cleanup.h"
#include "bpf/user_basic.skel.h"
#include "capture/atomics.h"
#include "capture/sampling.h"

static struct user_capture *user_of(struct capture *capture)
{
	return (struct user_capture *)capture;
}

static int user_event_fd(const struct capture *capture)
{
	const struct user_capture *user = (const struct user_capture *)capture;

	return user->watch.on ? user->watch.wait_fd
			      : ring_buffer__epoll_fd(user->events);
}

/* The level of sampling that the cost of tracing calls for. */
static void user_regulate(struct user_capture *user)
{
	unsigned level;

	if (!cost_watch_tick(&user->watch))
		return;
	level = user->watch.overhead.level;
	/* Before the first block is passed over. */
	if (level)
		user->skeleton->bss->sampling_began = 1;
	__atomic_store_n(&user->skeleton->bss->sample_level, level,
			 __ATOMIC_RELEASE);
}

static int user_drain(struct capture *capture, struct error *error)
{
	struct user_capture *user = user_of(capture);
	int result = ring_buffer__consume(user->events);

	if (result < 0)
		return error_set(error, -result, "cannot read BPF events: %s",
				 strerror(-result));
	if (user->failed) {
		*error = user->error;
		return user->failed;
	}
	user_regulate(user);
	return 0;
}

static void user_detach(struct capture *capture)
{
	struct user_capture *user = user_of(capture);

	user->capture.probes = NULL;
	for (size_t i = 0; i < user->processes.count; i++)
		attachment_free(&user->processes.items[i]->attachment);
	if (user->skeleton)
		user_bpf__detach(user->skeleton);
	guardian_stop(&user->guardian);
}

static void user_free(struct capture *capture)
{
	struct user_capture *user = user_of(capture);

	user_detach(capture);
	cost_watch_close(&user->watch);
	records_close(&user->records);
	ring_buffer__free(user->events);
	user_bpf__destroy(user->skeleton);
	for (size_t i = 0; i < user->processes.count; i++)
		user_process_free(user->processes.items[i]);
	vector_free(&user->processes);
	unwind_tables_free(user->tables);
	for (size_t i = 0; i < capture->notes.count; i++)
		free(capture->notes.items[i]);
	vector_free(&capture->notes);
	free(user);
}

static const struct capture_operations user_operations = {
	.event_fd = user_event_fd,
	.drain = user_drain,
	.snapshot = user_snapshot,
	.detach = user_detach,
	.free = user_free,
};

/* Has only the programs of the best method loaded. */
static int programs_choose(struct attach_programs *programs,
			   struct user_bpf *skeleton)
{
	enum attach_method method = attach_method_choose();
	struct bpf_program *const perf_entry[ABI_SHAPES] = {
		[ABI_SHAPE_MALLOC] = skeleton->progs.perf_malloc,
		[ABI_SHAPE_NEW] = skeleton->progs.perf_new,
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
	uint32_t type = attach_method_type(method);
	int result = 0;

	for (size_t i = 0; !result && i < ABI_SHAPES; i++)
		result = bpf_program__set_autoload(perf_entry[i],
						   method == ATTACH_PERF);
	for (size_t i = 0; !result && i < sizeof(owners) / sizeof(owners[0]);
	     i++) {
		bool used = owners[i].method == method;

		result = bpf_program__set_autoload(owners[i].program, used);
		if (!result && used && type)
			result = bpf_program__set_expected_attach_type(
				owners[i].program, (enum bpf_attach_type)type);
	}
	programs->method = method;
	programs->session = skeleton->progs.session_probe;
	programs->multi_entry = skeleton->progs.multi_entry;
	programs->multi_return = skeleton->progs.multi_return;
	programs->perf_return = skeleton->progs.perf_return;
	memcpy(programs->perf_entry, perf_entry, sizeof(perf_entry));
	return result;
}

/* Programs for what is not done here stay out of the kernel. */
static int programs_prune(struct user_bpf *skeleton)
{
	struct bpf_program *const unused[] = {
		skeleton->progs.child_held,	skeleton->progs.child_forked,
		skeleton->progs.process_begins, skeleton->progs.process_renamed,
		skeleton->progs.process_moved,	skeleton->progs.list_processes,
	};
	int result = 0;

	for (size_t i = 0; !result && i < sizeof(unused) / sizeof(unused[0]);
	     i++)
		result = bpf_program__set_autoload(unused[i], false);
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

static int skeleton_load(struct user_capture *user, bool hold,
			 struct error *error)
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
	skeleton->rodata->config.frame_pointers = user->options.frame_pointers;
	skeleton->rodata->config.throwing_size = throwing_size();
	skeleton->rodata->config.measure = user->options.measure_cost;
	skeleton->bss->sample_level = user->lowest_level;
	skeleton->bss->sampling_began = user->lowest_level;
	result = programs_choose(&user->programs, skeleton);
	if (!result)
		result = programs_prune(skeleton);
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

static int tables_open(struct user_capture *user, struct error *error)
{
	const struct user_bpf *skeleton = user->skeleton;
	const struct unwind_maps maps = {
		.chunks = bpf_map__fd(skeleton->maps.unwind_chunks),
		.rules = bpf_map__fd(skeleton->maps.unwind_rules),
		.modules = bpf_map__fd(skeleton->maps.unwind_modules),
		.processes = bpf_map__fd(skeleton->maps.unwind_processes),
		.slots = bpf_map__fd(skeleton->maps.unwind_slots),
	};

	if (user->options.frame_pointers)
		return 0;
	return unwind_tables_new(&user->tables, &maps, error);
}

/* Follows the lives of the processes. */
static int lifecycle_attach(struct user_capture *user, struct error *error)
{
	struct user_bpf *skeleton = user->skeleton;
	struct bpf_program *const lifecycle[] = {
		skeleton->progs.process_exec,
		skeleton->progs.process_exit,
		skeleton->progs.signal_deliver,
	};
	struct bpf_link **const links[] = {
		&skeleton->links.process_exec,
		&skeleton->links.process_exit,
		&skeleton->links.signal_deliver,
	};

	for (size_t i = 0; i < sizeof(lifecycle) / sizeof(lifecycle[0]); i++) {
		*links[i] = bpf_program__attach(lifecycle[i]);
		if (!*links[i])
			return error_set(
				error, errno,
				"cannot attach to the tracepoint of %s: %s",
				bpf_program__name(lifecycle[i]),
				strerror(errno));
	}
	user->events = ring_buffer__new(bpf_map__fd(skeleton->maps.events),
					user_on_event, user, NULL);
	if (!user->events)
		return error_set(error, errno, "cannot read BPF events: %s",
				 strerror(errno));
	return 0;
}

static int no_allocator(const struct target *target, struct error *error)
{
	auto_close int fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", target->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && !elf_has_symbols(fd))
		return error_set(
			error, ENOENT,
			"%s (PID %d) is linked statically and stripped, so its allocator has no name to be found by: give the addresses of its functions with --alloc-at and --free-at, or see with --growth what makes it grow",
			target->name, target->pid);
	return error_set(
		error, ENOENT,
		"%s (PID %d) has no allocator that leaktrace knows: name its functions with --alloc and --free, the file that holds it with --object, or a prefix of its functions with --symbols-prefix",
		target->name, target->pid);
}

/*
 * Runs a spawned command up to where its allocator is mapped and probed: held
 * at exec, and then each time its dynamic linker says that libraries changed.
 */
static int command_start(struct user_process *process, struct error *error)
{
	struct user_capture *user = process->user;
	struct target *target = process->target;
	int result;

	result = guardian_start(&user->guardian, target->pid_fd, error);
	if (!result)
		result = target_release(target, error);
	if (result)
		return result;
	/* The linker's second notice comes when all libraries are mapped. */
	while (!process->allocators && process->library_changes < 2) {
		result = ring_buffer__poll(user->events, 100);
		if (result < 0 && result != -EINTR)
			return error_set(error, -result,
					 "cannot read BPF events: %s",
					 strerror(-result));
		if (user->failed) {
			*error = user->error;
			return user->failed;
		}
		if (target_has_exited(target))
			break;
	}
	return process->allocators ? 0 : no_allocator(target, error);
}

/*
 * With a budget, sampling is prepared for, but begins only if it must: every
 * block is level 0.
 */
static void sampling_prepare(struct user_capture *user)
{
	user->lowest_level = user->options.sample_bytes != 0;
	if (user->options.max_overhead > 0 && !user->options.sample_bytes)
		user->options.sample_bytes = ABI_SAMPLE_BYTES_SMALL;
}

static int watch_open(struct user_capture *user, struct error *error)
{
	int result;

	if (!user->options.measure_cost)
		return 0;
	result = cost_watch_open(&user->watch, user->skeleton->obj,
				 BPF_PROG_TYPE_KPROBE,
				 bpf_map__fd(user->skeleton->maps.hits),
				 ring_buffer__epoll_fd(user->events), error);
	if (!result && user->options.max_overhead > 0)
		cost_watch_regulate(
			&user->watch, user->options.max_overhead,
			user->lowest_level,
			sampling_highest_level(user->options.sample_bytes));
	return result;
}

int user_capture_new(struct capture **capture, struct target *target,
		     const struct capture_options *options,
		     struct resolver *resolver, struct error *error)
{
	struct user_capture *user = calloc(1, sizeof(*user));
	struct user_process *process;
	int result;

	if (!user)
		return error_set(error, ENOMEM, "out of memory");
	user->capture.operations = &user_operations;
	user->options = *options;
	user->resolver = resolver;
	sampling_prepare(user);
	cost_watch_init(&user->watch);
	result = skeleton_load(user, target->child, error);
	if (!result)
		result = tables_open(user, error);
	if (!result)
		result = user_process_add(user, target, &process, error);
	if (!result)
		result = lifecycle_attach(user, error);
	if (!result && target->child)
		result = command_start(process, error);
	else if (!result)
		result = user_refresh(process, error);
	if (!result && !process->allocators)
		result = no_allocator(target, error);
	if (!result)
		result = watch_open(user, error);
	if (result) {
		target_kill(target);
		user_free(&user->capture);
		return result;
	}
	attachment_describe_missing(&process->attachment, user->capture.warning,
				    sizeof(user->capture.warning));
	*capture = &user->capture;
	return 0;
}
