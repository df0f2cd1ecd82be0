// SPDX-License-Identifier: GPL-2.0-or-later
/* Runtimes of languages that manage memory themselves: see runtimes.h. */
#include "capture/runtimes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resolve/elf_data.h"
#include "util/cleanup.h"

struct runtime {
	const char *file; /* how its name begins, or all of it */
	bool whole;
	const char *note;
};

static const struct runtime runtimes[] = {
	{ "libjvm.so", false,
	  "Java: objects are on the JVM's own heap and not seen, what the JVM and native code allocate is; for the names of methods see Language runtimes in leaktrace(8)" },
	{ "node", true,
	  "node: JavaScript objects are on V8's own heap, of which only its mappings are seen; buffers and native code are; --perf-basic-prof gives names to functions" },
	{ "libnode.so", false,
	  "node: JavaScript objects are on V8's own heap, of which only its mappings are seen; buffers and native code are; --perf-basic-prof gives names to functions" },
	{ "libruby", false,
	  "Ruby: objects are in slots, of which only the pages are seen; what objects keep outside of their slots is, each block" },
};

static const char go_note[] =
	"Go: objects are on its own heap, of which only cgo's malloc and the program's mappings by libc are seen; --growth shows which stacks make it grow";

static int note_add(capture_lines *notes, const char *text)
{
	char **line, *copy;

	for (size_t i = 0; i < notes->count; i++)
		if (!strcmp(notes->items[i], text))
			return 0;
	copy = strdup(text);
	line = copy ? vector_push(notes) : NULL;
	if (!line) {
		free(copy);
		return -ENOMEM;
	}
	*line = copy;
	return 0;
}

static int python_note(const struct python_runtime *python,
		       capture_lines *notes)
{
	char text[256];

	if (!python->name[0])
		return 0;
	if (python->found)
		snprintf(
			text, sizeof(text),
			"%s: functions and lines are in the call stacks; objects of up to 512 bytes show as the arenas that they need, among the mappings",
			python->name);
	else
		snprintf(
			text, sizeof(text),
			"%s: its frames cannot be read; with -X perf (3.12 and later) functions have their names",
			python->name);
	return note_add(notes, text);
}

static bool is_runtime(const struct runtime *runtime, const char *name)
{
	return runtime->whole
		       ? !strcmp(name, runtime->file)
		       : !strncmp(name, runtime->file, strlen(runtime->file));
}

/* Whether it is the program itself, and Go's linker made it. */
static bool is_go(const struct address_space *space)
{
	auto_close int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", space->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && elf_has_section(fd, ".gopclntab");
}

int runtimes_note(const struct address_space *space, capture_lines *notes)
{
	int result = python_note(&space->python, notes);

	for (size_t i = 0; !result && i < space->maps.mappings.count; i++) {
		const struct process_mapping *mapping =
			&space->maps.mappings.items[i];
		const char *slash = mapping->path ? strrchr(mapping->path, '/')
						  : NULL;

		if (!slash || !mapping->executable)
			continue;
		for (size_t j = 0; j < sizeof(runtimes) / sizeof(runtimes[0]);
		     j++)
			if (!result && is_runtime(&runtimes[j], slash + 1))
				result = note_add(notes, runtimes[j].note);
	}
	if (!result && is_go(space))
		result = note_add(notes, go_note);
	return result;
}
