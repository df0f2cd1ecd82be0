# SPDX-License-Identifier: GPL-2.0-or-later
# make bench: leaktrace beside its peers, as a table and as $(B)/bench.json.
#
#   make bench                                 everything
#   make bench BENCH_OPTIONS='--only pairs'    see tools/bench/bench.py --help
#   make bench BENCH_OPTIONS=--write-docs      also into docs/performance.md

# Frame pointers: the peers' stacks end without them.
BENCH_FLAGS := -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -O2 -g \
	-fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-builtin-malloc
BENCH_PROGRAMS := $(patsubst tools/bench/%.c,$(B)/bench/%, \
	$(wildcard tools/bench/*.c))

# tests/live/unwind_check.mk has their rules.
BENCH_UNWIND := $(addprefix $(B)/live/,unwind_check unwind_check.bpf.o \
	unwind_target unwind_target_fp)

.PHONY: bench bench-programs
bench-programs: $(BENCH_PROGRAMS)

bench: all bench-programs $(BENCH_UNWIND)
	tools/install-packages tools/bench/packages.txt
	/usr/bin/python3 tools/bench/bench.py --build $(B) $(BENCH_OPTIONS)

$(B)/bench/%: tools/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(BENCH_FLAGS) -MMD -MP -MF $@.d -o $@ $< -pthread
