/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What JSON reports have in kernel mode only: the "kernel" objects. */
#ifndef LEAKTRACE_REPORT_KERNEL_JSON_H
#define LEAKTRACE_REPORT_KERNEL_JSON_H

#include <jansson.h>

#include "model/report.h"

/* New objects, NULL without memory. */
json_t *kernel_json_report(const struct report *report);
json_t *kernel_json_stack(const struct report_stack *stack);

#endif
