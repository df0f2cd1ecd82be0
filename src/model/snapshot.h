/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a capture measured at one moment: plain figures, one record a call
 * stack, no names and no opinion. Capture fills it, judge compares it.
 */
#ifndef LEAKTRACE_MODEL_SNAPSHOT_H
#define LEAKTRACE_MODEL_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/account.h"
#include "model/cost.h"
#include "model/location.h"
#include "model/rounds.h"
#include "util/vector.h"

/* Kinds of memory that are never added together silently. */
enum space {
	SPACE_HEAP,	/* the process's allocator */
	SPACE_MAPPING,	/* mmap by the program itself */
	SPACE_SLAB,	/* kmalloc and kmem_cache objects */
	SPACE_PAGE,	/* the kernel's page allocator */
	SPACE_PERCPU,	/* alloc_percpu */
	SPACE_VMALLOC,	/* areas of the kernel's virtual memory */
	SPACE_DMA,	/* DMA-coherent memory of devices */
	SPACE_DEVRES,	/* slab objects that a device manages */
	SPACE_APART,	/* counted elsewhere already, or no driver's */
	SPACE_RESIDENT, /* pages of a process, by who touched them first */
	SPACE_COUNT,
};

/* "heap", "mapping", "slab", "page", "percpu", "vmalloc" and so on */
const char *space_name(enum space space);

/* What memory that is set apart (SPACE_APART) is used for. */
enum page_use {
	PAGE_USE_NONE, /* what their own caller wants: not set apart */
	PAGE_USE_SLAB, /* slab objects, of which each is counted */
	PAGE_USE_PERCPU,
	PAGE_USE_VMALLOC,
	PAGE_USE_DMA,
	PAGE_USE_CACHE,	    /* page cache and tmpfs */
	PAGE_USE_ANONYMOUS, /* memory of processes */
	PAGE_USE_TABLES,    /* page tables */
	PAGE_USE_COUNT,
};

/* A stable key such as "cache", and a phrase such as "page cache". */
const char *page_use_name(enum page_use use);
const char *page_use_text(enum page_use use);

#define LIFETIME_BUCKETS 40 /* bucket b: 2^b ns <= lifetime < 2^(b+1) ns */

/*
 * Births of outstanding blocks by generation: parts of equal length of the
 * time that a window of the snapshot covers. Counted are records: with
 * --sample, blocks that were sampled, not those that they stand for.
 */
#define BIRTH_GENERATIONS 64

enum birth_window {
	BIRTHS_ALL,    /* since tracing began */
	BIRTHS_RECENT, /* the last part of it, to see what began lately */
	BIRTH_WINDOWS,
};

#define BIRTHS_RECENT_PART 16 /* one in so many of the whole time */

struct birth_counts {
	uint32_t records[BIRTH_WINDOWS][BIRTH_GENERATIONS];
	uint64_t bytes[BIRTH_WINDOWS][BIRTH_GENERATIONS]; /* estimated ones */
	uint32_t round_records[ROUNDS_KEPT]; /* born in the rounds kept */
	uint64_t round_bytes[ROUNDS_KEPT];
};

/* An outstanding block, listed with --show-allocs only. */
struct block {
	uint64_t address;
	uint64_t size;	  /* bytes */
	uint64_t born_ns; /* CLOCK_MONOTONIC */
};

/* Why a call stack may lack its outer frames; indexes stack_flaw_text(). */
enum stack_flaw {
	FLAW_NONE,
	FLAW_NO_MAPPING,  /* an address in no known mapping */
	FLAW_NO_CFI,	  /* code without unwind tables */
	FLAW_UNSUPPORTED, /* a rule the unwinder does not know */
	FLAW_UNREADABLE,  /* stack memory could not be read */
	FLAW_TOO_DEEP,	  /* more frames than are recorded */
	FLAW_LOST,	  /* the frames themselves were lost */
	FLAW_COUNT,
};

/* A phrase such as "code without unwind tables". */
const char *stack_flaw_text(enum stack_flaw flaw);

/* A stable key such as "no_cfi". */
const char *stack_flaw_name(enum stack_flaw flaw);

struct stack_figures {
	uint64_t id; /* same stack, same id through the whole session */
	enum space space;
	uint32_t process;	/* PID; 0 in kernel mode and of several */
	uint32_t process_count; /* that have blocks of this stack; 0 = one */
	uint64_t allocations, allocated_bytes; /* since tracing began */
	uint64_t frees, freed_bytes;
	uint64_t blocks, bytes;		  /* outstanding, after --older */
	bool estimate;			  /* of a sample: these are not exact */
	double blocks_error, bytes_error; /* standard errors of blocks, bytes */
	uint64_t oldest_born_ns;	  /* CLOCK_MONOTONIC; 0 = no block */
	uint64_t lifetimes[LIFETIME_BUCKETS]; /* of freed blocks */
	const struct birth_counts *births;    /* of all outstanding blocks, also
					      young ones; NULL = not counted */
	enum stack_flaw flaw;
	const struct location *locations; /* innermost first; capture's own */
	size_t location_count;
	VECTOR(struct block) listed; /* --show-allocs: oldest first */
	bool resident_known;	     /* --resident; the next two are of bytes */
	uint64_t resident_bytes, swapped_bytes;

	const char *label; /* of the mapping, slab cache or device; NULL = none */

	/* In kernel mode: */
	uint64_t unseen_frees;	/* known only as the address was used again */
	bool may_be_freed;	/* some of it, by means that are a gap here */
	const char *module;	/* that it belongs to; NULL = not judged yet */
	enum page_use page_use; /* of SPACE_APART */
};

/* What one of several processes holds. */
struct process_figures {
	uint64_t id; /* same process and program, same id; never used again */
	uint32_t pid;
	char name[16];
	bool ended;		/* since the last report: figures at its end */
	uint64_t blocks, bytes; /* heap and mappings */
	uint64_t untraced_ns;	/* how long it ran before it was traced; 0 = it
				   was traced from its start, or ran before */
};

/* The loss of names alone: what is outstanding is all there. */
#define LOSS_OF_NAMES "symbols_not_found"

/* Anything that makes a report less than the truth. */
struct loss {
	const char *name; /* stable key: "blocks_not_recorded" */
	const char *text; /* for people: "allocations not recorded: map full" */
	const char *remedy; /* "raise --max-blocks", NULL = none */
	uint64_t count;
	uint64_t bytes;	  /* 0 where it makes no sense */
	bool understates; /* totals are "at least" */
};

/* Something that the running kernel offers no probe for. All static. */
struct gap {
	const char *name; /* stable key: "kfree_rcu" */
	const char *text; /* what is not seen: "objects freed by kfree_rcu()" */
	enum space space; /* that it concerns; SPACE_COUNT = none of its own */
	bool inflates;	  /* what is freed so still counts as outstanding */
};

struct snapshot {
	uint64_t taken_ns;   /* CLOCK_MONOTONIC */
	int64_t wall_ns;     /* CLOCK_REALTIME */
	uint64_t started_ns; /* CLOCK_MONOTONIC: tracing began */
	bool totals_only; /* of each stack only what was allocated and freed */
	uint64_t births_start_ns[BIRTH_WINDOWS]; /* CLOCK_MONOTONIC */
	uint64_t generation_ns[BIRTH_WINDOWS];	 /* 0 = nothing counted */
	struct rounds rounds;			 /* so far */
	VECTOR(struct stack_figures) stacks; /* only those ever allocated by */
	VECTOR(struct loss) losses;	     /* only those with count > 0 */
	VECTOR(struct gap) gaps;	     /* in kernel mode */
	VECTOR(struct process_figures) processes; /* of several, else empty */
	VECTOR(struct process_account) accounts;  /* of processes that run */
	bool resident_wanted;			  /* --resident */
	uint64_t processes_ended;		  /* before the last report */
	uint64_t ended_blocks, ended_bytes; /* what these held at their end */
	uint64_t unmatched_frees; /* blocks from before tracing began; not
				     known with sampling */
	bool sampled;		  /* not every block was recorded */
	uint64_t sample_bytes;	  /* mean bytes a sample now, 0 = every block */
	struct own_cost cost;	  /* since the last snapshot */
	uint64_t stacks_incomplete; /* of stacks.count */
	uint64_t fault_period;	    /* one page fault in so many was looked at;
				     0 = none, and the next two are 0 */
	uint64_t resident_bytes, resident_at_start; /* of the process, in all */
	VECTOR(struct birth_counts *)
	births; /* owned arrays; stacks point in */
};

/*
 * Divides the time from started_ns to now_ns into generations: sets
 * births_start_ns and generation_ns.
 */
void snapshot_set_generations(struct snapshot *snapshot, uint64_t now_ns);

/* Counts one record in births. */
static inline void snapshot_count_birth(const struct snapshot *snapshot,
					struct birth_counts *births,
					uint64_t born_ns, uint64_t bytes)
{
	for (int window = 0; window < BIRTH_WINDOWS; window++) {
		uint64_t start = snapshot->births_start_ns[window];
		uint64_t generation = 0; /* also before the start */

		if (born_ns >= start)
			generation = (born_ns - start) /
				     snapshot->generation_ns[window];
		else if (window != BIRTHS_ALL)
			continue;
		/* One that was born while the snapshot was being made. */
		if (generation >= BIRTH_GENERATIONS)
			generation = BIRTH_GENERATIONS - 1;
		births->records[window][generation]++;
		births->bytes[window][generation] += bytes;
	}
	if (snapshot->rounds.kept) {
		int round = rounds_index(&snapshot->rounds, born_ns);

		if (round >= 0 && (unsigned)round < snapshot->rounds.kept) {
			births->round_records[round]++;
			births->round_bytes[round] += bytes;
		}
	}
}

/* Frees the snapshot, itself from malloc, and its vectors. NULL is fine. */
void snapshot_free(struct snapshot *snapshot);

#endif
