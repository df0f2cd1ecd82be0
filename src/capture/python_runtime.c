// SPDX-License-Identifier: GPL-2.0-or-later
/* The CPython interpreter of a process: see python_runtime.h. */
#include "capture/python_runtime.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "resolve/elf_data.h"

/* Include/internal/pycore_{runtime,frame}.h, cpython/{pystate,code}.h: 3.11 */
#define RUNTIME_THREAD_3_11 576	    /* _PyRuntime.gilstate.tstate_current */
#define RUNTIME_INTERPRETER_3_11 40 /* _PyRuntime.interpreters.head */

static const struct abi_python frames_3_11 = {
	.threads = 16,
	.next_thread = 8,
	.thread = 152,
	.frame_holder = 56, /* cframe */
	.frame = 8,
	.code = 32,
	.instruction = 56,
	.previous = 48,
	.entry = 68, /* is_entry */
	.frame_words = 9,
	.entry_kind = PYTHON_ENTRY_MARKED,
};

static const struct python_layout layout_3_11 = {
	.file_name = 112,
	.qualified_name = 128,
	.line_table = 136,
	.first_line = 72,
	.code = 184,
	.text_ascii = 48,
	.text_other = 72,
};

/* struct _Py_DebugOffsets of 3.13, in words of 8 bytes. */
enum {
	TOLD_COOKIE = 0,
	TOLD_FREE_THREADED = 2,
	TOLD_INTERPRETERS = 5,
	TOLD_THREADS = 9,
	TOLD_GIL_HOLDER = 18,
	TOLD_NEXT_THREAD = 21,
	TOLD_FRAME = 23,
	TOLD_THREAD = 24,
	TOLD_FRAME_SIZE = 28,
	TOLD_PREVIOUS = 29,
	TOLD_CODE = 30,
	TOLD_INSTRUCTION = 31,
	TOLD_OWNER = 33,
	TOLD_FILE_NAME = 35,
	TOLD_QUALIFIED_NAME = 37,
	TOLD_LINE_TABLE = 38,
	TOLD_FIRST_LINE = 39,
	TOLD_CODE_BYTES = 43,
	TOLD_WORDS = 44,
};

/* No structure of the interpreter is nearly as large. */
#define OFFSET_MAX (1u << 20)

int python_read_memory(int pid, uint64_t address, void *into, size_t size)
{
	struct iovec local = { into, size };
	struct iovec remote = { (void *)(uintptr_t)address, size };

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)size
		       ? 0
		       : -EFAULT;
}

static bool told_are_sound(const uint64_t *told)
{
	for (size_t i = TOLD_INTERPRETERS; i < TOLD_WORDS; i++)
		if (told[i] > OFFSET_MAX)
			return false;
	/* Words of a frame that BPF reads at once. */
	return !memcmp(told, "xdebugpy", 8) && !told[TOLD_FREE_THREADED] &&
	       told[TOLD_PREVIOUS] < 8 * PYTHON_FRAME_WORDS &&
	       told[TOLD_CODE] < 8 * PYTHON_FRAME_WORDS &&
	       told[TOLD_INSTRUCTION] < 8 * PYTHON_FRAME_WORDS &&
	       told[TOLD_OWNER] < 8 * PYTHON_FRAME_WORDS;
}

static uint32_t words_to_hold(const uint64_t *told)
{
	static const unsigned places[] = { TOLD_PREVIOUS, TOLD_CODE,
					   TOLD_INSTRUCTION, TOLD_OWNER };
	uint64_t words = 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (told[places[i]] / 8 + 1 > words)
			words = told[places[i]] / 8 + 1;
	return (uint32_t)words;
}

static bool runtime_3_13(struct python_runtime *runtime, int pid,
			 uint64_t address)
{
	uint64_t told[TOLD_WORDS];

	if (python_read_memory(pid, address, told, sizeof(told)) ||
	    !told_are_sound(told))
		return false;
	runtime->frames = (struct abi_python){
		.state = address + told[TOLD_INTERPRETERS],
		.state_holder = (uint32_t)told[TOLD_GIL_HOLDER],
		.interpreter = address + told[TOLD_INTERPRETERS],
		.threads = (uint32_t)told[TOLD_THREADS],
		.next_thread = (uint32_t)told[TOLD_NEXT_THREAD],
		.thread = (uint32_t)told[TOLD_THREAD],
		.frame = (uint32_t)told[TOLD_FRAME],
		.code = (uint32_t)told[TOLD_CODE],
		.instruction = (uint32_t)told[TOLD_INSTRUCTION],
		.previous = (uint32_t)told[TOLD_PREVIOUS],
		.entry = (uint32_t)told[TOLD_OWNER],
		.frame_words = words_to_hold(told),
		.entry_kind = PYTHON_ENTRY_BY_OWNER,
	};
	runtime->layout = (struct python_layout){
		.file_name = (uint32_t)told[TOLD_FILE_NAME],
		.qualified_name = (uint32_t)told[TOLD_QUALIFIED_NAME],
		.line_table = (uint32_t)told[TOLD_LINE_TABLE],
		.first_line = (uint32_t)told[TOLD_FIRST_LINE],
		.code = (uint32_t)told[TOLD_CODE_BYTES],
		.text_ascii = 40,
		.text_other = 56,
	};
	return true;
}

static bool runtime_of_version(struct python_runtime *runtime, int pid,
			       uint64_t address)
{
	switch (runtime->minor) {
	case 11:
		runtime->frames = frames_3_11;
		runtime->frames.state = address + RUNTIME_THREAD_3_11;
		runtime->frames.interpreter =
			address + RUNTIME_INTERPRETER_3_11;
		runtime->layout = layout_3_11;
		return true;
	case 13:
		return runtime_3_13(runtime, pid, address);
	}
	return false;
}

bool python_runtime_named(const struct process_mapping *mapping)
{
	const char *slash = mapping->path ? strrchr(mapping->path, '/') : NULL;

	return slash && strstr(slash, "python3");
}

void python_runtime_look(struct python_runtime *runtime, int pid, int fd,
			 uint64_t bias, uint32_t object)
{
	struct elf_datum data[] = {
		{ .name = "_PyRuntime" },
		{ .name = "Py_Version" },
		{ .name = "_PyEval_EvalFrameDefault" },
	};
	uint64_t version;

	elf_data_find(fd, data, sizeof(data) / sizeof(data[0]));
	if (!data[0].address || !data[1].address ||
	    python_read_memory(pid, bias + data[1].address, &version,
			       sizeof(version)))
		return;
	*runtime = (struct python_runtime){
		.major = version >> 24 & 0xff,
		.minor = version >> 16 & 0xff,
		.object = object,
		.bias = bias,
		.eval_start = data[2].address,
		.eval_end = data[2].address + data[2].size,
	};
	runtime->found =
		runtime->major == 3 &&
		runtime_of_version(runtime, pid, bias + data[0].address);
	snprintf(runtime->name, sizeof(runtime->name), "python%u.%u",
		 runtime->major, runtime->minor);
	if (!runtime->found)
		snprintf(runtime->unknown, sizeof(runtime->unknown), "%u.%u",
			 runtime->major, runtime->minor);
}
