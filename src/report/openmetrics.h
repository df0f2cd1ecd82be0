/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A report as OpenMetrics text (the OpenMetrics 1.0.0 specification): what
 * Prometheus and its like scrape. docs/leaktrace.8, METRICS, documents every
 * name.
 */
#ifndef LEAKTRACE_REPORT_OPENMETRICS_H
#define LEAKTRACE_REPORT_OPENMETRICS_H

#include <stdio.h>

#include "model/report.h"

/* Leaking stacks told one by one, and characters of a label, at most. */
#define OPENMETRICS_STACKS_MAX 20
#define OPENMETRICS_LABEL_MAX 120

/* Writes the report. 0 or -ENOMEM; the stream has part of it then. */
int openmetrics_write(FILE *stream, const struct report *report);

#endif
