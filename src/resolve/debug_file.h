/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The separate debug file of an object in DIR by the name in its
 * .gnu_debuglink: DIR/LINK, DIR/.debug/LINK, /usr/lib/debug/DIR/LINK (GDB
 * manual, "Separate Debug Files"). The directory may belong to the target, so
 * nothing there is trusted: not to be a regular file, nor to stay the same
 * while it is read.
 */
#ifndef LEAKTRACE_RESOLVE_DEBUG_FILE_H
#define LEAKTRACE_RESOLVE_DEBUG_FILE_H

#include <stdint.h>

/*
 * Opens the file called link of the object at path (absolute) whose
 * CRC-32 is crc. Returns a file descriptor, the caller's: of a private copy
 * up to DEBUG_FILE_COPY_MAX bytes, of the file itself above. -ENOENT if there
 * is none.
 */
#define DEBUG_FILE_COPY_MAX (64 << 20)

int debug_file_by_name(const char *path, const char *link, uint32_t crc);

#endif
