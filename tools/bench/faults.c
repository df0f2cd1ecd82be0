// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes page faults for --growth to sample: reads numbers of pages from
 * standard input, a line each; maps as many, touches each, gives them back
 * (not if the number is negative), and answers with the pages touched, and the ns of CPU and of wall time that
 * all this took. "ready PID" comes first; the end of input is the end.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int main(void)
{
	char line[32];

	dprintf(STDOUT_FILENO, "ready %d\n", getpid());
	for (;;) {
		ssize_t length = read(STDIN_FILENO, line, sizeof(line) - 1);
		size_t size;
		uint64_t cpu, wall;
		volatile char *pages;

		if (length <= 0)
			return 0;
		line[length] = '\0';
		size = (size_t)llabs(atoll(line)) * 4096;
		cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
		wall = now_ns(CLOCK_MONOTONIC);
		pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (pages == MAP_FAILED) {
			fputs("faults: out of memory\n", stderr);
			return 1;
		}
		for (size_t i = 0; i < size; i += 4096)
			pages[i] = 1;
		if (*line != '-')
			munmap((void *)pages, size);
		dprintf(STDOUT_FILENO, "%zu %llu %llu\n", size / 4096,
			(unsigned long long)(now_ns(CLOCK_PROCESS_CPUTIME_ID) -
					     cpu),
			(unsigned long long)(now_ns(CLOCK_MONOTONIC) - wall));
	}
}
