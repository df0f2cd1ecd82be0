# SPDX-License-Identifier: GPL-2.0-or-later
# How often verdicts are right: make accuracy writes docs/accuracy.md.

ACCURACY := $(wildcard tests/programs/accuracy/*.c)

$(B)/programs/accuracy/accuracy: $(ACCURACY) tests/programs/accuracy/scenario.h
	@mkdir -p $(@D)
	$(CC) $(PROGRAM_FLAGS) -o $@ $(ACCURACY) -pthread -lm

programs: $(B)/programs/accuracy/accuracy

.PHONY: accuracy
accuracy: $(B)/leaktrace $(B)/programs/accuracy/accuracy
	tests/programs/accuracy/accuracy.py $^ docs/accuracy.md
