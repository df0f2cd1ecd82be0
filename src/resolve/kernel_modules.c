// SPDX-License-Identifier: GPL-2.0-or-later
/* Which kernel modules use which: see kernel_modules.h. */
#include "resolve/kernel_modules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The end of the word at `at`: a space, or the end. */
static const char *word_end(const char *at, const char *end)
{
	while (at < end && *at != ' ')
		at++;
	return at;
}

static bool is_known(const struct kernel_modules *modules, const char *user,
		     size_t user_length, const char *used, size_t used_length)
{
	for (size_t i = 0; i < modules->uses.count; i++) {
		const struct module_use *use = &modules->uses.items[i];

		if (!strncmp(use->user, user, user_length) &&
		    !use->user[user_length] &&
		    !strncmp(use->used, used, used_length) &&
		    !use->used[used_length])
			return true;
	}
	return false;
}

static int use_add(struct kernel_modules *modules, const char *user,
		   size_t user_length, const char *used, size_t used_length)
{
	struct module_use use;

	/* "[permanent]" and the like are remarks, not names. */
	if (!user_length || *user == '[' || *user == '-' ||
	    memchr(user, '\0', user_length) ||
	    memchr(used, '\0', used_length) ||
	    is_known(modules, user, user_length, used, used_length))
		return 0;
	use.user = strndup(user, user_length);
	use.used = strndup(used, used_length);
	if (!use.user || !use.used || vector_reserve(&modules->uses, 1)) {
		free(use.user);
		free(use.used);
		return -ENOMEM;
	}
	*vector_push(&modules->uses) = use;
	return 0;
}

static int line_parse(struct kernel_modules *modules, const char *line,
		      const char *end)
{
	const char *name_end = word_end(line, end), *at = name_end, *users_end;

	for (int field = 0; field < 2 && at < end; field++)
		at = word_end(at + 1, end);
	if (at >= end || name_end == line)
		return 0;
	at++;
	users_end = word_end(at, end);
	while (at < users_end) {
		const char *comma = memchr(at, ',', (size_t)(users_end - at));

		if (!comma)
			return 0;
		if (use_add(modules, at, (size_t)(comma - at), line,
			    (size_t)(name_end - line)))
			return -ENOMEM;
		at = comma + 1;
	}
	return 0;
}

int kernel_modules_parse(struct kernel_modules *modules, const char *text,
			 size_t size)
{
	const char *end = text + size, *stop;

	for (; text < end; text = stop + 1) {
		stop = memchr(text, '\n', (size_t)(end - text));
		if (!stop)
			stop = end;
		if (line_parse(modules, text, stop))
			return -ENOMEM;
	}
	return 0;
}

bool kernel_modules_use(const struct kernel_modules *modules, const char *user,
			const char *used)
{
	return is_known(modules, user, strlen(user), used, strlen(used));
}

void kernel_modules_free(struct kernel_modules *modules)
{
	for (size_t i = 0; i < modules->uses.count; i++) {
		free(modules->uses.items[i].user);
		free(modules->uses.items[i].used);
	}
	vector_free(&modules->uses);
}
