// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The unwind tables in real BPF maps, read back through the kernel; and the
 * walker, natively, over those maps and this very process. Skipped where BPF
 * maps cannot be made.
 */
#include <fcntl.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include <bpf/bpf.h>
#include <cmocka.h>

typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define __noinline __attribute__((noinline))

#include "bpf/unwind_walk.h"
#include "unwind/process_maps.h"
#include "unwind/process_tables.h"
#include "unwind/unwind_tables.h"
#include "util/cleanup.h"

/* What a test needs; what the kernel has of the maps is read into the rest. */
static struct {
	struct unwind_maps fds;
	uint8_t *chunks[UNWIND_CHUNKS];
	struct unwind_module modules[64];
	u64 rules[UNWIND_RULES];
	struct unwind_walk walk;
	struct unwind_cached cache[1 << UNWIND_CACHE_BITS];
} kernel;

static struct unwind_walk *unwind_walk_at(u32 number)
{
	return number ? NULL : &kernel.walk;
}

static void *unwind_chunk_at(u32 number)
{
	return number < UNWIND_CHUNKS ? kernel.chunks[number] : NULL;
}

static u64 *unwind_rule_at(u32 id)
{
	return &kernel.rules[id];
}

static struct unwind_module *unwind_module_at(u32 id)
{
	return id < 64 ? &kernel.modules[id] : NULL;
}

static struct unwind_cached *unwind_cached_at(u32 index)
{
	return &kernel.cache[index];
}

static u64 unwind_probed_return(u64 place)
{
	(void)place;
	return 0;
}

/* Of the own stack, through the kernel, as sanitisers would object. */
static long unwind_read_memory(void *into, u32 size, u64 address)
{
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	ssize_t got = pread(fd, into, size, (off_t)address);

	close(fd);
	return got == (ssize_t)size ? 0 : -14;
}

#include "bpf/unwind.bpf.h"

static int make_map(enum bpf_map_type type, const char *name, uint32_t value,
		    uint32_t entries, uint32_t flags, uint32_t inner)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags,
		    .inner_map_fd = inner);

	return bpf_map_create(type, name, sizeof(uint32_t), value, entries,
			      &options);
}

static int make_maps(void **state)
{
	const uint32_t mapped = BPF_F_MMAPABLE;
	int chunk = make_map(BPF_MAP_TYPE_ARRAY, "chunk", UNWIND_CHUNK_BYTES, 1,
			     mapped, 0);

	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	kernel.fds.chunks = -1;
	if (chunk < 0)
		return 0;
	kernel.fds = (struct unwind_maps){
		.chunks = make_map(BPF_MAP_TYPE_ARRAY_OF_MAPS, "chunks", 4,
				   UNWIND_CHUNKS, 0, (uint32_t)chunk),
		.rules = make_map(BPF_MAP_TYPE_ARRAY, "rules", 8, UNWIND_RULES,
				  mapped, 0),
		.modules = make_map(BPF_MAP_TYPE_ARRAY, "modules",
				    sizeof(struct unwind_module),
				    UNWIND_MODULES, mapped, 0),
		.processes = make_map(BPF_MAP_TYPE_ARRAY, "processes", 8,
				      UNWIND_PROCESSES, mapped, 0),
		.slots = make_map(BPF_MAP_TYPE_HASH, "slots", 4,
				  UNWIND_PROCESSES, 0, 0),
	};
	close(chunk);
	return 0;
}

static int close_maps(void **state)
{
	const int fds[] = { kernel.fds.chunks, kernel.fds.rules,
			    kernel.fds.modules, kernel.fds.processes,
			    kernel.fds.slots };
	size_t i;

	(void)state;
	for (i = 0; i < UNWIND_CHUNKS; i++)
		free(kernel.chunks[i]);
	for (i = 0; kernel.fds.chunks >= 0 && i < 5; i++)
		close(fds[i]);
	return 0;
}

static void require_maps(void)
{
	if (kernel.fds.chunks < 0)
		skip();
}

/* A chunk as the kernel has it, or NULL. */
static uint8_t *read_chunk(uint32_t number)
{
	uint32_t id, only = 0;
	uint8_t *bytes;
	int fd;

	if (bpf_map_lookup_elem(kernel.fds.chunks, &number, &id))
		return NULL;
	fd = bpf_map_get_fd_by_id(id);
	bytes = malloc(UNWIND_CHUNK_BYTES);
	assert_true(fd >= 0 && bytes);
	assert_int_equal(bpf_map_lookup_elem(fd, &only, bytes), 0);
	close(fd);
	return bytes;
}

static u64 process_word(uint32_t pid)
{
	uint32_t slot;
	u64 word;

	if (bpf_map_lookup_elem(kernel.fds.slots, &pid, &slot))
		return 0;
	assert_int_equal(
		bpf_map_lookup_elem(kernel.fds.processes, &slot, &word), 0);
	return word;
}

/* All of the maps that a walk of this process needs. */
static void read_maps(void)
{
	uint32_t i;

	for (i = 0; i < UNWIND_CHUNKS; i++) {
		free(kernel.chunks[i]);
		kernel.chunks[i] = read_chunk(i);
	}
	for (i = 0; i < 64; i++)
		bpf_map_lookup_elem(kernel.fds.modules, &i, &kernel.modules[i]);
	for (i = 0; i < UNWIND_RULES; i++)
		bpf_map_lookup_elem(kernel.fds.rules, &i, &kernel.rules[i]);
}

static void test_chunks(void **state)
{
	struct table_chunks chunks;
	struct table_place places[4];
	struct error error;
	uint8_t *bytes;

	(void)state;
	require_maps();
	table_chunks_init(&chunks, kernel.fds.chunks);
	assert_int_equal(table_chunks_take(&chunks, UNWIND_CHUNK_BYTES + 1, 8,
					   &places[0], &error),
			 -ENOSPC);
	assert_int_equal(chunks.count, 0);
	assert_int_equal(table_chunks_take(&chunks, 5, 4, &places[0], &error),
			 0);
	assert_int_equal(table_chunks_take(&chunks, 64, 32, &places[1], &error),
			 0);
	assert_int_equal(places[1].offset, 32);
	memset(table_chunks_at(&chunks, places[1]), 0xab, 64);
	/* What does not fit stands in a chunk of its own. */
	assert_int_equal(table_chunks_take(&chunks, UNWIND_CHUNK_BYTES, 8,
					   &places[2], &error),
			 0);
	assert_int_equal(places[2].chunk, 1);
	assert_int_equal(table_chunks_take(&chunks, 1, 1, &places[3], &error),
			 0);
	assert_int_equal(places[3].chunk, 2);
	bytes = read_chunk(0);
	assert_non_null(bytes);
	assert_int_equal(bytes[31], 0);
	assert_int_equal(bytes[32], 0xab);
	assert_int_equal(bytes[95], 0xab);
	assert_int_equal(bytes[96], 0);
	free(bytes);
	assert_null(read_chunk(3));
	table_chunks_free(&chunks);
}

static void test_processes(void **state)
{
	struct table_chunks chunks;
	struct process_tables tables;
	struct unwind_mapping mappings[] = {
		{ 0x3000, 0x4000, 7, 2, 0 },
		{ 0x1000, 0x2000, 5, 1, 0 },
	};
	struct unwind_mapping overlap[] = {
		{ 0x1000, 0x2001, 0, 1, 0 },
		{ 0x2000, 0x3000, 0, 1, 0 },
	};
	const struct unwind_mapping *there;
	u64 words[4], word;
	struct error error;
	size_t i, j;

	(void)state;
	require_maps();
	table_chunks_init(&chunks, kernel.fds.chunks);
	assert_int_equal(process_tables_init(&tables, &chunks,
					     kernel.fds.processes,
					     kernel.fds.slots, &error),
			 0);
	assert_int_equal(process_word(42), 0);
	assert_int_equal(process_tables_set(&tables, 42, mappings, 2, &error),
			 0);
	word = process_word(42);
	assert_int_equal(word & 0xffff, 2);
	read_maps();
	there = (void *)(kernel.chunks[(word >> 32) & 1023] +
			 ((word >> 16) & 0xffff) * sizeof(*there));
	assert_int_equal(there[0].start, 0x1000);
	assert_int_equal(there[1].bias, 7);
	assert_int_equal(process_tables_set(&tables, 42, overlap, 2, &error),
			 -EINVAL);
	assert_int_equal(process_word(42), word);
	assert_int_equal(process_tables_set(&tables, 0, mappings, 2, &error),
			 -EINVAL);
	/* Walks may still be in any of the old ones: no place serves again. */
	for (i = 0; i < 4; i++) {
		assert_int_equal(process_tables_set(&tables, 42, mappings, 2,
						    &error),
				 0);
		words[i] = process_word(42);
		for (j = 0; j < i; j++)
			assert_int_not_equal(words[j] << 22, words[i] << 22);
	}
	assert_int_equal(process_tables_set(&tables, 43, mappings, 1, &error),
			 0);
	assert_int_equal(tables.count, 2);
	process_tables_forget(&tables, 42);
	process_tables_forget(&tables, 4711);
	assert_int_equal(process_word(42), 0);
	assert_int_not_equal(process_word(43), 0);
	assert_int_equal(tables.count, 1);
	process_tables_free(&tables);
	table_chunks_free(&chunks);
}

static uint32_t add_path(struct unwind_tables *tables, const char *path,
			 struct error *error)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint32_t module = UNWIND_MODULE_NONE;

	assert_true(fd >= 0);
	assert_int_equal(unwind_tables_add_file(tables, fd, &module, error), 0);
	return module;
}

static void test_modules(void **state)
{
	struct unwind_tables_statistics before, after;
	struct unwind_tables *tables = NULL;
	struct unwind_tables_mapping wrong = { 0x1000, 0x2000, 0, 99 };
	struct error error;
	uint32_t own, text;

	(void)state;
	require_maps();
	assert_int_equal(unwind_tables_new(&tables, &kernel.fds, &error), 0);
	own = add_path(tables, "/proc/self/exe", &error);
	assert_int_not_equal(own, UNWIND_MODULE_NONE);
	assert_string_equal(error.message, "");
	unwind_tables_statistics(tables, &before);
	assert_true(before.rows > 100);
	assert_int_equal(add_path(tables, "/proc/self/exe", &error), own);
	unwind_tables_statistics(tables, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	/* Not ELF: a module, but without tables, and why. */
	text = add_path(tables, "/etc/passwd", &error);
	assert_int_not_equal(text, UNWIND_MODULE_NONE);
	assert_int_not_equal(text, own);
	assert_non_null(strstr(error.message, "not an ELF file"));
	read_maps();
	assert_int_not_equal(kernel.modules[own].page_count, 0);
	assert_int_equal(kernel.modules[text].page_count, 0);
	assert_int_equal(unwind_tables_set_process(tables, 1, &wrong, 1,
						   &error),
			 -EINVAL);
	unwind_tables_free(tables);
}

/* This process's mappings, as src/capture tells them. */
static void tell_mappings(struct unwind_tables *tables)
{
	struct unwind_tables_mapping told[64];
	struct process_maps maps = { 0 };
	struct error error;
	size_t i, count = 0;

	assert_int_equal(process_maps_read(&maps, getpid(), &error), 0);
	for (i = 0; i < maps.mappings.count; i++) {
		const struct process_mapping *mapping = &maps.mappings.items[i];
		auto_close int fd = -1;

		if (!mapping->executable || !mapping->inode)
			continue;
		assert_true(count < 64);
		told[count] = (struct unwind_tables_mapping){
			mapping->start, mapping->end, mapping->offset, 0
		};
		fd = process_mapping_open(mapping, getpid());
		assert_int_equal(unwind_tables_add_file(tables, fd,
							&told[count++].module,
							&error),
				 0);
	}
	assert_int_equal(unwind_tables_set_process(tables, (uint32_t)getpid(),
						   told, count, &error),
			 0);
	process_maps_free(&maps);
}

struct truth {
	uint64_t frames[64];
	uint32_t count;
};

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *context,
				     void *argument)
{
	struct truth *truth = argument;

	if (_Unwind_GetIP(context) && truth->count < 64)
		truth->frames[truth->count++] = _Unwind_GetIP(context);
	return _URC_NO_REASON;
}

/* The own stack from here on: both begin in this function's caller. */
static __attribute__((noinline)) void compare_own_stack(unsigned depth)
{
	struct truth truth = { .count = 0 };
	const struct abi_event_stack *event = &kernel.walk.event;
	ucontext_t context;
	const greg_t *registers = context.uc_mcontext.gregs;
	u32 number, i;

	if (depth) {
		compare_own_stack(depth - 1);
		__asm__ volatile("" ::: "memory");
		return;
	}
	assert_int_equal(getcontext(&context), 0);
	number = unwind_begin(process_word((uint32_t)getpid()),
			      UNWIND_AT_INSTRUCTION, (u64)registers[REG_RIP],
			      (u64)registers[REG_RSP], (u64)registers[REG_RBP],
			      (u64)registers[REG_RBX]);
	assert_int_equal(number, 0);
	unwind_run(number);
	unwind_end(number);
	_Unwind_Backtrace(add_frame, &truth);
	assert_int_equal(event->flaw, ABI_FLAW_NONE);
	assert_int_equal(event->frame_count, truth.count);
	assert_true(truth.count > 8);
	for (i = 1; i < truth.count; i++)
		assert_int_equal(UNWIND_FRAME_ADDRESS(event->frames[i]) & 0xfff,
				 truth.frames[i] & 0xfff);
}

static void test_own_stack(void **state)
{
	struct unwind_tables *tables = NULL;
	struct error error;

	(void)state;
	require_maps();
	assert_int_equal(unwind_tables_new(&tables, &kernel.fds, &error), 0);
	tell_mappings(tables);
	read_maps();
	compare_own_stack(3);
	unwind_tables_forget_process(tables, (uint32_t)getpid());
	assert_int_equal(process_word((uint32_t)getpid()), 0);
	unwind_tables_free(tables);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_maps, close_maps)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_chunks),
		TEST(test_processes),
		TEST(test_modules),
		TEST(test_own_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
