// SPDX-License-Identifier: GPL-2.0-or-later
/* What of a process's memory is in RAM: see resident.h. */
#include "capture/resident.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "util/cleanup.h"

/* include/uapi/linux/kernel-page-flags.h */
#define FLAG_ANONYMOUS (UINT64_C(1) << 12)
#define FLAG_HUGE (UINT64_C(1) << 22)

int resident_bytes(int pid, uint64_t *bytes)
{
	auto_fclose FILE *file = NULL;
	uint64_t pages;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	file = fopen(path, "re");
	/* A process that has ended has 0 pages. */
	if (!file || fscanf(file, "%*u %" SCNu64, &pages) != 1 || !pages)
		return -ESRCH;
	*bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

bool resident_pages_open(struct resident_pages *pages, int pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	*pages = (struct resident_pages){
		.pagemap = open(path, O_RDONLY | O_CLOEXEC),
		.kpageflags = -1,
		.page_size = (uint64_t)sysconf(_SC_PAGESIZE),
	};
	if (pages->pagemap < 0)
		return false;
	pages->kpageflags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	return true;
}

void resident_pages_close(struct resident_pages *pages)
{
	close(pages->pagemap);
	if (pages->kpageflags >= 0)
		close(pages->kpageflags);
}

/* The entry of a page; false if there is none to be had. */
static bool entry_read(int fd, uint64_t index, uint64_t *entry)
{
	return pread(fd, entry, sizeof(*entry),
		     (off_t)(index * sizeof(*entry))) == sizeof(*entry);
}

/*
 * Whether a page is part of a huge one that is mapped as a whole: all of it
 * lies in physical memory as it does in the process.
 */
static bool is_huge(const struct resident_pages *pages, uint64_t address,
		    uint64_t frame)
{
	uint64_t count = RESIDENT_HUGE_BYTES / pages->page_size;
	uint64_t page = address / pages->page_size,
		 first = page / count * count;
	uint64_t flags, start, end;

	if (pages->kpageflags < 0 || !frame || frame % count != page % count ||
	    !entry_read(pages->kpageflags, frame, &flags) ||
	    !(flags & FLAG_HUGE) || !(flags & FLAG_ANONYMOUS))
		return false;
	return entry_read(pages->pagemap, first, &start) &&
	       entry_read(pages->pagemap, first + count - 1, &end) &&
	       (start & PAGE_FRAME) == frame / count * count &&
	       (end & PAGE_FRAME) == frame / count * count + count - 1;
}

enum residence resident_pages_look(const struct resident_pages *pages,
				   uint64_t address)
{
	uint64_t entry;

	if (!entry_read(pages->pagemap, address / pages->page_size, &entry))
		return RESIDENCE_UNKNOWN;
	if (entry & PAGE_SWAPPED)
		return RESIDENT;
	if (!(entry & PAGE_PRESENT))
		return NOT_RESIDENT;
	return is_huge(pages, address, entry & PAGE_FRAME) ? RESIDENT_HUGE
							   : RESIDENT;
}
