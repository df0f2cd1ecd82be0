// SPDX-License-Identifier: GPL-2.0-or-later
/* The parts of an ELF file that unwinding reads: see file_image.h. */
#include "unwind/file_image.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unwind/elf_sections.h"
#include "util/cleanup.h"

#define SIZE_LIMIT (64ULL << 30)

/* Headers, tables, names, contents: each leads to the next. */
#define ROUNDS 8
#define HEADERS 4096

void file_image_free(struct file_image *image)
{
	if (image->bytes)
		munmap(image->bytes, image->size);
	*image = (struct file_image){ 0 };
}

/* Reads a range of the file into its place; what lies behind its end stays. */
static int read_range(int fd, struct file_image *image, uint64_t offset,
		      uint64_t size)
{
	ssize_t got;

	if (offset >= image->size)
		return 0;
	if (size > image->size - offset)
		size = image->size - offset;
	while (size) {
		got = pread(fd, image->bytes + offset, size, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break; /* truncated meanwhile */
		offset += (uint64_t)got;
		size -= (uint64_t)got;
	}
	return 0;
}

/*
 * Reads what a look at the image asks for and has not been read yet. Returns
 * how many ranges that were, 0 when the image is complete, or -errno.
 */
static int read_round(int fd, struct file_image *image, struct elf_range *done,
		      struct error *error)
{
	cleanup(elf_sections_free) struct elf_sections sections = { 0 };
	int count = 0;
	size_t i;
	int status =
		elf_sections_read(image->bytes, image->size, &sections, error);

	for (i = 0; !status && i < sections.range_count; i++) {
		const struct elf_range *range = &sections.ranges[i];

		if (!memcmp(range, &done[i], sizeof(*range)))
			continue;
		status = read_range(fd, image, range->offset, range->size);
		if (status)
			error_set(error, -status, "cannot be read: %s",
				  strerror(-status));
		done[i] = *range;
		count++;
	}
	return status ? status : count;
}

static int read_parts(int fd, struct file_image *image, struct error *error)
{
	struct elf_range done[ELF_RANGES] = { 0 };
	int status = read_range(fd, image, 0, HEADERS);
	unsigned round;

	if (status)
		return error_set(error, -status, "cannot be read: %s",
				 strerror(-status));
	for (round = 0; round < ROUNDS; round++) {
		status = read_round(fd, image, done, error);
		if (status <= 0)
			return status;
	}
	return 0;
}

int file_image_read(int fd, struct file_image *image, struct error *error)
{
	cleanup(file_image_free) struct file_image result = { 0 };
	struct stat file;
	int status;

	if (fstat(fd, &file))
		return error_set(error, errno, "cannot be read: %s",
				 strerror(errno));
	if (!S_ISREG(file.st_mode) || file.st_size <= 0)
		return error_set(error, ENOEXEC, "not an ELF file");
	if ((uint64_t)file.st_size > SIZE_LIMIT)
		return error_set(error, EFBIG, "larger than 64 GiB");
	result.size = (size_t)file.st_size;
	result.bytes = mmap(NULL, result.size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (result.bytes == MAP_FAILED) {
		result.bytes = NULL;
		return error_set(error, ENOMEM, "out of memory");
	}
	status = read_parts(fd, &result, error);
	if (status)
		return status;
	*image = result;
	result = (struct file_image){ 0 };
	return 0;
}
