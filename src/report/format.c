// SPDX-License-Identifier: GPL-2.0-or-later
/* Output formats by name: see format.h. */
#include "report/format.h"

#include <errno.h>
#include <string.h>

#include "report/formats.h"

static const struct report_format *const formats[] = {
	&report_format_text,  &report_format_json, &report_format_folded,
	&report_format_pprof, &report_format_html, &report_format_massif,
};

const struct report_format *report_format_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(formats[i]->name, name))
			return formats[i];
	return NULL;
}

const struct report_format *report_format_at(size_t index)
{
	return index < sizeof(formats) / sizeof(formats[0]) ? formats[index]
							    : NULL;
}

const char *report_format_names(void)
{
	/* test_report holds it against the table. */
	return "text, json, folded, pprof, html, massif";
}

int report_emit(FILE *stream, const char *bytes, size_t size)
{
	errno = 0;
	if (fwrite(bytes, 1, size, stream) != size || fflush(stream))
		return errno ? -errno : -EIO;
	return 0;
}
