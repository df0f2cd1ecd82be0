/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that is replaced in one step: written beside the old one, brought to
 * the disk and renamed over it. Readers see the old one or the new one, whole.
 */
#ifndef LEAKTRACE_UTIL_ATOMIC_FILE_H
#define LEAKTRACE_UTIL_ATOMIC_FILE_H

struct atomic_file {
	int fd;		 /* write here */
	char *path;	 /* that it will have */
	char *temporary; /* path.XXXXXX, that it has now */
};

/*
 * Begins. The file will be readable as the umask says. Returns 0 or -errno
 * (-EINVAL: path is there and is no regular file); then commit or drop it.
 */
int atomic_file_open(struct atomic_file *file, const char *path);

/* Puts it in its place. Returns 0, or -errno with all as it was before. */
int atomic_file_commit(struct atomic_file *file);

/* Takes it away again. */
void atomic_file_drop(struct atomic_file *file);

#endif
