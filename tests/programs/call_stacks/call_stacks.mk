# SPDX-License-Identifier: GPL-2.0-or-later
# Programs of tests/live/test_stacks.py, without frame pointers, as
# distributions build: tests/programs/call_stacks/NAME.c and how else NAME is
# built -> $(B)/call_stacks/.

STACKS := $(B)/call_stacks
STACKS_SOURCE := tests/programs/call_stacks
STACKS_FLAGS := -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -O2 -g -fno-builtin \
	-fomit-frame-pointer -fno-optimize-sibling-calls
MUSL_GCC := $(shell command -v musl-gcc)

STACKS_PROGRAMS := $(addprefix $(STACKS)/,frames frames_static \
	frames_static_pie frames_debug_frame plugins plugin_one.so \
	plugin_two.so constructed $(if $(MUSL_GCC),musl_static musl_dynamic))

programs: $(STACKS_PROGRAMS)

$(STACKS)/frames_static: STACKS_HOW := -static
$(STACKS)/frames_static_pie: STACKS_HOW := -static-pie -fPIE
# The program's own functions are described by .debug_frame alone.
$(STACKS)/frames_debug_frame: STACKS_HOW := -fno-asynchronous-unwind-tables \
	-fno-unwind-tables
$(STACKS)/plugin_one.so: STACKS_HOW := -DPLUGIN=plugin_one
$(STACKS)/plugin_two.so: STACKS_HOW := -DPLUGIN=plugin_two -DPLUGIN_PADDING
$(STACKS)/musl_static: STACKS_HOW := -static

$(STACKS)/frames $(STACKS)/frames_static $(STACKS)/frames_static_pie \
$(STACKS)/frames_debug_frame: $(STACKS_SOURCE)/frames.c
	@mkdir -p $(@D)
	$(CC) $(STACKS_FLAGS) $(STACKS_HOW) -o $@ $< -pthread

$(STACKS)/plugins: $(STACKS_SOURCE)/plugins.c
	@mkdir -p $(@D)
	$(CC) $(STACKS_FLAGS) -o $@ $< -pthread -ldl

$(STACKS)/plugin_%.so: $(STACKS_SOURCE)/plugin.c
	@mkdir -p $(@D)
	$(CC) $(STACKS_FLAGS) -fPIC -shared $(STACKS_HOW) -o $@ $<

# A library's constructor runs before the program's start.
$(STACKS)/constructed: $(STACKS_SOURCE)/plugins.c $(STACKS)/plugin_one.so
	$(CC) $(STACKS_FLAGS) -o $@ $< -Wl,--no-as-needed -L$(STACKS) \
		-l:plugin_one.so -Wl,-rpath,'$$ORIGIN' -ldl -pthread

$(STACKS)/musl_%: $(STACKS_SOURCE)/musl.c
	@mkdir -p $(@D)
	$(MUSL_GCC) $(STACKS_FLAGS) $(STACKS_HOW) -o $@ $<
