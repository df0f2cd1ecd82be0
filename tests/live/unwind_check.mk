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

$(B)/live/unwind_check: tests/live/unwind_check.c \
		tests/live/unwind_check_target.c $(B)/libleaktrace.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d -o $@ $(filter %.c,$^) \
		$(B)/libleaktrace.a $(LDLIBS)

$(B)/live/unwind_preload.so: tests/live/unwind_preload.c \
		tests/live/unwind_truth.h
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) -D_GNU_SOURCE -O2 -g -fomit-frame-pointer -fPIC \
		-shared -o $@ $<

# unwind_target, built in many ways: NAME is unwind_target-HOW.
UNWIND_HOWS := gcc-O0 gcc-O2 gcc-O3 gcc-lto gcc-no-pie gcc-static \
	gcc-static-pie gcc-frame-pointers clang-O0 clang-O2 clang-O3 clang-lto
UNWIND_HOW_gcc-O0 := $(CC) -O0
UNWIND_HOW_gcc-O2 := $(CC) -O2 -fomit-frame-pointer
UNWIND_HOW_gcc-O3 := $(CC) -O3 -fomit-frame-pointer
UNWIND_HOW_gcc-lto := $(CC) -O2 -flto
UNWIND_HOW_gcc-no-pie := $(CC) -O2 -no-pie -fno-pie
UNWIND_HOW_gcc-static := $(CC) -O2 -static
UNWIND_HOW_gcc-static-pie := $(CC) -O2 -static-pie -fPIE
UNWIND_HOW_gcc-frame-pointers := $(CC) -O2 -fno-omit-frame-pointer \
	-fno-optimize-sibling-calls
UNWIND_HOW_clang-O0 := $(CLANG) -O0
UNWIND_HOW_clang-O2 := $(CLANG) -O2
UNWIND_HOW_clang-O3 := $(CLANG) -O3
UNWIND_HOW_clang-lto := $(CLANG) -O2 -flto -fuse-ld=lld
UNWIND_CXX_HOWS := gcc-O0 gcc-O2 gcc-lto gcc-static clang-O2
UNWIND_CXX_HOW_gcc-O0 := $(CXX) -O0
UNWIND_CXX_HOW_gcc-O2 := $(CXX) -O2
UNWIND_CXX_HOW_gcc-lto := $(CXX) -O2 -flto
UNWIND_CXX_HOW_gcc-static := $(CXX) -O2 -static
UNWIND_CXX_HOW_clang-O2 := $(CLANG)++ -O2

ifneq ($(CROSS),)
UNWIND_HOWS := gcc-O0 gcc-O2 gcc-O3 gcc-static gcc-frame-pointers gcc-signed
UNWIND_CXX_HOWS :=
endif
# arm64: return addresses are signed
UNWIND_HOW_gcc-signed := $(CC) -O2 -mbranch-protection=standard

UNWIND_TARGETS := $(UNWIND_HOWS:%=$(B)/live/unwind_target-%) \
	$(UNWIND_CXX_HOWS:%=$(B)/live/unwind_target_cxx-%) \
	$(B)/live/unwind_target_dlopen $(B)/live/unwind_target.so

$(B)/live/unwind_target-%: tests/live/unwind_target.c tests/live/unwind_truth.h
	@mkdir -p $(@D)
	$(UNWIND_HOW_$*) -Wall -Wextra -Werror -g -o $@ $< -lpthread

$(B)/live/unwind_target_cxx-%: tests/live/unwind_target_cxx.cpp \
		tests/live/unwind_truth.h
	@mkdir -p $(@D)
	$(UNWIND_CXX_HOW_$*) -Wall -Wextra -Werror -g -o $@ $< -lpthread

# The same as a plug-in, and a program that does nothing but load it.
$(B)/live/unwind_target.so: tests/live/unwind_target.c tests/live/unwind_truth.h
	@mkdir -p $(@D)
	$(CC) -O2 -fPIC -shared -Dmain=plugin_main -Wall -Wextra -Werror -g \
		-o $@ $< -lpthread

$(B)/live/unwind_target_dlopen: tests/live/unwind_target_dlopen.c
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) -O2 -g -o $@ $< -ldl

# For make bench, too.
$(B)/live/unwind_target: $(B)/live/unwind_target-gcc-O2
	cp $< $@

$(B)/live/unwind_target_fp: $(B)/live/unwind_target-gcc-frame-pointers
	cp $< $@

.PHONY: unwind-checks
unwind-checks: $(UNWIND_TARGETS) $(B)/live/unwind_check \
	$(B)/live/unwind_check.bpf.o $(B)/live/unwind_preload.so \
	$(B)/oracle/cfi_oracle $(B)/oracle/code_oracle

programs: unwind-checks

# Every ELF file of the machine; some minutes.
.PHONY: oracle
oracle: $(B)/oracle/cfi_oracle
	$< /usr/lib /usr/bin /usr/sbin
