// SPDX-License-Identifier: GPL-2.0-or-later
/* Which version of an allocator an object holds: see allocator_version.h. */
#include "capture/allocator_version.h"

#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"

#define COMMIT_DIGITS_MIN 7 /* of jemalloc's, behind -g */

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

/* The length of digits and dots at the beginning, the last one a digit. */
static size_t version_length(const char *data, size_t size)
{
	size_t length = 0;

	while (length < size && (is_digit(data[length]) || data[length] == '.'))
		length++;
	while (length && data[length - 1] == '.')
		length--;
	return length;
}

/* As a version, if it begins with a digit, has a dot and is short enough. */
static struct allocator_version version_make(const char *data, size_t length)
{
	struct allocator_version version = { "" };

	if (length && length < sizeof(version.text) && is_digit(data[0]) &&
	    memchr(data, '.', length))
		memcpy(version.text, data, length);
	return version;
}

static struct allocator_version version_behind(const char *data, size_t size,
					       const char *words)
{
	const char *found = memmem(data, size, words, strlen(words));

	if (!found)
		return version_make("", 0);
	found += strlen(words);
	return version_make(found, version_length(found, data + size - found));
}

/* "5.3.0-0-g54eaed1d...": the version before the number and the commit. */
static bool is_git_version(const char *data, size_t size, size_t length)
{
	size_t at = length;

	if (at >= size || data[at++] != '-')
		return false;
	while (at < size && is_digit(data[at]))
		at++;
	if (size - at < 2 + COMMIT_DIGITS_MIN || data[at] != '-' ||
	    data[at + 1] != 'g')
		return false;
	at += 2;
	for (size_t i = 0; i < COMMIT_DIGITS_MIN; i++)
		if (!is_digit(data[at + i]) &&
		    (data[at + i] < 'a' || data[at + i] > 'f'))
			return false;
	return true;
}

/* A string that is a version, beginning behind a NUL. */
static struct allocator_version version_string(const char *data, size_t size,
					       bool git)
{
	const char *end = data + size;

	while (data < end) {
		const char *last = memchr(data, '\0', (size_t)(end - data));
		size_t length;

		if (!last)
			break;
		length = version_length(data, (size_t)(last - data));
		if (length &&
		    (git ? is_git_version(data, (size_t)(last - data), length)
			 : data + length == last)) {
			struct allocator_version version =
				version_make(data, length);

			if (version.text[0])
				return version;
		}
		data = last + 1;
	}
	return version_make("", 0);
}

struct allocator_version allocator_version_find(enum allocator_family family,
						const char *data, size_t size)
{
	static const char musl[] = "musl libc (";
	const char *found;

	switch (family) {
	case FAMILY_GLIBC:
		return version_behind(data, size, " release version ");
	case FAMILY_TCMALLOC:
		return version_behind(data, size, "gperftools ");
	case FAMILY_JEMALLOC:
		return version_string(data, size, true);
	case FAMILY_MUSL:
		found = memmem(data, size, musl, sizeof(musl) - 1);
		if (found)
			return version_string(data, size, false);
		break;
	default:
		break;
	}
	return version_make("", 0);
}

/* The constant that the function returns, 0 if it is not so simple. */
static uint32_t constant_returned(const uint8_t *code, size_t size)
{
#if defined(__x86_64__)
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	uint32_t value;

	if (size >= sizeof(endbr) && !memcmp(code, endbr, sizeof(endbr))) {
		code += sizeof(endbr);
		size -= sizeof(endbr);
	}
	/* mov $value,%eax; ret */
	if (size < 6 || code[0] != 0xb8 || code[5] != 0xc3)
		return 0;
	memcpy(&value, code + 1, sizeof(value));
	return value;
#else
	uint32_t move, leave;

	if (size < 8)
		return 0;
	memcpy(&move, code, sizeof(move));
	memcpy(&leave, code + 4, sizeof(leave));
	/* mov w0, #value; ret */
	return move >> 21 == 0x294 && !(move & 31) && leave == 0xd65f03c0
		       ? move >> 5 & 0xffff
		       : 0;
#endif
}

struct allocator_version allocator_version_of_code(const uint8_t *code,
						   size_t size)
{
	struct allocator_version version = { "" };
	uint32_t value = constant_returned(code, size);
	uint32_t unit = value < 10000 ? 10 : 100;

	if (value >= 100 && value < 1000000)
		snprintf(version.text, sizeof(version.text), "%u.%u.%u",
			 value / unit / unit, value / unit % unit,
			 value % unit);
	return version;
}

/* Whether a section can hold an allocator's constants. */
static bool is_read_only_data(const GElf_Shdr *header)
{
	return header->sh_type == SHT_PROGBITS &&
	       (header->sh_flags & (SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR)) ==
		       SHF_ALLOC;
}

struct allocator_version allocator_version_read(int fd,
						enum allocator_family family,
						uint64_t version_function)
{
	struct allocator_version version = { "" };
	size_t left = ALLOCATOR_VERSION_DATA_MAX;
	Elf_Scn *section = NULL;
	uint8_t code[16];
	GElf_Shdr header;
	ssize_t got;
	Elf *elf;

	if (family == FAMILY_MIMALLOC && version_function) {
		got = pread(fd, code, sizeof(code), (off_t)version_function);
		return allocator_version_of_code(code,
						 got > 0 ? (size_t)got : 0);
	}
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	while (elf && left && !version.text[0] &&
	       (section = elf_nextscn(elf, section))) {
		auto_free char *data = NULL;
		size_t size;

		if (!gelf_getshdr(section, &header) ||
		    !is_read_only_data(&header))
			continue;
		size = header.sh_size < left ? (size_t)header.sh_size : left;
		left -= size;
		data = malloc(size + 1);
		got = data ? pread(fd, data, size, (off_t)header.sh_offset) : 0;
		if (got > 0)
			version = allocator_version_find(family, data,
							 (size_t)got);
	}
	elf_end(elf);
	return version;
}
