// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mappings with names: of a file, of a memfd, and of anonymous memory where
 * the kernel keeps such names, which the note anonymous_names tells.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "truth.h"

#ifndef PR_SET_VMA /* linux/prctl.h, since Linux 5.17 */
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

#define SIZE 8192

#define MAPPER(function)                                                    \
	TRUTH_SITE(function, TRUTH_MAPPING);                                \
	static TRUTH_CALLER void *function(int flags, int file)             \
	{                                                                   \
		void *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, \
				 file, 0);                                  \
                                                                            \
		truth_require(map != MAP_FAILED, "mmap failed");            \
		truth_allocated(&function##_site, SIZE);                    \
		return map;                                                 \
	}

MAPPER(of_file)
MAPPER(of_memory_file)
MAPPER(of_nothing)
MAPPER(of_named)

static int memory_file(const char *name)
{
	int file = memfd_create(name, MFD_CLOEXEC);

	truth_require(file >= 0 && !ftruncate(file, SIZE), "memfd failed");
	return file;
}

int main(int argc, char **argv)
{
	int file, anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
	void *named;

	truth_require(argc == 2, "usage: named_mappings FILE");
	truth_require(!access(argv[1], R_OK), "no such file");
	file = open(argv[1], O_RDONLY | O_CLOEXEC);
	truth_require(file >= 0, "cannot open the file");
	truth_ready();
	of_file(MAP_PRIVATE, file);
	of_memory_file(MAP_SHARED, memory_file("ring one"));
	of_memory_file(MAP_SHARED, memory_file("ring two"));
	of_nothing(anonymous, -1);
	named = of_named(anonymous, -1);
	truth_note("anonymous_names",
		   !prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME,
			  (unsigned long)named, SIZE, "shop cache"));
	truth_report();
	return 0;
}
