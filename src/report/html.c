// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A report as one self-contained HTML page: html/page.html with the style, the
 * script and the data put in. They are built in; nothing is loaded.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/formats.h"
#include "report/html_data.h"
#include "report/json_value.h"

/* The bytes of a file as name_start to name_end, at build time. */
#define EMBED(name, path)                                                \
	__asm__(".pushsection .rodata\n"                                 \
		".global " #name "_start, " #name "_end\n" #name         \
		"_start: .incbin \"" path "\"\n" #name "_end: .byte 0\n" \
		".popsection\n");                                        \
	extern const char name##_start[], name##_end[]

EMBED(html_page, "src/report/html/page.html");
EMBED(html_style, "src/report/html/page.css");
EMBED(html_script, "src/report/html/page.js");

/* Floats of histories need no more. */
#define REAL_DIGITS 9

/*
 * JSON within a script element: nothing in it may end the element or begin a
 * comment (HTML, "Restrictions for contents of script elements").
 */
static void put_data(FILE *stream, const char *json)
{
	for (; *json; json++) {
		if (*json == '<' || *json == '>' || *json == '&')
			fprintf(stream, "\\u%04x", (unsigned)*json);
		else
			fputc(*json, stream);
	}
}

/* Writes the page up to a mark, and returns what is behind it. */
static const char *put_until(FILE *stream, const char *page, const char *mark)
{
	const char *at = strstr(page, mark);

	fwrite(page, 1, (size_t)(at - page), stream);
	return at + strlen(mark);
}

static void put_page(FILE *stream, const char *json)
{
	const char *page = html_page_start;

	page = put_until(stream, page, "@STYLE@");
	fwrite(html_style_start, 1, (size_t)(html_style_end - html_style_start),
	       stream);
	page = put_until(stream, page, "@DATA@");
	put_data(stream, json);
	page = put_until(stream, page, "@SCRIPT@");
	fwrite(html_script_start, 1,
	       (size_t)(html_script_end - html_script_start), stream);
	fputs(page, stream);
}

static int html_write(FILE *stream, const struct report *report,
		      const struct report_style *style)
{
	auto_json json_t *data = html_data(report);
	auto_free char *json = NULL;
	auto_free char *bytes = NULL;
	size_t size = 0;
	FILE *memory;

	(void)style; /* the reader's browser has its own */
	if (data)
		json = json_dumps(
			data, JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
	if (!json)
		return -ENOMEM;
	memory = open_memstream(&bytes, &size);
	if (!memory)
		return -ENOMEM;
	put_page(memory, json);
	if (fclose(memory))
		return -ENOMEM;
	return report_emit(stream, bytes, size);
}

const struct report_format report_format_html = {
	.name = "html",
	.whole = true,
	.all_stacks = true,
	.write = html_write,
};
