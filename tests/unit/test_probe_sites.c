// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Probe sites in ELF files made by hand: the cookies that tell of them, what
 * forbids them, and files that are damaged. x86-64 code.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/probe_sites.h"
#include "util/cleanup.h"

#define MIB (1ULL << 20)

enum {
	TEXT = 0x1000,	 /* file offset of the executable segment */
	BIAS = 0x400000, /* its address less its offset */
	FREE = 0x40,	 /* the function under test, offset in the text */
	SYMBOLS = 0x200, /* file offset of symbols, then of their names */
	NAMES = 0x300,
	SECTIONS = 0x400,
};

static const struct allocator_function release = {
	.name = "free",
	.shape = ABI_SHAPE_FREE,
};
static const struct allocator_function allocate = {
	.name = "malloc",
	.shape = ABI_SHAPE_MALLOC,
	.returns = true,
	.allocates = true,
};
static const struct allocator_function reallocate = {
	.name = "realloc",
	.shape = ABI_SHAPE_REALLOC,
	.returns = true,
	.allocates = true,
};

/* test %rdi,%rdi; je; push %rbx ... */
static const uint8_t free_code[] = { 0x48, 0x85, 0xff, 0x74, 0x10, 0x53 };
/* push %rbx ... */
static const uint8_t push_code[] = { 0x53, 0x48, 0x89, 0xfb };

static const struct probe_conditions everything = { .cookies = true };
static const struct probe_conditions no_cookies = { 0 };

static void put(int fd, const void *bytes, size_t size, uint64_t offset)
{
	assert_int_equal(pwrite(fd, bytes, size, (off_t)offset), size);
}

/* A file with text_size bytes of text, all int3; returns its descriptor. */
static int object_begin(uint64_t text_size)
{
	Elf64_Ehdr header = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
		.e_shentsize = sizeof(Elf64_Shdr),
	};
	Elf64_Phdr segments[] = {
		{ .p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = TEXT },
		{ .p_type = PT_LOAD,
		  .p_flags = PF_R | PF_X,
		  .p_offset = TEXT,
		  .p_vaddr = TEXT + BIAS,
		  .p_filesz = text_size,
		  .p_memsz = text_size },
	};
	int fd = memfd_create("object", MFD_CLOEXEC);
	uint8_t filler[4096];

	assert_true(fd >= 0);
	memset(filler, 0xcc, sizeof(filler));
	put(fd, &header, sizeof(header), 0);
	put(fd, segments, sizeof(segments), sizeof(header));
	assert_int_equal(ftruncate(fd, (off_t)(TEXT + text_size)), 0);
	for (uint64_t at = 0; at < text_size && text_size < 16 * MIB;
	     at += sizeof(filler))
		put(fd, filler,
		    text_size - at < sizeof(filler) ? text_size - at
						    : sizeof(filler),
		    TEXT + at);
	return fd;
}

/* The object with one symbol table that has a function at offset. */
static void object_add_symbol(int fd, uint64_t offset)
{
	static const char names[] = "\0inner";
	const Elf64_Sym symbols[2] = {
		[1] = { .st_name = 1,
			.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = 1,
			.st_value = TEXT + BIAS + offset },
	};
	const Elf64_Shdr sections[] = {
		{ 0 },
		{ .sh_type = SHT_SYMTAB,
		  .sh_offset = SYMBOLS,
		  .sh_size = sizeof(symbols),
		  .sh_link = 2,
		  .sh_entsize = sizeof(Elf64_Sym) },
		{ .sh_type = SHT_STRTAB,
		  .sh_offset = NAMES,
		  .sh_size = sizeof(names) },
	};
	Elf64_Ehdr header;

	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	header.e_shoff = SECTIONS;
	header.e_shnum = 3;
	header.e_shstrndx = 2;
	put(fd, &header, sizeof(header), 0);
	put(fd, symbols, sizeof(symbols), SYMBOLS);
	put(fd, names, sizeof(names), NAMES);
	put(fd, sections, sizeof(sections), SECTIONS);
}

/* jmp rel32 from one offset in the text to another. */
static void put_jump(int fd, uint64_t from, uint64_t to)
{
	uint8_t jump[5] = { 0xe9 };
	int32_t displacement = (int32_t)(to - from - sizeof(jump));

	memcpy(jump + 1, &displacement, sizeof(displacement));
	put(fd, jump, sizeof(jump), TEXT + from);
}

static struct sited_function function_at(const struct allocator_function *known,
					 uint64_t offset, uint64_t size)
{
	return (struct sited_function){
		.known = known,
		.name = known->name,
		.address = TEXT + BIAS + offset,
		.file_offset = TEXT + offset,
		.size = size,
	};
}

/* The site of a function of these bytes that stands alone. */
static struct sited_function choose(const struct allocator_function *known,
				    const uint8_t *code, size_t size,
				    const struct probe_conditions *conditions)
{
	struct sited_function function = function_at(known, FREE, size);
	auto_close int fd = object_begin(0x1000);

	put(fd, code, size, TEXT + FREE);
	probe_sites_choose(fd, conditions, &function, 1);
	return function;
}

#define CHOOSE(known, code, conditions) \
	choose(known, code, sizeof(code), conditions)

static void assert_entry(const struct sited_function *function)
{
	assert_int_equal(function->site.offset, 0);
	assert_int_equal(function->site.cost, PROLOGUE_STEPPED);
	assert_int_equal(probe_site_cookie(function),
			 function->known->shape | ABI_COOKIE_STEPPED);
}

static void assert_described(const struct sited_function *function,
			     const char *expected)
{
	char text[256];

	probe_site_describe(function, "libc.so.6", text, sizeof(text));
	assert_string_equal(text, expected);
}

static void test_everything_in_place(void **state)
{
	struct sited_function function;

	(void)state;
	for (int cookies = 0; cookies <= 1; cookies++) {
		const struct probe_conditions conditions = {
			.cookies = cookies,
		};

		function = CHOOSE(&allocate, push_code, &conditions);
		assert_int_equal(function.site.offset, 0);
		assert_int_equal(function.site.cost, PROLOGUE_EMULATED);
		assert_int_equal(probe_site_cookie(&function),
				 ABI_SHAPE_MALLOC);
		assert_described(
			&function,
			"malloc in libc.so.6: entry: push is emulated");
		function = CHOOSE(&release, free_code, &conditions);
		assert_int_equal(function.site.offset, 3);
		assert_int_equal(probe_site_cookie(&function), ABI_SHAPE_FREE);
		assert_described(&function,
				 "free in libc.so.6: +3: je is emulated");
	}
}

static void test_argument_moves(void **state)
{
	/* mov %rsi,%rax; mov %rdi,%rsi; xor %edi,%edi; push %rbx */
	static const uint8_t code[] = { 0x48, 0x89, 0xf0, 0x48, 0x89,
					0xfe, 0x31, 0xff, 0x53 };
	struct sited_function function = CHOOSE(&reallocate, code, &everything);

	(void)state;
	assert_int_equal(function.site.offset, 8);
	/* The block in rsi (6), the size in rax (0), two not wanted. */
	assert_int_equal(probe_site_cookie(&function),
			 ABI_SHAPE_REALLOC | ABI_COOKIE_MOVED | 6 << 16 |
				 0 << 24 | 0xffffULL << 32);
	function = CHOOSE(&reallocate, code, &no_cookies);
	assert_entry(&function);
	assert_described(
		&function,
		"realloc in libc.so.6: entry: behind it arguments move, of which this kernel cannot tell a probe (5.15 can)");
}

static void test_stack_pointer_moves(void **state)
{
	/* sub $0x18,%rsp; test %rdi,%rdi; je */
	static const uint8_t code[] = { 0x48, 0x83, 0xec, 0x18, 0x48,
					0x85, 0xff, 0x74, 0x10 };
	struct sited_function function = CHOOSE(&release, code, &everything);

	(void)state;
	assert_int_equal(function.site.offset, 7);
	assert_int_equal(probe_site_cookie(&function),
			 ABI_SHAPE_FREE | ABI_COOKIE_MOVED | 7 << 16 |
				 0xffffffULL << 24 | 3ULL << 48);
	function = CHOOSE(&release, code, &no_cookies);
	assert_entry(&function);
	function = CHOOSE(&allocate, code, &everything);
	assert_entry(&function);
	assert_described(&function,
			 "malloc in libc.so.6: entry: rsp moves at +0");
}

static void test_stack_pointer_moves_far(void **state)
{
	/* sub $SIZE,%rsp; je */
	uint8_t code[] = { 0x48, 0x81, 0xec, 0, 0, 0, 0, 0x74, 0x10 };
	const uint32_t most = UINT16_MAX * 8;
	const struct {
		uint32_t size;
		bool fits;
	} cases[] = { { most, true },
		      { most + 8, false },
		      { 12, false },
		      { (uint32_t)-8, false } };
	struct sited_function function;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		memcpy(code + 3, &cases[i].size, sizeof(cases[i].size));
		function = CHOOSE(&release, code, &everything);
		if (cases[i].fits) {
			assert_int_equal(probe_site_cookie(&function) >>
						 ABI_COOKIE_STACK_SHIFT,
					 cases[i].size / 8);
			continue;
		}
		assert_entry(&function);
		assert_described(
			&function,
			"free in libc.so.6: entry: behind it the stack pointer moves too far");
	}
}

/* From wherever in the text, also across the windows it is read in. */
static void test_branch_into_the_prologue(void **state)
{
	static const struct {
		uint64_t from, to;
		bool forbids;
	} cases[] = {
		{ 0x10, FREE + 3, true },
		{ 0x10, FREE, false },
		{ 0x10, FREE + 5, false }, /* behind the site */
		{ 0x800, FREE + 3, true },
		{ MIB - 5, FREE + 3, true },
		{ MIB - 3, FREE + 3, true },
		{ MIB, FREE + 3, true },
		{ 2 * MIB - 1024 - 2, FREE + 3, true },
		{ 3 * MIB - 5, FREE + 3, true }, /* the last bytes */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sited_function function =
			function_at(&release, FREE, sizeof(free_code));
		auto_close int fd = object_begin(3 * MIB);

		put(fd, free_code, sizeof(free_code), TEXT + FREE);
		put_jump(fd, cases[i].from, cases[i].to);
		probe_sites_choose(fd, &everything, &function, 1);
		if (!cases[i].forbids) {
			assert_int_equal(function.site.offset, 3);
			continue;
		}
		assert_entry(&function);
		assert_described(
			&function,
			"free in libc.so.6: entry: a branch lands at +3");
	}
}

/* Functions on both sides of where one window ends and the next begins. */
static void test_functions_at_the_windows_edge(void **state)
{
	/* Right behind free's code: jmp free+3. */
	static const uint8_t back[] = { 0xeb, (uint8_t)-5 };

	(void)state;
	for (uint64_t at = MIB - 1101; at < MIB + 80; at += 7) {
		struct sited_function function =
			function_at(&release, at, sizeof(free_code));
		auto_close int fd = object_begin(MIB + 4096);

		put(fd, free_code, sizeof(free_code), TEXT + at);
		probe_sites_choose(fd, &everything, &function, 1);
		assert_int_equal(function.site.offset, 3);
		put(fd, back, sizeof(back), TEXT + at + sizeof(free_code));
		probe_sites_choose(fd, &everything, &function, 1);
		assert_int_equal(function.site.offset, 0);
		assert_int_equal(function.site.reason, PROLOGUE_TARGET);
	}
}

static void test_symbol_in_the_prologue(void **state)
{
	(void)state;
	for (uint64_t inside = 1; inside <= 5; inside++) {
		struct sited_function function =
			function_at(&release, FREE, sizeof(free_code));
		auto_close int fd = object_begin(0x1000);

		put(fd, free_code, sizeof(free_code), TEXT + FREE);
		object_add_symbol(fd, FREE + inside);
		probe_sites_choose(fd, &everything, &function, 1);
		/* Only where the walk stops by. */
		assert_int_equal(function.site.offset, inside == 3 ? 0 : 3);
	}
}

static void test_functions_of_one_object(void **state)
{
	struct sited_function functions[] = {
		function_at(&reallocate, 0x200, sizeof(push_code)),
		function_at(&release, 0x300, sizeof(free_code)),
		function_at(&release, 0x100, 0),
		function_at(&release, 0x100, sizeof(free_code)),
		function_at(&allocate, 0x400, sizeof(push_code)),
		function_at(&release, 0x300, 3),
	};
	static const uint32_t offsets[] = { 0, 3, 0, 0, 0, 0 };
	auto_close int fd = object_begin(0x1000);

	(void)state;
	put(fd, free_code, sizeof(free_code), TEXT + 0x100);
	put(fd, push_code, sizeof(push_code), TEXT + 0x200);
	put(fd, free_code, sizeof(free_code), TEXT + 0x300);
	put(fd, push_code, sizeof(push_code), TEXT + 0x400);
	put_jump(fd, 0x20, 0x103);
	probe_sites_choose(fd, &everything, functions, 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(functions[i].site.offset, offsets[i]);
	/* Cut off by its symbol's size. */
	assert_int_equal(functions[5].site.reason, PROLOGUE_END);
}

static void test_too_much_code(void **state)
{
	(void)state;
	for (uint64_t more = 0; more <= 1; more++) {
		struct sited_function functions[] = {
			function_at(&release, FREE, sizeof(free_code)),
			function_at(&allocate, 0x200, sizeof(push_code)),
			function_at(&release, 0x300, sizeof(free_code)),
		};
		auto_close int fd = object_begin(PROBE_SITES_TEXT_MAX + more);

		put(fd, free_code, sizeof(free_code), TEXT + FREE);
		put(fd, push_code, sizeof(push_code), TEXT + 0x200);
		put(fd, free_code, sizeof(free_code), TEXT + 0x300);
		probe_sites_choose(fd, &everything, functions, 3);
		/* What is emulated at the entry needs no search. */
		assert_int_equal(functions[1].site.cost, PROLOGUE_EMULATED);
		assert_null(functions[1].limit);
		if (!more) {
			assert_int_equal(functions[2].site.offset, 3);
			continue;
		}
		assert_entry(&functions[0]);
		assert_entry(&functions[2]);
		assert_described(
			&functions[2],
			"free in libc.so.6: entry: the object has too much code to search it for branches");
	}
}

static void test_damaged_files(void **state)
{
	struct sited_function function =
		function_at(&release, FREE, sizeof(free_code));
	auto_close int fd = object_begin(0x2000);

	(void)state;
	put(fd, free_code, sizeof(free_code), TEXT + FREE);
	/* Cut short behind the function. */
	assert_int_equal(ftruncate(fd, TEXT + 0x1000), 0);
	probe_sites_choose(fd, &everything, &function, 1);
	assert_entry(&function);
	assert_described(
		&function,
		"free in libc.so.6: entry: the object's code cannot be read");
	/* Before it. */
	assert_int_equal(ftruncate(fd, TEXT), 0);
	probe_sites_choose(fd, &everything, &function, 1);
	assert_entry(&function);
	/* In the header. */
	assert_int_equal(ftruncate(fd, 20), 0);
	probe_sites_choose(fd, &everything, &function, 1);
	assert_entry(&function);
	assert_int_equal(ftruncate(fd, 0), 0);
	probe_sites_choose(fd, &everything, &function, 1);
	assert_entry(&function);
	probe_sites_choose(-1, &everything, &function, 1);
	assert_entry(&function);
}

/* A function that no executable segment holds. */
static void test_function_outside(void **state)
{
	struct sited_function function =
		function_at(&release, 0x800000, sizeof(free_code));
	auto_close int fd = object_begin(0x1000);

	(void)state;
	probe_sites_choose(fd, &everything, &function, 1);
	assert_entry(&function);
	/* One that its segment cuts off. */
	function = function_at(&release, 0x1000 - 3, sizeof(free_code));
	put(fd, free_code, sizeof(free_code), TEXT + 0x1000 - 3);
	probe_sites_choose(fd, &everything, &function, 1);
	assert_entry(&function);
}

/* A cookie has room for all that is read, and something is of each block. */
static void test_arguments_of_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < allocator_function_count; i++) {
		enum abi_shape shape = allocator_functions[i].shape;
		unsigned int arguments = allocator_arguments(shape);

		assert_true(shape < ABI_SHAPES);
		assert_int_equal(arguments >> ABI_COOKIE_ARGUMENTS, 0);
		assert_int_equal(arguments == 0,
				 shape == ABI_SHAPE_THREAD_CREATE ||
					 shape == ABI_SHAPE_BREAK ||
					 shape == ABI_SHAPE_LIBRARIES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#if defined(__x86_64__)
		cmocka_unit_test(test_everything_in_place),
		cmocka_unit_test(test_argument_moves),
		cmocka_unit_test(test_stack_pointer_moves),
		cmocka_unit_test(test_stack_pointer_moves_far),
		cmocka_unit_test(test_branch_into_the_prologue),
		cmocka_unit_test(test_functions_at_the_windows_edge),
		cmocka_unit_test(test_symbol_in_the_prologue),
		cmocka_unit_test(test_functions_of_one_object),
		cmocka_unit_test(test_too_much_code),
		cmocka_unit_test(test_damaged_files),
		cmocka_unit_test(test_function_outside),
#endif
		cmocka_unit_test(test_arguments_of_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
