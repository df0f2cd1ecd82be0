// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A server with workers. Each line tells it what to do:
 *
 *	fork	one more worker: it frees what it inherited, allocates its own
 *		share, which grows with its number, and waits
 *	work	every worker allocates its share once more
 *	exec	the oldest worker becomes another program, which allocates
 *	spawn	posix_spawn of that program: the newest worker
 *	vfork	vfork, and that program: the newest worker
 *	end	the oldest worker ends
 *
 * The notes have the PIDs of the workers and how many blocks each holds.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "truth.h"

#define WORKERS_MAX 8
#define SIZE 100u
#define INHERITED 50u

extern char **environ;

TRUTH_SITE(server_malloc, TRUTH_HEAP);
TRUTH_SITE(worker_malloc, TRUTH_HEAP);
TRUTH_SITE(image_malloc, TRUTH_HEAP);

static struct worker {
	pid_t pid;
	int orders, answers; /* pipes */
	unsigned share, blocks;
	bool other_image;
} workers[WORKERS_MAX];
static unsigned worker_count, begun;
static void *inherited[INHERITED];

static TRUTH_CALLER void *server_malloc(void)
{
	void *block = malloc(TRUTH_OPAQUE(SIZE));

	truth_require(block != NULL, "out of memory");
	return block;
}

static TRUTH_CALLER void worker_malloc(void)
{
	truth_require(malloc(TRUTH_OPAQUE(SIZE)) != NULL, "out of memory");
}

static TRUTH_CALLER void image_malloc(void)
{
	truth_require(malloc(TRUTH_OPAQUE(SIZE)) != NULL, "out of memory");
}

/* What a worker is: its share at once and after each order, until the end. */
static void serve(int orders, int answers, unsigned share,
		  void (*allocate)(void))
{
	char byte = 'w';

	do {
		for (unsigned i = 0; byte == 'w' && i < share; i++)
			allocate();
		if (byte == 'x')
			return;
		truth_require(write(answers, &byte, 1) == 1, "no answer");
	} while (read(orders, &byte, 1) == 1);
	_exit(0);
}

static char *text_of(int number)
{
	static char texts[4][16];
	static unsigned next;
	char *text = texts[next++ % 4];

	snprintf(text, sizeof(texts[0]), "%d", number);
	return text;
}

static void become_other(int orders, int answers, unsigned share)
{
	char *arguments[] = { "workers",	   "image",
			      text_of(orders),	   text_of(answers),
			      text_of((int)share), NULL };

	execv("/proc/self/exe", arguments);
	_exit(127);
}

static void worker_run(int orders, int answers, unsigned share)
{
	for (unsigned i = 0; i < INHERITED; i++)
		free(inherited[i]);
	serve(orders, answers, share, worker_malloc);
	become_other(orders, answers, share);
}

static void await_answer(struct worker *worker)
{
	char byte;

	truth_require(read(worker->answers, &byte, 1) == 1, "worker is gone");
}

static void order(struct worker *worker, char byte)
{
	truth_require(write(worker->orders, &byte, 1) == 1, "worker is gone");
	await_answer(worker);
}

static void begin(const char *how)
{
	struct worker *worker = &workers[worker_count];
	int orders[2], answers[2];

	truth_require(worker_count < WORKERS_MAX && pipe(orders) == 0 &&
			      pipe(answers) == 0,
		      "too many");
	/* A worker that had another's end would keep it waiting. */
	fcntl(orders[1], F_SETFD, FD_CLOEXEC);
	fcntl(answers[0], F_SETFD, FD_CLOEXEC);
	*worker = (struct worker){ .share = 10 * ++begun,
				   .orders = orders[1],
				   .answers = answers[0] };
	if (!strcmp(how, "spawn")) {
		char *arguments[] = { "workers",
				      "image",
				      text_of(orders[0]),
				      text_of(answers[1]),
				      text_of((int)worker->share),
				      NULL };

		truth_require(posix_spawn(&worker->pid, "/proc/self/exe", NULL,
					  NULL, arguments, environ) == 0,
			      "no spawn");
	} else if (!strcmp(how, "vfork")) {
		worker->pid = vfork();
		if (worker->pid == 0)
			become_other(orders[0], answers[1], worker->share);
	} else {
		worker->pid = fork();
		if (worker->pid == 0) {
			for (unsigned i = 0; i < worker_count; i++)
				close(workers[i].orders);
			close(orders[1]);
			worker_run(orders[0], answers[1], worker->share);
		}
	}
	truth_require(worker->pid > 0, "no worker");
	close(orders[0]);
	close(answers[1]);
	worker->other_image = strcmp(how, "fork") != 0;
	worker->blocks = worker->share;
	worker_count++;
	await_answer(worker);
}

static void end(void)
{
	int status;

	truth_require(worker_count > 0, "no worker");
	close(workers[0].orders);
	close(workers[0].answers);
	truth_require(waitpid(workers[0].pid, &status, 0) == workers[0].pid &&
			      status == 0,
		      "worker failed");
	memmove(&workers[0], &workers[1], --worker_count * sizeof(workers[0]));
}

static void obey(const char *line)
{
	if (!strcmp(line, "end")) {
		end();
	} else if (!strcmp(line, "work")) {
		for (unsigned i = 0; i < worker_count; i++) {
			order(&workers[i], 'w');
			workers[i].blocks += workers[i].share;
		}
	} else if (!strcmp(line, "exec")) {
		const char byte = 'x';

		truth_require(write(workers[0].orders, &byte, 1) == 1, "gone");
		await_answer(&workers[0]);
		workers[0].blocks = workers[0].share;
		workers[0].other_image = true;
	} else if (*line) {
		begin(line);
	}
}

/* The sites' figures are sums over the workers. */
static void count_all(void)
{
	static const char *const pids[WORKERS_MAX] = {
		"pid_0", "pid_1", "pid_2", "pid_3",
		"pid_4", "pid_5", "pid_6", "pid_7",
	};
	static const char *const blocks[WORKERS_MAX] = {
		"blocks_0", "blocks_1", "blocks_2", "blocks_3",
		"blocks_4", "blocks_5", "blocks_6", "blocks_7",
	};

	worker_malloc_site.blocks = worker_malloc_site.bytes = 0;
	image_malloc_site.blocks = image_malloc_site.bytes = 0;
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		bool is = i < worker_count;

		truth_note(pids[i], is ? workers[i].pid : 0);
		truth_note(blocks[i], is ? workers[i].blocks : 0);
		if (is)
			truth_changed(workers[i].other_image
					      ? &image_malloc_site
					      : &worker_malloc_site,
				      workers[i].blocks,
				      workers[i].blocks * SIZE);
	}
}

int main(int argc, char *argv[])
{
	if (argc == 5 && !strcmp(argv[1], "image"))
		serve(atoi(argv[2]), atoi(argv[3]), (unsigned)atoi(argv[4]),
		      image_malloc);
	truth_ready();
	for (unsigned i = 0; i < INHERITED; i++) {
		inherited[i] = server_malloc();
		truth_allocated(&server_malloc_site, SIZE);
	}
	do {
		obey(truth_line());
		count_all();
	} while (truth_report());
	while (worker_count)
		end();
	return 0;
}
