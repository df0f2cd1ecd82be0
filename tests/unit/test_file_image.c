// SPDX-License-Identifier: GPL-2.0-or-later
/* Partial images of ELF files: what they compile to is what the file does. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf_image.h"
#include "unwind/file_image.h"
#include "unwind/row_table.h"

/* The file that this program has its malloc from: the C library. */
static void library_path(char *path, size_t size)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");

	assert_non_null(maps);
	path[0] = '\0';
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "/libc.so") || strstr(line, "/libc-"))
			snprintf(path, size, "%.*s",
				 (int)strcspn(strchr(line, '/'), "\n"),
				 strchr(line, '/'));
	fclose(maps);
	assert_true(path[0]);
}

static void compare_with_whole(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct file_image image = { 0 };
	struct row_table whole, part;
	struct rule_dictionary dictionary;
	struct error error;
	struct stat file;
	void *bytes;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &file), 0);
	bytes = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(bytes, MAP_FAILED);
	assert_int_equal(rule_dictionary_init(&dictionary, NULL), 0);
	assert_int_equal(row_table_compile(bytes, (size_t)file.st_size,
					   &dictionary, &whole, &error),
			 0);
	assert_int_equal(file_image_read(fd, &image, &error), 0);
	assert_int_equal(image.size, file.st_size);
	assert_int_equal(row_table_compile(image.bytes, image.size, &dictionary,
					   &part, &error),
			 0);
	assert_true(whole.row_count > 100);
	assert_int_equal(part.row_count, whole.row_count);
	assert_int_equal(part.page_count, whole.page_count);
	assert_memory_equal(part.rows, whole.rows,
			    whole.row_count * sizeof(*whole.rows));
	row_table_free(&whole);
	row_table_free(&part);
	rule_dictionary_free(&dictionary);
	file_image_free(&image);
	munmap(bytes, (size_t)file.st_size);
	close(fd);
}

static void test_same_tables(void **state)
{
	char library[512];

	(void)state;
	library_path(library, sizeof(library));
	compare_with_whole(library);
	compare_with_whole("/proc/self/exe");
}

/* Without section headers: through the program header, then the contents. */
static void test_without_sections(void **state)
{
	char library[512], copy[] = "/tmp/test_file_image.XXXXXX";
	struct file_image image = { 0 };
	struct error error;
	uint8_t zeros[24] = { 0 };
	uint8_t *bytes;
	struct stat file;
	int fd, out = mkstemp(copy);

	(void)state;
	library_path(library, sizeof(library));
	fd = open(library, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && out >= 0);
	assert_int_equal(fstat(fd, &file), 0);
	bytes = malloc((size_t)file.st_size);
	assert_int_equal(pread(fd, bytes, (size_t)file.st_size, 0),
			 file.st_size);
	memcpy(bytes + offsetof(Elf64_Ehdr, e_shoff), zeros, 8);
	memcpy(bytes + offsetof(Elf64_Ehdr, e_shnum), zeros, 4);
	assert_int_equal(write(out, bytes, (size_t)file.st_size), file.st_size);
	compare_with_whole(copy);
	/* Cut short while it is read: the rest is zero, which is no error. */
	assert_int_equal(ftruncate(out, file.st_size / 2), 0);
	assert_int_equal(file_image_read(out, &image, &error), 0);
	assert_int_equal(image.size, file.st_size / 2);
	file_image_free(&image);
	unlink(copy);
	free(bytes);
	close(fd);
	close(out);
}

static void test_refused(void **state)
{
	static const char *const paths[] = { "/dev/null", "/tmp",
					     "/proc/self/maps", "/etc/passwd" };
	struct file_image image = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct error error = { "" };
		int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		assert_true(fd >= 0);
		assert_int_equal(file_image_read(fd, &image, &error), -ENOEXEC);
		assert_true(error.message[0]);
		assert_null(image.bytes);
		close(fd);
	}
	assert_int_equal(file_image_read(-1, &image, NULL), -EBADF);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_tables),
		cmocka_unit_test(test_without_sections),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
