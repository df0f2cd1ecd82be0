/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPython interpreter of a process: whether it has one, of which version,
 * and where its structures have their fields. They are CPython's own affair
 * and differ by version: of 3.11 they are in a table here; since 3.13 the
 * interpreter tells (struct _Py_DebugOffsets of pycore_runtime.h).
 */
#ifndef LEAKTRACE_CAPTURE_PYTHON_RUNTIME_H
#define LEAKTRACE_CAPTURE_PYTHON_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/python_abi.h"
#include "resolve/resolver.h"
#include "unwind/process_maps.h"

/* Of code objects and strings, in bytes. */
struct python_layout {
	uint32_t file_name, qualified_name, line_table, first_line, code;
	uint32_t text_ascii, text_other; /* where a str's characters begin */
};

struct python_runtime {
	bool found;    /* its frames can be read */
	uint64_t bias; /* of the file that was looked at */
	unsigned major, minor;
	struct abi_python frames;
	struct python_layout layout;
	uint32_t object; /* of the resolver: where the interpreter's code is */
	uint64_t eval_start, eval_end; /* its _PyEval_EvalFrameDefault */
	char name[32];		       /* "python3.11" */
	char unknown[8]; /* version that is not known, "3.12"; "" = none */
};

/* Whether a file can be CPython, by its name: python3.11, libpython3.13.so. */
bool python_runtime_named(const struct process_mapping *mapping);

/*
 * Looks at a mapped file, the resolver's object, behind fd: fills the runtime
 * if it is CPython, also of a version whose frames cannot be read.
 */
void python_runtime_look(struct python_runtime *runtime, int pid, int fd,
			 uint64_t bias, uint32_t object);

/* Reads memory of a process: 0 or -EFAULT. */
int python_read_memory(int pid, uint64_t address, void *into, size_t size);

#endif
