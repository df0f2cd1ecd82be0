# SPDX-License-Identifier: GPL-2.0-or-later
# Fuzzers: tests/fuzz/NAME.c -> $(B)/fuzz/NAME, for libFuzzer (clang).
#
#   make fuzz-replay                     each over its corpus, once
#   make build/fuzz/fuzz_prologue && build/fuzz/fuzz_prologue FOUND-DIRECTORY \
#       tests/fuzz/corpus/prologue       until stopped

# The modules that take bytes which a traced program could have written; the
# linker takes those that a fuzzer needs.
FUZZ_SOURCES := $(wildcard src/capture/prologue*.c src/unwind/*.c \
	src/resolve/*.c src/util/*.c src/model/*.c src/snapshot/*.c \
	src/report/*.c src/judge/rank.c src/judge/compare.c \
	src/judge/limit.c src/judge/suppressions.c src/judge/suppress_report.c)
FUZZ_SOURCES += src/capture/allocator_version.c src/capture/functions.c \
	src/capture/cgroup.c src/capture/memory_limit.c \
	src/capture/smaps.c src/capture/memory_parts.c src/capture/ledger.c
FUZZ_OBJECTS := $(FUZZ_SOURCES:%.c=$(B)/fuzz/%.o) $(MESSAGES:.h=.o)
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%, \
	$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_CFLAGS := -std=gnu11 $(WARNINGS) -Wno-unknown-warning-option \
	-fno-strict-aliasing -Isrc -I. -I$(B) -D_GNU_SOURCE -O1 -g \
	-DLEAKTRACE_VERSION='"$(VERSION)"' \
	-fno-omit-frame-pointer -fno-sanitize-recover=all

.PHONY: fuzzers fuzz-replay
fuzzers: $(FUZZERS)

# A fuzzer without a corpus is an error: it would be run over nothing.
fuzz-replay: $(FUZZERS)
	@set -e; for fuzzer in $(FUZZERS); do \
		corpus=tests/fuzz/corpus/$${fuzzer##*/fuzz_}; \
		set -- "$$corpus"/*; \
		[ -e "$$1" ] || { echo "$$corpus: no inputs"; exit 1; }; \
		echo "== $$fuzzer: $$# inputs"; \
		$$fuzzer -runs=0 "$$corpus" 2>$$fuzzer.log || \
			{ cat $$fuzzer.log; exit 1; }; \
	done

$(B)/fuzz/src/%.o: src/%.c
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined \
		-MMD -MP -c -o $@ $<

$(FUZZ_OBJECTS): | $(MESSAGES)

$(B)/fuzz/libfuzzed.a: $(FUZZ_OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

$(B)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(B)/fuzz/libfuzzed.a
	@mkdir -p $(@D)
	$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer,address,undefined \
		-MMD -MP -MF $@.d -o $@ $< $(B)/fuzz/libfuzzed.a $(LDLIBS)
