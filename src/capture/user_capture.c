// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Capture of a process: owns the user object's skeleton and its loading, and
 * starts, holds and ends the trace.
 */
#include "capture/user_capture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "bpf/user.skel.h"

static struct user_capture *user_of(struct capture *capture)
{
	return (struct user_capture *)capture;
}

static int user_event_fd(const struct capture *capture)
{
	const struct user_capture *user = (const struct user_capture *)capture;

	return ring_buffer__epoll_fd(user->events);
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
	return 0;
}

static void user_detach(struct capture *capture)
{
	struct user_capture *user = user_of(capture);

	attachment_free(&user->attachment);
	if (user->skeleton)
		user_bpf__detach(user->skeleton);
	guardian_stop(&user->guardian);
}

static void user_free(struct capture *capture)
{
	struct user_capture *user = user_of(capture);

	user_detach(capture);
	records_close(&user->records);
	ring_buffer__free(user->events);
	user_bpf__destroy(user->skeleton);
	address_space_free(&user->space);
	unwind_tables_free(user->tables);
	heap_code_free(&user->heap_code);
	ledger_free(&user->ledger);
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
		[ABI_SHAPE_CALLOC] = skeleton->progs.perf_calloc,
		[ABI_SHAPE_MEMALIGN] = skeleton->progs.perf_memalign,
		[ABI_SHAPE_POSIX_MEMALIGN] =
			skeleton->progs.perf_posix_memalign,
		[ABI_SHAPE_REALLOC] = skeleton->progs.perf_realloc,
		[ABI_SHAPE_REALLOCARRAY] = skeleton->progs.perf_reallocarray,
		[ABI_SHAPE_FREE] = skeleton->progs.perf_free,
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

static int skeleton_load(struct user_capture *user, struct error *error)
{
	struct user_bpf *skeleton = user_bpf__open();
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
	skeleton->rodata->config.pid = (uint32_t)user->target->pid;
	skeleton->rodata->config.hold = user->target->child;
	skeleton->rodata->config.frame_pointers = user->options.frame_pointers;
	skeleton->bss->sample_level = user->options.sample_bytes != 0;
	result = programs_choose(&user->programs, skeleton);
	if (result)
		return records_load_failed(result, error);
	result = user_bpf__load(skeleton);
	if (result)
		return records_load_failed(result, error);
	maps = RECORD_MAPS(skeleton);
	return records_open(&user->records, &maps, &user->options, error);
}

/* Tables for the stack walker, and the process's address space with them. */
static int tables_open(struct user_capture *user, struct resolver *resolver,
		       struct error *error)
{
	const struct user_bpf *skeleton = user->skeleton;
	const struct unwind_maps maps = {
		.chunks = bpf_map__fd(skeleton->maps.unwind_chunks),
		.rules = bpf_map__fd(skeleton->maps.unwind_rules),
		.modules = bpf_map__fd(skeleton->maps.unwind_modules),
		.processes = bpf_map__fd(skeleton->maps.unwind_processes),
		.slots = bpf_map__fd(skeleton->maps.unwind_slots),
	};
	int result = 0;

	if (!user->options.frame_pointers)
		result = unwind_tables_new(&user->tables, &maps, error);
	address_space_init(&user->space, user->target->pid, resolver,
			   user->tables);
	return result;
}

int user_read_mappings(struct user_capture *user, struct error *error)
{
	const struct user_bpf *skeleton = user->skeleton;
	struct abi_process *process = &skeleton->bss->traced;
	uint32_t pid = (uint32_t)user->target->pid;
	int result = address_space_refresh(&user->space, error);

	if (result || user->options.frame_pointers || process->unwind_ready)
		return result;
	/* From now on the walker finds the mappings without a look-up. */
	if (!bpf_map__lookup_elem(skeleton->maps.unwind_slots, &pid,
				  sizeof(pid), &process->unwind_slot,
				  sizeof(process->unwind_slot), 0))
		__atomic_store_n(&process->unwind_ready, 1, __ATOMIC_RELEASE);
	return 0;
}

/* Tells BPF of the process and follows its life. */
static int process_register(struct user_capture *user, struct error *error)
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

	/* 0 stands for no owner. */
	user->image = 1;
	skeleton->bss->traced.image = user->image;
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

static int no_allocator(const struct user_capture *user, struct error *error)
{
	return error_set(
		error, ENOENT,
		"%s (PID %d) has no allocator that leaktrace knows: name the file that holds it with --object, or a prefix of its functions with --symbols-prefix",
		user->target->name, user->target->pid);
}

/*
 * Runs a spawned command up to where its allocator is mapped and probed: held
 * at exec, and then each time its dynamic linker says that libraries changed.
 */
static int command_start(struct user_capture *user, struct error *error)
{
	int result;

	result = guardian_start(&user->guardian, user->target->pid_fd, error);
	if (!result)
		result = target_release(user->target, error);
	if (result)
		return result;
	/* The linker's second notice comes when all libraries are mapped. */
	while (!user->allocators && user->library_changes < 2) {
		result = ring_buffer__poll(user->events, 100);
		if (result < 0 && result != -EINTR)
			return error_set(error, -result,
					 "cannot read BPF events: %s",
					 strerror(-result));
		if (user->failed) {
			*error = user->error;
			return user->failed;
		}
		if (target_has_exited(user->target))
			break;
	}
	return user->allocators ? 0 : no_allocator(user, error);
}

int user_capture_new(struct capture **capture, struct target *target,
		     const struct capture_options *options,
		     struct resolver *resolver, struct error *error)
{
	struct user_capture *user = calloc(1, sizeof(*user));
	int result;

	if (!user)
		return error_set(error, ENOMEM, "out of memory");
	user->capture.operations = &user_operations;
	user->options = *options;
	user->target = target;
	ledger_init(&user->ledger, (uint64_t)sysconf(_SC_PAGESIZE));
	attachment_init(&user->attachment, target->pid, &user->programs,
			options->symbols_prefix);
	result = skeleton_load(user, error);
	if (!result)
		result = tables_open(user, resolver, error);
	if (!result)
		result = process_register(user, error);
	if (!result && target->child)
		result = command_start(user, error);
	else if (!result)
		result = user_refresh(user, error);
	if (!result && !user->allocators)
		result = no_allocator(user, error);
	if (result) {
		target_kill(target);
		user_free(&user->capture);
		return result;
	}
	*capture = &user->capture;
	return 0;
}
