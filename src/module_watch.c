// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands of --cycle, and what settles behind an unloading: module_watch.h. */
#include "module_watch.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
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

int module_cycle_begin(struct module_watch *watch, const char *command,
		       struct error *error)
{
	int result = driven_command_begin(&watch->command, command, error);

	watch->cycle += !result;
	return result;
}

int module_cycle_fd(const struct module_watch *watch)
{
	return driven_command_fd(&watch->command);
}

bool module_cycle_ended(struct module_watch *watch)
{
	int status;

	if (!driven_command_ended(&watch->command, &status))
		return false;
	driven_command_tell_failure(status, "cycle", watch->cycle);
	return true;
}

void module_cycle_end(struct module_watch *watch)
{
	driven_command_end(&watch->command);
}
