/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unwinder's side of the kernel boundary: the layouts that user space
 * (src/unwind/) writes into BPF maps and the walker (unwind.bpf.h) reads, and
 * the frames that come back. Included by both; see abi.h for the rest.
 *
 * From a process to a rule:
 *
 *	processes[slot]      where the process's mappings are, a 64-bit word
 *	mapping              start, end, load bias, module; sorted by start
 *	modules[id]          where the module's page index is
 *	page                 the rows of 64 KiB of text, sorted
 *	row                  low 16 bits of pc | rule id
 *	rules[id]            how to find the caller
 *
 * Mappings, pages and rows live in chunks: inner maps of CHUNK bytes in one
 * array of maps, one element each, written through mmap.
 */
#ifndef LEAKTRACE_BPF_UNWIND_ABI_H
#define LEAKTRACE_BPF_UNWIND_ABI_H

#include "bpf/abi.h"

/*
 * A rule, packed: how to find the canonical frame address (CFA) and with it
 * the return address (x86-64: always the word below the CFA) and the caller's
 * registers. DWARF 5, section 6.4.1 is the table that the rules condense.
 *
 *	bits  0..3	enum unwind_rule_type
 *	bit   4		saves count from the CFA's register, not from the CFA
 *	bit   5		worked out from the code, without unwind tables: what
 *			it leads to is a guess
 *	bit   6		of the byte before a function that is returned to at
 *			its first byte, without having called
 *	bits  8..19	where the frame pointer was saved: 0 = it was not,
 *			n = (n - 1) * 8 bytes below the origin
 *	bits 20..31	the same for the base register (x86-64: rbx; arm64: x30,
 *			which has the return address)
 *	bits 32..63	CFA offset, signed; for the *_DEREF types the offset of
 *			the word to read in bits 32..47 and that to add to it
 *			in bits 48..63; for PLT bits 32..47 the offset and bits
 *			48..63 the first byte of a 16-byte entry with one more
 *			word on the stack
 */
enum unwind_rule_type {
	UNWIND_NO_CFI,	    /* code without unwind tables */
	UNWIND_UNSUPPORTED, /* a rule that this table cannot hold */
	UNWIND_END,	    /* outermost frame */
	UNWIND_SIGNAL,	    /* registers are in the ucontext at sp */
	UNWIND_STACK,	    /* CFA = sp + offset */
	UNWIND_FRAME,	    /* CFA = frame pointer + offset */
	UNWIND_BASE,	    /* CFA = base register + offset */
	UNWIND_PLT,	    /* CFA = sp + offset, 8 more late in the entry */
	UNWIND_STACK_DEREF, /* CFA = *(sp + first) + second */
	UNWIND_FRAME_DEREF, /* CFA = *(frame pointer + first) + second */
	UNWIND_RULE_TYPES,
};

#define UNWIND_RULE_TYPE(rule) ((rule)&15)
#define UNWIND_SAVES_FROM_REGISTER (1ULL << 4)
#define UNWIND_GUESSED (1ULL << 5)
#define UNWIND_AT_FIRST_BYTE (1ULL << 6)
#define UNWIND_FRAME_SAVE_SHIFT 8
#define UNWIND_BASE_SAVE_SHIFT 20
#define UNWIND_SAVE_MASK 0xfffULL
#define UNWIND_CFA_SHIFT 32
#define UNWIND_SECOND_SHIFT 48

/*
 * Rule ids index the rules map; those of types without figures are fixed and
 * equal to the type.
 */
#define UNWIND_RULES 65536

/* Chunks: powers of two, so that offsets can be masked for the verifier. */
#define UNWIND_CHUNK_BYTES (1U << 20)
#define UNWIND_CHUNKS 1024
#define UNWIND_CHUNK_ROWS (UNWIND_CHUNK_BYTES / 4)
#define UNWIND_CHUNK_PAGES (UNWIND_CHUNK_BYTES / 8)
#define UNWIND_CHUNK_MAPPINGS (UNWIND_CHUNK_BYTES / 32)

/* Row: low 16 bits of the address in the upper half, rule id in the lower. */
#define UNWIND_PAGE_SHIFT 16
#define UNWIND_ROW(address, rule) (((__u32)(address) << 16) | (rule))

/*
 * Page: bits 0..19 rows, 20..39 the first row's index in its chunk, 40..55
 * the chunk. The first row of a page is at its first byte; every page has at
 * least one row.
 */
#define UNWIND_PAGE(chunk, first, count) \
	(((__u64)(chunk) << 40) | ((__u64)(first) << 20) | (count))

/* Where an object's code and its pages are. Index = module id. */
struct unwind_module {
	__u64 first_page; /* ELF virtual address >> UNWIND_PAGE_SHIFT */
	__u32 page_count; /* 0 = no unwind tables */
	__u32 chunk;	  /* of the page index */
	__u32 first;	  /* the page index's start, in pages */
	__u32 unused;
};

/* Module 0 is never an object: code that belongs to no file. */
#define UNWIND_MODULE_NONE 0
#define UNWIND_MODULES 16383 /* one is PYTHON_MODULE */

/* An executable mapping of a process. */
struct unwind_mapping {
	__u64 start, end; /* absolute, end exclusive */
	__u64 bias;	  /* ELF virtual address = absolute - bias */
	__u32 module;
	__u32 unused;
};

/*
 * Where a process's mappings are, one word so that it is read and replaced
 * at once: bits 0..15 count, 16..31 the first one's index in its chunk,
 * 32..41 the chunk, 42..63 generation. 0 = no such process. A new generation
 * never reuses memory that a walk may still be reading.
 */
#define UNWIND_PROCESS(generation, chunk, first, count)         \
	(((__u64)(generation) << 42) | ((__u64)(chunk) << 32) | \
	 ((__u64)(first) << 16) | (count))
#define UNWIND_PROCESSES 4096
#define UNWIND_GENERATION_MASK 0x3fffffULL

/*
 * A frame: bits 0..47 the address, ELF virtual in its module or absolute with
 * UNWIND_MODULE_NONE; 48..61 the module; then two marks. The address is a
 * return address unless it is marked exact.
 */
#define UNWIND_FRAME_ADDRESS(frame) ((frame)&0xffffffffffffULL)
#define UNWIND_FRAME_MODULE(frame) (((frame) >> 48) & 0x3fff)
#define UNWIND_FRAME_EXACT (1ULL << 62)	  /* the instruction itself */
#define UNWIND_FRAME_GUESSED (1ULL << 63) /* found by a guess, or beyond one */

/* Addresses of user space that a walk can have: 47 bits, 48 on arm64. */
#define UNWIND_ADDRESS_LIMIT (1ULL << 48)

/* Remembered lookups: pc in a process generation -> frame and rule. */
struct unwind_cached {
	__u64 check; /* key ^ a hash of the other two */
	__u64 rule;
	__u64 frame; /* without marks, of the pc looked up */
	__u64 unused;
};

#define UNWIND_CACHE_BITS 15

/* How a walk begins: the first frame's address and what is known of it. */
enum unwind_start {
	UNWIND_AT_INSTRUCTION, /* by the rule for that very instruction */
	UNWIND_AT_ENTRY,       /* first instruction of a function: the return
				   address is at sp, or in its register */
	UNWIND_AT_RETURN,      /* just returned there: a return address */
};

#endif
