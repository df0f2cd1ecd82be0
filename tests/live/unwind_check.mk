# SPDX-License-Identifier: GPL-2.0-or-later
# The unwinder's checks beyond the unit tests; included by the Makefile.
#
#   $(B)/oracle/cfi_oracle DIRECTORY...            against libdw
#   $(B)/oracle/code_oracle FILE...                undescribed code
#   $(B)/oracle/cfi_time FILE...                   compile times
#   $(B)/live/unwind_check $(B)/live/unwind_check.bpf.o $(B)/live/unwind_target
#   $(B)/live/unwind_check --bench $(B)/live/unwind_check.bpf.o \
#           bench_walk|bench_stackid $(B)/live/unwind_target --depth 30 40000

include tests/programs/call_stacks/call_stacks.mk

$(B)/oracle/%: tests/oracle/%.c $(B)/libleaktrace.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(B)/libleaktrace.a $(LDLIBS)

$(B)/live/unwind_check.bpf.o: tests/live/bpf/unwind_check.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

$(B)/live/unwind_check: tests/live/unwind_check.c $(B)/libleaktrace.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(B)/libleaktrace.a $(LDLIBS)

# Without frame pointers, as distributions build; and with, to compare.
$(B)/live/unwind_target: tests/live/unwind_target.c tests/live/unwind_truth.h
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) -O2 -g -fomit-frame-pointer -o $@ $< -lpthread

$(B)/live/unwind_target_fp: tests/live/unwind_target.c tests/live/unwind_truth.h
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) -O2 -g -fno-omit-frame-pointer \
		-fno-optimize-sibling-calls -o $@ $< -lpthread

$(B)/live/unwind_target_cxx: tests/live/unwind_target_cxx.cpp tests/live/unwind_truth.h
	@mkdir -p $(@D)
	$(CXX) -Wall -Wextra -Werror -O2 -g -o $@ $< -lpthread
