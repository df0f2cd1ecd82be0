// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Addresses to names: this test's own code, with and without its file, its
 * symbols and its DWARF; libc, the vDSO, the kernel; damaged files.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "resolve/resolver.h"
#include "util/cleanup.h"

/* --- code whose addresses are looked up --- */

static unsigned call_line, inlined_line;

static __attribute__((noinline)) uintptr_t return_address(void)
{
	return (uintptr_t)__builtin_return_address(0);
}

static inline __attribute__((always_inline)) uintptr_t inlined_function(void)
{
	uintptr_t address;

	inlined_line = __LINE__ + 1;
	address = return_address();
	__asm__ volatile("" : "+r"(address)); /* no tail call */
	return address;
}

static __attribute__((noinline)) uintptr_t calling_function(void)
{
	uintptr_t address;

	call_line = __LINE__ + 1;
	address = inlined_function();
	__asm__ volatile("" : "+r"(address));
	return address;
}

/*
 * A function with a local alias that comes first in the alphabet; a label of
 * hand-written assembly, without type and size, and an arm64 mapping symbol.
 */
__asm__(".pushsection .text\n"
	".globl sized_function\n"
	".type sized_function, %function\n"
	".type a_local_alias, %function\n"
	"sized_function:\n"
	"a_local_alias:\n"
	"	nop\n"
	"inner_label:\n"
	"	nop\n"
	".size sized_function, . - sized_function\n"
	".size a_local_alias, . - a_local_alias\n"
	"assembly_label:\n"
	"	nop\n"
	"\"$x\":\n"
	"	nop\n"
	".popsection\n");

extern const char sized_function[], assembly_label[];

#if defined(__x86_64__)
#define NOP_SIZE 1
#else
#define NOP_SIZE 4
#endif

/* --- helpers --- */

struct fixture {
	struct resolver *resolver;
	frame_vector frames;
	char directory[64];
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct error error;

	assert_non_null(fixture);
	assert_int_equal(resolver_new(&fixture->resolver, &error), 0);
	strcpy(fixture->directory, "/tmp/test_resolver.XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	*state = fixture;
	return 0;
}

static void run(const struct fixture *fixture, const char *command)
{
	char line[1024];

	snprintf(line, sizeof(line), "cd %s && { %s; }", fixture->directory,
		 command);
	assert_int_equal(system(line), 0);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	run(fixture, "rm -rf \"$PWD\"");
	vector_free(&fixture->frames);
	resolver_free(fixture->resolver);
	free(fixture);
	return 0;
}

struct found_object {
	uintptr_t address; /* in: any address in it */
	uintptr_t bias;	   /* out */
	char path[4096];   /* out */
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
			 info->dlpi_name[0] ? info->dlpi_name
					    : "/proc/self/exe");
		return 1;
	}
	return 0;
}

/* The ELF address of some code of this test. */
static uint64_t own_address(uintptr_t address)
{
	struct found_object self = { .address = address };

	assert_int_equal(dl_iterate_phdr(find_object, &self), 1);
	return address - self.bias;
}

static uint32_t add_path(struct fixture *fixture, const char *path,
			 const char *shown)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct error error;
	uint32_t object;

	assert_true(fd >= 0);
	assert_int_equal(resolver_object(fixture->resolver, fd, shown, &object,
					 &error),
			 0);
	return object;
}

/* Looks an address up; leaves the frames in the fixture. */
static struct frame *look_up(struct fixture *fixture, uint32_t object,
			     uint64_t address, bool exact)
{
	struct location location = { .object = object,
				     .address = address,
				     .exact = exact };

	fixture->frames.count = 0;
	assert_int_equal(resolver_frames(fixture->resolver, &location,
					 &fixture->frames),
			 0);
	assert_true(fixture->frames.count > 0);
	return fixture->frames.items;
}

/* Both frames of calling_function(), as its DWARF has them. */
static void check_calling_function(struct fixture *fixture, uint32_t object)
{
	uintptr_t runtime = calling_function();
	uint64_t address = own_address(runtime);
	struct frame *frames = look_up(fixture, object, address, false);

	assert_int_equal(fixture->frames.count, 2);
	assert_string_equal(frames[0].function, "inlined_function");
	assert_true(frames[0].inlined);
	assert_int_equal(frames[0].line, inlined_line);
	assert_string_equal(frames[1].function, "calling_function");
	assert_false(frames[1].inlined);
	assert_int_equal(frames[1].line, call_line);
	assert_int_equal(frames[1].offset,
			 runtime - (uintptr_t)calling_function);
	for (size_t i = 0; i < 2; i++) {
		assert_non_null(strstr(frames[i].file, "test_resolver.c"));
		assert_int_equal(frames[i].address, address);
	}
}

static void copy_own(const struct fixture *fixture)
{
	char command[64];

	snprintf(command, sizeof(command), "cp /proc/%d/exe program",
		 (int)getpid());
	run(fixture, command);
}

/* The path of a file in the fixture's directory; valid until called again. */
static const char *in_directory(const struct fixture *fixture, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", fixture->directory, name);
	return path;
}

/* --- tests --- */

static void test_own(void **state)
{
	struct fixture *fixture = *state;
	uint32_t object =
		add_path(fixture, "/proc/self/exe", "/opt/app/bin/server");
	struct resolver_statistics statistics;
	struct frame *frames;

	check_calling_function(fixture, object);
	frames = fixture->frames.items;
	assert_string_equal(frames[1].module, "server");
	assert_string_equal(frames[1].path, "/opt/app/bin/server");
	/* the first instruction: exact, or it would be the function before */
	frames = look_up(fixture, object,
			 own_address((uintptr_t)calling_function), true);
	assert_string_equal(frames[fixture->frames.count - 1].function,
			    "calling_function");
	assert_int_equal(frames[fixture->frames.count - 1].offset, 0);
	frames = look_up(fixture, object,
			 own_address((uintptr_t)calling_function), false);
	assert_true(!frames[0].function ||
		    strcmp(frames[0].function, "calling_function"));
	resolver_statistics(fixture->resolver, &statistics);
	assert_int_equal(statistics.looked_up, 3);
	assert_false(statistics.kernel_addresses_hidden);
}

/* The second look-up gives the same strings and appends behind the first. */
static void test_cache(void **state)
{
	struct fixture *fixture = *state;
	uint32_t object = add_path(fixture, "/proc/self/exe", "/x/y");
	struct location location = {
		.object = object,
		.address = own_address(calling_function()),
	};

	for (unsigned i = 0; i < 2; i++) {
		location.guessed = i;
		assert_int_equal(resolver_frames(fixture->resolver, &location,
						 &fixture->frames),
				 0);
	}
	assert_int_equal(fixture->frames.count, 4);
	for (size_t i = 0; i < 2; i++) {
		struct frame *first = &fixture->frames.items[i];

		assert_ptr_equal(first[0].function, first[2].function);
		assert_ptr_equal(first[0].file, first[2].file);
		assert_int_equal(first[0].line, first[2].line);
		assert_false(first[0].guessed);
		assert_true(first[2].guessed);
	}
	/* many more: the cache grows, nothing moves that was handed out */
	for (uint64_t i = 0; i < 5000; i++) {
		struct frame exact =
			*look_up(fixture, object, location.address + i, true);
		struct frame *after = look_up(fixture, object,
					      location.address + i + 1, false);

		assert_ptr_equal(exact.function, after->function);
		assert_int_equal(exact.line, after->line);
		assert_int_equal(exact.address + 1, after->address);
	}
	check_calling_function(fixture, object);
}

static void test_identity(void **state)
{
	struct fixture *fixture = *state;
	uint32_t first = add_path(fixture, "/proc/self/exe", "/a");
	struct error error = { 0 };
	uint32_t object = 77;

	assert_true(first >= OBJECT_FIRST);
	assert_int_equal(add_path(fixture, "/proc/self/exe", "/b"), first);
	copy_own(fixture);
	assert_int_not_equal(add_path(fixture, in_directory(fixture, "program"),
				      "/a"),
			     first);
	assert_int_equal(resolver_object(fixture->resolver, -1, "/c", &object,
					 &error),
			 -EBADF);
	assert_non_null(strstr(error.message, "/c"));
	assert_int_equal(object, 77);
}

static void test_file_offset(void **state)
{
	struct fixture *fixture = *state;
	uint32_t object = add_path(fixture, "/proc/self/exe", "/a");
	uintptr_t wanted = (uintptr_t)calling_function;
	auto_fclose FILE *maps = fopen("/proc/self/maps", "re");
	uint64_t start, end, offset, address;
	char line[4096];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &start,
			   &end, &offset) == 3 &&
		    start <= wanted && wanted < end)
			break;
	offset += wanted - start;
	assert_int_equal(resolver_file_offset_to_address(
				 fixture->resolver, object, offset, &address),
			 0);
	assert_int_equal(address, own_address(wanted));
	assert_int_equal(resolver_file_offset_to_address(fixture->resolver,
							 object, UINT64_MAX,
							 &address),
			 -ENOENT);
	assert_int_equal(resolver_file_offset_to_address(fixture->resolver,
							 object + 1, offset,
							 &address),
			 -ENOENT);
}

static void test_deleted(void **state)
{
	struct fixture *fixture = *state;
	uint32_t object;

	copy_own(fixture);
	object = add_path(fixture, in_directory(fixture, "program"),
			  "/srv/program (deleted)");
	run(fixture, "rm program");
	check_calling_function(fixture, object);
	assert_string_equal(fixture->frames.items[1].module, "program");
	assert_string_equal(fixture->frames.items[1].path, "/srv/program");
}

/* A target may truncate the very file it runs: no SIGBUS, fewer names. */
static void test_truncated_while_open(void **state)
{
	struct fixture *fixture = *state;
	uint64_t address = own_address(calling_function());
	uint32_t object;

	copy_own(fixture);
	object = add_path(fixture, in_directory(fixture, "program"), "/p");
	run(fixture, ": > program");
	assert_null(look_up(fixture, object, address, false)->function);
	assert_string_equal(fixture->frames.items[0].module, "p");
}

static void test_libc(void **state)
{
	struct fixture *fixture = *state;
	struct found_object libc = { 0 };
	struct frame *frames;
	void *handle;

	/* by handle: a sanitizer's malloc must not answer */
	handle = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	assert_non_null(handle);
	libc.address = (uintptr_t)dlsym(handle, "malloc");
	assert_int_equal(dl_iterate_phdr(find_object, &libc), 1);
	frames = look_up(fixture, add_path(fixture, libc.path, libc.path),
			 libc.address - libc.bias, true);
	assert_string_equal(frames[fixture->frames.count - 1].function,
			    "malloc");
	assert_int_equal(frames[fixture->frames.count - 1].offset, 0);
	assert_string_equal(frames[0].module, strrchr(libc.path, '/') + 1);
	assert_string_equal(frames[0].path, libc.path);
	dlclose(handle);
}

static void test_symbol_choice(void **state)
{
	static const struct {
		const char *start;
		unsigned offset;
		const char *function;
	} expected[] = {
		{ sized_function, 0, "sized_function" },
		{ sized_function, NOP_SIZE, "sized_function" },
		{ assembly_label, 0, "assembly_label" },
		{ assembly_label, NOP_SIZE, "assembly_label" },
	};
	struct fixture *fixture = *state;
	uint32_t object = add_path(fixture, "/proc/self/exe", "/a");

	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		uintptr_t address =
			(uintptr_t)expected[i].start + expected[i].offset;
		struct frame *frame =
			look_up(fixture, object, own_address(address), true);

		frame += fixture->frames.count - 1;
		assert_string_equal(frame->function, expected[i].function);
		assert_int_equal(frame->offset, expected[i].offset);
	}
}

static void test_debug_link(void **state)
{
	struct fixture *fixture = *state;

	copy_own(fixture);
	run(fixture, "mkdir .debug && objcopy --only-keep-debug program "
		     ".debug/program.debug && objcopy --strip-all "
		     "--remove-section=.note.gnu.build-id "
		     "--add-gnu-debuglink=.debug/program.debug program");
	check_calling_function(
		fixture, add_path(fixture, in_directory(fixture, "program"),
				  in_directory(fixture, "program")));
}

/* What the link names is a FIFO (must not block), then another file. */
static void test_debug_link_hostile(void **state)
{
	static const char *const traps[] = {
		"rm program.debug && mkfifo program.debug",
		"rm program.debug && cp /etc/passwd program.debug",
		"rm program.debug && mkdir program.debug",
		"echo >> program.debug", /* checksum */
	};
	struct fixture *fixture = *state;
	uint64_t address = own_address(calling_function());

	alarm(60);
	for (size_t i = 0; i < sizeof(traps) / sizeof(*traps); i++) {
		run(fixture, "rm -rf program program.debug");
		copy_own(fixture);
		run(fixture, "objcopy --only-keep-debug program program.debug "
			     "&& objcopy --strip-all "
			     "--remove-section=.note.gnu.build-id "
			     "--add-gnu-debuglink=program.debug program");
		run(fixture, traps[i]);
		look_up(fixture,
			add_path(fixture, in_directory(fixture, "program"),
				 in_directory(fixture, "program")),
			address, false);
		assert_null(fixture->frames.items[0].function);
	}
	alarm(0);
}

/* DWARF that names a FIFO as its supplementary file (dwz) is not used. */
static void test_supplementary_hostile(void **state)
{
	struct fixture *fixture = *state;
	struct frame *frame;

	copy_own(fixture);
	run(fixture,
	    "mkfifo fifo && printf \"$PWD/fifo\\0twentybytesofbuildid\""
	    " > link && objcopy --add-section "
	    ".gnu_debugaltlink=link program");
	alarm(60);
	frame = look_up(fixture,
			add_path(fixture, in_directory(fixture, "program"),
				 in_directory(fixture, "program")),
			own_address(calling_function()), false);
	alarm(0);
	assert_string_equal(frame->function, "calling_function");
	assert_null(frame->file);
}

static void test_mini_debug_info(void **state)
{
	struct fixture *fixture = *state;
	struct frame *frames;

	if (system("xz --version > /dev/null 2>&1"))
		skip();
	copy_own(fixture);
	run(fixture, "objcopy --only-keep-debug program full && "
		     "objcopy --strip-debug full mini && xz mini && "
		     "objcopy --strip-all --remove-section=.note.gnu.build-id "
		     "--add-section .gnu_debugdata=mini.xz program");
	frames = look_up(fixture,
			 add_path(fixture, in_directory(fixture, "program"),
				  "/opt/program"),
			 own_address(calling_function()), false);
	assert_int_equal(fixture->frames.count, 1);
	assert_string_equal(frames[0].function, "calling_function");
	assert_null(frames[0].file);
}

/* Stripped code shows object, address and build ID. */
static void test_stripped(void **state)
{
	struct fixture *fixture = *state;
	struct resolver_statistics statistics;
	uint64_t address = own_address(calling_function());
	const char *command =
		"printf '\\004\\000\\000\\000\\010\\000\\000\\000\\003\\000"
		"\\000\\000GNU\\000\\001\\043\\105\\147\\211\\253\\315\\357' "
		"> note && objcopy --remove-section=.note.gnu.build-id "
		"--strip-all --add-section .note.gnu.build-id=note "
		"--set-section-flags .note.gnu.build-id=readonly program && "
		"objcopy --set-section-alignment .note.gnu.build-id=4 program";
	struct frame *frame;

	copy_own(fixture);
	run(fixture, command);
	frame = look_up(fixture,
			add_path(fixture, in_directory(fixture, "program"),
				 "/opt/program"),
			address, false);
	assert_null(frame->function);
	assert_null(frame->file);
	assert_string_equal(frame->module, "program");
	assert_int_equal(frame->address, address);
	assert_non_null(frame->build_id);
	assert_string_equal(frame->build_id, "0123456789abcdef");
	resolver_statistics(fixture->resolver, &statistics);
	assert_int_equal(statistics.looked_up, 1);
	assert_int_equal(statistics.without_function, 1);
}

static void test_not_elf(void **state)
{
	struct fixture *fixture = *state;
	uint32_t object;
	uint64_t address;

	run(fixture, "echo 'no program' > script; mkfifo fifo");
	object = add_path(fixture, in_directory(fixture, "script"),
			  "/usr/bin/script");
	assert_null(look_up(fixture, object, 4096, false)->function);
	assert_string_equal(fixture->frames.items[0].module, "script");
	assert_int_equal(fixture->frames.items[0].address, 4096);
	assert_null(fixture->frames.items[0].build_id);
	assert_int_equal(resolver_file_offset_to_address(fixture->resolver,
							 object, 0, &address),
			 -ENOENT);
	/* a device: never read */
	object = add_path(fixture, "/dev/zero", "/dev/zero");
	assert_null(look_up(fixture, object, 0, false)->function);
	assert_string_equal(fixture->frames.items[0].module, "zero");
}

/* Cut anywhere, the file still gives a frame. */
static void test_truncated(void **state)
{
	static const size_t sizes[] = { 0,    1,    15,	   16,	  17,
					63,   64,   65,	   120,	  512,
					1000, 4096, 10000, 20001, 50003 };
	struct fixture *fixture = *state;
	uint64_t address = own_address(calling_function());
	char command[128];
	uint32_t object;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		snprintf(command, sizeof(command),
			 "head -c %zu /proc/%d/exe > cut%zu", sizes[i],
			 (int)getpid(), i);
		run(fixture, command);
		snprintf(command, sizeof(command), "cut%zu", i);
		object = add_path(fixture, in_directory(fixture, command),
				  "/opt/cut");
		look_up(fixture, object, address, false);
		assert_string_equal(fixture->frames.items[0].module, "cut");
	}
}

/* A function of the vDSO, by the image's own symbol table. */
static const Elf64_Sym *vdso_function(const unsigned char *image, size_t size)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)image;
	const Elf64_Shdr *section =
		(const Elf64_Shdr *)(image + header->e_shoff);

	assert_true(header->e_shoff + header->e_shnum * sizeof(*section) <=
		    size);
	for (size_t i = 0; i < header->e_shnum; i++, section++) {
		const Elf64_Sym *symbol =
			(const Elf64_Sym *)(image + section->sh_offset);

		if (section->sh_type != SHT_DYNSYM)
			continue;
		for (size_t j = 0; j < section->sh_size / sizeof(*symbol); j++)
			if (ELF64_ST_TYPE(symbol[j].st_info) == STT_FUNC &&
			    symbol[j].st_size > 16)
				return &symbol[j];
	}
	return NULL;
}

static void test_memory_object(void **state)
{
	const unsigned char *image =
		(const unsigned char *)getauxval(AT_SYSINFO_EHDR);
	auto_fclose FILE *maps = fopen("/proc/self/maps", "re");
	struct fixture *fixture = *state;
	const Elf64_Sym *symbol = NULL;
	uint32_t object, again;
	uint64_t start, end;
	char line[4096];
	struct error error;
	struct frame *frame;
	size_t size = 0;

	if (!image)
		skip();
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) == 2 &&
		    start == (uintptr_t)image)
			size = end - start;
	assert_true(size);
	symbol = vdso_function(image, size);
	assert_non_null(symbol);
	assert_int_equal(resolver_memory_object(fixture->resolver, image, size,
						"[vdso]", &object, &error),
			 0);
	frame = look_up(fixture, object, symbol->st_value + 9, false);
	assert_non_null(frame->function);
	assert_int_equal(frame->offset, 9);
	assert_string_equal(frame->module, "[vdso]");
	assert_null(frame->path);
	/* the same image of another process is the same object */
	assert_int_equal(resolver_memory_object(fixture->resolver, image, size,
						"[vdso]", &again, &error),
			 0);
	assert_int_equal(again, object);
	assert_int_equal(resolver_memory_object(fixture->resolver, image, 100,
						"[vdso]", &again, &error),
			 0);
	assert_int_not_equal(again, object);
	assert_null(look_up(fixture, again, symbol->st_value, true)->function);
}

static void test_no_object(void **state)
{
	static const uint32_t objects[] = { OBJECT_NONE, OBJECT_FIRST,
					    UINT32_MAX };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < 3; i++) {
		struct frame *frame =
			look_up(fixture, objects[i], 0x7f1234567890, false);

		assert_int_equal(fixture->frames.count, 1);
		assert_int_equal(frame->address, 0x7f1234567890);
		assert_null(frame->function);
		assert_null(frame->module);
		assert_null(frame->path);
	}
}

static void test_kernel(void **state)
{
	auto_fclose FILE *kallsyms = fopen("/proc/kallsyms", "re");
	struct fixture *fixture = *state;
	struct resolver_statistics statistics;
	char line[512], name[256], type;
	uint64_t address = 0;
	struct frame *frame;

	if (!kallsyms)
		skip();
	while (fgets(line, sizeof(line), kallsyms))
		if (sscanf(line, "%" SCNx64 " %c %255s", &address, &type,
			   name) == 3 &&
		    !strcmp(name, "vfs_read"))
			break;
	frame = look_up(fixture, OBJECT_KERNEL, address + 5, false);
	resolver_statistics(fixture->resolver, &statistics);
	assert_int_equal(statistics.kernel_addresses_hidden, address == 0);
	if (!address) {
		assert_null(frame->function);
		assert_null(frame->module);
		return;
	}
	assert_string_equal(frame->function, "vfs_read");
	assert_int_equal(frame->offset, 5);
	assert_string_equal(frame->module, "vmlinux");
	assert_null(look_up(fixture, OBJECT_KERNEL, 64, true)->function);
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_own),
		TEST(test_cache),
		TEST(test_identity),
		TEST(test_file_offset),
		TEST(test_deleted),
		TEST(test_truncated_while_open),
		TEST(test_libc),
		TEST(test_symbol_choice),
		TEST(test_debug_link),
		TEST(test_debug_link_hostile),
		TEST(test_supplementary_hostile),
		TEST(test_mini_debug_info),
		TEST(test_stripped),
		TEST(test_not_elf),
		TEST(test_truncated),
		TEST(test_memory_object),
		TEST(test_no_object),
		TEST(test_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
