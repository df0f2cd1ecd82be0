# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of an attached process against its own, to the block and the byte."""

import signal

import pytest

from harness import (by_site, check_to_the_end, compare, functions,
                     outstanding)


def run(live, name, *arguments, options=(), status=0, **how):
    program = live.start(name, *arguments)
    tracer = live.attach(program, *options)
    truth = program.tell()
    check_to_the_end(program, tracer, truth, status, **how)
    return truth


def test_every_allocator_function(live):
    run(live, "allocators", lifetimes=True)


@pytest.mark.parametrize("name", ["large", "reallocs", "threads"])
def test_jemalloc_in_the_libcs_place(live, name):
    """Another allocator under the same names, preloaded."""
    program = live.start(name, env={"LD_PRELOAD": "libjemalloc.so.2"})
    with open(f"/proc/{program.pid}/maps") as maps:
        assert "libjemalloc" in maps.read(), "not preloaded: no test"
    tracer = live.attach(program)
    truth = program.tell()
    # What jemalloc maps for itself is no business of this test.
    compare(tracer.report_now(), truth, totals=False, lifetimes=True)


def test_calls_that_fail(live):
    run(live, "failures")


def test_blocks_that_the_allocator_maps(live):
    run(live, "large", lifetimes=True)


def test_chains_of_realloc(live):
    run(live, "reallocs")


def test_eight_threads_that_free_each_others_blocks(live):
    # A thread that ends empties its cache through free: known blocks of the
    # allocator, but none of the program's.
    truth = run(live, "threads", lifetimes=True, notes_at_end=False)
    assert truth["notes"]["freed_elsewhere"] > 10000, "too few to mean much"


def test_short_threads(live):
    """Thread stacks are no mappings of the program; its own are."""
    program = live.start("short_threads")
    tracer = live.attach(program)
    truth = program.tell()
    # The libc keeps its descriptions of threads allocated: no heap total.
    report = tracer.report_now()
    compare(report, truth, totals=False)
    mapped = [site for site in truth["sites"] if site["space"] == "mapping"]
    expected = (sum(site["blocks"] for site in mapped),
                sum(site["bytes"] for site in mapped))
    strangers = [functions(stack) for stack in report["stacks"]
                 if stack["space"] == "mapping" and
                 functions(stack)[0] != "thread_mmap"]
    assert outstanding(report, "mapping") == expected and not strangers, \
        f"mappings {outstanding(report, 'mapping')}, in truth {expected}; " \
        f"not the program's: {strangers}"


def test_mappings(live):
    run(live, "mappings")


def test_program_break(live):
    """brk and sbrk by the program, between those of its allocator."""
    run(live, "breaks")


# Those of signals.c in the main code; its handler runs on many stacks.
INTERRUPTED = ["main_malloc", "main_calloc", "main_realloc", "main_large"]


@pytest.mark.parametrize("mode", ["stack", "other"])
def test_signals_in_the_middle_of_malloc(live, mode):
    truth = run(live, "signals", mode, lifetimes=INTERRUPTED)
    assert truth["notes"]["ticks"] >= 1000, truth["notes"]


def test_signal_handlers_that_jump_out_of_malloc(live):
    truth = run(live, "signals", "jump", lifetimes=INTERRUPTED,
                losses=["calls_abandoned"])
    assert truth["notes"]["jumps_in_malloc"] >= 5, truth["notes"]
    assert truth["notes"]["jumps_in_program"] >= 5, truth["notes"]


def test_attached_late(live):
    """Blocks from before: their frees are counted apart, no error."""
    program = live.start("planted", "alloc apple 1000 64",
                         "alloc banana 300 1000")
    tracer = live.attach(program)
    before = program.tell("free apple 700")
    report = tracer.report_now()
    assert report["unmatched_frees"] == 700
    assert outstanding(report, "heap") == (0, 0)
    assert not report["losses"] and not report["at_least"]
    assert before["sites"]  # the program still holds 600 of before

    program.tell("alloc cherry 40 10")
    program.tell("resize banana 100 2000")
    program.tell("free cherry 15")
    report = tracer.report_now()
    sums = by_site(report)
    assert (sums["cherry"]["blocks"], sums["cherry"]["bytes"]) == (25, 250)
    assert (sums["resized"]["blocks"], sums["resized"]["bytes"]) == \
        (100, 200000)
    assert report["unmatched_frees"] == 800, "realloc of an old block frees it"
    assert outstanding(report, "heap") == (125, 200250)
    program.finish()
    assert tracer.wait() == 0


def path_of(names):
    """The number that stacks.c coded into a stack's lefts and rights."""
    turns = [name for name in reversed(names) if name in ("left", "right")]
    assert names[0] == "leaf" and len(turns) == 15, names
    path = 0
    for turn in turns[1:]:  # the first is always left
        path = path << 1 | (turn == "right")
    return path


def test_sixteen_thousand_stacks(live):
    """None lost and none mixed up: each path is there with its own block."""
    program = live.start("stacks", 16000)
    tracer = live.attach(program, top=20000)
    truth = program.tell()
    report = tracer.report_now()
    compare(report, truth)
    assert report["stacks_matching"] == 16000
    assert len({stack["id"] for stack in report["stacks"]}) == 16000
    found = {path_of(functions(stack)): (stack["blocks"], stack["bytes"])
             for stack in report["stacks"]}
    wrong = {path: found.get(path) for path in range(16000)
             if found.get(path) != (1, 16 + path % 1000)}
    assert not wrong, f"{len(wrong)} paths are not right: " \
        f"{dict(list(wrong.items())[:10])}"


def test_report_in_the_middle_of_churn(live):
    """What stays is counted exactly while other blocks come and go."""
    program = live.start("planted")
    tracer = live.attach(program)
    program.tell("alloc apple 50000 32")
    program.send("churn 250000")
    for _ in range(3):
        sums = by_site(tracer.report_now(), {"apple"})["apple"]
        assert (sums["blocks"], sums["bytes"]) == (50000, 1600000)
    churned = len(program.stdout.lines)
    truth = program.truths.next()
    assert churned == 2, "the churn was over before the reports: no test"
    compare(tracer.report_now(), truth)


def test_two_million_blocks(live):
    """And a report with ages at a cost that goes by stacks."""
    program = live.start("planted")
    tracer = live.attach(program, "--max-blocks", "4M")
    program.send("alloc apple 2000000 24")
    truth = program.truths.next(100)
    before = cpu_seconds(tracer.pid)
    report = tracer.report_now()
    spent = cpu_seconds(tracer.pid) - before
    compare(report, truth)
    assert spent <= 0.4, f"{spent} s of CPU for a report of 2,000,000 blocks"
    program.popen.send_signal(signal.SIGKILL)  # spares it 2,000,000 frees
    assert tracer.wait() == 0


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100
