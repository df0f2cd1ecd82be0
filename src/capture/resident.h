/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of a process's memory is in RAM (or in swap, from where it comes back):
 * proc_pid_statm(5), proc_pid_pagemap(5), Documentation/admin-guide/mm/
 * pagemap.rst.
 */
#ifndef LEAKTRACE_CAPTURE_RESIDENT_H
#define LEAKTRACE_CAPTURE_RESIDENT_H

#include <stdbool.h>
#include <stdint.h>

/* An entry of /proc/PID/pagemap: fs/proc/task_mmu.c */
#define PAGE_PRESENT (UINT64_C(1) << 63)
#define PAGE_SWAPPED (UINT64_C(1) << 62)
#define PAGE_OF_FILE (UINT64_C(1) << 61) /* or shared memory */
#define PAGE_FRAME ((UINT64_C(1) << 55) - 1)

/* Sets the resident set's bytes. 0, or -ESRCH when the process has ended. */
int resident_bytes(int pid, uint64_t *bytes);

struct resident_pages {
	int pagemap;	/* of the process */
	int kpageflags; /* of the machine; -1 = huge pages are not told */
	uint64_t page_size;
};

/* Opens a process's page tables; false if it has ended or is out of reach. */
bool resident_pages_open(struct resident_pages *pages, int pid);
void resident_pages_close(struct resident_pages *pages);

enum residence {
	NOT_RESIDENT,
	RESIDENT,      /* as a page, or not known how */
	RESIDENT_HUGE, /* as a part of a page of RESIDENT_HUGE_BYTES */
	RESIDENCE_UNKNOWN,
};

#define RESIDENT_HUGE_BYTES (2u << 20)

enum residence resident_pages_look(const struct resident_pages *pages,
				   uint64_t address);

#endif
