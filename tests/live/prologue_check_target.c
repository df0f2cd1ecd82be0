// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * prologue_check_target ROUNDS: writes a byte to stdout once it has started,
 * and on a byte from stdin allocates and frees, then writes the CPU time that
 * took, in ns, to stdout as eight bytes. No stdio: that would allocate.
 */
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int64_t cpu_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv)
{
	/* Volatile, or the compiler takes the pairs away. */
	void *volatile block;
	long rounds = argc > 1 ? atol(argv[1]) : 0, i;
	int64_t elapsed;
	char go;

	if (write(STDOUT_FILENO, "", 1) != 1 || read(STDIN_FILENO, &go, 1) != 1)
		return 1;
	elapsed = cpu_time();
	for (i = 0; i < rounds; i++) {
		block = malloc(i % 1000);
		free(block);
		if (i % 10)
			continue;
		block = calloc(i % 30, 24);
		block = realloc(block, i % 2000 + 1);
		free(block);
		if (i % 1000)
			continue;
		block = malloc(200000 + i);
		free(block);
	}
	elapsed = cpu_time() - elapsed;
	return write(STDOUT_FILENO, &elapsed, sizeof(elapsed)) !=
	       sizeof(elapsed);
}
