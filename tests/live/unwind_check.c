// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compares the walker's call stacks with a program's own, frame by frame, or
 * measures what a walk costs.
 *
 *	unwind_check [--preload LIBRARY] BPF_OBJECT PROGRAM [ARGUMENT...]
 *	unwind_check --bench [--json] BPF_OBJECT BPF_PROGRAM PROGRAM
 *		[ARGUMENT...]
 *
 * PROGRAM follows unwind_truth.h, or has unwind_preload.so as LIBRARY. Prints
 * stacks, exact ones, incomplete ones by flaw, and stacks with a wrong frame;
 * exits 1 if one frame was wrong, if fewer than 99.9% were exact and complete,
 * or if nothing was compared. --json: a measured figure as {"program", "runs",
 * "ns"}.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/live/unwind_check_abi.h"
#include "tests/live/unwind_check_target.h"
#include "unwind/process_maps.h"
#include "unwind/unwind_tables.h"
#include "util/cleanup.h"

#define SHOWN 5
#define MODULES 512

struct check {
	struct bpf_object *object;
	struct unwind_tables *tables;
	struct process_maps maps;
	uint64_t bias[MODULES]; /* by module */
	uint64_t stacks, exact, wrong, shown;
	uint64_t truth_cut; /* the program's own unwinder got stuck */
	uint64_t incomplete[ABI_FLAW_LOST + 1];
	uint64_t frames;
};

static const char *const flaw_text[] = {
	"cut short without a mark", "no mapping", "no CFI", "unsupported rule",
	"unreadable memory",	    "too deep",	  "lost",
};

/* The vDSO has no file: its bytes come from the process. */
static uint32_t add_vdso(struct check *check, pid_t pid,
			 const struct process_mapping *mapping)
{
	size_t size = mapping->end - mapping->start;
	auto_free uint8_t *bytes = malloc(size);
	struct error error;
	uint32_t module;
	char path[64];
	auto_close int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (!bytes || fd < 0 ||
	    pread(fd, bytes, size, (off_t)mapping->start) != (ssize_t)size ||
	    unwind_tables_add_image(check->tables, bytes, size, &module,
				    &error))
		check_die("vDSO");
	return module;
}

static uint32_t add_mapping(struct check *check, pid_t pid,
			    const struct process_mapping *mapping)
{
	auto_close int fd = -1;
	struct error error;
	uint32_t module = UNWIND_MODULE_NONE;

	if (mapping->path && !strcmp(mapping->path, "[vdso]"))
		return add_vdso(check, pid, mapping);
	if (!mapping->inode)
		return UNWIND_MODULE_NONE;
	fd = process_mapping_open(mapping, pid);
	if (fd < 0 ||
	    unwind_tables_add_file(check->tables, fd, &module, &error) ||
	    module >= MODULES)
		check_die(mapping->path);
	return module;
}

/*
 * The biases are computed here once more, from the file's program headers as
 * the dynamic linker would: by the lowest mapping of the same file.
 */
static uint64_t load_bias(const struct check *check, pid_t pid,
			  const struct process_mapping *mapping)
{
	auto_close int fd = process_mapping_open(mapping, pid);
	uint64_t lowest = mapping->start;
	uint8_t header[64], segment[56];
	uint64_t offset, address = 0;
	size_t i;

	for (i = 0; i < check->maps.mappings.count; i++)
		if (process_mapping_same_file(&check->maps.mappings.items[i],
					      mapping) &&
		    check->maps.mappings.items[i].start < lowest)
			lowest = check->maps.mappings.items[i].start;
	if (pread(fd, header, 64, 0) != 64)
		check_die("program headers");
	memcpy(&offset, header + 32, 8);
	for (i = 0; i < header[56]; i++) {
		if (pread(fd, segment, 56, (off_t)(offset + 56 * i)) != 56)
			check_die("program headers");
		if (segment[0] == 1 && !segment[1]) {
			memcpy(&address, segment + 16, 8);
			break;
		}
	}
	return lowest - (address & ~4095ULL);
}

static void fill_tables(struct check *check, pid_t pid)
{
	struct unwind_tables_mapping mappings[MODULES];
	struct error error;
	size_t i, count = 0;

	process_maps_free(&check->maps);
	if (process_maps_read(&check->maps, pid, &error))
		check_die(error.message);
	for (i = 0; i < check->maps.mappings.count; i++) {
		const struct process_mapping *mapping =
			&check->maps.mappings.items[i];

		if (!mapping->executable || count == MODULES ||
		    mapping->start >= UNWIND_ADDRESS_LIMIT)
			continue;
		mappings[count] = (struct unwind_tables_mapping){
			mapping->start,
			mapping->end,
			mapping->offset,
			add_mapping(check, pid, mapping),
		};
		check->bias[mappings[count].module] =
			mapping->inode ? load_bias(check, pid, mapping)
				       : mapping->start;
		count++;
	}
	if (unwind_tables_set_process(check->tables, (uint32_t)pid, mappings,
				      count, &error))
		check_die(error.message);
}

static int map_fd(const struct check *check, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(check->object, name);

	if (fd < 0)
		check_die(name);
	return fd;
}

static void load(struct check *check, const char *path)
{
	struct unwind_maps maps;
	struct error error;

	check->object = bpf_object__open_file(path, NULL);
	if (!check->object || bpf_object__load(check->object))
		check_die(path);
	maps = (struct unwind_maps){
		.chunks = map_fd(check, "unwind_chunks"),
		.rules = map_fd(check, "unwind_rules"),
		.modules = map_fd(check, "unwind_modules"),
		.processes = map_fd(check, "unwind_processes"),
		.slots = map_fd(check, "unwind_slots"),
	};
	if (unwind_tables_new(&check->tables, &maps, &error))
		check_die(error.message);
}

static void attach(struct check *check, const char *name, bool at_return,
		   const struct check_target *target, uint64_t address)
{
	struct bpf_program *program =
		bpf_object__find_program_by_name(check->object, name);
	const struct process_mapping *mapping =
		process_maps_find(&check->maps, address);
	auto_close int fd = -1;
	char path[64];

	if (!program || !mapping)
		check_die(name);
	fd = process_mapping_open(mapping, target->pid);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!bpf_program__attach_uprobe(program, at_return, target->pid, path,
					address - mapping->start +
						mapping->offset))
		check_die("cannot attach");
}

/* Our frame in the program's terms. */
static uint64_t absolute(const struct check *check, uint64_t frame)
{
	return (UNWIND_FRAME_ADDRESS(frame) +
		check->bias[UNWIND_FRAME_MODULE(frame)]) |
	       (frame & UNWIND_FRAME_EXACT);
}

static void show(struct check *check, const struct check_event *event,
		 size_t at)
{
	size_t i;

	if (check->shown++ >= SHOWN)
		return;
	printf("stack differs at frame %zu, flaw %u, %u frames of %" PRIu64
	       ":\n",
	       at, event->flaw, event->count, (uint64_t)event->truth_count + 1);
	for (i = 0; i < 12 && i + 1 < event->truth_count + 2; i++)
		printf("  %2zu ours %016" PRIx64 " truth %016" PRIx64 "\n", i,
		       i < event->count ? absolute(check, event->frames[i]) : 0,
		       i && i <= event->truth_count
			       ? (uint64_t)event->truth[i - 1]
			       : 0);
}

/*
 * Whether our frame is the true one. Ours are also marked exact where they are
 * returned to at their first byte, as signal restorers are.
 */
static bool is_true(const struct check *check, uint64_t frame, uint64_t truth)
{
	uint64_t ours = absolute(check, frame);

	return ours == truth || ours == (truth | UNWIND_FRAME_EXACT);
}

/*
 * Whether the truth ends at an interrupted instruction, of which nothing can be
 * outermost: in a static program's linkage table, which has no CFI and which
 * our walker knows by its code.
 */
static bool truth_is_cut(const struct check_event *event)
{
	return event->truth_count &&
	       event->truth[event->truth_count - 1] & UNWIND_FRAME_EXACT;
}

/* truth[0] is the function that marks; ours has the marker before it. */
static int compare(void *context, void *data, size_t size)
{
	struct check *check = context;
	const struct check_event *event = data;
	size_t i;

	(void)size;
	check->stacks++;
	for (i = 2; i < event->count && i <= event->truth_count; i++)
		if (!is_true(check, event->frames[i], event->truth[i - 1])) {
			check->wrong++;
			show(check, event, i);
			return 0;
		}
	check->frames += i;
	if (event->count > event->truth_count + 1 && truth_is_cut(event)) {
		check->truth_cut++;
		check->stacks--;
	} else if (event->count > event->truth_count + 1 &&
		   event->truth_count < CHECK_TRUTH_MAX) {
		check->wrong++; /* goes on where the program ends */
		show(check, event, i);
	} else if (event->count == event->truth_count + 1 && !event->flaw) {
		check->exact++;
	} else if (event->count == ABI_FRAMES_MAX &&
		   event->flaw == ABI_FLAW_TOO_DEEP) {
		check->exact++; /* as deep as it may be, and said */
	} else {
		check->incomplete[event->flaw]++;
		check->wrong += !event->flaw;
		show(check, event, i);
	}
	return 0;
}

/* Stacks that the BPF side did not send: its three counters, in .bss. */
static uint64_t not_compared(const struct check *check)
{
	uint64_t counters[3] = { 0 };
	uint32_t key = 0;
	struct bpf_map *map;

	bpf_object__for_each_map(
		map,
		check->object) if (strstr(bpf_map__name(map), ".bss") &&
				   bpf_map__value_size(map) == sizeof(counters))
		bpf_map_lookup_elem(bpf_map__fd(map), &key, counters);
	return counters[0] + counters[1] + counters[2];
}

static int report(const struct check *check)
{
	double share = check->stacks ? 100.0 * (double)check->exact /
					       (double)check->stacks
				     : 0;
	size_t i;

	printf("%" PRIu64 " stacks compared (%" PRIu64 " frames), %" PRIu64
	       " exact and complete (%.3f%%), %" PRIu64 " with wrong frames\n",
	       check->stacks, check->frames, check->exact, share, check->wrong);
	for (i = 0; i < sizeof(flaw_text) / sizeof(flaw_text[0]); i++)
		if (check->incomplete[i])
			printf("%8" PRIu64 " incomplete: %s\n",
			       check->incomplete[i], flaw_text[i]);
	if (check->truth_cut)
		printf("%8" PRIu64 " right as far as the program's own go\n",
		       check->truth_cut);
	if (not_compared(check))
		printf("%8" PRIu64 " stacks could not be compared\n",
		       not_compared(check));
	return check->wrong || share < 99.9 || not_compared(check);
}

static void run_check(struct check *check, struct check_target *target)
{
	struct ring_buffer *ring =
		ring_buffer__new(map_fd(check, "events"), compare, check, NULL);
	int status;

	if (!ring)
		check_die("ring buffer");
	check_target_go(target);
	while (!waitpid(target->pid, &status, WNOHANG)) {
		ring_buffer__consume(ring);
		if (!check_target_asks(target, 5))
			continue;
		ring_buffer__consume(ring);
		fill_tables(check, target->pid);
		check_target_go(target);
	}
	ring_buffer__consume(ring);
	ring_buffer__free(ring);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		printf("the program failed: status %#x\n", status);
		exit(1);
	}
}

static void bench(struct check *check, struct check_target *target,
		  const char *name, bool json)
{
	struct bpf_program *program =
		bpf_object__find_program_by_name(check->object, name);
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (stats < 0)
		check_die("statistics of BPF programs");
	attach(check, name, false, target, target->mark);
	check_target_go(target);
	waitpid(target->pid, NULL, 0);
	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) ||
	    !info.run_cnt)
		check_die("run time");
	printf(json ? "{\"program\":\"%s\",\"runs\":%" PRIu64 ",\"ns\":%.1f}\n"
		    : "%s: %" PRIu64 " runs, %.1f ns each\n",
	       name, (uint64_t)info.run_cnt,
	       (double)info.run_time_ns / (double)info.run_cnt);
}

static int check_all(struct check *check, struct check_target *target)
{
	attach(check, "check", false, target, target->mark);
	if (target->probed)
		attach(check, "returned", true, target, target->probed);
	run_check(check, target);
	return report(check);
}

static const struct option options[] = {
	{ "bench", no_argument, NULL, 'b' },
	{ "json", no_argument, NULL, 'j' },
	{ "preload", required_argument, NULL, 'p' },
	{ 0 },
};

int main(int count, char **arguments)
{
	bool measure = false, json = false;
	const char *preload = NULL;
	struct check_target target;
	struct check check = { 0 };
	int option, status = 0;

	while ((option = getopt_long(count, arguments, "+", options, NULL)) >=
	       0) {
		measure |= option == 'b';
		json |= option == 'j';
		if (option == 'p')
			preload = optarg;
		if (option == '?')
			return 2;
	}
	arguments += optind;
	if (count - optind < 2 + measure) {
		fprintf(stderr, "usage: unwind_check [--preload LIBRARY | "
				"--bench [--json]] BPF_OBJECT [BPF_PROGRAM] "
				"PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	load(&check, arguments[0]);
	check_target_start(&target, preload, arguments + 1 + measure);
	fill_tables(&check, target.pid);
	if (measure)
		bench(&check, &target, arguments[1], json);
	else
		status = check_all(&check, &target);
	unwind_tables_free(check.tables);
	bpf_object__close(check.object);
	process_maps_free(&check.maps);
	return status;
}
