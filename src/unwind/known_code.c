// SPDX-License-Identifier: GPL-2.0-or-later
/* Code known by its bytes: see known_code.h. */
#include "unwind/known_code.h"

#include <elf.h>
#include <string.h>

#include "bpf/unwind_abi.h"

static const struct {
	uint16_t machine;
	uint8_t size;
	uint8_t bytes[16];
	uint64_t rule;
} sequences[] = {
	/* mov $15,%rax; syscall: a signal restorer (musl, Go) */
	{ EM_X86_64,
	  9,
	  { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 },
	  UNWIND_SIGNAL },
	/*
	 * mov %rbx,%rsp; mov (%rsp),%rdi; test %rdi,%rdi: where a context of
	 * makecontext() returns to (glibc, __start_context)
	 */
	{ EM_X86_64,
	  10,
	  { 0x48, 0x89, 0xdc, 0x48, 0x8b, 0x3c, 0x24, 0x48, 0x85, 0xff },
	  UNWIND_END },
	/* nop or bti c; mov x0, x19: the same on arm64 (__startcontext) */
	{ EM_AARCH64,
	  8,
	  { 0x1f, 0x20, 0x03, 0xd5, 0xe0, 0x03, 0x13, 0xaa },
	  UNWIND_END },
	{ EM_AARCH64,
	  8,
	  { 0x5f, 0x24, 0x03, 0xd5, 0xe0, 0x03, 0x13, 0xaa },
	  UNWIND_END },
	/* mov x8, #139; svc #0: the vDSO's signal restorer, and musl's */
	{ EM_AARCH64,
	  8,
	  { 0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4 },
	  UNWIND_SIGNAL },
};

struct known_code known_code_find(const uint8_t *bytes, size_t size,
				  uint16_t machine)
{
	struct known_code first = { size, 0, UNWIND_NO_CFI };
	const uint8_t *found;
	size_t i;

	for (i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		if (sequences[i].machine != machine || sequences[i].size > size)
			continue;
		found = memmem(bytes, size, sequences[i].bytes,
			       sequences[i].size);
		if (found && (size_t)(found - bytes) < first.offset)
			first = (struct known_code){ (size_t)(found - bytes),
						     sequences[i].size,
						     sequences[i].rule };
	}
	return first;
}

uint64_t known_code_rule(const uint8_t *bytes, size_t size, uint16_t machine)
{
	size_t i;

	for (i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++)
		if (sequences[i].machine == machine &&
		    sequences[i].size <= size &&
		    !memcmp(bytes, sequences[i].bytes, sequences[i].size))
			return sequences[i].rule;
	return UNWIND_NO_CFI;
}
