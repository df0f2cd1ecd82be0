# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that know their own truth: tests/programs/NAME.c -> $(B)/programs/NAME
# Frame pointers throughout: their stacks must not depend on an unwinder.

PROGRAM_FLAGS := -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -O2 -g \
	-fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-builtin
PROGRAMS := $(patsubst tests/programs/%.c,$(B)/programs/%, \
	$(filter-out %/truth.c,$(wildcard tests/programs/*.c)))

.PHONY: programs
programs: $(PROGRAMS)

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
	strip --wildcard --keep-symbol='growth_*' --keep-symbol=main $@
