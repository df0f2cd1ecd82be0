// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Holds kernel memory of which the number of objects is known. The first
 * argument says what:
 *
 *	eventfds	COUNT eventfds: one kmalloc object, one file and one
 *			dentry each
 *	rings		perf ring buffers of COUNT pages in all, each page
 *			allocated by itself
 *	percpu		COUNT per-CPU areas of 1,048 bytes, by BPF arrays
 *	areas		COUNT vmalloc areas of 75 pages and a guard page, by
 *			BPF arrays
 *	memory		COUNT pages of anonymous memory
 *
 * Each line on standard input is "hold" or "drop", after which it says what
 * it holds as note "held".
 */
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "truth.h"

#define FILES_MAX 4096
#define PAGE 4096u
#define RING_PAGES 65u /* a head page and 64 of data */
#define AREA_SIZE 1048u

static int files[FILES_MAX];
static void *rings[FILES_MAX];

static void hold_eventfd(unsigned i)
{
	files[i] = eventfd(0, EFD_CLOEXEC);
}

static void hold_ring(unsigned i)
{
	struct perf_event_attr event = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.size = sizeof(event),
		.disabled = 1,
	};

	files[i] = (int)syscall(SYS_perf_event_open, &event, 0, -1, -1,
				PERF_FLAG_FD_CLOEXEC);
	truth_require(files[i] >= 0, "no perf event");
	rings[i] = mmap(NULL, RING_PAGES * PAGE, PROT_READ | PROT_WRITE,
			MAP_SHARED, files[i], 0);
	truth_require(rings[i] != MAP_FAILED, "no ring buffer");
}

static void hold_percpu(unsigned i)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.map_type = BPF_MAP_TYPE_PERCPU_ARRAY;
	attributes.key_size = 4;
	attributes.value_size = AREA_SIZE;
	attributes.max_entries = 1;
	files[i] = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attributes,
				sizeof(attributes));
}

static void hold_area(unsigned i)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.map_type = BPF_MAP_TYPE_ARRAY;
	attributes.key_size = 4;
	attributes.value_size = 75 * PAGE - 1024;
	attributes.max_entries = 1;
	files[i] = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attributes,
				sizeof(attributes));
}

static void hold_memory(unsigned i)
{
	rings[i] = mmap(NULL, RING_PAGES * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	truth_require(rings[i] != MAP_FAILED, "no memory");
	madvise(rings[i], RING_PAGES * PAGE, MADV_NOHUGEPAGE);
	memset(rings[i], 1, RING_PAGES * PAGE);
	files[i] = dup(0);
}

static const struct {
	const char *name;
	void (*hold)(unsigned i);
	unsigned objects; /* in one file */
} kinds[] = {
	{ "eventfds", hold_eventfd, 1 },
	{ "rings", hold_ring, RING_PAGES },
	{ "percpu", hold_percpu, 1 },
	{ "areas", hold_area, 1 },
	{ "memory", hold_memory, RING_PAGES },
};

static void drop(unsigned i)
{
	if (rings[i])
		munmap(rings[i], RING_PAGES * PAGE);
	rings[i] = NULL;
	close(files[i]);
}

int main(int argc, char **argv)
{
	struct rlimit limit = { FILES_MAX + 64, FILES_MAX + 64 };
	unsigned kind, count, i, held = 0;

	truth_require(argc == 3, "usage: kernel_objects KIND COUNT");
	for (kind = 0; strcmp(kinds[kind].name, argv[1]) != 0; kind++)
		truth_require(kind < 4, "unknown kind");
	count = (unsigned)atoi(argv[2]) / kinds[kind].objects;
	truth_require(count <= FILES_MAX, "too many");
	truth_require(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
	limit = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	setrlimit(RLIMIT_MEMLOCK, &limit);
	truth_ready();
	while (truth_line()[0] != '\0') {
		bool hold = strcmp(truth_line(), "hold") == 0;

		for (i = 0; hold && i < count; i++) {
			kinds[kind].hold(i);
			truth_require(files[i] >= 0, "cannot hold more");
		}
		for (i = 0; !hold && i < held; i++)
			drop(i);
		held = hold ? count : 0;
		truth_note("held", held * kinds[kind].objects);
		truth_report();
	}
	return 0;
}
