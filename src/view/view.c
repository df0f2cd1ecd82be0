// SPDX-License-Identifier: GPL-2.0-or-later
/* The live view's terminal, keys and state: see view.h. */
#include "view/view.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <ncursesw/curses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/utf8.h"
#include "view/view_state.h"

#define KEY_ESCAPE 27
#define KEY_DELETE 127
#define ESCAPE_MILLISECONDS 25

/* Smaller than this there is no room for a line of the table. */
#define LINES_MIN 7
#define COLUMNS_MIN 40

const struct stack_row *view_selected(const struct view *view)
{
	if (view->selected >= view->list.shown.count)
		return NULL;
	return &view->list.rows.items[view->list.shown.items[view->selected]];
}

static void looks_set_up(struct view *view, bool colour)
{
	view->colour = colour && has_colors();
	if (!view->colour)
		return;
	start_color();
	use_default_colors();
	init_pair(VIEW_LEAKING, COLOR_RED, -1);
	init_pair(VIEW_GROWING, COLOR_YELLOW, -1);
}

static attr_t look_attributes(const struct view *view, enum view_look look)
{
	switch (look) {
	case VIEW_STRONG:
		return A_BOLD;
	case VIEW_FAINT:
		return A_DIM;
	case VIEW_HEADING:
	case VIEW_SELECTED:
		return A_REVERSE;
	case VIEW_LEAKING:
	case VIEW_GROWING:
		return A_BOLD |
		       (view->colour ? (attr_t)COLOR_PAIR(look) : A_NORMAL);
	case VIEW_PLAIN:
		break;
	}
	return A_NORMAL;
}

int view_put(const struct view *view, int line, int column, int width,
	     enum view_look look, const char *text)
{
	char *safe = utf8_escape(text);
	int length;

	if (width > COLS - column)
		width = COLS - column;
	if (!safe || width <= 0 || line >= LINES) {
		free(safe);
		return column;
	}
	if (view->ascii) {
		char *to = safe;

		for (const char *from = safe; *from; from++) {
			if (!(*from & 0x80))
				*to++ = *from;
			else if ((*from & 0xc0) == 0xc0)
				*to++ = '?';
		}
		*to = '\0';
	}
	length = (int)utf8_prefix(safe, (size_t)width);
	safe[length] = '\0';
	attrset(look_attributes(view, look));
	mvaddnstr(line, column, safe, length);
	attrset(A_NORMAL);
	column += (int)utf8_columns(safe);
	free(safe);
	return column;
}

static void draw(struct view *view)
{
	erase();
	if (LINES < LINES_MIN || COLS < COLUMNS_MIN)
		view_put(view, 0, 0, COLS, VIEW_PLAIN, "terminal too small");
	else if (!view->report)
		view_put(view, 0, 0, COLS, VIEW_PLAIN,
			 "waiting for the first report; q ends");
	else if (view->page == PAGE_TABLE)
		table_page_draw(view);
	else
		text_page_draw(view);
	refresh();
}

int view_new(struct view **view, bool colour, struct error *error)
{
	struct view *made = calloc(1, sizeof(*made));

	if (!made)
		return error_set(error, ENOMEM, "out of memory");
	made->terminal = fopen(VIEW_TERMINAL, "r+e");
	if (!made->terminal) {
		free(made);
		return view_no_terminal(error);
	}
	/* Characters only: numbers keep their form. */
	setlocale(LC_CTYPE, "");
	made->ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	made->screen = newterm(NULL, made->terminal, made->terminal);
	if (!made->screen) {
		fclose(made->terminal);
		free(made);
		return view_unknown_terminal(error);
	}
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MILLISECONDS);
	curs_set(0);
	looks_set_up(made, colour);
	draw(made);
	*view = made;
	return 0;
}

void view_free(struct view *view)
{
	if (!view)
		return;
	endwin();
	delscreen(view->screen);
	fclose(view->terminal);
	stack_list_free(&view->list);
	report_free(view->report);
	free(view);
}

int view_fd(const struct view *view)
{
	return fileno(view->terminal);
}

const struct report *view_report(const struct view *view)
{
	return view->report;
}

void view_tell(struct view *view, const char *text)
{
	snprintf(view->message, sizeof(view->message), "%s", text);
	draw(view);
}

/* Keeps the selection on the screen, and on what there is. */
static void selection_fit(struct view *view)
{
	size_t count = view->list.shown.count;
	size_t lines = (size_t)table_page_lines();

	if (view->selected >= count)
		view->selected = count ? count - 1 : 0;
	if (view->selected < view->first)
		view->first = view->selected;
	else if (view->selected >= view->first + lines)
		view->first = view->selected - lines + 1;
}

static void selection_move(struct view *view, long by)
{
	size_t count = view->list.shown.count;

	if (by < 0 && view->selected < (size_t)-by)
		view->selected = 0;
	else
		view->selected += (size_t)by;
	if (view->selected >= count)
		view->selected = count ? count - 1 : 0;
}

/* The same stack stays selected, wherever it is now. */
static void rearrange(struct view *view)
{
	const struct stack_row *row = view_selected(view);
	enum space space = row ? row->space : SPACE_HEAP;
	uint64_t id = row ? row->id : 0;
	size_t place;

	if (stack_list_arrange(&view->list)) {
		snprintf(view->message, sizeof(view->message), "out of memory");
		return;
	}
	place = row ? stack_list_find(&view->list, space, id) : SIZE_MAX;
	if (place != SIZE_MAX)
		view->selected = place;
}

int view_show(struct view *view, struct report *report)
{
	const struct stack_row *row = view_selected(view);
	enum space space = row ? row->space : SPACE_HEAP;
	uint64_t id = row ? row->id : 0;
	bool at_top = !view->selected && view->page == PAGE_TABLE;
	size_t place;

	if (stack_list_update(&view->list, report)) {
		report_free(report);
		return -ENOMEM;
	}
	report_free(view->report);
	view->report = report;
	/* Who looks at the first wants to see which that is. */
	place = row && !at_top ? stack_list_find(&view->list, space, id)
			       : SIZE_MAX;
	if (place != SIZE_MAX)
		view->selected = place;
	selection_fit(view);
	draw(view);
	return 0;
}

static void order_next(struct view *view, int by)
{
	view->list.order = (enum stack_order)(
		((int)view->list.order + by + STACK_ORDERS) % STACK_ORDERS);
	rearrange(view);
}

static void filter_type(struct view *view, int key)
{
	char *filter = view->list.filter;
	size_t length = strlen(filter);

	if (key == KEY_ESCAPE) {
		filter[0] = '\0';
		view->typing = false;
	} else if (key == '\r' || key == '\n' || key == KEY_ENTER) {
		view->typing = false;
	} else if (key == KEY_BACKSPACE || key == KEY_DELETE || key == '\b') {
		if (length)
			filter[length - 1] = '\0';
	} else if (key >= ' ' && key < KEY_DELETE &&
		   length + 1 < STACK_FILTER_MAX) {
		filter[length] = (char)key;
		filter[length + 1] = '\0';
	}
	rearrange(view);
}

static void page_open(struct view *view, enum view_page page)
{
	view->page = page;
	view->scroll = 0;
}

static void text_page_key(struct view *view, int key)
{
	switch (key) {
	case KEY_DOWN:
	case 'j':
		view->scroll++;
		break;
	case KEY_UP:
	case 'k':
		view->scroll--;
		break;
	case KEY_NPAGE:
	case ' ':
		view->scroll += LINES - 2;
		break;
	case KEY_PPAGE:
		view->scroll -= LINES - 2;
		break;
	case KEY_HOME:
		view->scroll = 0;
		break;
	case KEY_ESCAPE:
	case KEY_LEFT:
	case '\r':
	case '\n':
	case KEY_ENTER:
	case 'q':
		view->page = PAGE_TABLE;
		break;
	default:
		break;
	}
	if (view->scroll < 0)
		view->scroll = 0;
}

static void table_key_move(struct view *view, int key)
{
	long lines = table_page_lines();

	switch (key) {
	case KEY_DOWN:
	case 'j':
		selection_move(view, 1);
		break;
	case KEY_UP:
	case 'k':
		selection_move(view, -1);
		break;
	case KEY_NPAGE:
	case ' ':
		selection_move(view, lines);
		break;
	case KEY_PPAGE:
		selection_move(view, -lines);
		break;
	case KEY_HOME:
		view->selected = 0;
		break;
	case KEY_END:
		view->selected = view->list.shown.count;
		break;
	default:
		break;
	}
}

static enum view_request table_page_key(struct view *view, int key)
{
	switch (key) {
	case 'q':
		return VIEW_QUIT;
	case 'r':
		return VIEW_REPORT;
	case 's':
		return VIEW_SAVE;
	case 'b':
		if (view->report)
			stack_list_set_baseline(
				&view->list, view->report->snapshot->wall_ns);
		rearrange(view);
		break;
	case 'B':
		stack_list_clear_baseline(&view->list);
		rearrange(view);
		break;
	case '/':
		view->typing = true;
		view->list.filter[0] = '\0';
		rearrange(view);
		break;
	case KEY_ESCAPE:
		view->list.filter[0] = '\0';
		rearrange(view);
		break;
	case '>':
	case 'o':
	case KEY_RIGHT:
		order_next(view, 1);
		break;
	case '<':
	case KEY_LEFT:
		order_next(view, -1);
		break;
	case '\r':
	case '\n':
	case KEY_ENTER:
		if (view_selected(view))
			page_open(view, PAGE_STACK);
		break;
	case 'l':
		page_open(view, PAGE_LOSSES);
		break;
	case 'h':
	case '?':
		page_open(view, PAGE_HELP);
		break;
	default:
		table_key_move(view, key);
		break;
	}
	return VIEW_NOTHING;
}

enum view_request view_input(struct view *view)
{
	enum view_request request = VIEW_NOTHING;
	int key;

	while (request == VIEW_NOTHING && (key = getch()) != ERR) {
		view->message[0] = '\0';
		if (key == KEY_RESIZE)
			clear();
		else if (view->typing)
			filter_type(view, key);
		else if (view->page == PAGE_TABLE)
			request = table_page_key(view, key);
		else
			text_page_key(view, key);
	}
	selection_fit(view);
	draw(view);
	return request;
}
