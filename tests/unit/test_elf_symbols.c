// SPDX-License-Identifier: GPL-2.0-or-later
/* Functions by name: libc's against the dynamic linker, and damaged files. */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "resolve/elf_symbols.h"
#include "util/cleanup.h"

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#else
#define MACHINE EM_AARCH64
#endif

static const char *const wanted[] = { "free", "malloc", "no_such_function",
				      "strlen" };
#define WANTED_COUNT (sizeof(wanted) / sizeof(*wanted))

/* libc has it too, so the linker exports it: it stands in both tables. */
int getpt(void)
{
	return -1;
}

static const char *const exported[] = { "getpt" };

struct found_object {
	uintptr_t address; /* in: any address in it */
	uintptr_t bias;	   /* out */
	char path[4096];   /* out, "" = the executable */
};

static int find_object(struct dl_phdr_info *info, size_t size, void *data)
{
	struct found_object *object = data;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];

		if (header->p_type != PT_LOAD ||
		    object->address - info->dlpi_addr - header->p_vaddr >=
			    header->p_memsz)
			continue;
		object->bias = info->dlpi_addr;
		snprintf(object->path, sizeof(object->path), "%s",
			 info->dlpi_name);
		return 1;
	}
	return 0;
}

static int memory_file(const void *bytes, size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

/* The whole file of the test itself. */
static unsigned char *read_own(size_t *size)
{
	auto_close int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	unsigned char *bytes;
	struct stat status;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	*size = (size_t)status.st_size;
	bytes = malloc(*size);
	assert_non_null(bytes);
	for (size_t done = 0; done < *size;) {
		ssize_t got = read(fd, bytes + done, *size - done);

		assert_true(got > 0);
		done += (size_t)got;
	}
	return bytes;
}

/* The section header of a type in an ELF image. */
static Elf64_Shdr *section_of_type(unsigned char *image, uint32_t type)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)image;
	Elf64_Shdr *sections = (Elf64_Shdr *)(image + header->e_shoff);

	for (size_t i = 0; i < header->e_shnum; i++)
		if (sections[i].sh_type == type)
			return &sections[i];
	return NULL;
}

/* Looks in a file that must fail; what was found before must stay. */
static void check_failure(const void *bytes, size_t size, int error_wanted,
			  const char *text_wanted)
{
	auto_close int fd = memory_file(bytes, size);
	elf_function_vector functions = { 0 };
	struct error error = { 0 };
	struct elf_function *before = vector_push(&functions);

	assert_non_null(before);
	before->address = 42;
	assert_int_equal(elf_functions_find(fd, exported, 1, &functions,
					    &error),
			 -error_wanted);
	assert_non_null(strstr(error.message, text_wanted));
	assert_null(strchr(error.message, '\n'));
	assert_int_equal(functions.count, 1);
	assert_int_equal(functions.items[0].address, 42);
	vector_free(&functions);
}

static void test_libc(void **state)
{
	elf_function_vector functions = { 0 };
	struct found_object libc = { 0 };
	auto_close int fd = -1;
	struct error error;
	void *handle;

	(void)state;
	/* by handle: a sanitizer's malloc must not answer */
	handle = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	assert_non_null(handle);
	libc.address = (uintptr_t)dlsym(handle, "malloc");
	assert_int_equal(dl_iterate_phdr(find_object, &libc), 1);
	fd = open(libc.path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(elf_functions_find(fd, wanted, WANTED_COUNT,
					    &functions, &error),
			 0);
	/* malloc and free once each; strlen is an ifunc, no function */
	assert_int_equal(functions.count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct elf_function *function = &functions.items[i];
		unsigned char bytes[16];
		void *address;

		assert_true(function->name_index < 2);
		assert_ptr_equal(function->name, wanted[function->name_index]);
		address = dlsym(handle, function->name);
		assert_int_equal(function->address,
				 (uintptr_t)address - libc.bias);
		assert_true(function->size > 16);
		assert_int_equal(pread(fd, bytes, sizeof(bytes),
				       (off_t)function->file_offset),
				 sizeof(bytes));
		assert_memory_equal(bytes, address, sizeof(bytes));
	}
	assert_int_not_equal(functions.items[0].name_index,
			     functions.items[1].name_index);
	vector_free(&functions);
	dlclose(handle);
}

/* A function that is in .symtab only. */
static void test_own_symtab(void **state)
{
	static const char *const own[] = { "test_own_symtab" };
	struct found_object self = { 0 };
	elf_function_vector functions = { 0 };
	struct error error;
	auto_close int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	self.address = (uintptr_t)test_own_symtab;
	assert_int_equal(dl_iterate_phdr(find_object, &self), 1);
	assert_int_equal(elf_functions_find(fd, own, 1, &functions, &error), 0);
	assert_int_equal(functions.count, 1);
	assert_int_equal(functions.items[0].address, self.address - self.bias);
	vector_free(&functions);
}

static void test_in_both_tables(void **state)
{
	elf_function_vector functions = { 0 };
	struct error error;
	auto_close int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(
		elf_functions_find(fd, exported, 1, &functions, &error), 0);
	assert_int_equal(functions.count, 1);
	vector_free(&functions);
}

static void test_foreign(void **state)
{
	Elf32_Ehdr narrow = { .e_type = ET_DYN,
			      .e_machine = EM_386,
			      .e_version = EV_CURRENT,
			      .e_ehsize = sizeof(narrow) };
	Elf64_Ehdr other = { .e_type = ET_DYN,
			     .e_machine = EM_S390,
			     .e_version = EV_CURRENT,
			     .e_ehsize = sizeof(other) };

	(void)state;
	memcpy(narrow.e_ident, ELFMAG, SELFMAG);
	narrow.e_ident[EI_CLASS] = ELFCLASS32;
	narrow.e_ident[EI_DATA] = ELFDATA2LSB;
	narrow.e_ident[EI_VERSION] = EV_CURRENT;
	check_failure(&narrow, sizeof(narrow), ENOEXEC, "32-bit");
	check_failure(&narrow, sizeof(narrow), ENOEXEC, "80386");
	narrow.e_machine = MACHINE; /* x32, or arm64's ILP32 */
	check_failure(&narrow, sizeof(narrow), ENOEXEC, "32-bit");
	memcpy(other.e_ident, ELFMAG, SELFMAG);
	other.e_ident[EI_CLASS] = ELFCLASS64;
	other.e_ident[EI_DATA] = ELFDATA2LSB;
	other.e_ident[EI_VERSION] = EV_CURRENT;
	check_failure(&other, sizeof(other), ENOEXEC, "S/390");
	check_failure("#!/bin/sh\nexit 0\n", 17, ENOEXEC, "not an ELF file");
	check_failure("", 0, ENOEXEC, "not an ELF file");
}

static void test_damaged(void **state)
{
	size_t size;
	auto_free unsigned char *own = read_own(&size);
	Elf64_Shdr *section;

	(void)state;
	/* the section headers stand at the end */
	check_failure(own, size / 2, EINVAL, "damaged");
	section = section_of_type(own, SHT_SYMTAB);
	assert_non_null(section);
	section->sh_offset = size;
	check_failure(own, size, EINVAL, "damaged");
	section->sh_offset = UINT64_MAX - 8;
	check_failure(own, size, EINVAL, "damaged");
}

/* Names outside of the string table, one without its end: passed over. */
static void test_damaged_names(void **state)
{
	size_t size;
	auto_free unsigned char *own = read_own(&size);
	Elf64_Shdr *section = section_of_type(own, SHT_SYMTAB);
	elf_function_vector functions = { 0 };
	struct error error;
	auto_close int fd = -1;
	Elf64_Sym *symbols;

	(void)state;
	assert_non_null(section);
	symbols = (Elf64_Sym *)(own + section->sh_offset);
	for (size_t i = 0; i < section->sh_size / sizeof(*symbols); i++)
		symbols[i].st_name = 0xfffffff0 + i % 16;
	fd = memory_file(own, size);
	assert_int_equal(elf_functions_find(fd, (const char *const[]){ "main" },
					    1, &functions, &error),
			 0);
	assert_int_equal(functions.count, 0);
	vector_free(&functions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libc),
		cmocka_unit_test(test_own_symtab),
		cmocka_unit_test(test_in_both_tables),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_damaged_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
