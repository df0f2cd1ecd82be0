// SPDX-License-Identifier: GPL-2.0-or-later
/* Continues a held target if leaktrace is killed: see guardian.h. */
#include "capture/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * SIGCONT is sent without asking whether the target is held: to a process
 * that runs it means nothing, and a flag shared with a parent that is being
 * killed could be stale.
 */
static _Noreturn void guardian_run(int life_fd, int target_fd)
{
	char word;

	/* Not with the terminal's Ctrl-C: it must outlive leaktrace. */
	setsid();
	/* A word means that all is well; end of file that leaktrace is dead. */
	if (read(life_fd, &word, 1) == 0)
		syscall(SYS_pidfd_send_signal, target_fd, SIGCONT, NULL, 0);
	_exit(0);
}

int guardian_start(struct guardian *guardian, int pid_fd, struct error *error)
{
	int life[2];
	int pid;

	if (pipe2(life, O_CLOEXEC))
		return error_set(error, errno, "cannot make a pipe: %s",
				 strerror(errno));
	pid = fork();
	if (pid < 0) {
		int code = errno;

		close(life[0]);
		close(life[1]);
		return error_set(error, code, "cannot fork: %s",
				 strerror(code));
	}
	if (pid == 0) {
		int keep[] = { life[0], pid_fd };

		/* Nothing of leaktrace's must be kept alive by this process. */
		if (keep[0] > keep[1]) {
			keep[0] = pid_fd;
			keep[1] = life[0];
		}
		if (keep[0] > 0)
			syscall(SYS_close_range, 0, keep[0] - 1, 0);
		if (keep[1] > keep[0] + 1)
			syscall(SYS_close_range, keep[0] + 1, keep[1] - 1, 0);
		syscall(SYS_close_range, keep[1] + 1, ~0U, 0);
		guardian_run(life[0], pid_fd);
	}
	close(life[0]);
	*guardian = (struct guardian){
		.pid = pid,
		.life_fd = life[1],
		.target_fd = pid_fd,
	};
	return 0;
}

void guardian_stop(struct guardian *guardian)
{
	if (!guardian->pid)
		return;
	/* A write that fails leaves end of file: a needless SIGCONT. */
	if (write(guardian->life_fd, "e", 1) < 0)
		kill(guardian->pid, SIGKILL);
	close(guardian->life_fd);
	waitpid(guardian->pid, NULL, 0);
	guardian->pid = 0;
}
