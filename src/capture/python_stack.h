/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Python's part of a call stack: BPF hands code objects and instructions on
 * behind the native frames (bpf/python_abi.h). They are named here at once,
 * from the process's memory, and put where the interpreter's own function
 * stands on the native stack.
 */
#ifndef LEAKTRACE_CAPTURE_PYTHON_STACK_H
#define LEAKTRACE_CAPTURE_PYTHON_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "capture/python_runtime.h"
#include "model/location.h"
#include "resolve/resolver.h"

/* How many of a stack's frames are native: as BPF sent them. */
size_t python_stack_native(const struct location *frames, size_t count);

/*
 * Names one frame: code object, instruction. Where the code cannot be read
 * the frame says so.
 */
void python_frame_name(const struct python_runtime *runtime, int pid,
		       uint64_t code, uint64_t instruction,
		       struct resolver *resolver, struct location *location);

/*
 * Replaces a stack: `native` located frames, then pairs of Python's words. The
 * result is as long at most: *count changes. 0 or -ENOMEM, nothing changed.
 */
int python_stack_merge(const struct python_runtime *runtime, int pid,
		       struct resolver *resolver, struct location *frames,
		       size_t native, size_t *count);

#endif
