/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a snapshot file has, by docs/snapshot.schema.json: one gzip'd JSON
 * object. Call stacks name their frames by number in "frames", where each
 * stands once. Times are in nanoseconds, sizes in bytes.
 */
#ifndef LEAKTRACE_SNAPSHOT_LAYOUT_H
#define LEAKTRACE_SNAPSHOT_LAYOUT_H

#include "snapshot/fields.h"

#define SNAPSHOT_FORMAT "leaktrace-snapshot"
/* Raised when a reader of the last version would misunderstand the file. */
#define SNAPSHOT_VERSION 1

/* Of JSON text: more is neither written nor read. */
#define SNAPSHOT_BYTES_MAX (UINT64_C(512) << 20)
#define SNAPSHOT_CONTAINERS_MAX (8 << 20) /* objects and arrays */

extern const struct field snapshot_host_fields[];	/* snapshot_host */
extern const struct field snapshot_report_fields[];	/* report */
extern const struct field snapshot_taken_fields[];	/* snapshot */
extern const struct field snapshot_cost_fields[];	/* own_cost */
extern const struct field snapshot_suppressed_fields[]; /* suppressed */
extern const struct field snapshot_total_fields[];	/* space_total */
extern const struct field snapshot_loss_fields[];	/* loss */
extern const struct field snapshot_stack_fields[];	/* report_stack */
extern const struct field snapshot_figures_fields[];	/* stack_figures */
extern const struct field snapshot_judgement_fields[];	/* judgement */
extern const struct field snapshot_frame_fields[];	/* frame */
extern const struct field snapshot_block_fields[];	/* block */

/* Words for enumerations, at the index of their value; they end with NULL. */
extern const char *const snapshot_reasons[];

#endif
