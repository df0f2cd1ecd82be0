/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the page of html.c draws, as the JSON object that page.js takes. */
#ifndef LEAKTRACE_REPORT_HTML_DATA_H
#define LEAKTRACE_REPORT_HTML_DATA_H

#include <jansson.h>

#include "model/report.h"

/* A new object, NULL = out of memory. */
json_t *html_data(const struct report *report);

#endif
