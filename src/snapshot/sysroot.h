/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names for the frames of a snapshot that had none when it was taken: from
 * object files under a directory, such as the root of an image of the machine
 * or a tree of debug files.
 */
#ifndef LEAKTRACE_SNAPSHOT_SYSROOT_H
#define LEAKTRACE_SNAPSHOT_SYSROOT_H

#include "model/report.h"
#include "resolve/resolver.h"
#include "util/error.h"

struct sysroot_result {
	uint64_t named;	  /* frames */
	uint64_t unnamed; /* still */
};

/*
 * Looks for each object that unnamed frames are in, by its build ID:
 *	DIRECTORY/usr/lib/debug/.build-id/xx/yyyy.debug
 *	DIRECTORY/.build-id/xx/yyyy.debug
 *	DIRECTORY/PATH, if that file has the build ID
 * and puts the names, of inlined functions as well, into the report, whose
 * strings then also belong to the resolver. Nothing outside of the directory
 * is opened, whatever links there are. Returns 0, or -errno with a message
 * if there is no such directory.
 */
int sysroot_resolve(const char *directory, struct report *report,
		    struct resolver *resolver, struct sysroot_result *result,
		    struct error *error);

#endif
