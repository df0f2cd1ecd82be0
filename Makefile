# SPDX-License-Identifier: GPL-2.0-or-later
# leaktrace: one non-recursive Makefile, everything built goes under $(B).
#
#   make            the program                 make SAN=1   with ASan and UBSan
#   make demo       install what is missing, build, find two leaks
#   make check      install what is missing, build, run every test
#   make lint bench install                 make arm64 check-arm64

, := ,

VERSION := 0.1.0
CC ?= gcc
CLANG ?= clang
STRIP ?= strip
NM ?= nm
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)
PREFIX ?= /usr/local
DESTDIR ?=

# For another machine: CROSS=aarch64-linux-gnu, its files under SYSROOT.
CROSS ?=
MACHINE := $(firstword $(subst -, ,$(CROSS)) $(shell uname -m))
ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(MACHINE)))
MULTIARCH := $(MACHINE)-linux-gnu
B ?= build$(if $(CROSS),/$(ARCH))$(if $(SAN),/san)
SYSROOT ?= $(if $(CROSS),$(abspath $(B)/sysroot))
ifneq ($(CROSS),)
CC := $(CCACHE) $(CROSS)-gcc --sysroot=$(SYSROOT)
AR := $(CROSS)-ar
STRIP := $(CROSS)-strip
NM := $(CROSS)-nm
endif

# Messages are cut to their buffers on purpose, so gcc need not warn of it.
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes \
	-Wno-unknown-warning-option \
	-Wno-format-truncation -Werror
# The vectors hand typed pointers to untyped helpers, as the kernel's do.
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=gnu11 $(WARNINGS) -fno-strict-aliasing -Isrc -I. -I$(B) \
	-D_GNU_SOURCE -DLEAKTRACE_VERSION='"$(VERSION)"' \
	$(if $(SAN),-fsanitize=address$(,)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer) $(CFLAGS)
LDLIBS := -lbpf -ldw -lelf -liberty -ljansson -lmicrohttpd -lncursesw \
	-lprotobuf-c -lz -lm
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wno-unused-parameter -Werror \
	-Ivmlinux -I. -idirafter $(SYSROOT)/usr/include/$(MULTIARCH)


SOURCES := $(filter-out src/main.c,$(wildcard src/*.c src/*/*.c))
MESSAGES := $(patsubst src/%.proto,$(B)/%.pb-c.h,$(wildcard src/*/*.proto))
OBJECTS := $(SOURCES:%.c=$(B)/%.o) $(MESSAGES:.h=.o)
BPF_NAMES := $(patsubst bpf/%.bpf.c,%,$(wildcard bpf/*.bpf.c))
SKELETONS := $(BPF_NAMES:%=$(B)/bpf/%.skel.h) \
	$(BPF_NAMES:%=$(B)/bpf/%_basic.skel.h)
UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))

.PHONY: all
all: $(B)/leaktrace

.SECONDARY:
.DELETE_ON_ERROR:

$(B)/leaktrace: $(B)/src/main.o $(B)/libleaktrace.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/libleaktrace.a: $(OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

$(B)/src/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Only capture sees the skeletons, so only it waits for them.
$(filter $(B)/src/capture/%,$(OBJECTS)): | $(SKELETONS)

# Protocol buffers: one command makes header and source.
$(B)/%.pb-c.h: src/%.proto
	@mkdir -p $(@D)
	protoc-c -I src --c_out=$(B) $<

$(B)/%.pb-c.o: $(B)/%.pb-c.h
	$(CC) $(ALL_CFLAGS) -c -o $@ $(<:.h=.c)

$(filter $(B)/src/report/%,$(OBJECTS)): | $(MESSAGES)

$(B)/src/report/html.o $(B)/fuzz/src/report/html.o: $(wildcard src/report/html/*)

$(B)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<

# For kernels whose BPF has few atomic operations: bpf/atomic.bpf.h.
$(B)/bpf/%_basic.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -DBASIC_ATOMICS -MMD -MP -MF $(@:.o=.d) \
		-c -o $@ $<

$(B)/bpf/%.skel.h: $(B)/bpf/%.bpf.o
	$(BPFTOOL) gen skeleton $< name $(subst .,_,$*)_bpf > $@

$(B)/unit/%: tests/unit/%.c $(B)/libleaktrace.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(B)/libleaktrace.a -lcmocka $(LDLIBS)

-include $(wildcard tests/programs/programs.mk \
	tests/programs/accuracy/accuracy.mk tests/live/*.mk \
	tests/fuzz/fuzz.mk tests/oracle/*.mk tools/bench/bench.mk)

$(B)/demo-server: tools/demo-server.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $<

# What the targets for people install first; the build itself never does.
.PHONY: packages test-packages
packages:
	@tools/install-packages tools/packages.txt

test-packages:
	@tools/install-packages tools/packages.txt tests/packages.txt

# Another machine's program, on this one. Its libraries' packages are unpacked
# below build/, so that this machine's own stay as they are.
.PHONY: arm64
arm64: packages
	@tools/install-packages tools/packages-cross.txt
	@tools/cross-sysroot arm64 build/arm64/sysroot tools/packages.txt
	@$(MAKE) --no-print-directory CROSS=aarch64-linux-gnu all

.PHONY: demo
demo: packages
	@$(MAKE) --no-print-directory all $(B)/demo-server
	@tools/demo $(B)

.PHONY: unit
unit: $(UNIT)
	@set -e; for test in $(UNIT); do echo "== $$test"; $$test; done

# Live tests fail, rather than skip, where LEAKTRACE_REQUIRE_BPF=1.
.PHONY: live
live: all programs
	LEAKTRACE_BUILD=$(B) /usr/bin/python3 -m pytest -p no:cacheprovider \
		-q --durations=12 tests/live

.PHONY: check
check: test-packages
	@$(MAKE) --no-print-directory SAN=1 B=$(B)/san unit
	@$(MAKE) --no-print-directory fuzz-replay
	@$(MAKE) --no-print-directory live

# Debian's kernels in qemu; KERNELS="6.1 newest" picks some.
.PHONY: check-kernels
check-kernels: test-packages
	@tools/install-packages tests/kernels/packages.txt
	@$(MAKE) --no-print-directory all programs
	LEAKTRACE_BUILD=$(B) /usr/bin/python3 -m pytest -p no:cacheprovider \
		-q tests/kernels

# Debian's kernel for arm64 in qemu, with `make arm64`'s program.
.PHONY: check-arm64
check-arm64: test-packages arm64
	@tools/install-packages tests/kernels/packages.txt \
		tests/kernels/packages-arm64.txt
	@$(MAKE) --no-print-directory CROSS=aarch64-linux-gnu programs
	KERNELS=arm64 /usr/bin/python3 -m pytest -p no:cacheprovider \
		-q tests/kernels

.PHONY: lint
lint: test-packages $(SKELETONS) $(MESSAGES)
	@WARNINGS='$(WARNINGS)' tools/lint $(B)

.PHONY: install
install: $(B)/leaktrace
	install -D -m 755 $(B)/leaktrace $(DESTDIR)$(PREFIX)/sbin/leaktrace
	install -D -m 644 docs/leaktrace.8 \
		$(DESTDIR)$(PREFIX)/share/man/man8/leaktrace.8

.PHONY: clean
clean:
	rm -rf $(B)

-include $(shell find $(B) \( -name kernels -o -name suites -o -name sysroot \) \
	-prune -o -name '*.d' -type f -print 2>/dev/null)
