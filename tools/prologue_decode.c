// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The prologue decoder as a filter, for tools/prologue_decoder_check:
 *
 *	prologue_decode MACHINE            hexadecimal instructions, a line each
 *	                                   -> length class writes copy_to
 *	                                   copy_from stack stack_lost
 *	prologue_decode MACHINE TEXT BASE  entry addresses, sorted, a line each
 *	                                   -> address offsets of branch targets
 *
 * MACHINE is x86_64 or arm64; TEXT is a file with the bytes that lie at BASE.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/prologue.h"
#include "capture/prologue_instruction.h"
#include "util/cleanup.h"
#include "util/vector.h"

static void decode_lines(const struct prologue_arch *arch)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		struct prologue_instruction instruction;
		uint8_t code[16];
		size_t size = 0;

		while (size < sizeof(code) &&
		       sscanf(line + 2 * size, "%2hhx", &code[size]) == 1)
			size++;
		instruction = arch->decode(code, size);
		printf("%u %u %u %u %u %d %d\n", instruction.length,
		       instruction.class, instruction.writes,
		       instruction.copy_to, instruction.copy_from,
		       instruction.stack, instruction.stack_lost);
	}
}

static int scan_lines(enum prologue_machine machine, const char *path,
		      uint64_t base)
{
	VECTOR(struct prologue_function) functions = { 0 };
	auto_free uint8_t *text = NULL;
	auto_fclose FILE *file = fopen(path, "rb");
	size_t size, i, offset;
	uint64_t address;

	if (!file || fseek(file, 0, SEEK_END))
		return -errno;
	size = ftell(file);
	rewind(file);
	text = malloc(size + 1);
	if (!text || fread(text, 1, size, file) != size)
		return -EIO;
	while (scanf("%" SCNx64, &address) == 1) {
		struct prologue_function *function = vector_push(&functions);

		if (!function)
			return -ENOMEM;
		function->address = address;
	}
	prologue_scan_branches(machine, text, size, base, functions.items,
			       functions.count);
	for (i = 0; i < functions.count; i++) {
		printf("%" PRIx64, functions.items[i].address);
		for (offset = 0; offset < PROLOGUE_BYTES; offset++)
			if (functions.items[i].targets[offset / 64] >>
				    offset % 64 &
			    1)
				printf(" %zu", offset);
		printf("\n");
	}
	vector_free(&functions);
	return 0;
}

int main(int argc, char **argv)
{
	bool arm64 = argc > 1 && !strcmp(argv[1], "arm64");
	int error = 0;

	if (argc == 2)
		decode_lines(arm64 ? &prologue_arch_arm64
				   : &prologue_arch_x86_64);
	else if (argc == 4)
		error = scan_lines(arm64 ? PROLOGUE_ARM64 : PROLOGUE_X86_64,
				   argv[2], strtoull(argv[3], NULL, 16));
	else
		error = -EINVAL;
	if (error)
		fprintf(stderr, "prologue_decode: %s\n", strerror(-error));
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
