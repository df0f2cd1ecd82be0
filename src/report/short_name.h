/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of C++ and Rust functions for lines that they are too long for. */
#ifndef LEAKTRACE_REPORT_SHORT_NAME_H
#define LEAKTRACE_REPORT_SHORT_NAME_H

#include <stddef.h>

/*
 * Takes out of a demangled name, in place, what tells least until it has no
 * more than columns: the arguments of the function, then those of templates,
 * for which "<>" stands. What is still too long stays so.
 */
void short_name_fit(char *name, size_t columns);

#endif
