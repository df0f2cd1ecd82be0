// SPDX-License-Identifier: GPL-2.0-or-later
/* What a process's memory consists of, for people: see account_line.h. */
#include "report/account_line.h"

#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/units.h"

/* Columns where lines begin and go on. */
enum { INDENT = 2, DETAIL_INDENT = 6 };

/* Growth below is not explained, nor the whole of less memory than: */
#define GROWTH_MIN (1 << 20)
#define WORTH_MIN (8 << 20)

/* Of the growth, the second part is named from a quarter on. */
#define SECOND_PART 4

/* Parts of less than so much of the whole are put together. */
#define SMALL_PART 100

/* Parts by their size, the largest first. */
struct part_order {
	enum account_part part;
	int64_t bytes;
};

static int by_bytes(const void *left, const void *right)
{
	const struct part_order *a = left, *b = right;

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return (int)a->part - (int)b->part;
}

static void order_by_change(const struct report_account *account,
			    struct part_order *order)
{
	for (size_t i = 0; i < ACCOUNT_PARTS; i++)
		order[i] = (struct part_order){ (enum account_part)i,
						account->change.parts[i] };
	qsort(order, ACCOUNT_PARTS, sizeof(*order), by_bytes);
}

static void order_by_size(const struct account *account,
			  struct part_order *order)
{
	for (size_t i = 0; i < ACCOUNT_PARTS; i++)
		order[i] = (struct part_order){ (enum account_part)i,
						(int64_t)account->parts[i] };
	qsort(order, ACCOUNT_PARTS, sizeof(*order), by_bytes);
}

bool account_cause(const struct report_account *account,
		   enum account_part *part)
{
	struct part_order order[ACCOUNT_PARTS];

	order_by_change(account, order);
	*part = order[0].part;
	return account->change.rss_bytes >= GROWTH_MIN && order[0].bytes > 0;
}

static const char *growth_words(const struct report_account *account,
				const struct part_order *grown)
{
	switch (grown->part) {
	case ACCOUNT_TRACKED:
		return "in blocks outstanding";
	case ACCOUNT_BEFORE:
		return "in memory from before tracing";
	case ACCOUNT_ALLOCATOR:
		/* What was never given back it cannot have retained. */
		return account->freed_bytes >= (uint64_t)grown->bytes / 2
			       ? "retained by the allocator after frees"
			       : "taken by the allocator for itself";
	case ACCOUNT_MAPPING:
		return "mmap by the program";
	case ACCOUNT_STACK:
		return "in thread stacks";
	case ACCOUNT_SHARED:
		return "in shared memory";
	case ACCOUNT_FILE:
		return "in file-backed pages";
	case ACCOUNT_OTHER:
	case ACCOUNT_PARTS:
		break;
	}
	return "in other anonymous memory";
}

struct account_text account_growth(const struct report_account *account)
{
	struct part_order order[ACCOUNT_PARTS];
	struct account_text text = { "" };
	enum account_part part;
	size_t used;

	if (!account_cause(account, &part))
		return text;
	order_by_change(account, order);
	snprintf(text.text, sizeof(text.text), "%s of it %s",
		 units_size((uint64_t)order[0].bytes).text,
		 growth_words(account, &order[0]));
	used = strlen(text.text);
	if (order[1].bytes >= account->change.rss_bytes / SECOND_PART)
		snprintf(text.text + used, sizeof(text.text) - used, ", %s %s",
			 units_size((uint64_t)order[1].bytes).text,
			 growth_words(account, &order[1]));
	return text;
}

const char *account_bound(const struct account *account, enum account_part part)
{
	bool before = account->parts[ACCOUNT_BEFORE] != 0;

	if ((part == ACCOUNT_TRACKED && account->doubt_bytes) ||
	    (part == ACCOUNT_BEFORE && before))
		return "at_most";
	if (part == ACCOUNT_ALLOCATOR && (account->doubt_bytes || before))
		return "at_least";
	return "exact";
}

/* Doubt that does not show in three digits is not told. */
static const char *bound_words(const struct account *account,
			       enum account_part part)
{
	const char *bound = account_bound(account, part);
	bool doubted = account->doubt_bytes >
		       account->parts[ACCOUNT_TRACKED] / SMALL_PART;
	bool early = account->parts[ACCOUNT_BEFORE] >
		     account->parts[ACCOUNT_ALLOCATOR] / SMALL_PART;

	if (!strcmp(bound, "exact") || (part == ACCOUNT_TRACKED && !doubted))
		return "";
	if (part == ACCOUNT_ALLOCATOR && !doubted && !early)
		return "";
	return !strcmp(bound, "at_most") ? "at most" : "at least";
}

static const char *since_words(const struct report_account *account)
{
	return account->figures.start.taken_ns ? "since tracing began"
					       : "since the first report";
}

static enum look change_look(int64_t change)
{
	if (!change)
		return LOOK_PLAIN;
	return change > 0 ? LOOK_GROWN : LOOK_SHRUNK;
}

/* Something that the call stacks do not tell. */
static bool tells(const struct report_account *account)
{
	const struct account *now = &account->figures.now;
	uint64_t untold =
		now->parts[ACCOUNT_ALLOCATOR] + now->parts[ACCOUNT_BEFORE];
	enum account_part part;

	return account_cause(account, &part) ||
	       (untold >= WORTH_MIN && untold >= now->rss_bytes / 2);
}

static void write_change(struct line_writer *writer,
			 const struct report_account *account)
{
	int64_t change = account->change.rss_bytes;
	struct account_text growth = account_growth(account);

	line_put(writer, change_look(change), "%s %s",
		 units_size_change(change).text, since_words(account));
	if (!growth.text[0])
		return;
	line_glue(writer, LOOK_PLAIN, ":");
	line_words(writer, LOOK_PLAIN, growth.text);
}

static void write_part(struct line_writer *writer, const struct account *now,
		       enum account_part part, const char *sign)
{
	const char *bound = bound_words(now, part);

	line_put(writer, LOOK_PLAIN, "%s %s%s%s", sign, bound,
		 bound[0] ? " " : "", units_size(now->parts[part]).text);
	line_words(writer, LOOK_PLAIN, account_part_text(part));
}

/* "RSS 104.2 MiB = 1.0 MiB tracked blocks + ..." */
static void write_sum(struct line_writer *writer, const struct account *now)
{
	struct part_order order[ACCOUNT_PARTS];
	uint64_t small = 0;

	order_by_size(now, order);
	write_part(writer, now, ACCOUNT_TRACKED, "=");
	for (size_t i = 0; i < ACCOUNT_PARTS; i++) {
		uint64_t bytes = (uint64_t)order[i].bytes;

		if (order[i].part == ACCOUNT_TRACKED || !bytes)
			continue;
		if (bytes < now->rss_bytes / SMALL_PART)
			small += bytes;
		else
			write_part(writer, now, order[i].part, "+");
	}
	if (small)
		line_put(writer, LOOK_PLAIN, "+ %s more",
			 units_size(small).text);
}

static void write_age(struct line_writer *writer, const struct report *report)
{
	uint64_t now_ns = report->snapshot->taken_ns;
	uint64_t taken_ns = report->account.figures.now.taken_ns;

	if (now_ns > taken_ns + NS_PER_SECOND)
		line_put(writer, LOOK_FAINT, "(%s ago)",
			 units_duration(now_ns - taken_ns).text);
}

/* With -v: a line for each part. */
static void write_parts(struct line_writer *writer,
			const struct report_account *account)
{
	const struct account *now = &account->figures.now;
	struct part_order order[ACCOUNT_PARTS];
	int widest = 0, widest_change = 0;

	order_by_size(now, order);
	for (size_t i = 0; i < ACCOUNT_PARTS; i++) {
		int64_t change = account->change.parts[order[i].part];
		int width = (int)strlen(units_size(now->parts[i]).text);
		int change_width = (int)strlen(units_size_change(change).text);

		widest = widest < width ? width : widest;
		widest_change = widest_change < change_width ? change_width
							     : widest_change;
	}
	for (size_t i = 0; i < ACCOUNT_PARTS; i++) {
		enum account_part part = order[i].part;
		int64_t change = account->change.parts[part];

		if (!now->parts[part] && !change)
			continue;
		line_begin(writer, DETAIL_INDENT, DETAIL_INDENT + 2);
		line_put(writer, LOOK_PLAIN, "%*s,", widest,
			 units_size(now->parts[part]).text);
		line_put(writer, change_look(change), "%*s", widest_change,
			 units_size_change(change).text);
		line_put(writer, LOOK_PLAIN, " %s", account_part_text(part));
		if (bound_words(now, part)[0])
			line_put(writer, LOOK_PLAIN, "(%s)",
				 bound_words(now, part));
		line_end(writer);
	}
}

static void write_start(struct line_writer *writer,
			const struct process_account *figures)
{
	if (!figures->start.taken_ns)
		return;
	line_begin(writer, INDENT, DETAIL_INDENT);
	line_put(writer, LOOK_PLAIN, "RSS was %s before tracing",
		 units_size(figures->start.rss_bytes).text);
	if (figures->start_heap_bytes) {
		line_glue(writer, LOOK_PLAIN, ",");
		line_put(writer, LOOK_PLAIN, "of it %s in the heap of %s",
			 units_size(figures->start_heap_rss_bytes).text,
			 units_size(figures->start_heap_bytes).text);
	}
	line_end(writer);
}

void account_lines_write(struct line_writer *writer,
			 const struct report *report)
{
	const struct report_account *account = &report->account;
	const struct account *now = &account->figures.now;
	bool verbose = writer->style->verbose;

	if (!now->taken_ns || (!verbose && !tells(account)))
		return;
	line_begin(writer, INDENT, DETAIL_INDENT);
	line_put(writer, LOOK_PLAIN, "RSS %s", units_size(now->rss_bytes).text);
	if (!verbose) {
		write_sum(writer, now);
	} else {
		line_glue(writer, LOOK_PLAIN, ",");
		write_change(writer, account);
	}
	write_age(writer, report);
	line_end(writer);
	if (verbose) {
		write_parts(writer, account);
		write_start(writer, &account->figures);
	} else if (account->change.rss_bytes >= GROWTH_MIN ||
		   account->change.rss_bytes <= -GROWTH_MIN) {
		line_begin(writer, INDENT, DETAIL_INDENT);
		line_put(writer, LOOK_PLAIN, "RSS");
		write_change(writer, account);
		line_end(writer);
	}
	if (now->areas)
		return;
	line_begin(writer, INDENT, DETAIL_INDENT);
	line_words(writer, LOOK_WARNING,
		   "RSS is not divided further: too many areas");
	line_end(writer);
}

void account_write_resident(struct line_writer *writer,
			    const struct report *report,
			    const struct stack_figures *figures)
{
	if (!report->snapshot->resident_wanted)
		return;
	line_begin(writer, DETAIL_INDENT, DETAIL_INDENT + 2);
	if (figures->resident_known) {
		line_put(writer, LOOK_PLAIN, "resident: %s",
			 units_size(figures->resident_bytes).text);
		if (figures->swapped_bytes)
			line_put(writer, LOOK_PLAIN, "and %s swapped out",
				 units_size(figures->swapped_bytes).text);
	} else {
		line_put(writer, LOOK_PLAIN, "resident: not known");
	}
	line_end(writer);
}
