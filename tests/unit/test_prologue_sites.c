// SPDX-License-Identifier: GPL-2.0-or-later
/* Probe sites in the allocators that Debian ships. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/prologue.h"
#include "capture/prologue_instruction.h"
#include "prologue_vectors.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

enum { ENTRY = 0x1000 };

/* What a tracer reads at each function's entry, and whether on return too. */
static const struct {
	const char *function;
	unsigned int arguments;
	bool returns;
} uses[] = {
	{ "malloc", 1, true },	       { "free", 1, false },
	{ "calloc", 3, true },	       { "realloc", 3, true },
	{ "posix_memalign", 7, true }, { "memalign", 3, true },
	{ "aligned_alloc", 3, true },  { "reallocarray", 7, true },
	{ "valloc", 1, true },	       { "pvalloc", 1, true },
	{ "mmap", 63, true },	       { "munmap", 3, true },
	{ "mremap", 31, true },	       { "_Znwm", 1, true },
	{ "_ZdlPv", 1, false },
};

/*
 * The sites expected in each package: function, offset, "*" if it is
 * single-stepped, "/" and the stack pointer's change, ":" and the registers
 * of arguments that have moved. Each was read off the disassembly.
 */
static const struct {
	const char *label, *sites;
} packages[] = {
	{ "libc6 2.31-13+deb11u11 amd64",
	  "malloc+7 free+17/-24 calloc+0 realloc+0 posix_memalign+0 "
	  "memalign+4 aligned_alloc+4 reallocarray+0* valloc+6 "
	  "pvalloc+6 mmap+7 munmap+0* mremap+0*" },
	{ "musl 1.2.2-1 amd64",
	  "malloc+0 free+0 calloc+0 realloc+0 posix_memalign+0 "
	  "memalign+0 aligned_alloc+0 reallocarray+9:rcx valloc+8:rsi "
	  "mmap+0 munmap+0 mremap+0" },
	{ "libjemalloc2 5.2.1-3 amd64",
	  "malloc+11 free+11 calloc+0 realloc+0 posix_memalign+0 "
	  "memalign+0 aligned_alloc+0 valloc+0 _Znwm+0 _ZdlPv+0" },
	{ "libtcmalloc-minimal4 2.8.1-1 amd64",
	  "malloc+10 free+10 calloc+0 realloc+0 posix_memalign+11 "
	  "memalign+10 aligned_alloc+10 valloc+0 pvalloc+0 mmap+0 "
	  "munmap+0 mremap+0 _Znwm+10 _ZdlPv+10" },
	{ "libc6 2.36-9+deb12u14 amd64",
	  "malloc+0 free+3 calloc+0 realloc+0 posix_memalign+7 "
	  "memalign+7 aligned_alloc+7 reallocarray+0* valloc+7 "
	  "pvalloc+7 mmap+10 munmap+0* mremap+0*" },
	{ "musl 1.2.3-1 amd64",
	  "malloc+0 free+0 calloc+0 realloc+0 posix_memalign+0 "
	  "memalign+0 aligned_alloc+0 reallocarray+6 valloc+8:rsi "
	  "mmap+0 munmap+0 mremap+0" },
	{ "libjemalloc2 5.3.0-1 amd64",
	  "malloc+7 free+48 calloc+0 realloc+0 posix_memalign+0 "
	  "memalign+0 aligned_alloc+0 valloc+0 _Znwm+7 _ZdlPv+0" },
	{ "libtcmalloc-minimal4 2.10-1 amd64",
	  "malloc+10 free+10 calloc+0 realloc+0 posix_memalign+11 "
	  "memalign+10 aligned_alloc+10 valloc+0 pvalloc+0 mmap+0 "
	  "munmap+0 mremap+0 _Znwm+10 _ZdlPv+10" },
	{ "libgoogle-perftools4 2.10-1 amd64",
	  "malloc+13 free+10 calloc+12 realloc+0 posix_memalign+11 "
	  "memalign+10 aligned_alloc+10 valloc+0 pvalloc+0 mmap+0 "
	  "munmap+0 mremap+0 _Znwm+13 _ZdlPv+10" },
	{ "libmimalloc2.0 2.0.9+ds-2 amd64",
	  "malloc+21:rsi free+6 calloc+18:rax realloc+20:rsi:rdx "
	  "posix_memalign+0 memalign+0 aligned_alloc+0 reallocarray+0 "
	  "valloc+0 pvalloc+0 _Znwm+0 _ZdlPv+6" },
	{ "libc6 2.41-12+deb13u4 amd64",
	  "malloc+0 free+3 calloc+0 realloc+0 posix_memalign+7 "
	  "memalign+7 aligned_alloc+0 reallocarray+0* valloc+7 "
	  "pvalloc+7 mmap+7 munmap+0* mremap+0*" },
	{ "musl 1.2.5-3.1~deb13u1 amd64",
	  "malloc+4 free+4 calloc+4 realloc+4 posix_memalign+13 "
	  "memalign+4 aligned_alloc+4 reallocarray+10 valloc+12:rsi "
	  "mmap+4 munmap+4 mremap+4" },
	{ "libjemalloc2 5.3.0-3 amd64",
	  "malloc+11 free+52 calloc+4 realloc+4 posix_memalign+4 "
	  "memalign+4 aligned_alloc+4 valloc+4 _Znwm+11 _ZdlPv+4" },
	{ "libtcmalloc-minimal4t64 2.16-1 amd64",
	  "malloc+14 free+14 calloc+7 realloc+4 posix_memalign+15 "
	  "memalign+11 aligned_alloc+11 valloc+4 pvalloc+4 _Znwm+14 "
	  "_ZdlPv+14" },
	{ "libgoogle-perftools4t64 2.16-1 amd64",
	  "malloc+17 free+14 calloc+4 realloc+4 posix_memalign+15 "
	  "memalign+14 aligned_alloc+14 valloc+4 pvalloc+4 mmap+4 "
	  "munmap+4 mremap+4 _Znwm+17 _ZdlPv+14" },
	{ "libmimalloc3 3.0.1+ds-2.1 amd64",
	  "malloc+25:rsi free+56:rsi calloc+22:rax realloc+24:rsi:rdx "
	  "posix_memalign+4 memalign+4 aligned_alloc+4 reallocarray+4 "
	  "valloc+4 pvalloc+4 _Znwm+18:rsi _ZdlPv+56:rsi" },
	{ "libc6 2.43-7 amd64",
	  "malloc+3 free+3 calloc+6 realloc+6 posix_memalign+23 "
	  "memalign+0 aligned_alloc+7 reallocarray+0* valloc+14:rsi "
	  "pvalloc+21:rdx mmap+7 munmap+0* mremap+0*" },
	{ "musl 1.2.6-2 amd64",
	  "malloc+4 free+4 calloc+0* realloc+4 posix_memalign+13 "
	  "memalign+4 aligned_alloc+0* reallocarray+13:rcx "
	  "valloc+12:rsi mmap+0* munmap+0* mremap+0*" },
	{ "libjemalloc2 5.3.1-2 amd64",
	  "malloc+11 free+52 calloc+4 realloc+4 posix_memalign+4 "
	  "memalign+4 aligned_alloc+4 valloc+4 pvalloc+4 _Znwm+11 "
	  "_ZdlPv+52" },
	{ "libtcmalloc-minimal4t64 2.18.1-2 amd64",
	  "malloc+12 free+15 calloc+7 realloc+4 posix_memalign+15 "
	  "memalign+14 aligned_alloc+14 valloc+17:rsi pvalloc+4 "
	  "_Znwm+12 _ZdlPv+15" },
	{ "libmimalloc3 3.6.0+ds-1 amd64",
	  "malloc+22 free+32 calloc+8 realloc+21:rsi:rdx "
	  "posix_memalign+4 memalign+4 aligned_alloc+4 reallocarray+4 "
	  "valloc+4 pvalloc+4 _Znwm+18:rsi _ZdlPv+32" },
	{ "libc6 2.36-9+deb12u14 arm64",
	  "malloc+0* free+0 calloc+0* realloc+0* posix_memalign+0* "
	  "memalign+0* aligned_alloc+0* reallocarray+0* valloc+0* "
	  "pvalloc+0* mmap+4 munmap+0* mremap+0*" },
	{ "musl 1.2.3-1 arm64",
	  "malloc+0 free+0 calloc+0* realloc+0 posix_memalign+8 "
	  "memalign+0 aligned_alloc+0* reallocarray+0 valloc+0 mmap+0* "
	  "munmap+0* mremap+0*" },
	{ "libjemalloc2 5.3.0-1 arm64",
	  "malloc+4 free+0 calloc+0* realloc+0 posix_memalign+0* "
	  "memalign+0* aligned_alloc+0* valloc+0* _Znwm+4 _ZdlPv+0" },
	{ "libtcmalloc-minimal4 2.10-1 arm64",
	  "malloc+0 free+0 calloc+0* realloc+0* posix_memalign+16 "
	  "memalign+8 aligned_alloc+8 valloc+0* pvalloc+0* mmap+0* "
	  "munmap+0* mremap+0* _Znwm+0 _ZdlPv+0" },
	{ "libc6 2.41-12+deb13u4 arm64",
	  "malloc+0* free+4 calloc+0* realloc+0* posix_memalign+4 "
	  "memalign+4 aligned_alloc+0* reallocarray+0* valloc+4 "
	  "pvalloc+0* mmap+8 munmap+0* mremap+0*" },
	{ "musl 1.2.5-3.1~deb13u1 arm64",
	  "malloc+4 free+4 calloc+0* realloc+4 posix_memalign+12 "
	  "memalign+4 aligned_alloc+0* reallocarray+4 valloc+4 mmap+0* "
	  "munmap+0* mremap+0*" },
	{ "libjemalloc2 5.3.0-3 arm64",
	  "malloc+12 free+4 calloc+0* realloc+0* posix_memalign+0* "
	  "memalign+0* aligned_alloc+0* valloc+0* _Znwm+12 _ZdlPv+4" },
	{ "libmimalloc3 3.0.1+ds-2.1 arm64",
	  "malloc+4 free+8/-64 calloc+4 realloc+4 posix_memalign+4 "
	  "memalign+4 aligned_alloc+4 reallocarray+4 valloc+4 pvalloc+4 "
	  "_Znwm+4 _ZdlPv+8/-64" },
};

/* A copy of exactly its size, so that ASan sees any read past it. */
static uint8_t *parse_hex(const char *hex, size_t *size)
{
	uint8_t *code;
	size_t i;

	*size = strlen(hex) / 2;
	code = malloc(*size ? *size : 1);
	assert_non_null(code);
	for (i = 0; i < *size; i++)
		assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &code[i]), 1);
	return code;
}

static void describe(const char *function, const struct prologue_site *site,
		     char *text, size_t size)
{
	static const struct prologue_arch *const archs[] = {
		&prologue_arch_x86_64, &prologue_arch_arm64
	};
	const uint8_t *homes = archs[site->machine]->arguments;
	size_t at, i;

	at = snprintf(text, size, "%s+%u%s", function, site->offset,
		      site->cost == PROLOGUE_EMULATED ? "" : "*");
	if (site->stack)
		at += snprintf(text + at, size - at, "/%d", site->stack);
	for (i = 0; i < PROLOGUE_ARGUMENTS; i++)
		if (site->registers[i] != PROLOGUE_NO_REGISTER &&
		    site->registers[i] != homes[i])
			at += snprintf(
				text + at, size - at, ":%s",
				prologue_register_name(site->machine,
						       site->registers[i]));
}

static struct prologue_site find_vector(const struct prologue_vector *vector)
{
	struct prologue_function function = { .address = ENTRY };
	struct prologue_query query = { .function = &function };
	struct prologue_site site;
	const char *target = vector->targets;
	uint8_t *code;
	size_t i;

	if (strstr(vector->label, "arm64"))
		query.machine = PROLOGUE_ARM64;
	while (*target) {
		char *next;

		prologue_mark_target(&function,
				     ENTRY + strtoul(target, &next, 10));
		target = next;
	}
	for (i = 0; i < COUNT(uses); i++)
		if (!strcmp(uses[i].function, vector->function)) {
			query.arguments = uses[i].arguments;
			query.returns = uses[i].returns;
		}
	assert_int_not_equal(query.arguments, 0);
	code = parse_hex(vector->code, &query.size);
	query.code = code;
	site = prologue_find_site(&query);
	free(code);
	return site;
}

static void real_prologues(void **state)
{
	size_t i, j, rows = 0;

	(void)state;
	for (i = 0; i < COUNT(packages); i++) {
		char found[1024] = "";

		for (j = 0; j < COUNT(prologue_vectors); j++) {
			struct prologue_site site;
			char word[64];

			if (strcmp(packages[i].label,
				   prologue_vectors[j].label))
				continue;
			site = find_vector(&prologue_vectors[j]);
			describe(prologue_vectors[j].function, &site, word,
				 sizeof(word));
			if (*found)
				strcat(found, " ");
			strcat(found, word);
			rows++;
		}
		assert_string_equal(found, packages[i].sites);
	}
	assert_int_equal(rows, COUNT(prologue_vectors));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_prologues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
