// SPDX-License-Identifier: GPL-2.0-or-later
/* The account in JSON reports: see account_json.h. */
#include "report/account_json.h"

#include "report/account_line.h"
#include "report/json_value.h"

static json_t *parts_object(const struct report_account *account)
{
	const struct account *now = &account->figures.now;
	auto_json json_t *object = json_object();

	for (size_t i = 0; i < ACCOUNT_PARTS; i++) {
		enum account_part part = (enum account_part)i;

		if (json_object_set_new(
			    object, account_part_name(part),
			    json_pack("{s:I, s:I, s:s}", "bytes",
				      json_value_integer(now->parts[i]),
				      "change",
				      (json_int_t)account->change.parts[i],
				      "bound", account_bound(now, part))))
			return NULL;
	}
	return take(object);
}

static json_t *start_object(const struct process_account *figures)
{
	if (!figures->start.taken_ns)
		return json_null();
	return json_pack("{s:I, s:I, s:I}", "rss_bytes",
			 json_value_integer(figures->start.rss_bytes),
			 "heap_bytes",
			 json_value_integer(figures->start_heap_bytes),
			 "heap_rss_bytes",
			 json_value_integer(figures->start_heap_rss_bytes));
}

static json_t *process_array(const struct report *report)
{
	auto_json json_t *array = json_array();

	for (size_t i = 0; i < report->accounts.count; i++) {
		const struct report_account *account =
			&report->accounts.items[i];
		const struct process_account *figures = &account->figures;

		if (json_array_append_new(
			    array,
			    json_pack(
				    "{s:I, s:o, s:I, s:I, s:I, s:o, s:o}",
				    "pid", (json_int_t)figures->pid, "name",
				    json_value_text(figures->name), "rss_bytes",
				    json_value_integer(figures->now.rss_bytes),
				    "rss_change",
				    (json_int_t)account->change.rss_bytes,
				    "swap_bytes",
				    json_value_integer(figures->now.swap_bytes),
				    "parts", parts_object(account), "start",
				    start_object(figures))))
			return NULL;
	}
	return take(array);
}

json_t *account_json(const struct report *report)
{
	const struct report_account *account = &report->account;
	const struct account *now = &account->figures.now;
	struct account_text growth = account_growth(account);
	uint64_t taken_ns = report->snapshot->taken_ns;
	enum account_part part;
	bool grown = account_cause(account, &part);

	return json_pack(
		"{s:I, s:I, s:I, s:o, s:o, s:o, s:f, s:o, s:o, s:o}",
		"rss_bytes", json_value_integer(now->rss_bytes), "rss_change",
		(json_int_t)account->change.rss_bytes, "swap_bytes",
		json_value_integer(now->swap_bytes), "cause",
		json_value_text(grown ? account_part_name(part) : NULL),
		"growth", json_value_text(grown ? growth.text : NULL), "parts",
		parts_object(account), "age_seconds",
		json_value_seconds(taken_ns > now->taken_ns
					   ? taken_ns - now->taken_ns
					   : 0),
		"areas", json_value_integer_or_null(now->areas), "start",
		start_object(&account->figures), "processes",
		process_array(report));
}

int account_json_resident(json_t *stack, const struct report *report,
			  const struct stack_figures *figures)
{
	bool known = figures->resident_known;

	if (!report->snapshot->resident_wanted)
		return 0;
	if (json_object_set_new(stack, "resident_bytes",
				known ? json_integer(json_value_integer(
						figures->resident_bytes))
				      : json_null()))
		return -1;
	return json_object_set_new(
		stack, "swapped_bytes",
		known ? json_integer(json_value_integer(figures->swapped_bytes))
		      : json_null());
}
