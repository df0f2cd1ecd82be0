// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * prologue_check_target ROUNDS: writes a byte to stdout once it has started,
 * and on a byte from stdin allocates and frees, then writes the CPU time that
 * took, in ns, to stdout as eight bytes. No stdio: that would allocate. Built
 * with -DOPERATORS it goes by C++'s operators new and delete as well.
 */
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifdef OPERATORS
/* Itanium C++ ABI: size_t is m, std::align_val_t is passed as one. */
static const char nothrow;
void *new_one(size_t size) __asm__("_Znwm");
void *new_array(size_t size) __asm__("_Znam");
void *new_nothrow(size_t size, const void *tag) __asm__("_ZnwmRKSt9nothrow_t");
void *new_array_nothrow(size_t size,
			const void *tag) __asm__("_ZnamRKSt9nothrow_t");
void *new_aligned(size_t size, size_t align) __asm__("_ZnwmSt11align_val_t");
void *new_aligned_nothrow(size_t size, size_t align, const void *tag) __asm__(
	"_ZnwmSt11align_val_tRKSt9nothrow_t");
void delete_one(void *block) __asm__("_ZdlPv");
void delete_array(void *block) __asm__("_ZdaPv");
void delete_sized(void *block, size_t size) __asm__("_ZdlPvm");
void delete_nothrow(void *block,
		    const void *tag) __asm__("_ZdlPvRKSt9nothrow_t");
void delete_aligned(void *block, size_t align) __asm__("_ZdlPvSt11align_val_t");
void delete_aligned_sized(void *block, size_t size,
			  size_t align) __asm__("_ZdlPvmSt11align_val_t");

static void use_operators(size_t size)
{
	void *volatile block = new_one(size);

	delete_one(block);
	block = new_array(size);
	delete_array(block);
	block = new_one(size);
	delete_sized(block, size);
	block = new_nothrow(size, &nothrow);
	delete_nothrow(block, &nothrow);
	block = new_array_nothrow(size, &nothrow);
	delete_array(block);
	block = new_aligned(size, 64);
	delete_aligned(block, 64);
	block = new_aligned_nothrow(size, 64, &nothrow);
	delete_aligned_sized(block, size, 64);
}
#else
static void use_operators(size_t size)
{
	(void)size;
}
#endif

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
		use_operators((size_t)i % 900 + 1);
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
