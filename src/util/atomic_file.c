// SPDX-License-Identifier: GPL-2.0-or-later
/* A file that is replaced in one step: see atomic_file.h. */
#include "util/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"

static void file_free(struct atomic_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	free(file->temporary);
	free(file->path);
	*file = (struct atomic_file){ .fd = -1 };
}

/* mkstemp(3) gives nobody else access; the umask is to decide. */
static int set_mode(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	return fchmod(fd, 0666 & ~mask);
}

int atomic_file_open(struct atomic_file *file, const char *path)
{
	struct stat status;
	int result;

	*file = (struct atomic_file){ .fd = -1 };
	if (!stat(path, &status) && !S_ISREG(status.st_mode))
		return -EINVAL;
	/* A link stays: what it leads to is replaced. */
	file->path = realpath(path, NULL);
	if (!file->path)
		file->path = strdup(path);
	if (!file->path ||
	    asprintf(&file->temporary, "%s.XXXXXX", file->path) < 0) {
		file->temporary = NULL;
		file_free(file);
		return -ENOMEM;
	}
	file->fd = mkostemp(file->temporary, O_CLOEXEC);
	if (file->fd < 0 || set_mode(file->fd)) {
		result = -errno;
		if (file->fd >= 0)
			unlink(file->temporary);
		file_free(file);
		return result;
	}
	return 0;
}

/* The new name is to outlive a crash as well; not every file system can. */
static void directory_sync(char *path)
{
	char *slash = strrchr(path, '/');
	auto_close int fd = -1;

	if (slash)
		slash[slash == path] = '\0';
	fd = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		fsync(fd);
}

int atomic_file_commit(struct atomic_file *file)
{
	int result;

	if (fsync(file->fd) || rename(file->temporary, file->path)) {
		result = -errno;
		atomic_file_drop(file);
		return result;
	}
	directory_sync(file->path);
	file_free(file);
	return 0;
}

void atomic_file_drop(struct atomic_file *file)
{
	unlink(file->temporary);
	file_free(file);
}
