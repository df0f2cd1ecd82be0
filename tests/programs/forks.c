// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Children of four kinds. Those of fork free, grow and unmap what they
 * inherited and allocate themselves, which is their own affair: the parent's
 * figures are as if they had never been. Those of vfork and posix_spawn share
 * the parent's memory until they run another program. One child lives on to
 * the end.
 */
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "truth.h"

#define BLOCKS 600
#define SIZE 100u
#define PAGE 4096u

extern char **environ;

TRUTH_SITE(parent_malloc, TRUTH_HEAP);
TRUTH_SITE(parent_mmap, TRUTH_MAPPING);
/* Of the parent's process, where it never runs. */
TRUTH_SITE(child_malloc, TRUTH_HEAP);

static void *blocks[BLOCKS];
static char *map;

static TRUTH_CALLER void *parent_malloc(void)
{
	void *block = malloc(TRUTH_OPAQUE(SIZE));

	truth_require(block != NULL, "out of memory");
	truth_allocated(&parent_malloc_site, SIZE);
	return block;
}

static TRUTH_CALLER char *parent_mmap(void)
{
	char *address = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	truth_require(address != MAP_FAILED, "mmap failed");
	truth_allocated(&parent_mmap_site, 8 * PAGE);
	return address;
}

static TRUTH_CALLER void child_malloc(void)
{
	truth_require(malloc(TRUTH_OPAQUE(SIZE)) != NULL, "out of memory");
}

static void spend_inheritance(void)
{
	unsigned i;

	for (i = 0; i < BLOCKS; i++)
		if (i % 2)
			free(blocks[i]);
		else
			blocks[i] = realloc(blocks[i], 5000);
	munmap(map, 4 * PAGE);
	for (i = 0; i < 200; i++)
		child_malloc();
}

static void await_child(pid_t child)
{
	int status;

	truth_require(child > 0 && waitpid(child, &status, 0) == child &&
			      WIFEXITED(status) && WEXITSTATUS(status) == 0,
		      "child failed");
}

static void fork_and_wait(void)
{
	pid_t child = fork();

	if (child == 0) {
		spend_inheritance();
		_exit(0);
	}
	await_child(child);
}

static pid_t fork_and_keep(int life_line[2])
{
	pid_t child;
	char byte;

	truth_require(pipe(life_line) == 0, "no pipe");
	child = fork();
	if (child == 0) {
		close(life_line[1]);
		spend_inheritance();
		_exit(read(life_line[0], &byte, 1) < 0);
	}
	truth_require(child > 0, "fork failed");
	return child;
}

static void run_others(void)
{
	static char *const arguments[] = { "true", NULL };
	pid_t child;
	unsigned i;

	for (i = 0; i < 20; i++) {
		child = vfork();
		if (child == 0) {
			execv("/bin/true", arguments);
			_exit(127);
		}
		await_child(child);
		truth_require(posix_spawn(&child, "/bin/true", NULL, NULL,
					  arguments, environ) == 0,
			      "no spawn");
		await_child(child);
	}
}

int main(void)
{
	int life_line[2];
	unsigned i;
	pid_t child;

	truth_ready();
	map = parent_mmap();
	for (i = 0; i < BLOCKS; i++)
		blocks[i] = parent_malloc();
	fork_and_wait();
	fork_and_wait();
	child = fork_and_keep(life_line);
	run_others();
	/* Freed by the children too, but here for the first time. */
	for (i = 0; i < BLOCKS / 4; i++) {
		truth_freed(&parent_malloc_site, SIZE);
		free(blocks[i]);
	}
	truth_report();
	close(life_line[1]);
	await_child(child);
	return 0;
}
