// SPDX-License-Identifier: GPL-2.0-or-later
/* Blocks through a C library without unwind tables: strdup, qsort, getline. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call_stacks.h"

static void *volatile kept;

static own_frame void duplicate(void)
{
	kept = strdup("some text");
	no_tail_call();
}

static own_frame void duplicate_deeper(void)
{
	char block[300];

	memset(block, 1, sizeof(block));
	__asm__ volatile("" ::"r"(block) : "memory");
	duplicate();
	__asm__ volatile("" ::"r"(block) : "memory");
}

static own_frame int compare(const void *first, const void *second)
{
	kept = malloc(24);
	return *(const int *)first - *(const int *)second;
}

static own_frame void sort(void)
{
	int numbers[] = { 5, 3, 9, 1, 7, 2, 8, 4 };

	qsort(numbers, 8, sizeof(numbers[0]), compare);
	no_tail_call();
}

static own_frame void directly(void)
{
	kept = malloc(24);
	no_tail_call();
}

static own_frame void read_line(FILE *file)
{
	size_t size = 0;
	char *line = NULL;

	if (getline(&line, &size, file) > 0)
		kept = line;
	no_tail_call();
}

static own_frame void print(void)
{
	char *text = NULL;

	if (asprintf(&text, "%d %s", 42, "and more") > 0)
		kept = text;
	no_tail_call();
}

int main(void)
{
	FILE *file = fopen("/proc/self/status", "r");

	duplicate_deeper();
	sort();
	directly();
	if (file)
		read_line(file);
	print();
	return 0;
}
