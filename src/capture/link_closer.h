/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Closes descriptors of BPF links in a thread of its own: the kernel lets the
 * last close of a link wait for a grace period, tens of milliseconds in which
 * a process that is held would wait, too.
 */
#ifndef LEAKTRACE_CAPTURE_LINK_CLOSER_H
#define LEAKTRACE_CAPTURE_LINK_CLOSER_H

struct link_closer;

/* NULL if there can be no thread: link_closer_close() then closes itself. */
struct link_closer *link_closer_new(void);

/* Takes the descriptor over. closer may be NULL. */
void link_closer_close(struct link_closer *closer, int fd);

/* Waits until all are closed. NULL is fine. */
void link_closer_free(struct link_closer *closer);

#endif
