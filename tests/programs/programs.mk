# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that know their own truth: tests/programs/NAME.c -> $(B)/programs/NAME
# Frame pointers throughout: their stacks must not depend on an unwinder.

PROGRAM_FLAGS := -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -O2 -g \
	-fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-builtin
PROGRAMS := $(patsubst tests/programs/%.c,$(B)/programs/%, \
	$(filter-out %/truth.c %/family.c,$(wildcard tests/programs/*.c)))

CXX ?= g++
CXX_PROGRAMS := $(patsubst tests/programs/%.cpp,$(B)/programs/%, \
	$(wildcard tests/programs/*.cpp))
CXX_PROGRAM_FLAGS := -std=gnu++20 -D_GNU_SOURCE -Wall -Wextra -Werror \
	-Wno-missing-field-initializers -O2 -g -fno-omit-frame-pointer \
	-fno-optimize-sibling-calls -fno-builtin

# The same programs with other allocators: programs/VARIANT/NAME. Those that
# are linked stand before the C library in the order of symbols.
LIBRARIES := /usr/lib/$(MULTIARCH)
STATIC_ALLOCATORS := glibc-static jemalloc-static tcmalloc-static
LINKED_ALLOCATORS := jemalloc tcmalloc tcmalloc_minimal mimalloc
VARIANT_PROGRAMS := \
	$(foreach variant,$(LINKED_ALLOCATORS) $(STATIC_ALLOCATORS), \
		$(B)/programs/$(variant)/large \
		$(B)/programs/$(variant)/operators) \
	$(foreach program,allocators reallocs forks arena, \
		$(B)/programs/glibc-static/$(program)) \
	$(foreach program,allocators large threads mappings, \
		$(B)/programs/musl/$(program) $(B)/programs/musl-static/$(program))
# Other allocators' packages are of this machine.
ifneq ($(CROSS),)
PROGRAMS := $(filter-out %/sqlite_leak,$(PROGRAMS))
CXX_PROGRAMS :=
VARIANT_PROGRAMS := $(B)/programs/glibc-static/arena
endif
jemalloc_LIBRARY := $(LIBRARIES)/libjemalloc.so.2
tcmalloc_LIBRARY := $(LIBRARIES)/libtcmalloc.so.4
tcmalloc_minimal_LIBRARY := $(LIBRARIES)/libtcmalloc_minimal.so.4
mimalloc_LIBRARY := $(LIBRARIES)/libmimalloc.so.2.0
glibc-static_LIBRARY := -static
jemalloc-static_LIBRARY := $(LIBRARIES)/libjemalloc.a -lm -no-pie
tcmalloc-static_LIBRARY := $(LIBRARIES)/libtcmalloc_minimal.a -lstdc++ -lm \
	-no-pie

FAMILIES := $(addprefix $(B)/programs/family/,snmalloc dpdk rpmalloc rjem)

.PHONY: programs
programs: $(PROGRAMS) $(CXX_PROGRAMS) $(VARIANT_PROGRAMS) $(FAMILIES) \
	$(B)/programs/arena-stripped

$(B)/programs/truth.o: tests/programs/truth.c
	@mkdir -p $(@D)
	$(CC) $(PROGRAM_FLAGS) -MMD -MP -c -o $@ $<

$(B)/programs/%: tests/programs/%.c $(B)/programs/truth.o
	@mkdir -p $(@D)
	$(CC) $(PROGRAM_FLAGS) -MMD -MP -MF $@.d -o $@ $< $(B)/programs/truth.o \
		-pthread

$(B)/programs/bare: tests/programs/bare.c
	@mkdir -p $(@D)
	$(CC) $(PROGRAM_FLAGS) -nostdlib -static -o $@ $<

# No allocator can be recognised in this one.
$(B)/programs/growth: tests/programs/growth.c $(B)/programs/truth.o
	@mkdir -p $(@D)
	$(CC) $(PROGRAM_FLAGS) -static -o $@ $< $(B)/programs/truth.o -pthread
	$(STRIP) --wildcard --keep-symbol='growth_*' --keep-symbol=main $@

$(FAMILIES): tests/programs/family.c $(B)/programs/truth.o
	@mkdir -p $(@D)
	$(CC) $(PROGRAM_FLAGS) -DFAMILY_$(shell echo $(@F) | tr a-z A-Z) \
		-MMD -MP -MF $@.d -o $@ $< $(B)/programs/truth.o

$(B)/programs/sqlite_leak: tests/programs/sqlite_leak.c $(B)/programs/truth.o
	@mkdir -p $(@D)
	$(CC) $(PROGRAM_FLAGS) -MMD -MP -MF $@.d -o $@ $< $(B)/programs/truth.o \
		$(LIBRARIES)/libsqlite3.so.0

# Without any symbol; its map tells where its functions were.
$(B)/programs/arena-stripped: $(B)/programs/glibc-static/arena
	$(NM) $< > $@.map
	$(STRIP) -o $@ $<

$(CXX_PROGRAMS): $(B)/programs/%: tests/programs/%.cpp $(B)/programs/truth.o
	@mkdir -p $(@D)
	$(CXX) $(CXX_PROGRAM_FLAGS) -MMD -MP -MF $@.d -o $@ $< \
		$(B)/programs/truth.o

# $(1): the variant
define variant_rules
$(B)/programs/$(1)/%: tests/programs/%.c $(B)/programs/truth.o
	@mkdir -p $$(@D)
	$(CC) $(PROGRAM_FLAGS) -MMD -MP -MF $$@.d -o $$@ $$< \
		$(B)/programs/truth.o -pthread -Wl,--no-as-needed \
		$$($(1)_LIBRARY)

$(B)/programs/$(1)/%: tests/programs/%.cpp $(B)/programs/truth.o
	@mkdir -p $$(@D)
	$(CXX) $(CXX_PROGRAM_FLAGS) -MMD -MP -MF $$@.d -o $$@ $$< \
		$(B)/programs/truth.o -pthread -Wl,--no-as-needed \
		$$($(1)_LIBRARY)
endef

$(foreach variant,$(LINKED_ALLOCATORS) $(STATIC_ALLOCATORS), \
	$(eval $(call variant_rules,$(variant))))

$(B)/programs/musl/%: tests/programs/%.c tests/programs/truth.c
	@mkdir -p $(@D)
	musl-gcc $(PROGRAM_FLAGS) -o $@ $^

$(B)/programs/musl-static/%: tests/programs/%.c tests/programs/truth.c
	@mkdir -p $(@D)
	musl-gcc $(PROGRAM_FLAGS) -static -o $@ $^
