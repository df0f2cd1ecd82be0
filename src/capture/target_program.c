// SPDX-License-Identifier: GPL-2.0-or-later
/* What kind of program a process runs: see target_program.h. */
#include "capture/target_program.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>

#include "util/cleanup.h"

static bool has_linker(Elf *elf)
{
	GElf_Phdr header;
	size_t count;

	if (elf_getphdrnum(elf, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (gelf_getphdr(elf, (int)i, &header) &&
		    header.p_type == PT_INTERP)
			return true;
	return false;
}

enum program_kind program_kind_of(int fd)
{
	enum program_kind kind = PROGRAM_UNKNOWN;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		return PROGRAM_UNKNOWN;
	if (elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS32)
		kind = PROGRAM_32_BIT;
	else if (elf_kind(elf) == ELF_K_ELF)
		kind = has_linker(elf) ? PROGRAM_DYNAMIC : PROGRAM_STATIC;
	elf_end(elf);
	return kind;
}

enum program_kind target_program_kind(const struct target *target)
{
	auto_close int fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/exe", target->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? PROGRAM_UNKNOWN : program_kind_of(fd);
}

int target_program_check(const struct target *target, struct error *error)
{
	if (target_program_kind(target) != PROGRAM_32_BIT)
		return 0;
	return error_set(
		error, ENOEXEC,
		"%s (PID %d) is a 32-bit program, which leaktrace cannot trace: only those of the machine's own 64 bits can be",
		target->name, target->pid);
}
