// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * prologue_check BPF OBJECT MODE PROGRAM ARGUMENT...
 *
 * Runs PROGRAM (prologue_check_target) with probes on allocator functions of
 * OBJECT, which it uses, and prints one line of JSON. BPF is the compiled
 * prologue_check.bpf.c. Probes see that one process only.
 *
 * Modes: count has probes both at each function's entry and at its chosen site,
 * to be compared; operators the same for C++'s. free-entry and free-site have
 * one probe on free, none has none, for the time it costs.
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "capture/prologue.h"
#include "capture/prologue_instruction.h"
#include "util/cleanup.h"
#include "util/vector.h"

enum { FUNCTIONS = 16, ARGUMENTS = 2 };

/* As in prologue_check.bpf.c. */
struct tally {
	uint64_t hits;
	uint64_t sums[ARGUMENTS];
};

struct probed {
	const char *name;
	unsigned int arguments;
	bool returns;
	bool optional; /* an operator of C++, which not every library has */
	uint64_t address, size;
	struct prologue_site site;
};

struct object {
	const char *path;
	Elf *elf;
	struct probed functions[FUNCTIONS]; /* address 0: not there */
	int count;			    /* of those that are */
};

#define NEW(text)                                                \
	{                                                        \
		.name = (text), .arguments = 1, .returns = true, \
		.optional = true                                 \
	}
#define DELETE(text)                                             \
	{                                                        \
		.name = (text), .arguments = 1, .optional = true \
	}

static const struct probed wanted[FUNCTIONS] = {
	{ .name = "malloc", .arguments = 1, .returns = true },
	{ .name = "free", .arguments = 1 },
	{ .name = "calloc", .arguments = 3, .returns = true },
	{ .name = "realloc", .arguments = 3, .returns = true },
	NEW("_Znwm"),
	NEW("_Znam"),
	NEW("_ZnwmRKSt9nothrow_t"),
	NEW("_ZnamRKSt9nothrow_t"),
	NEW("_ZnwmSt11align_val_t"),
	NEW("_ZnwmSt11align_val_tRKSt9nothrow_t"),
	DELETE("_ZdlPv"),
	DELETE("_ZdaPv"),
	DELETE("_ZdlPvm"),
	DELETE("_ZdlPvRKSt9nothrow_t"),
	DELETE("_ZdlPvSt11align_val_t"),
	DELETE("_ZdlPvmSt11align_val_t"),
};

static void fail(const char *what)
{
	fprintf(stderr, "prologue_check: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void find_symbols(struct object *object, Elf_Scn *section,
			 const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym symbol;
	int i, j;

	for (i = 0; data && gelf_getsym(data, i, &symbol); i++) {
		const char *name = elf_strptr(object->elf, header->sh_link,
					      symbol.st_name);

		if (!name || GELF_ST_TYPE(symbol.st_info) != STT_FUNC ||
		    symbol.st_shndx == SHN_UNDEF)
			continue;
		for (j = 0; j < FUNCTIONS; j++)
			if (!strcmp(name, object->functions[j].name)) {
				object->functions[j].address = symbol.st_value;
				object->functions[j].size = symbol.st_size;
			}
	}
}

static int by_address(const void *left, const void *right)
{
	const struct prologue_function *a = left, *b = right;

	return a->address < b->address ? -1 : a->address > b->address;
}

/* Searches the section for branches into the functions, or chooses sites. */
static void use_text(struct object *object, Elf_Scn *section,
		     const GElf_Shdr *header,
		     struct prologue_function *functions, bool choose)
{
	Elf_Data *data = elf_getdata(section, NULL);
	int i, j;

	if (!choose) {
		prologue_scan_branches(PROLOGUE_X86_64, data->d_buf,
				       data->d_size, header->sh_addr, functions,
				       (size_t)object->count);
		return;
	}
	for (i = 0; i < FUNCTIONS; i++) {
		struct probed *probed = &object->functions[i];
		struct prologue_query query = {
			.machine = PROLOGUE_X86_64,
			.arguments = probed->arguments,
			.returns = probed->returns,
		};
		uint64_t offset = probed->address - header->sh_addr;

		if (!probed->address || offset >= data->d_size)
			continue;
		for (j = 0; j < object->count; j++)
			if (functions[j].address == probed->address)
				query.function = &functions[j];
		query.code = (uint8_t *)data->d_buf + offset;
		query.size = data->d_size - offset;
		if (query.size > probed->size)
			query.size = probed->size;
		probed->site = prologue_find_site(&query);
	}
}

/* Whether an earlier function is at the same address: it is probed once. */
static bool is_alias(const struct object *object, int index)
{
	for (int i = 0; i < index; i++)
		if (object->functions[i].address ==
		    object->functions[index].address)
			return true;
	return false;
}

static void choose_sites(struct object *object)
{
	struct prologue_function functions[FUNCTIONS] = { 0 };
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	int i, pass;

	while ((section = elf_nextscn(object->elf, section)))
		if (gelf_getshdr(section, &header) &&
		    (header.sh_type == SHT_DYNSYM ||
		     header.sh_type == SHT_SYMTAB))
			find_symbols(object, section, &header);
	for (i = 0; i < FUNCTIONS; i++) {
		struct probed *probed = &object->functions[i];

		errno = ENOENT;
		if (!probed->address && !probed->optional)
			fail(probed->name);
		if (is_alias(object, i))
			probed->address = 0;
		if (probed->address)
			functions[object->count++].address = probed->address;
	}
	qsort(functions, (size_t)object->count, sizeof(*functions), by_address);
	for (pass = 0; pass < 2; pass++)
		while ((section = elf_nextscn(object->elf, section)))
			if (gelf_getshdr(section, &header) &&
			    header.sh_type == SHT_PROGBITS &&
			    header.sh_flags & SHF_EXECINSTR)
				use_text(object, section, &header, functions,
					 pass == 1);
}

static uint64_t file_offset(const struct object *object, uint64_t address)
{
	GElf_Phdr header;
	int i;

	for (i = 0; gelf_getphdr(object->elf, i, &header); i++)
		if (header.p_type == PT_LOAD &&
		    address - header.p_vaddr < header.p_filesz)
			return address - header.p_vaddr + header.p_offset;
	errno = ENOENT;
	fail(object->path);
	return 0;
}

static uint64_t make_cookie(unsigned int slot, const uint8_t *registers)
{
	return slot | (uint64_t)registers[0] << 8 |
	       (uint64_t)registers[1] << 16;
}

static void attach(const struct object *object, struct bpf_program *program,
		   pid_t pid, uint64_t address, uint64_t cookie)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options, .bpf_cookie = cookie);
	struct bpf_link *link = bpf_program__attach_uprobe_opts(
		program, pid, object->path, file_offset(object, address),
		&options);

	/* The link lives as long as this process. */
	if (!link)
		fail("attach");
}

static void attach_all(const struct object *object, struct bpf_object *bpf,
		       const char *mode, pid_t pid)
{
	struct bpf_program *count =
		bpf_object__find_program_by_name(bpf, "count");
	struct bpf_program *nothing =
		bpf_object__find_program_by_name(bpf, "nothing");
	const struct probed *release = &object->functions[1];
	bool operators;
	unsigned int i, j;

	if (!strcmp(mode, "free-entry"))
		attach(object, nothing, pid, release->address, 0);
	if (!strcmp(mode, "free-site"))
		attach(object, nothing, pid,
		       release->address + release->site.offset, 0);
	operators = !strcmp(mode, "operators");
	if (!operators && strcmp(mode, "count"))
		return;
	for (i = 0; i < FUNCTIONS; i++) {
		const struct probed *probed = &object->functions[i];
		uint8_t entry[ARGUMENTS];

		if (!probed->address || probed->optional != operators)
			continue;
		for (j = 0; j < ARGUMENTS; j++)
			entry[j] = probed->arguments >> j & 1
					   ? prologue_arch_x86_64.arguments[j]
					   : PROLOGUE_NO_REGISTER;
		attach(object, count, pid, probed->address,
		       make_cookie(2 * i, entry));
		attach(object, count, pid,
		       probed->address + probed->site.offset,
		       make_cookie(2 * i + 1, probed->site.registers));
	}
}

static void print_function(const struct probed *probed, int map,
			   unsigned int index)
{
	struct tally tallies[2];
	char reason[128];
	uint32_t i;

	for (i = 0; i < 2; i++) {
		uint32_t slot = 2 * index + i;

		if (bpf_map_lookup_elem(map, &slot, &tallies[i]))
			fail("tallies");
	}
	prologue_explain(&probed->site, reason, sizeof(reason));
	printf("%s\"%s\": {\"site\": \"%s\", \"offset\": %u, "
	       "\"emulated\": %s, \"entry_hits\": %" PRIu64
	       ", \"site_hits\": %" PRIu64 ", \"same_arguments\": %s}",
	       index ? ", " : "", probed->name, reason, probed->site.offset,
	       probed->site.cost == PROLOGUE_EMULATED ? "true" : "false",
	       tallies[0].hits, tallies[1].hits,
	       memcmp(tallies[0].sums, tallies[1].sums, sizeof(tallies[0].sums))
		       ? "false"
		       : "true");
}

/* Starts the program, returns once it only waits for its stdin. */
static pid_t start(char **command, int *input, int *output)
{
	int to[2], from[2];
	char ready;
	pid_t pid;

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		fail("pipe");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		const char *preload = getenv("PROLOGUE_CHECK_PRELOAD");

		if (preload)
			setenv("LD_PRELOAD", preload, 1);
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		execv(command[0], command);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	*input = to[1];
	*output = from[0];
	if (read(*output, &ready, 1) != 1)
		fail(command[0]);
	return pid;
}

static void run(const struct object *object, struct bpf_object *bpf,
		const char *mode, char **command)
{
	int input, output, status, i;
	int64_t elapsed;
	pid_t pid = start(command, &input, &output);
	auto_close int input_end = input;
	auto_close int output_end = output;

	attach_all(object, bpf, mode, pid);
	if (write(input_end, "", 1) != 1 ||
	    read(output_end, &elapsed, sizeof(elapsed)) != sizeof(elapsed))
		fail("target");
	if (waitpid(pid, &status, 0) != pid || status)
		fail("target's end");
	printf("{\"cpu_ns\": %" PRId64 ", \"functions\": {", elapsed);
	for (i = 0; i < FUNCTIONS; i++)
		if (object->functions[i].address)
			print_function(
				&object->functions[i],
				bpf_object__find_map_fd_by_name(bpf, "tallies"),
				i);
	printf("}}\n");
}

int main(int argc, char **argv)
{
	struct object object = { 0 };
	struct bpf_object *bpf;
	auto_close int file = -1;

	if (argc < 5) {
		fprintf(stderr, "usage: prologue_check BPF OBJECT MODE "
				"PROGRAM ARGUMENT...\n");
		return 2;
	}
	object.path = argv[2];
	memcpy(object.functions, wanted, sizeof(wanted));
	elf_version(EV_CURRENT);
	file = open(object.path, O_RDONLY | O_CLOEXEC);
	object.elf = file < 0 ? NULL : elf_begin(file, ELF_C_READ_MMAP, NULL);
	if (!object.elf)
		fail(object.path);
	choose_sites(&object);
	bpf = bpf_object__open_file(argv[1], NULL);
	if (!bpf || bpf_object__load(bpf))
		fail(argv[1]);
	run(&object, bpf, argv[3], argv + 4);
	bpf_object__close(bpf);
	elf_end(object.elf);
	return EXIT_SUCCESS;
}
