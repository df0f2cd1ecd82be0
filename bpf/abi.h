/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that crosses the kernel boundary: map keys and values, events,
 * counters, configuration. Included by the BPF objects and by src/capture/;
 * fixed-width types only, no padding that is not named.
 */
#ifndef LEAKTRACE_BPF_ABI_H
#define LEAKTRACE_BPF_ABI_H

#include <linux/types.h>

/* Frames recorded of one call stack at most; a deeper one is marked. */
#define ABI_FRAMES_MAX 255

/* Lifetimes are counted by the binary logarithm of nanoseconds. */
#define ABI_LIFETIME_BUCKETS 40

/* Stack id of blocks whose call stack could not be stored. */
#define ABI_STACK_LOST 0

/*
 * One outstanding block. owner keeps address spaces apart: a process image
 * (struct abi_process) in the user object, an enum abi_space in the kernel's.
 */
struct abi_block_key {
	__u64 address;
	__u64 owner;
};

struct abi_block {
	__u64 size;    /* bytes, as asked for */
	__u64 born_ns; /* CLOCK_MONOTONIC */
	__u32 stack;   /* stack id */
	__u32 level;   /* of sampling when it was allocated; 0 = none */
};

/*
 * Sampling by bytes (bpf/sampling.h): at level n blocks are sampled at an
 * interval of config.sample_bytes << (n - 1). A block of ABI_SAMPLING_CERTAIN
 * intervals is always sampled: it would be missed once in 9 million times.
 */
#define ABI_SAMPLING_LEVELS 32
#define ABI_SAMPLING_CERTAIN 16
#define ABI_SAMPLING_STEPS_BITS 10
#define ABI_SAMPLING_STEPS (1 << ABI_SAMPLING_STEPS_BITS)

/* With estimates, totals count in these fractions of a block and a byte. */
#define ABI_BLOCKS_UNIT 65536
#define ABI_BYTES_UNIT 256
#define ABI_VARIANCE_UNIT 256
#define ABI_FACTOR_UNIT (1 << 24)

/* The interval of level 1 where nobody asked for one. */
#define ABI_SAMPLE_BYTES_SMALL 1024

/* Intervals above, or above so many of level 1's, would overflow the sums. */
#define ABI_SAMPLE_BYTES_TIMES 4096
#define ABI_SAMPLE_BYTES_MIN 64
#define ABI_SAMPLE_BYTES_MAX (16 << 20)

/* Functions by linear interpolation, which BPF cannot compute. */
struct abi_sampling {
	/* 2^32 * -ln(1 - v / 2), v = step / ABI_SAMPLING_STEPS */
	__u32 exponential[ABI_SAMPLING_STEPS + 1];
	/*
	 * ABI_FACTOR_UNIT * x / (1 - exp(-x)), with which x = size / interval
	 * goes up by ABI_SAMPLING_CERTAIN / ABI_SAMPLING_STEPS a step
	 */
	__u32 factor[ABI_SAMPLING_STEPS + 1];
};

/* What one call stack did since tracing began. Index = stack id. */
struct abi_stack_totals {
	__u64 allocations;
	__u64 allocated_bytes;
	__u64 frees;
	__u64 freed_bytes;
	__u64 lifetimes[ABI_LIFETIME_BUCKETS]; /* of freed blocks */

	/*
	 * With estimates, of what is outstanding: the sums of (1/p)^2 (1-p) in
	 * units of 1 / ABI_VARIANCE_UNIT, and of (size/p)^2 (1-p) in units of
	 * config.sample_bytes / ABI_BYTES_UNIT.
	 */
	__u64 blocks_variance;
	__u64 bytes_variance;

	/* Of frees: known only as the address was handed out again. */
	__u64 unseen_frees;
};

/*
 * Live blocks stand in an array of slots, a few of which can hold any one
 * address; blocks that find them taken stand in a hash map behind it. User
 * space reads the array in place. address is 0 in a free slot and
 * ABI_SLOT_BUSY in one that is being written.
 */
#define ABI_SLOT_WAYS 4
#define ABI_SLOT_BUSY 1

struct abi_slot {
	__u64 address;
	__u64 owner;
	struct abi_block block;
};

/* What the iterator over the hash map writes. */
struct abi_listed_block {
	struct abi_block_key key;
	struct abi_block block;
};

/*
 * A traced process. The image number is the owner of its blocks; it changes
 * at exec, so that blocks of the image that is gone can never be taken for new
 * ones. PIDs here are those of the first PID namespace, local_pid is the one
 * that leaktrace sees in its own.
 */
struct abi_process {
	__u64 image;
	__u32 pid;
	__u32 local_pid;
	__u32 unwind_slot; /* in unwind_processes, once unwind_ready is set */
	__u32 unwind_ready;
	__u32 flags; /* ABI_PROCESS_* */
	__u32 unused;
};

/* In another's memory until it executes: the image is that one's. */
#define ABI_PROCESS_SHARES_MEMORY (1U << 0)
/* A child that has not been announced yet, see process_begins(). */
#define ABI_PROCESS_BEGINS (1U << 1)

/* At most so many traced at once. */
#define ABI_PROCESSES_MAX 4096

/* What the iterator over the tasks writes, one for each process. */
struct abi_listed_process {
	__u32 pid;
	__u32 local_pid;
};

/*
 * How an allocator function takes its arguments: which of them are read is in
 * src/capture/functions.c, for the choice of the probe's site.
 */
enum abi_shape {
	ABI_SHAPE_MALLOC,	  /* (size) */
	ABI_SHAPE_NEW,		  /* (size); may throw, or hand on to another */
	ABI_SHAPE_THROWING,	  /* the same, only counted */
	ABI_SHAPE_CALLOC,	  /* (count, size) */
	ABI_SHAPE_MEMALIGN,	  /* (alignment, size) */
	ABI_SHAPE_POSIX_MEMALIGN, /* (&block, alignment, size) */
	ABI_SHAPE_REALLOC,	  /* (block, size) */
	ABI_SHAPE_REALLOCARRAY,	  /* (block, count, size) */
	ABI_SHAPE_CALLOC_OUT,	  /* (&block, count, size) */
	ABI_SHAPE_FREE,		  /* (block) */
	ABI_SHAPE_DELETE,	  /* (block); may call FREE or DELETE for it */
	ABI_SHAPE_RELEASE,	  /* (block); what it frees is its own affair */
	ABI_SHAPE_MMAP,
	ABI_SHAPE_MUNMAP,
	ABI_SHAPE_MREMAP,
	ABI_SHAPE_BREAK, /* brk, sbrk: by what they do to the program break */
	ABI_SHAPE_THREAD_CREATE,
	ABI_SHAPE_LIBRARIES, /* the dynamic linker's notice */
	ABI_SHAPES,
};

/*
 * The cookie of a probe: the shape in bits 0-7. With ABI_COOKIE_MOVED the
 * probe stands behind the entry, where not all is in its place any more: bits
 * 16-47 then have a byte for each argument with the number of its register
 * (as in capture/prologue.h; 0xff = not wanted), bits 48-63 how far the stack
 * pointer is below its value at the entry, in words of 8 bytes.
 * ABI_COOKIE_STEPPED only tells what a hit costs.
 */
#define ABI_COOKIE_SHAPE_MASK 0xffULL
#define ABI_COOKIE_MOVED (1ULL << 8)
#define ABI_COOKIE_STEPPED (1ULL << 9) /* the kernel single-steps it */
#define ABI_COOKIE_ARGUMENTS 4
#define ABI_COOKIE_REGISTER_SHIFT(argument) (16 + 8 * (argument))
#define ABI_COOKIE_STACK_SHIFT 48

/*
 * What hits the probes of a process had, on one CPU; counted with
 * config.measure. Two that interrupt each other may count as one.
 */
struct abi_hits {
	__u64 entries;	/* of functions */
	__u64 frees;	/* entries of those that free */
	__u64 stepped;	/* entries at an instruction that is single-stepped */
	__u64 returns;	/* of functions */
	__u64 recorded; /* returns of calls that were sampled, or all are */
	__u64 timed;	/* some of these, and how long they took */
	__u64 timed_ns;
};

/*
 * Owners in the kernel object. Of a stack, the owner has the address of the
 * slab cache or the device above the space, so that what one function
 * allocates from several of them is told apart; ABI_EVENT_LABEL names it.
 */
enum abi_space {
	ABI_SLAB = 1,
	ABI_PAGE = 2,
	ABI_PERCPU = 3,
	ABI_VMALLOC = 4,
	ABI_DMA = 5,
	ABI_DEVRES = 6, /* of stacks only: the blocks are slab objects */
};

#define ABI_SPACE_MASK 0xff
#define ABI_TAG_SHIFT 8

/* Zero-terminated and cut: a slab cache's, a device's. */
#define ABI_LABEL_MAX 48

/* TASK_COMM_LEN and MODULE_NAME_LEN of the kernel. */
#define ABI_COMM_MAX 16
#define ABI_MODULE_NAME_MAX 56

/* The code of one module: its text, and that of its init while it runs. */
#define ABI_MODULE_RANGES 2
struct abi_module_range {
	__u64 start, end; /* 0, 0 = none */
};

/* Losses and other facts that are rare enough for one shared counter each. */
enum abi_counter {
	ABI_BLOCKS_NOT_RECORDED, /* the live map was full */
	ABI_BYTES_NOT_RECORDED,
	ABI_STACKS_NOT_STORED,	 /* blocks whose stack went to ABI_STACK_LOST */
	ABI_MAPPINGS_LOST,	 /* mmap events that did not fit the buffer */
	ABI_CALLS_TOO_DEEP,	 /* allocator calls nested deeper than kept */
	ABI_THREADS_NOT_TRACKED, /* allocations: no room for the thread's calls */
	ABI_CALLS_ABANDONED,	 /* calls whose return was never seen */
	ABI_BLOCKS_REPLACED,	 /* address handed out again without a free */
	ABI_UNMATCHED_FREES,	 /* of blocks from before tracing, or lost */
	ABI_RESULTS_UNREADABLE,	  /* posix_memalign results not readable */
	ABI_LIFECYCLE_LOST,	  /* exec and exit events that did not fit */
	ABI_PROCESSES_NOT_TRACED, /* new ones: no room for more */
	ABI_LABELS_LOST,       /* names of slab caches and devices: no room */
	ABI_BULK_NOT_FOLLOWED, /* objects of bulk calls beyond what is read */
	ABI_THROWING_NOT_RECORDED, /* calls of ABI_SHAPE_THROWING */
	ABI_THROWING_BYTES,
	ABI_MEMOS_CHECKED, /* with config.check_memos: remembered stacks */
	ABI_MEMOS_WRONG,   /* that were others in truth */
	ABI_COUNTERS,
};

enum abi_event_type {
	ABI_EVENT_STACK,
	ABI_EVENT_MAPPING,
	ABI_EVENT_EXEC,
	ABI_EVENT_EXIT,
	ABI_EVENT_LIBRARIES,
	ABI_EVENT_FORK,	     /* a child of a traced process */
	ABI_EVENT_CANDIDATE, /* perhaps a process to trace */
	ABI_EVENT_LABEL,
	ABI_EVENT_MODULE,
};

/* Why a call stack may be incomplete: the numbers of enum stack_flaw. */
enum abi_flaw {
	ABI_FLAW_NONE,
	ABI_FLAW_NO_MAPPING,
	ABI_FLAW_NO_CFI,
	ABI_FLAW_UNSUPPORTED,
	ABI_FLAW_UNREADABLE,
	ABI_FLAW_TOO_DEEP,
	ABI_FLAW_LOST,
};

/*
 * A call stack seen for the first time, innermost frame first. Frames of
 * processes are as unwind_abi.h says; those of the kernel are its addresses.
 */
struct abi_event_stack {
	__u32 type;
	__u32 stack;
	__u64 owner;
	__u32 flaw;
	__u32 frame_count;
	__u64 frames[ABI_FRAMES_MAX];
};

enum abi_mapping_operation { ABI_MAP, ABI_UNMAP, ABI_REMAP, ABI_BREAK };

/* A successful mmap, munmap, mremap, brk or sbrk of the program. */
struct abi_event_mapping {
	__u32 type;
	__u32 operation;
	__u64 owner;
	__u64 entered_ns;  /* CLOCK_MONOTONIC at the call */
	__u64 returned_ns; /* and at its return */
	__u64 address; /* of the new mapping, what was unmapped, the break */
	__u64 length;  /* bytes as asked for; not of ABI_BREAK */
	__u64 old_address; /* ABI_REMAP; ABI_BREAK: where it was */
	__u64 old_length;
	__u32 stack;
	__u32 keeps_old; /* mremap with MREMAP_DONTUNMAP or old size 0 */
};

/* A traced process did something that user space must follow. */
struct abi_event_process {
	__u32 type;
	__u32 pid;
	__u32 local_pid;
	__u32 parent;	 /* ABI_EVENT_FORK: its pid */
	__u64 owner;	 /* its image; ABI_EVENT_EXEC: the one that is gone, 0
			    if it had another's memory */
	__u64 new_owner; /* ABI_EVENT_EXEC: the new one */
	__u64 when_ns;	 /* CLOCK_MONOTONIC */
	__u32 held;	 /* stopped by SIGSTOP until user space continues it */
	__u32 by_thread; /* ABI_EVENT_EXEC: by another thread than the first */
};

/* Which processes become traced ones. */
enum abi_follow {
	ABI_FOLLOW_CHILDREN = 1 << 0, /* of traced ones */
	ABI_FOLLOW_COMM = 1 << 1,     /* those of config.comm */
	ABI_FOLLOW_CGROUP = 1 << 2,   /* user space looks where they are */
};

/* What the tag of some stacks' owner stands for. */
struct abi_event_label {
	__u32 type;
	__u32 unused;
	__u64 owner;
	char text[ABI_LABEL_MAX];
};

enum abi_module_change { ABI_MODULE_LOADED, ABI_MODULE_GONE };

/* A kernel module was loaded, before its init runs, or is about to be gone. */
struct abi_event_module {
	__u32 type;
	__u32 change;
	__u64 at_ns;			    /* CLOCK_MONOTONIC */
	struct abi_module_range text, init; /* ABI_MODULE_LOADED */
	char name[ABI_MODULE_NAME_MAX];
};

/* Load-time settings, constant to the verifier. */
struct abi_config {
	__u64 min_size;
	__u64 max_size; /* ~0 = none */
	__u32 own_pid;	/* leaktrace itself: never counted */
	__u32 max_stacks;
	__u32 slot_bits; /* the array has 1 << slot_bits slots */
	__u32 page_size;
	__u32 possible_cpus;
	__u32 pid;	      /* kernel: only in this process; 0 = in any */
	__u64 throwing_size;  /* ABI_SHAPE_NEW is expected to throw above */
	__u64 sample_bytes;   /* the interval of level 1 */
	__u8 hold;	      /* stop the target at exec and dlopen */
	__u8 frame_pointers;  /* user stacks by frame pointers, not by tables */
	__u8 estimate;	      /* totals count in ABI_BLOCKS_UNIT and so on */
	__u8 many;	      /* several processes: those of a map */
	__u8 follow;	      /* ABI_FOLLOW_* */
	__u8 by_module;	      /* kernel: only stacks with module_name on them */
	__u8 by_comm;	      /* kernel: only in tasks called comm */
	__u8 measure;	      /* count hits */
	__u8 check_memos;     /* kernel: walk stacks that are remembered, too */
	__u8 bulk_pages_list; /* kernel: alloc_pages_bulk() has a list, too */
	__u8 unused[6];
	char comm[ABI_COMM_MAX]; /* ABI_FOLLOW_COMM, by_comm */
	char module_name[ABI_MODULE_NAME_MAX];
};

#endif
