/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As much of an ELF file in memory as unwinding reads. A copy, not a mapping:
 * a file that its owner truncates meanwhile would end us by SIGBUS.
 */
#ifndef LEAKTRACE_UNWIND_FILE_IMAGE_H
#define LEAKTRACE_UNWIND_FILE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

struct file_image {
	uint8_t *bytes; /* the whole file's length; unread parts are zero */
	size_t size;
};

/*
 * Reads the file open as fd, at offset 0 whatever fd's own position is.
 * Returns 0, or -errno with *image untouched: -ENOEXEC (not a regular file,
 * empty, or not what elf_sections_read() takes), -EFBIG (over 64 GiB), -EIO
 * and other errors of reading. Release with file_image_free().
 */
int file_image_read(int fd, struct file_image *image, struct error *error);
void file_image_free(struct file_image *image);

#endif
