// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long the unwind tables of some files take to compile: the best and the
 * median of several runs on a warm page cache, rows and bytes a row.
 *
 *	cfi_time FILE...
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "unwind/row_table.h"
#include "util/cleanup.h"

#define RUNS 11

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int by_size(const void *first, const void *second)
{
	double difference = *(const double *)first - *(const double *)second;

	return difference < 0 ? -1 : difference > 0;
}

static int compile(const void *bytes, size_t size, struct row_table *table,
		   double *took, struct error *error)
{
	struct rule_dictionary dictionary;
	int status = rule_dictionary_init(&dictionary, NULL);
	double started = milliseconds();

	if (!status)
		status = row_table_compile(bytes, size, &dictionary, table,
					   error);
	*took = milliseconds() - started;
	rule_dictionary_free(&dictionary);
	return status;
}

static int measure(const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct error error = { "out of memory" };
	struct row_table table;
	double took[RUNS];
	struct stat status;
	void *bytes;
	int i;

	if (fd < 0 || fstat(fd, &status)) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd,
		     0);
	if (bytes == MAP_FAILED)
		return 1;
	for (i = 0; i < RUNS; i++) {
		if (compile(bytes, (size_t)status.st_size, &table, &took[i],
			    &error)) {
			fprintf(stderr, "%s: %s\n", path, error.message);
			return 1;
		}
		if (i < RUNS - 1)
			row_table_free(&table);
	}
	qsort(took, RUNS, sizeof(took[0]), by_size);
	printf("%-50s %6.1f MB %8zu rows %5.2f bytes/row  best %7.2f ms  "
	       "median %7.2f ms\n",
	       path, (double)status.st_size / 1e6, table.row_count,
	       table.row_count
		       ? 4 + 8.0 * table.page_count / (double)table.row_count
		       : 0,
	       took[0], took[RUNS / 2]);
	row_table_free(&table);
	munmap(bytes, (size_t)status.st_size);
	return 0;
}

int main(int argument_count, char **arguments)
{
	int failed = 0;
	int i;

	for (i = 1; i < argument_count; i++)
		failed |= measure(arguments[i]);
	return failed;
}
