/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What just-in-time compilers write into perf maps as names, taken apart:
 *
 *	JS:*add /srv/app.js:3:14	V8: kind, tier, function, place
 *	py::run:/srv/main.py		CPython's -X perf: function, file
 *
 * V8: Logger::LogEventsAndTags and CodeEventLogger in src/logging/log.cc;
 * CPython: perf_map_write_entry() in Python/perf_trampoline.c.
 */
#ifndef LEAKTRACE_RESOLVE_GENERATED_NAME_H
#define LEAKTRACE_RESOLVE_GENERATED_NAME_H

/* Longer texts are cut. */
struct generated_name {
	char function[512];
	char file[1024]; /* "" = none told */
	unsigned line;	 /* 0 = none told */
};

/* Takes a name of a perf map apart; of other forms all is the function. */
void generated_name_split(const char *text, struct generated_name *name);

#endif
