// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of the code that a process generated: see generated_code.h. */
#include "resolve/generated_code.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "resolve/read_all.h"
#include "util/cleanup.h"
#include "util/clock.h"

/* Reading the map may take one part in so many of our time. */
#define REFRESH_SHARE 20

void generated_code_init(struct generated_code *code, int pid)
{
	*code = (struct generated_code){ .pid = pid, .root = -1 };
}

void generated_code_free(struct generated_code *code)
{
	perf_map_free(&code->map);
	if (code->root >= 0)
		close(code->root);
	generated_code_init(code, code->pid);
}

/* Reads PID and users of the process, unless it has ended. */
static void process_read(struct generated_code *code)
{
	auto_fclose FILE *file = NULL;
	char path[64], line[1024];
	const char *last;
	int root;

	snprintf(path, sizeof(path), "/proc/%d/root", code->pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return;
	if (code->root >= 0)
		close(code->root);
	code->root = root;
	snprintf(path, sizeof(path), "/proc/%d/status", code->pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Uid: %u %u", &code->real_user, &code->user))
			continue;
		/* One PID a namespace, the innermost last. */
		if (strncmp(line, "NSpid:", 6))
			continue;
		last = strrchr(line, '\t');
		if (!last || sscanf(last, "%" SCNu32, &code->inner_pid) != 1)
			code->inner_pid = 0;
	}
}

/* Opens the map, or returns -1. */
static int map_open(const struct generated_code *code, struct stat *status)
{
	struct open_how how = {
		/* Not waiting for a writer, should it be a pipe. */
		.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
			 O_NOCTTY,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	auto_close int fd = -1;
	char path[64];

	if (code->root < 0 || !code->inner_pid)
		return -1;
	snprintf(path, sizeof(path), "tmp/perf-%" PRIu32 ".map",
		 code->inner_pid);
	fd = (int)syscall(SYS_openat2, code->root, path, &how, sizeof(how));
	if (fd < 0 || fstat(fd, status) || !S_ISREG(status->st_mode) ||
	    (status->st_uid && status->st_uid != code->user &&
	     status->st_uid != code->real_user))
		return -1;
	return take_fd(&fd);
}

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool map_read(struct generated_code *code)
{
	auto_free char *text = NULL;
	auto_close int fd = -1;
	struct perf_map map;
	struct stat status;
	size_t size;
	int result;

	process_read(code);
	fd = map_open(code, &status);
	if (fd < 0 || is_unchanged(&status, &code->read))
		return false;
	code->read = status;
	result = read_all(fd, GENERATED_CODE_BYTES_MAX, &text, &size);
	code->too_large = result == -EFBIG;
	if (result || perf_map_parse(text, size, &map))
		return false;
	perf_map_free(&code->map);
	code->map = map;
	return true;
}

bool generated_code_refresh(struct generated_code *code, bool now)
{
	uint64_t began = clock_monotonic_ns(), ended;
	bool changed;

	if (!now && began < code->not_again_ns)
		return false;
	changed = map_read(code);
	ended = clock_monotonic_ns();
	code->not_again_ns = ended + (ended - began) * REFRESH_SHARE;
	return changed;
}

bool generated_code_frame(const struct generated_code *code, uint64_t address,
			  bool exact, struct generated_name *name,
			  struct frame *frame)
{
	const struct perf_function *function =
		perf_map_find(&code->map, address - !exact);

	if (!function)
		return false;
	generated_name_split(function->name, name);
	*frame = (struct frame){
		.function = name->function,
		.offset = address - function->start,
		.file = name->file[0] ? name->file : NULL,
		.line = name->line,
		.module = "generated code",
		.address = address,
	};
	return true;
}
