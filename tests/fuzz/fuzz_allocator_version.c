// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzzes the search for allocators' versions in a target's data and code. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/allocator_version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is found is a short text of digits and dots. */
static void check(const struct allocator_version *version)
{
	size_t length = strnlen(version->text, sizeof(version->text));

	if (length == sizeof(version->text) ||
	    strspn(version->text, "0123456789.") != length)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct allocator_version version;

	for (int family = 0; family < FAMILIES; family++) {
		version = allocator_version_find((enum allocator_family)family,
						 (const char *)data, size);
		check(&version);
	}
	version = allocator_version_of_code(data, size);
	check(&version);
	return 0;
}
