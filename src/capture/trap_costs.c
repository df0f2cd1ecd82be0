// SPDX-License-Identifier: GPL-2.0-or-later
/* What a uprobe costs besides its program: see trap_costs.h. */
#include "capture/trap_costs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <link.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "util/cleanup.h"
#include "util/clock.h"

/* Nothing disturbs all of the batches: the quickest one counts. */
#define BATCHES 12
#define CALLS_PER_BATCH 32
#define CALLS_FOR_RUN_TIME 200

#define UPROBE_PMU "/sys/bus/event_source/devices/uprobe/type"
#define PERF_RETURN 1u /* bit 0 of config: format/retprobe there */

/*
 * Functions whose first instruction is known: one as allocators begin with,
 * emulated by the kernel (capture/prologue.h), and one that it single-steps.
 */
void trap_costs_emulated(void);
void trap_costs_returning(void);
void trap_costs_stepped(void);

#if defined(__x86_64__)
#define EMULATED_CODE "push %rbp\n\tpop %rbp\n\tret"
#define STEPPED_CODE "mov %rdi, %rax\n\tret"
#elif defined(__aarch64__)
#define EMULATED_CODE "b 1f\n1:\tret"
#define STEPPED_CODE "mov x1, x0\n\tret"
#endif

#define FUNCTION(name, code)                                              \
	__asm__(".text\n\t.type " name ", %function\n\t.balign 16\n"      \
		".globl " name "\n\t.hidden " name "\n" name ":\n\t" code \
		"\n\t.size " name ", . - " name)

FUNCTION("trap_costs_emulated", EMULATED_CODE);
FUNCTION("trap_costs_returning", EMULATED_CODE);
FUNCTION("trap_costs_stepped", STEPPED_CODE);

struct place {
	uintptr_t address; /* of a function here */
	uint64_t offset;   /* in /proc/self/exe */
};

/* The program's own segments come first. */
static int place_find(struct dl_phdr_info *info, size_t size, void *context)
{
	struct place *place = context;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + header->p_vaddr;

		if (header->p_type == PT_LOAD && place->address >= start &&
		    place->address - start < header->p_filesz)
			place->offset =
				place->address - start + header->p_offset;
	}
	return 1;
}

/* A program that returns `result`: 1 skips a session's return. -errno. */
static int program_load(enum attach_method method, int result)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K,
		  .dst_reg = BPF_REG_0,
		  .imm = result },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type =
			    (enum bpf_attach_type)attach_method_type(method));

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "trap_costs", "GPL", code, 2,
			     &options);
}

static int attach_perf_event(int program, uint64_t offset, bool on_return)
{
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.config = on_return ? PERF_RETURN : 0,
		.config1 = (uintptr_t) "/proc/self/exe",
		.config2 = offset,
	};
	FILE *stream = fopen(UPROBE_PMU, "re");
	int fd;

	if (!stream || fscanf(stream, "%u", &attributes.type) != 1) {
		if (stream)
			fclose(stream);
		return -ENODEV;
	}
	fclose(stream);
	fd = (int)syscall(SYS_perf_event_open, &attributes, getpid(), -1, -1,
			  PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_BPF, program) ||
	    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		return -errno;
	return fd;
}

/* Links stay until the process ends. */
static int attach(enum attach_method method, int program, uint64_t offset,
		  bool on_return)
{
	const uint64_t cookie = 0;
	const struct uprobe_sites sites = {
		.path = "/proc/self/exe",
		.offsets = &offset,
		.cookies = &cookie,
		.count = 1,
		.pid = getpid(),
	};

	if (method == ATTACH_PERF)
		return attach_perf_event(program, offset, on_return);
	return uprobe_link_create(method, program, &sites, on_return);
}

/* ns a call, at best. */
static double time_calls(void (*function)(void))
{
	double best = 0;

	for (int batch = 0; batch < BATCHES; batch++) {
		uint64_t began = clock_monotonic_ns();
		double took;

		for (int i = 0; i < CALLS_PER_BATCH; i++)
			function();
		took = (double)(clock_monotonic_ns() - began) / CALLS_PER_BATCH;
		if (!batch || took < best)
			best = took;
	}
	return best;
}

static uint64_t offset_of(void (*function)(void))
{
	struct place place = { .address = (uintptr_t)function };

	dl_iterate_phdr(place_find, &place);
	return place.offset;
}

/* What the kernel says of one run of the program: mostly its two clocks. */
static double run_time(int program, void (*function)(void))
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	auto_close int statistics = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (statistics < 0)
		return 0;
	for (int i = 0; i < CALLS_FOR_RUN_TIME; i++)
		function();
	if (bpf_obj_get_info_by_fd(program, &info, &size) || !info.run_cnt)
		return 0;
	return (double)info.run_time_ns / (double)info.run_cnt;
}

static int measure(enum attach_method method, struct trap_costs *costs)
{
	bool session = method == ATTACH_SESSION;
	int entry = program_load(method, 1);
	int pair = program_load(method, 0);
	double bare = time_calls(trap_costs_emulated);
	int result;

	if (entry < 0 || pair < 0)
		return -EOPNOTSUPP;
	result = attach(method, entry, offset_of(trap_costs_emulated), false);
	if (result >= 0)
		result = attach(method, entry, offset_of(trap_costs_stepped),
				false);
	if (result >= 0 && !session)
		result = attach(method, pair, offset_of(trap_costs_returning),
				true);
	if (result >= 0)
		result = attach(method, session ? pair : entry,
				offset_of(trap_costs_returning), false);
	if (result < 0)
		return result;
	costs->entry = time_calls(trap_costs_emulated) - bare;
	costs->stepped = time_calls(trap_costs_stepped) - bare;
	costs->return_ = time_calls(trap_costs_returning) - bare - costs->entry;
	costs->empty = run_time(entry, trap_costs_emulated);
	return 0;
}

/* In a process of its own; writes the result, or nothing. */
_Noreturn static void measure_and_exit(enum attach_method method, int fd)
{
	struct trap_costs costs;

	/* Nor is it anybody's who waits for our output or our session to end. */
	setsid();
	if (dup2(fd, 0) < 0)
		_exit(1);
	syscall(SYS_close_range, 1, ~0U, 0);
	if (!measure(method, &costs) &&
	    write(0, &costs, sizeof(costs)) != sizeof(costs))
		_exit(1);
	_exit(0);
}

/* Twice removed, so that its end, where probes go slowly, is not waited for. */
int trap_costs_begin(enum attach_method method)
{
	int pipe_fds[2];
	pid_t child;

	if (pipe2(pipe_fds, O_CLOEXEC))
		return -errno;
	child = fork();
	if (!child) {
		child = fork();
		if (!child)
			measure_and_exit(method, pipe_fds[1]);
		_exit(child < 0);
	}
	close(pipe_fds[1]);
	if (child < 0) {
		int code = errno;

		close(pipe_fds[0]);
		return -code;
	}
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return pipe_fds[0];
}

int trap_costs_read(int fd, int milliseconds, struct trap_costs *costs)
{
	struct pollfd wait = { fd, POLLIN, 0 };
	struct trap_costs measured;
	int ready;

	do
		ready = poll(&wait, 1, milliseconds);
	while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		return ready ? -errno : 0;
	if (read(fd, &measured, sizeof(measured)) != sizeof(measured))
		return -ENODATA;
	*costs = measured;
	return 1;
}
