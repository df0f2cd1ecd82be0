// SPDX-License-Identifier: GPL-2.0-or-later
/* Allocator functions that the user names: see custom_function.h. */
#include "capture/custom_function.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of arguments, 0 = not given. */
struct parts {
	unsigned int size, factor, pointer, out;
	bool sizeless, returned;
};

static int parse_argument(const char *text, size_t length, const char *part,
			  unsigned int *argument, struct error *error)
{
	if (length != 1 || *text < '1' || *text > '0' + CUSTOM_ARGUMENTS)
		return error_set(
			error, EINVAL,
			"'%.*s' in '%s' is not the number of an argument: give 1 to %d",
			(int)length, text, part, CUSTOM_ARGUMENTS);
	*argument = (unsigned int)(*text - '0');
	return 0;
}

/* ARG[*ARG] or none */
static int parse_size(const char *text, const char *part, struct parts *parts,
		      struct error *error)
{
	size_t length = strcspn(text, "*");
	int result;

	if (!strcmp(text, "none")) {
		parts->sizeless = true;
		return 0;
	}
	result = parse_argument(text, length, part, &parts->size, error);
	if (!result && text[length])
		result = parse_argument(text + length + 1,
					strlen(text + length + 1), part,
					&parts->factor, error);
	return result;
}

static int given_twice(const char *part, struct error *error)
{
	return error_set(error, EINVAL, "'%s': this is given twice", part);
}

static int parse_part(unsigned int kind, const char *part, struct parts *parts,
		      struct error *error)
{
	bool alloc = !(kind & CUSTOM_FREE);

	if (!strncmp(part, "ptr=", 4))
		return parts->pointer
			       ? given_twice(part, error)
			       : parse_argument(part + 4, strlen(part + 4),
						part, &parts->pointer, error);
	if (alloc && !strncmp(part, "size=", 5))
		return parts->size || parts->sizeless
			       ? given_twice(part, error)
			       : parse_size(part + 5, part, parts, error);
	if (alloc && !strncmp(part, "out=", 4))
		return parts->out || parts->returned
			       ? given_twice(part, error)
			       : parse_argument(part + 4, strlen(part + 4),
						part, &parts->out, error);
	if (alloc && !strcmp(part, "ret")) {
		if (parts->out || parts->returned)
			return given_twice(part, error);
		parts->returned = true;
		return 0;
	}
	return error_set(error, EINVAL, "'%s' is not known: give %s", part,
			 alloc ? "size=ARG, size=ARG*ARG, size=none, ret, "
				 "out=ARG or ptr=ARG"
			       : "ptr=ARG");
}

static int parse_parts(unsigned int kind, const char *text, struct parts *parts,
		       struct error *error)
{
	char part[64];
	int result = 0;

	while (!result && *text == ':') {
		size_t length = strcspn(++text, ":");

		if (length >= sizeof(part))
			return error_set(error, EINVAL,
					 "'%.20s...' is too long", text);
		memcpy(part, text, length);
		part[length] = '\0';
		result = parse_part(kind, part, parts, error);
		text += length;
	}
	return result;
}

/* Which argument stands for two things, 0 = none. */
static unsigned int argument_used_twice(const struct parts *parts)
{
	const unsigned int used[] = { parts->size, parts->factor,
				      parts->pointer, parts->out };
	unsigned int seen = 0;

	for (size_t i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
		/* NAME:size=1*1 would be a square, which nobody means. */
		if (used[i] && seen >> used[i] & 1)
			return used[i];
		seen |= 1U << used[i];
	}
	return 0;
}

static void known_set(struct allocator_function *known, enum abi_shape shape,
		      unsigned int first, unsigned int second,
		      unsigned int third)
{
	known->shape = shape;
	known->arguments[0] = (uint8_t)first;
	known->arguments[1] = (uint8_t)second;
	known->arguments[2] = (uint8_t)third;
}

/* How a function with these parts is called, as one of the shapes. */
static int shape_choose(unsigned int kind, struct parts *parts,
			struct allocator_function *known, struct error *error)
{
	unsigned int size, twice;

	known->returns = true;
	known->family = FAMILY_CUSTOM;
	if (kind & CUSTOM_FREE) {
		known_set(known, ABI_SHAPE_RELEASE,
			  parts->pointer ? parts->pointer : 1, 0, 0);
		return 0;
	}
	known->allocates = true;
	if (!parts->size && !parts->sizeless)
		parts->size = 1;
	twice = argument_used_twice(parts);
	if (twice)
		return error_set(
			error, EINVAL,
			"argument %u cannot be two things at once: say which one "
			"is the size (size=ARG)",
			twice);
	if (parts->pointer && parts->out)
		return error_set(
			error, EINVAL,
			"ptr= and out= do not go together: what takes a block "
			"back must return the new one");
	size = parts->sizeless ? ARGUMENT_NONE : parts->size;
	if (parts->pointer && parts->factor)
		known_set(known, ABI_SHAPE_REALLOCARRAY, parts->pointer, size,
			  parts->factor);
	else if (parts->pointer)
		known_set(known, ABI_SHAPE_REALLOC, parts->pointer, size, 0);
	else if (parts->out && parts->factor)
		known_set(known, ABI_SHAPE_CALLOC_OUT, parts->out, size,
			  parts->factor);
	else if (parts->out)
		known_set(known, ABI_SHAPE_POSIX_MEMALIGN, parts->out,
			  ARGUMENT_NONE, size);
	else if (parts->factor)
		known_set(known, ABI_SHAPE_CALLOC, size, parts->factor, 0);
	else
		known_set(known, ABI_SHAPE_MALLOC, size, 0, 0);
	return 0;
}

static int copy_text(char *into, size_t size, const char *text, size_t length,
		     struct error *error)
{
	if (length >= size)
		return error_set(error, EINVAL, "'%.20s...' is too long", text);
	memcpy(into, text, length);
	into[length] = '\0';
	return 0;
}

/* [OBJECT]+ADDRESS */
static int parse_place(const char *text, size_t length,
		       struct custom_function *function, struct error *error)
{
	const char *plus = memrchr(text, '+', length);
	const char *digits;
	char *end;
	int result;

	if (!plus)
		return error_set(
			error, EINVAL,
			"'%.*s' has no '+': give OBJECT+ADDRESS, the address as "
			"nm and objdump show it",
			(int)length, text);
	result = copy_text(function->object, sizeof(function->object), text,
			   (size_t)(plus - text), error);
	if (result)
		return result;
	digits = plus + 1;
	errno = 0;
	function->address = strtoull(digits, &end, 16);
	if (errno || end != text + length || end == digits ||
	    strspn(digits, "0123456789abcdefABCDEFxX") < (size_t)(end - digits))
		return error_set(
			error, EINVAL,
			"'%.*s' is not an address: give it in hexadecimal, such as 0x41b30",
			(int)(text + length - digits), digits);
	function->at = true;
	snprintf(function->name, sizeof(function->name), "%s+0x%" PRIx64,
		 function->object, function->address);
	return 0;
}

/* [OBJECT!]NAME */
static int parse_name(const char *text, size_t length,
		      struct custom_function *function, struct error *error)
{
	const char *mark = memchr(text, '!', length);
	int result = 0;

	if (mark == text)
		return error_set(error, EINVAL,
				 "'%.*s' has no object before the '!'",
				 (int)length, text);
	if (mark) {
		result = copy_text(function->object, sizeof(function->object),
				   text, (size_t)(mark - text), error);
		length -= (size_t)(mark + 1 - text);
		text = mark + 1;
	}
	if (result)
		return result;
	if (!length)
		return error_set(error, EINVAL,
				 "there is no name: give NAME or OBJECT!NAME");
	return copy_text(function->name, sizeof(function->name), text, length,
			 error);
}

int custom_function_parse(unsigned int kind, const char *text,
			  struct custom_function *function, struct error *error)
{
	struct custom_function parsed = { .text = text };
	struct parts parts = { 0 };
	size_t length = strcspn(text, ":");
	int result;

	result = kind & CUSTOM_AT ? parse_place(text, length, &parsed, error)
				  : parse_name(text, length, &parsed, error);
	if (!result)
		result = parse_parts(kind, text + length, &parts, error);
	if (!result)
		result = shape_choose(kind, &parts, &parsed.known, error);
	if (result)
		return result;
	parsed.sizeless = parts.sizeless;
	*function = parsed;
	return 0;
}

bool custom_function_is_in(const struct custom_function *function,
			   const char *object, bool program)
{
	size_t length = strlen(function->object);

	if (!length)
		return !function->at || program;
	return !strncmp(object, function->object, length) &&
	       (!object[length] || object[length] == '.' ||
		object[length] == '-');
}
