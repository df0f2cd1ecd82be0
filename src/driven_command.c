// SPDX-License-Identifier: GPL-2.0-or-later
/* A command that drives what is traced: see driven_command.h. */
#include "driven_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void execute(const char *text)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(null, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execl("/bin/sh", "sh", "-c", text, (char *)NULL);
	_exit(127);
}

int driven_command_begin(struct driven_command *command, const char *text,
			 struct error *error)
{
	pid_t child = fork();

	if (child < 0)
		return error_set(error, errno, "cannot run '%s': %s", text,
				 strerror(errno));
	if (!child)
		execute(text);
	/* Close-on-exec, as all of these are. */
	command->pid_fd = (int)syscall(SYS_pidfd_open, child, 0);
	if (command->pid_fd < 0) {
		int code = errno;

		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		return error_set(error, code, "cannot watch '%s': %s", text,
				 strerror(code));
	}
	command->pid = child;
	return 0;
}

int driven_command_fd(const struct driven_command *command)
{
	return command->pid ? command->pid_fd : -1;
}

bool driven_command_ended(struct driven_command *command, int *status)
{
	if (!command->pid || waitpid(command->pid, status, WNOHANG) <= 0)
		return false;
	close(command->pid_fd);
	command->pid = 0;
	return true;
}

bool driven_command_tell_failure(int status, const char *what, unsigned number)
{
	if (WIFSIGNALED(status))
		fprintf(stderr, "leaktrace: %s %u: killed by signal %d\n", what,
			number, WTERMSIG(status));
	else if (WEXITSTATUS(status))
		fprintf(stderr, "leaktrace: %s %u: exit status %d\n", what,
			number, WEXITSTATUS(status));
	return status != 0;
}

void driven_command_end(struct driven_command *command)
{
	if (!command->pid)
		return;
	kill(command->pid, SIGTERM);
	waitpid(command->pid, NULL, 0);
	close(command->pid_fd);
	command->pid = 0;
}
