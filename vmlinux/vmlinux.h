/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel types that the BPF programs touch, and nothing else. Fields are
 * relocated by CO-RE, so neither their order nor what is left out matters;
 * names and nesting follow the kernel's. The UAPI comes from <linux/bpf.h>.
 *
 * __VMLINUX_H__ tells bpf_tracing.h that struct pt_regs has the kernel's
 * field names.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#include <stdbool.h>

#include <linux/bpf.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __s32 s32;
typedef __u64 u64;
typedef __s64 s64;

#if defined(__TARGET_ARCH_x86)
#include "x86/pt_regs.h"
#elif defined(__TARGET_ARCH_arm64)
#include "arm64/pt_regs.h"
#else
#error "no kernel types for this architecture"
#endif

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID };

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct xol_area {
	unsigned long vaddr;
};

struct uprobes_state {
	struct xol_area *xol_area;
};

struct mm_struct {
	unsigned long brk;
	struct uprobes_state uprobes_state;
};

struct signal_struct {
	atomic_t live;
};

struct pid_namespace;

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1]; /* one for each level and the first */
};

struct task_struct {
	int pid;
	int tgid;
	unsigned int flags;
	void *stack;
	struct mm_struct *mm;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct signal_struct *signal;
	unsigned long sas_ss_sp;
	unsigned long sas_ss_size;
	struct pid *thread_pid;
	char comm[16];
};

struct sigaction {
	void *sa_handler;
	unsigned long sa_flags;
};

struct k_sigaction {
	struct sigaction sa;
};

struct kmem_cache {
	unsigned int size;
	unsigned int object_size;
	const char *name;
};

struct vm_struct {
	void *addr;
	unsigned long size;
	unsigned long flags;
};

struct kobject {
	const char *name;
};

struct device {
	struct kobject kobj;
	const char *init_name;
};

/* Of its size, a power of two, is made use; there is no field to relocate. */
struct page {
	unsigned long flags;
};

/* Until 6.3 (commit ac3b43283923 brought struct module_memory). */
struct module_layout {
	void *base;
	unsigned int size;
	unsigned int text_size;
};

struct module_memory {
	void *base;
	unsigned int size;
};

struct module {
	char name[56];
	struct module_layout core_layout;
	struct module_layout init_layout;
	struct module_memory mem[7];
};

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
};

#pragma clang attribute pop

#endif
