# SPDX-License-Identifier: GPL-2.0-or-later
"""Full tables: what is missing is counted, from the first one on."""

from harness import by_site, compare, functions, loss, outstanding


def test_table_of_blocks_full(live):
    """Recorded and missing add up, and the frees of both are told apart."""
    program = live.start("planted")
    tracer = live.attach(program, "--max-blocks", "1000")
    program.tell("alloc apple 900 10")
    report = tracer.report_now()
    assert outstanding(report, "heap") == (900, 9000)
    assert not report["losses"] and not report["at_least"]

    program.tell("alloc apple 9100 10")
    report = tracer.report_now()
    blocks, size = outstanding(report, "heap")
    missing = loss(report, "blocks_not_recorded")
    assert missing and report["at_least"], report["losses"]
    assert blocks + missing["count"] == 10000, (blocks, missing)
    assert size + missing["bytes"] == 100000, (size, missing)
    assert missing["understates"] and "--max-blocks" in missing["remedy"]
    assert blocks >= 1000, f"only {blocks} blocks in a table of 1000"

    program.tell("free apple 10000")
    report = tracer.report_now()
    assert outstanding(report, "heap") == (0, 0)
    assert report["unmatched_frees"] == missing["count"]
    assert report["at_least"], "what was lost stays said"

    # There is room again: nothing more goes missing.
    program.tell("alloc banana 800 7")
    report = tracer.report_now()
    assert outstanding(report, "heap") == (800, 5600)
    assert loss(report, "blocks_not_recorded")["count"] == missing["count"]


def test_first_block_too_many(live):
    """Wherever the table is full: no block goes missing without a word."""
    program = live.start("planted")
    tracer = live.attach(program, "--max-blocks", "1000")
    total = 0
    missing = None
    while total < 20000 and not (missing and missing["count"] > 100):
        program.tell("alloc apple 37 10")
        total += 37
        report = tracer.report_now()
        blocks = outstanding(report, "heap")[0]
        missing = loss(report, "blocks_not_recorded")
        assert blocks + (missing["count"] if missing else 0) == total
        assert report["at_least"] == bool(missing)
    assert missing, f"{total} blocks in a table of 1,000"


def test_table_of_stacks_full(live):
    """Stacks go missing, bytes do not."""
    program = live.start("stacks", 2000)
    tracer = live.attach(program, "--max-stacks", "500")
    truth = program.tell()
    report = tracer.report_now()
    leaf = next(site for site in truth["sites"] if site["name"] == "leaf")
    assert outstanding(report, "heap") == (leaf["blocks"], leaf["bytes"])
    losses = [entry for entry in report["losses"] if "stack" in entry["name"]]
    assert losses and "--max-stacks" in losses[0]["remedy"], report["losses"]
    named = [stack for stack in report["stacks"]
             if functions(stack)[:1] == ["leaf"]]
    assert 400 <= len(named) <= 501, len(named)
    nameless = sum(stack["blocks"] for stack in report["stacks"]
                   if functions(stack)[:1] != ["leaf"])
    assert nameless == losses[0]["count"] == 2000 - len(named)


def test_small_tables_suffice_for_churn(live):
    """A table is for what is outstanding, not for all that ever was."""
    program = live.start("planted")
    tracer = live.attach(program, "--max-blocks", "100")
    truth = program.tell("churn 20000")
    compare(tracer.report_now(), truth)
    for _ in range(20):
        program.tell("alloc apple 90 10")
        truth = program.tell("free apple 90")
    truth = program.tell("alloc apple 50 10")
    report = tracer.report_now()
    compare(report, truth)
    assert by_site(report)["apple"]["allocations"] == 1850
