// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether there is a terminal for the live view, and what to do if not. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "util/cleanup.h"
#include "view/view.h"
#include "view/view_state.h"

/* Last: it makes macros of such words as lines and columns. */
#include <ncursesw/curses.h>

#include <ncursesw/term.h>

int view_no_terminal(struct error *error)
{
	return error_set(error, ENOTTY,
			 "--live needs a terminal: run leaktrace in one, or "
			 "leave --live away");
}

int view_unknown_terminal(struct error *error)
{
	const char *type = getenv("TERM");

	return error_set(error, ENOTTY,
			 "--live cannot use a terminal of type '%s': set TERM "
			 "to what it is",
			 type ? type : "");
}

int view_check(struct error *error)
{
	auto_close int fd = open(VIEW_TERMINAL, O_RDWR | O_CLOEXEC | O_NOCTTY);
	int status;

	if (fd < 0)
		return view_no_terminal(error);
	if (setupterm(NULL, fd, &status) == ERR)
		return view_unknown_terminal(error);
	del_curterm(cur_term);
	return 0;
}
