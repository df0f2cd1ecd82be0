// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process whose memory grows in one way at a time, as it is told by a line
 * of input: what is outstanding and, as notes, what it knows of its resident
 * set. The first argument: MiB of small blocks to allocate before it is ready;
 * the second: a file to map.
 *
 *	fragment MIB	small blocks, of which every 100th stays
 *	blocks MIB	small blocks, all stay and are written
 *	map MIB		mmap by the program, written
 *	file MIB	the file, mapped and read
 *	share MIB	shared anonymous memory, written
 *	areas COUNT	mmap by the program, divided into so many areas
 *	stack MIB	a thread that uses so much of its stack, and waits
 *	half COUNT	blocks of 64 pages, every other page written
 *	large COUNT	blocks of 1 MiB and 100 bytes, the first half written
 *	drop COUNT	frees so many of the blocks from before
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "truth.h"

#define MIB (1UL << 20)
#define PAGE 4096UL
#define SMALL 1000
#define KEPT 100
#define BLOCKS_MAX (512 * MIB / SMALL)

TRUTH_SITE(fragment, TRUTH_HEAP);
TRUTH_SITE(blocks, TRUTH_HEAP);
TRUTH_SITE(map, TRUTH_MAPPING);
TRUTH_SITE(areas, TRUTH_MAPPING);
TRUTH_SITE(file, TRUTH_MAPPING);
TRUTH_SITE(share, TRUTH_MAPPING);
TRUTH_SITE(half, TRUTH_HEAP);
TRUTH_SITE(large, TRUTH_HEAP);

static char *pointers[BLOCKS_MAX];
static char *early[BLOCKS_MAX];
static size_t early_count, early_dropped;
static const char *path;

static void touch(char *start, size_t size)
{
	for (size_t at = 0; at < size; at += PAGE)
		((volatile char *)start)[at] = 1;
}

TRUTH_CALLER void fragment(size_t size)
{
	size_t count = size / SMALL;

	for (size_t i = 0; i < count; i++) {
		pointers[i] = malloc(SMALL);
		truth_require(pointers[i], "no memory");
		memset(pointers[i], 1, SMALL);
	}
	for (size_t i = 0; i < count; i++) {
		if (i % KEPT == 0)
			truth_allocated(&fragment_site, SMALL);
		else
			free(pointers[i]);
	}
}

TRUTH_CALLER void blocks(size_t size)
{
	for (size_t i = 0; i < size / SMALL; i++) {
		char *block = TRUTH_OPAQUE(malloc(SMALL));

		truth_require(block, "no memory");
		memset(block, 1, SMALL);
		truth_allocated(&blocks_site, SMALL);
	}
}

static char *map_pages(size_t size, int flags, int fd)
{
	char *start = mmap(NULL, size,
			   fd < 0 ? PROT_READ | PROT_WRITE : PROT_READ, flags,
			   fd, 0);

	truth_require(start != MAP_FAILED, "cannot map");
	return start;
}

TRUTH_CALLER void map(size_t size)
{
	char *start = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	truth_require(start != MAP_FAILED, "cannot map");
	touch(start, size);
	truth_allocated(&map_site, size);
}

TRUTH_CALLER void areas(size_t count)
{
	char *start = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	truth_require(start != MAP_FAILED, "cannot map");
	touch(start, count * PAGE);
	for (size_t i = 0; i < count; i += 2)
		truth_require(!mprotect(start + i * PAGE, PAGE, PROT_READ),
			      "cannot protect");
	truth_allocated(&areas_site, count * PAGE);
}

TRUTH_CALLER void file(size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	char *start, page[PAGE];
	volatile char sum = 0;

	truth_require(fd >= 0, "cannot open the file");
	memset(page, 1, sizeof(page));
	for (size_t at = 0; at < size; at += PAGE)
		truth_require(write(fd, page, PAGE) == (ssize_t)PAGE,
			      "cannot write the file");
	start = map_pages(size, MAP_SHARED, fd);
	close(fd);
	for (size_t at = 0; at < size; at += PAGE)
		sum += start[at];
	truth_allocated(&file_site, size);
}

TRUTH_CALLER void share(size_t size)
{
	char *start = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	truth_require(start != MAP_FAILED, "cannot map");
	touch(start, size);
	truth_allocated(&share_site, size);
}

static size_t stack_size;
static pthread_barrier_t used;

static void *use_stack(void *unused)
{
	char *volatile room = __builtin_alloca(stack_size);

	touch(room, stack_size);
	pthread_barrier_wait(&used);
	for (;;)
		pause();
	return unused;
}

static void stack(size_t size)
{
	pthread_attr_t attributes;
	pthread_t thread;

	stack_size = size;
	pthread_barrier_init(&used, NULL, 2);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, size + MIB);
	truth_require(!pthread_create(&thread, &attributes, use_stack, NULL),
		      "no thread");
	pthread_barrier_wait(&used);
	truth_note("stack", (long long)size);
}

/*
 * Bytes of the block on pages that were written. The allocator writes a
 * header of 16 bytes in front of each, which is on the page of the first byte
 * unless the block begins a page; these do not.
 */
TRUTH_CALLER void half(size_t count)
{
	size_t size = 64 * PAGE, resident = 0;

	for (size_t i = 0; i < count; i++) {
		char *block = malloc(size);
		uintptr_t page;

		truth_require(block && (uintptr_t)block % PAGE == 16,
			      "block not where it was expected");
		truth_allocated(&half_site, size);
		page = (uintptr_t)block & ~(PAGE - 1);
		/* The first, which has the header, and every other one. */
		for (size_t at = 0; at <= 64; at += 2) {
			char *byte = (char *)page + at * PAGE;
			size_t on_it = at == 0	  ? PAGE - 16
				       : at == 64 ? 16
						  : PAGE;

			if (at == 64)
				break; /* the block's last 16 bytes */
			*(volatile char *)(at ? byte : block) = 1;
			resident += on_it;
		}
	}
	truth_note("half_resident", (long long)resident);
}

TRUTH_CALLER void large(size_t count)
{
	size_t size = MIB + 100, resident = 0;

	for (size_t i = 0; i < count; i++) {
		char *block = malloc(size);

		truth_require(block && (uintptr_t)block % PAGE == 16,
			      "block not where it was expected");
		truth_allocated(&large_site, size);
		touch(block, MIB / 2);
		resident += MIB / 2 - 16;
	}
	truth_note("large_resident", (long long)resident);
}

static void drop(size_t count)
{
	while (count-- && early_dropped < early_count)
		free(early[early_dropped++]);
	truth_note("unmatched_frees", (long long)early_dropped);
}

static const struct {
	const char *name;
	void (*act)(size_t amount);
	size_t unit;
} actions[] = {
	{ "fragment", fragment, MIB }, { "blocks", blocks, MIB },
	{ "map", map, MIB },	       { "file", file, MIB },
	{ "share", share, MIB },       { "stack", stack, MIB },
	{ "areas", areas, 1 },	       { "half", half, 1 },
	{ "large", large, 1 },	       { "drop", drop, 1 },
};

static void obey(const char *line)
{
	const char *space = strchr(line, ' ');
	size_t length = space ? (size_t)(space - line) : 0;

	for (size_t i = 0; space && i < sizeof(actions) / sizeof(actions[0]);
	     i++)
		if (strlen(actions[i].name) == length &&
		    !strncmp(actions[i].name, line, length))
			actions[i].act(strtoul(space + 1, NULL, 10) *
				       actions[i].unit);
}

int main(int argc, char **argv)
{
	size_t early_size = argc > 1 ? strtoul(argv[1], NULL, 10) * MIB : 0;

	path = argc > 2 ? argv[2] : "";
	for (; early_count < early_size / SMALL; early_count++) {
		early[early_count] = malloc(SMALL);
		truth_require(early[early_count], "no memory");
		memset(early[early_count], 1, SMALL);
	}
	truth_ready();
	do
		obey(truth_line());
	while (truth_report());
	return 0;
}
