// SPDX-License-Identifier: GPL-2.0-or-later
/* Behind a session: a command that goes on without probes. See session.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "session.h"
#include "util/cleanup.h"

void session_wait_command(struct session *session, const sigset_t *handled)
{
	struct target *target = session->target;
	struct signalfd_siginfo info;
	auto_close int signal_fd = signalfd(-1, handled, SFD_CLOEXEC);
	unsigned signals = session->end_signal != 0;
	struct pollfd waits[] = {
		{ signal_fd, POLLIN, 0 },
		{ target->pid_fd, POLLIN, 0 },
	};

	/* The terminal has sent its signal to the command as well. */
	if (session->end_signal && session->signal_from_user)
		kill(target->pid, session->end_signal);
	while (!target_reap(target, false)) {
		if (poll(waits, 2, -1) < 0 && errno != EINTR)
			return;
		if (!(waits[0].revents & POLLIN) ||
		    read(signal_fd, &info, sizeof(info)) != sizeof(info))
			continue;
		if (info.ssi_code <= 0)
			kill(target->pid, (int)info.ssi_signo);
		if (info.ssi_signo == SIGUSR1 || info.ssi_signo == SIGUSR2)
			continue;
		session->end_signal = (int)info.ssi_signo;
		if (signals++)
			return;
	}
}
