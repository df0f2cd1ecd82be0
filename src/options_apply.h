/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the argument of each kind of option is read into its field: what the
 * table's entries have as `apply`. All return 0, or -errno with a message that
 * does not name the option.
 */
#ifndef LEAKTRACE_OPTIONS_APPLY_H
#define LEAKTRACE_OPTIONS_APPLY_H

#include "options_table.h"

/* To the field at the entry's offset: bool, text, uint64_t, percentage. */
option_apply option_apply_flag;
option_apply option_apply_text;
option_apply option_apply_number;
option_apply option_apply_percent;

/* To the field that the name says. */
option_apply option_apply_top;
option_apply option_apply_pid;
option_apply option_apply_comm;
option_apply option_apply_kernel;
option_apply option_apply_sort;
option_apply option_apply_pages;
option_apply option_apply_fail_on;
option_apply option_apply_stacks;
option_apply option_apply_python;
option_apply option_apply_output;
option_apply option_apply_metrics;
option_apply option_apply_round;
option_apply option_apply_action;
option_apply option_apply_custom;

#endif
