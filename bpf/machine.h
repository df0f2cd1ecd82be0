/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What differs from one processor to the other: each machine_*.h defines the
 * same names. Includes nothing of the kernel's, as it also compiles for the
 * host; without a target it is x86-64's.
 */
#ifndef LEAKTRACE_BPF_MACHINE_H
#define LEAKTRACE_BPF_MACHINE_H

#if defined(__TARGET_ARCH_arm64)
#include "bpf/machine_arm64.h"
#else
#include "bpf/machine_x86.h"
#endif

#endif
