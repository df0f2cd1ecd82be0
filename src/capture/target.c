// SPDX-License-Identifier: GPL-2.0-or-later
/* The process to trace: see target.h. */
#include "capture/target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

static int pid_file_descriptor(int pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/*
 * State, parent and flags of proc_pid_stat(5). The name stands in parentheses
 * and may hold any character, so the fields are counted from the last one.
 */
static int stat_read(int pid, char *state, int *parent, unsigned *flags)
{
	char path[64], text[1024];
	auto_fclose FILE *file = NULL;
	const char *after_name;
	size_t size;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	size = fread(text, 1, sizeof(text) - 1, file);
	text[size] = '\0';
	after_name = strrchr(text, ')');
	if (!after_name || sscanf(after_name + 1, " %c %d %*d %*d %*d %*d %u",
				  state, parent, flags) != 3)
		return -EINVAL;
	return 0;
}

int target_parent(int pid)
{
	int parent = 0;
	unsigned flags;
	char state;

	return stat_read(pid, &state, &parent, &flags) ? 0 : parent;
}

static int thread_group_read(int pid)
{
	char path[64], line[256];
	auto_fclose FILE *file = NULL;
	int group = -1;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Tgid: %d", &group) == 1)
			break;
	return group;
}

void target_refresh_name(struct target *target)
{
	char path[64];
	auto_fclose FILE *file = NULL;
	size_t size;

	snprintf(path, sizeof(path), "/proc/%d/comm", target->pid);
	file = fopen(path, "re");
	if (!file)
		return;
	size = fread(target->name, 1, sizeof(target->name) - 1, file);
	target->name[size] = '\0';
	target->name[strcspn(target->name, "\n")] = '\0';
}

int target_open(struct target *target, int pid, struct error *error)
{
	struct target opened = { .pid = pid, .go_fd = -1, .failed_fd = -1 };
	unsigned flags = 0;
	char state = 0;
	int group, parent;

	if (pid == getpid())
		return error_set(
			error, EINVAL,
			"PID %d is leaktrace itself, which it cannot trace",
			pid);
	opened.pid_fd = -1;
	if (stat_read(pid, &state, &parent, &flags))
		return error_set(
			error, ESRCH,
			"PID %d does not exist: see ps for the processes that do",
			pid);
	if (flags & PF_KTHREAD)
		return error_set(
			error, EINVAL,
			"PID %d is a kernel thread: trace the kernel with --kernel",
			pid);
	if (state == 'Z' || state == 'X')
		return error_set(error, ESRCH,
				 "PID %d has exited already (it is a zombie)",
				 pid);
	group = thread_group_read(pid);
	if (group != pid && group > 0)
		return error_set(
			error, EINVAL,
			"PID %d is a thread: trace its process with -p %d", pid,
			group);
	opened.pid_fd = pid_file_descriptor(pid);
	if (opened.pid_fd < 0)
		return error_set(error, errno, "PID %d cannot be watched: %s",
				 pid, strerror(errno));
	target_refresh_name(&opened);
	*target = opened;
	return 0;
}

/* The child's side: waits for the word, becomes the command. */
static _Noreturn void child_run(char *const argv[], int go_fd, int failed_fd)
{
	char word;
	int code;

	if (read(go_fd, &word, 1) != 1)
		_exit(127);
	execvp(argv[0], argv);
	code = errno;
	if (write(failed_fd, &code, sizeof(code)) != sizeof(code))
		_exit(126);
	_exit(127);
}

int target_spawn(struct target *target, char *const argv[], struct error *error)
{
	int go[2] = { -1, -1 }, failed[2] = { -1, -1 };
	int pid, code;

	if (pipe2(go, O_CLOEXEC) || pipe2(failed, O_CLOEXEC)) {
		code = errno;
		goto fail;
	}
	pid = fork();
	if (pid < 0) {
		code = errno;
		goto fail;
	}
	if (pid == 0) {
		close(go[1]);
		child_run(argv, go[0], failed[1]);
	}
	close(go[0]);
	close(failed[1]);
	*target = (struct target){
		.pid = pid,
		.child = true,
		.command = argv[0],
		.go_fd = go[1],
		.failed_fd = failed[0],
		.pid_fd = pid_file_descriptor(pid),
	};
	snprintf(target->name, sizeof(target->name), "%s", argv[0]);
	return 0;
fail:
	for (int i = 0; i < 2; i++) {
		if (go[i] >= 0)
			close(go[i]);
		if (failed[i] >= 0)
			close(failed[i]);
	}
	return error_set(error, code, "cannot start %s: %s", argv[0],
			 strerror(code));
}

/*
 * Whether the shell would run just one program: no operators, no assignment
 * before it, no reserved word or built-in in its place. Quoting may hide an
 * operator from the shell but not from us: then the shell stays, as it would
 * have anyway.
 */
static bool is_simple_command(const char *command)
{
	static const char *const words[] = {
		".",	  ":",	   "!",	      "[",     "alias",	  "bg",
		"break",  "case",  "cd",      "chdir", "command", "continue",
		"echo",	  "eval",  "exec",    "exit",  "export",  "false",
		"fg",	  "for",   "getopts", "hash",  "if",	  "jobs",
		"kill",	  "local", "printf",  "pwd",   "read",	  "readonly",
		"return", "set",   "shift",   "test",  "times",	  "trap",
		"true",	  "type",  "ulimit",  "umask", "unalias", "unset",
		"until",  "wait",  "while",   "{",
	};
	size_t length;

	command += strspn(command, " \t");
	length = strcspn(command, " \t");
	if (!length || strpbrk(command, ";&|()\n`") ||
	    memchr(command, '=', length))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == length &&
		    !strncmp(command, words[i], length))
			return false;
	return true;
}

int target_spawn_shell(struct target *target, const char *command,
		       struct error *error)
{
	char *argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)command,
			 NULL };
	auto_free char *replacing = NULL;

	if (is_simple_command(command)) {
		if (asprintf(&replacing, "exec %s", command) < 0)
			return error_set(error, ENOMEM, "out of memory");
		argv[2] = replacing;
	}
	/* The child has its own copy of the arguments once it is forked. */
	return target_spawn(target, argv, error);
}

/* What helps when a program cannot be executed for this reason. */
static const char *exec_remedy(int code)
{
	switch (code) {
	case ENOENT:
		return ": give its path, or a name that is found in PATH";
	case EACCES:
		return ": give an executable file";
	}
	return "";
}

int target_release(struct target *target, struct error *error)
{
	int code = 0;
	ssize_t got;

	if (write(target->go_fd, "g", 1) != 1)
		return error_set(error, errno, "cannot start %s: %s",
				 target->command, strerror(errno));
	close(target->go_fd);
	target->go_fd = -1;
	/* Exec closes the pipe; a failed exec writes its errno first. */
	do
		got = read(target->failed_fd, &code, sizeof(code));
	while (got < 0 && errno == EINTR);
	close(target->failed_fd);
	target->failed_fd = -1;
	if (got == sizeof(code)) {
		target_reap(target, true);
		return error_set(error, code, "cannot run %s: %s%s",
				 target->command, strerror(code),
				 exec_remedy(code));
	}
	target_refresh_name(target);
	return 0;
}

bool target_wait_stopped(struct target *target)
{
	uint64_t deadline = clock_monotonic_ns() + 2 * NS_PER_SECOND;
	siginfo_t info;

	/* Others than our child are about to stop when we hear of it. */
	if (!target->child)
		return true;
	while (clock_monotonic_ns() < deadline) {
		info.si_pid = 0;
		/* WNOWAIT: an exit is left for target_reap() to collect. */
		if (waitid(P_PID, (id_t)target->pid, &info,
			   WSTOPPED | WEXITED | WNOWAIT | WNOHANG))
			return false;
		if (info.si_pid && info.si_code != CLD_STOPPED)
			return false;
		if (info.si_pid) {
			waitid(P_PID, (id_t)target->pid, &info,
			       WSTOPPED | WNOHANG);
			return true;
		}
		usleep(200);
	}
	return true;
}

bool target_has_exited(const struct target *target)
{
	struct pollfd pid = { .fd = target->pid_fd, .events = POLLIN };

	return poll(&pid, 1, 0) == 1;
}

void target_continue(const struct target *target)
{
	kill(target->pid, SIGCONT);
}

void target_kill(struct target *target)
{
	if (!target->child || target->reaped)
		return;
	kill(target->pid, SIGKILL);
	target_reap(target, true);
}

bool target_reap(struct target *target, bool block)
{
	int pid;

	if (!target->child || target->reaped)
		return target->reaped;
	do
		pid = waitpid(target->pid, &target->wait_status,
			      block ? 0 : WNOHANG);
	while (pid < 0 && errno == EINTR);
	target->reaped = pid == target->pid;
	return target->reaped;
}

void target_close(struct target *target)
{
	int *fds[] = { &target->pid_fd, &target->go_fd, &target->failed_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}
