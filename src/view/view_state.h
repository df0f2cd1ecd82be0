/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the live view share. */
#ifndef LEAKTRACE_VIEW_VIEW_STATE_H
#define LEAKTRACE_VIEW_VIEW_STATE_H

#include <stdbool.h>
#include <stdio.h>

#include "model/report.h"
#include "util/error.h"
#include "view/stack_list.h"

#define VIEW_TERMINAL "/dev/tty"

enum view_page { PAGE_TABLE, PAGE_STACK, PAGE_LOSSES, PAGE_HELP };

/* Colour pairs; without colours they look plain. */
enum view_look {
	VIEW_PLAIN,
	VIEW_STRONG,
	VIEW_FAINT,
	VIEW_LEAKING,
	VIEW_GROWING,
	VIEW_HEADING,
	VIEW_SELECTED,
};

struct view {
	FILE *terminal;
	void *screen; /* curses' SCREEN */
	bool ascii;   /* the terminal's encoding is not UTF-8 */
	bool colour;
	struct report *report; /* NULL before the first */
	struct stack_list list;
	enum view_page page;
	bool typing;	 /* the filter is being typed */
	size_t selected; /* of list.shown */
	size_t first;	 /* the first of list.shown on the screen */
	int scroll;	 /* first line shown of a page of text */
	char message[160];
};

/* Errors: -ENOTTY with a message. */
int view_no_terminal(struct error *error);
int view_unknown_terminal(struct error *error);

/* The selected row, or NULL if none is shown. */
const struct stack_row *view_selected(const struct view *view);

/*
 * Writes text at a place, cut at the right edge and to `width` columns; what
 * could move the cursor is made harmless. Returns the column behind it.
 */
int view_put(const struct view *view, int line, int column, int width,
	     enum view_look look, const char *text);

/* How many lines of the table fit the screen. */
int table_page_lines(void);

void table_page_draw(const struct view *view);
void text_page_draw(struct view *view);

#endif
