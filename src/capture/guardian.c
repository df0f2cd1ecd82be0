// SPDX-License-Identifier: GPL-2.0-or-later
/* Continues a held target if leaktrace is killed: see guardian.h. */
#include "capture/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

/* How often, and how long apart, to look for processes that are held. */
#define HELD_LOOKS 20
#define HELD_PAUSE_US 50000

static void held_continue(int held_fd)
{
	uint32_t key, next, pid;
	const uint32_t *before = NULL;

	while (!bpf_map_get_next_key(held_fd, before, &next)) {
		if (!bpf_map_lookup_elem(held_fd, &next, &pid) && pid > 1)
			kill((pid_t)pid, SIGCONT);
		key = next;
		before = &key;
	}
}

/*
 * SIGCONT is sent without asking whether the target is held: to a process
 * that runs it means nothing, and a flag shared with a parent that is being
 * killed could be stale.
 */
static _Noreturn void guardian_run(int life_fd, int target_fd, int held_fd)
{
	char word;

	/* Not with the terminal's Ctrl-C: it must outlive leaktrace. */
	setsid();
	/* A word means that all is well; end of file that leaktrace is dead. */
	if (read(life_fd, &word, 1) != 0)
		_exit(0);
	syscall(SYS_pidfd_send_signal, target_fd, SIGCONT, NULL, 0);
	/* Its programs may outlive it for a moment and stop one more. */
	for (int i = 0; held_fd >= 0 && i < HELD_LOOKS; i++) {
		held_continue(held_fd);
		usleep(HELD_PAUSE_US);
	}
	_exit(0);
}

/* Closes all descriptors but those, sorted in place. */
static void close_others(int *keep, size_t count)
{
	unsigned next = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j < count; j++)
			if (keep[j] < keep[i]) {
				int smaller = keep[j];

				keep[j] = keep[i];
				keep[i] = smaller;
			}
	for (size_t i = 0; i < count; i++) {
		if (keep[i] < 0)
			continue;
		if ((unsigned)keep[i] > next)
			syscall(SYS_close_range, next, keep[i] - 1, 0);
		next = (unsigned)keep[i] + 1;
	}
	syscall(SYS_close_range, next, ~0U, 0);
}

int guardian_start(struct guardian *guardian, int pid_fd, int held_fd,
		   struct error *error)
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
		int keep[] = { life[0], pid_fd, held_fd };

		/* Nothing of leaktrace's must be kept alive by this process. */
		close_others(keep, sizeof(keep) / sizeof(keep[0]));
		guardian_run(life[0], pid_fd, held_fd);
	}
	close(life[0]);
	*guardian = (struct guardian){
		.pid = pid,
		.life_fd = life[1],
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
