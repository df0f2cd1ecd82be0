/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The whole account of the processes' memory in JSON reports: "account". */
#ifndef LEAKTRACE_REPORT_ACCOUNT_JSON_H
#define LEAKTRACE_REPORT_ACCOUNT_JSON_H

#include <jansson.h>

#include "model/report.h"

/* A new object, NULL without memory. */
json_t *account_json(const struct report *report);

/* Adds to a stack what of it is resident, with --resident. 0 or -1. */
int account_json_resident(json_t *stack, const struct report *report,
			  const struct stack_figures *figures);

#endif
