/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text from targets (function, file, module and process names) made safe to
 * show: any bytes in, valid UTF-8 (RFC 3629) out. Pure; independent of the
 * locale.
 */
#ifndef LEAKTRACE_UTIL_UTF8_H
#define LEAKTRACE_UTIL_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * The length in bytes of the character that text begins with, its code point
 * in *code_point; 0 if no valid character begins there. Never reads behind the
 * terminating NUL. Overlong forms, surrogates and code points above U+10FFFF
 * are not valid.
 */
size_t utf8_decode(const char *text, uint32_t *code_point);

/*
 * A copy to be freed, NULL = out of memory. Bytes that are not UTF-8 become
 * U+FFFD each: for formats with escapes of their own.
 */
char *utf8_sanitise(const char *text);

/*
 * A copy to be freed, NULL = out of memory. For terminals: control characters
 * (\e, \n, \t, \r, else \x1f, \u0085) and characters that reorder or hide text
 * (\u202e) are escaped as in C, bytes that are not UTF-8 become \xff.
 */
char *utf8_escape(const char *text);

/*
 * Columns on a terminal: one a character, of valid UTF-8. East Asian wide
 * characters take two in truth; names in code have none as a rule.
 */
size_t utf8_columns(const char *text);

/* The length in bytes of the first `columns` characters, or of all. */
size_t utf8_prefix(const char *text, size_t columns);

#endif
