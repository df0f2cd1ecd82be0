/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is mapped where in one process, as objects of the resolver: turns the
 * addresses of a call stack into locations that outlive the process.
 */
#ifndef LEAKTRACE_CAPTURE_ADDRESS_SPACE_H
#define LEAKTRACE_CAPTURE_ADDRESS_SPACE_H

#include "model/location.h"
#include "resolve/resolver.h"
#include "unwind/process_maps.h"

struct address_space {
	int pid;
	struct resolver *resolver;     /* not owned */
	struct process_maps maps;
	VECTOR(uint32_t) objects;      /* of maps.mappings, same index */
	uint64_t refreshed_ns;         /* CLOCK_MONOTONIC */
};

void address_space_init(struct address_space *space, int pid,
			struct resolver *resolver);
void address_space_free(struct address_space *space);

/*
 * Reads the mappings anew and opens the files that are new. On failure
 * (-ESRCH: the process is gone) what was known stays.
 */
int address_space_refresh(struct address_space *space, struct error *error);

/*
 * The location of address. False when it lies in no known mapping; the
 * location is then absolute (OBJECT_NONE).
 */
bool address_space_locate(const struct address_space *space, uint64_t address,
			  struct location *location);

#endif
