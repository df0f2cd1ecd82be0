// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands of --cycle, and what settles behind an unloading: module_watch.h. */
#include "module_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SETTLE_NS 200000000

void module_settle(void)
{
	const struct timespec moment = { 0, SETTLE_NS };

	/*
	 * synchronize_rcu() by another name (kernel/sched/membarrier.c): once
	 * for what was handed to RCU, and once for what its callbacks did.
	 */
	for (int i = 0; i < 2; i++) {
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
		nanosleep(&moment, NULL);
	}
}

static void command_execute(const char *command)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(null, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

int module_cycle_begin(struct module_watch *watch, const char *command,
		       struct error *error)
{
	pid_t child = fork();

	if (child < 0)
		return error_set(error, errno, "cannot run '%s': %s", command,
				 strerror(errno));
	if (!child)
		command_execute(command);
	/* Close-on-exec, as all of these are. */
	watch->command_fd = (int)syscall(SYS_pidfd_open, child, 0);
	if (watch->command_fd < 0) {
		int code = errno;

		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		return error_set(error, code, "cannot watch '%s': %s", command,
				 strerror(code));
	}
	watch->command = child;
	watch->cycle++;
	return 0;
}

int module_cycle_fd(const struct module_watch *watch)
{
	return watch->command ? watch->command_fd : -1;
}

bool module_cycle_ended(struct module_watch *watch)
{
	int status;

	if (!watch->command || waitpid(watch->command, &status, WNOHANG) <= 0)
		return false;
	close(watch->command_fd);
	watch->command = 0;
	if (WIFSIGNALED(status))
		fprintf(stderr, "leaktrace: cycle %u: killed by signal %d\n",
			watch->cycle, WTERMSIG(status));
	else if (WEXITSTATUS(status))
		fprintf(stderr, "leaktrace: cycle %u: exit status %d\n",
			watch->cycle, WEXITSTATUS(status));
	return true;
}

void module_cycle_end(struct module_watch *watch)
{
	if (!watch->command)
		return;
	kill(watch->command, SIGTERM);
	waitpid(watch->command, NULL, 0);
	close(watch->command_fd);
	watch->command = 0;
}
