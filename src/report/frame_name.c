// SPDX-License-Identifier: GPL-2.0-or-later
/* One frame of a call stack as one word: see frame_name.h. */
#include "report/frame_name.h"

#include <inttypes.h>
#include <stdio.h>

#include "util/cleanup.h"
#include "util/utf8.h"

char *frame_name(const struct frame *frame)
{
	auto_free char *module = NULL;
	char *name = NULL;

	if (frame->function)
		return utf8_escape(frame->function);
	if (frame->module) {
		module = utf8_escape(frame->module);
		if (!module)
			return NULL;
	}
	if (asprintf(&name, "%s%s%s0x%" PRIx64, module ? "[" : "",
		     module ? module : "", module ? "]+" : "",
		     frame->address) < 0)
		return NULL;
	return name;
}
