# SPDX-License-Identifier: GPL-2.0-or-later
"""The build of the BPF objects for kernels before 5.12, on any kernel.

LEAKTRACE_ATOMICS=basic has leaktrace take it. The figures must be the same.
"""

import pytest

from harness import check_to_the_end, compare, loss

BASIC = {"LEAKTRACE_ATOMICS": "basic"}


@pytest.mark.parametrize("name,attach", [
    ("allocators", "plain"), ("reallocs", "multi"), ("threads", "session"),
    ("mappings", "session"), ("failures", "perf")])
def test_figures(live, name, attach):
    program = live.start(name)
    tracer = live.attach(program, env={**BASIC, "LEAKTRACE_ATTACH": attach})
    check_to_the_end(program, tracer, program.tell(),
                     notes_at_end=name != "threads")


def test_every_block_is_in_the_map(live):
    """As many blocks as asked for, and not one more."""
    program = live.start("planted")
    tracer = live.attach(program, "--max-blocks", 5000, env=BASIC)
    truth = program.tell("alloc apple 5000 16")
    compare(tracer.report_now(), truth)
    program.tell("alloc banana 7 16")
    assert loss(tracer.report_now(), "blocks_not_recorded")["count"] == 7


def test_stack_ids_run_out(live):
    """The ids come from a queue: all are used, and then it is said."""
    program = live.start("stacks", 1500)
    tracer = live.attach(program, "--max-stacks", 1000, env=BASIC)
    program.tell()
    report = tracer.report_now()
    assert loss(report, "stacks_not_stored")["count"] == 500
    ids = {stack["id"] for stack in report["stacks"]}
    assert len(ids) == 1001, "1,000 stacks and the one that is none"
