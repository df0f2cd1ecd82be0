// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * System calls that allocate kernel memory and give it back at once. Reads
 * orders, a line each, KIND MILLISECONDS:
 *
 *	open	open() and close() a file
 *	pipe	pipe() and close() both ends
 *	pages	map 16 pages, touch each, unmap them
 *
 * and answers with the rounds made and the ns of CPU and of wall time that
 * they took. What was opened last stays open, so that reports list its call
 * stack. "ready PID" comes first; the end of input is the end.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGES 16
#define PAGE 4096

/* Between two looks at the clock. */
#define ROUNDS 256

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void require(int done, const char *what)
{
	if (done)
		return;
	perror(what);
	exit(1);
}

static int file, ends[2];
static volatile char *pages;

static void open_file(void)
{
	file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	require(file >= 0, "open");
}

static void close_file(void)
{
	close(file);
}

static void open_pipe(void)
{
	require(pipe(ends) == 0, "pipe");
}

static void close_pipe(void)
{
	close(ends[0]);
	close(ends[1]);
}

static void map_pages(void)
{
	pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(pages != MAP_FAILED, "mmap");
	for (int i = 0; i < PAGES; i++)
		pages[i * PAGE] = 1;
}

static void unmap_pages(void)
{
	munmap((void *)pages, PAGES * PAGE);
}

static const struct kind {
	const char *name;
	void (*begin)(void);
	void (*end)(void);
} kinds[] = {
	{ "open", open_file, close_file },
	{ "pipe", open_pipe, close_pipe },
	{ "pages", map_pages, unmap_pages },
	{ 0 },
};

static void run(const struct kind *kind, uint64_t duration_ns)
{
	uint64_t cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t wall = now_ns(CLOCK_MONOTONIC), rounds = 0;

	do {
		for (int i = 0; i < ROUNDS; i++) {
			kind->begin();
			kind->end();
		}
		rounds += ROUNDS;
	} while (now_ns(CLOCK_MONOTONIC) - wall < duration_ns);
	kind->begin();
	dprintf(STDOUT_FILENO, "%llu %llu %llu\n",
		(unsigned long long)rounds + 1,
		(unsigned long long)(now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu),
		(unsigned long long)(now_ns(CLOCK_MONOTONIC) - wall));
}

int main(void)
{
	char line[32], name[16];
	unsigned milliseconds;

	dprintf(STDOUT_FILENO, "ready %d\n", getpid());
	while (fgets(line, sizeof(line), stdin)) {
		const struct kind *kind = kinds;

		if (sscanf(line, "%15s %u", name, &milliseconds) != 2)
			return 2;
		while (kind->name && strcmp(kind->name, name) != 0)
			kind++;
		if (!kind->name)
			return 2;
		run(kind, milliseconds * 1000000ULL);
	}
	return 0;
}
