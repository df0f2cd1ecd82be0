/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of an object's two builds the kernel takes (bpf/atomic.bpf.h), and
 * opening it behind the one skeleton: both have the same maps, programs and
 * variables.
 */
#ifndef LEAKTRACE_CAPTURE_ATOMICS_H
#define LEAKTRACE_CAPTURE_ATOMICS_H

#include <stdbool.h>

/*
 * Whether the kernel's BPF has atomic exchange and compare-and-exchange (5.12;
 * arm64 5.18): asked by a program that has one. LEAKTRACE_ATOMICS=basic says
 * no, for tests.
 */
bool atomics_have_exchange(void);

/*
 * Opens the skeleton NAME_bpf with the build for this kernel; NULL and errno
 * on failure. name_basic.skel.h is to be included, too.
 */
#define ATOMICS_OPEN_SKELETON(name)                                           \
	({                                                                    \
		struct name##_bpf *opened_ = NULL;                            \
		if (atomics_have_exchange()) {                                \
			opened_ = name##_bpf__open();                         \
		} else {                                                      \
			opened_ = calloc(1, sizeof(*opened_));                \
			if (opened_ && !name##_bpf__create_skeleton(opened_)) \
				opened_->skeleton->data =                     \
					(void *)name##_basic_bpf__elf_bytes(  \
						&opened_->skeleton->data_sz); \
			if (opened_ && (!opened_->skeleton ||                 \
					bpf_object__open_skeleton(            \
						opened_->skeleton, NULL))) {  \
				name##_bpf__destroy(opened_);                 \
				opened_ = NULL;                               \
			}                                                     \
		}                                                             \
		opened_;                                                      \
	})

#endif
