# SPDX-License-Identifier: GPL-2.0-or-later
"""What tracing costs, and --max-overhead.

Costs are compared with each other only, never with a number of nanoseconds:
the machine may be busy with anything.
"""

import json
import random
import time

import pytest

from harness import (LEAKTRACE, Process, by_site, functions, lost,
                     wait_until)

RATE = 30000  # pairs a second


def hits(report):
    cost = report["cost"]
    return cost["hits_per_second"] * report["since_last_seconds"]


@pytest.mark.parametrize("method,hits_a_pair", [
    ("session", 3), ("multi", 3), ("perf", 3)])
def test_hits_are_counted(live, method, hits_a_pair):
    """malloc's entry and return, free's entry: neither more nor less."""
    program = live.start("planted")
    tracer = live.attach(program, env={"LEAKTRACE_ATTACH": method})
    program.tell("churn 1000")
    tracer.report_now()
    program.tell("churn 100000")
    report = tracer.report_now()
    # The cost and the report are not of the very same time.
    assert hits(report) == pytest.approx(100000 * hits_a_pair, rel=0.03)
    cost = report["cost"]
    assert cost["programs_percent"] > 0 and cost["traps_percent"] > 0
    parts = (cost["programs_percent"] + cost["traps_percent"] +
             cost["leaktrace_percent"])
    assert abs(cost["percent"] - parts) < 1e-6 * parts
    assert cost["budget_percent"] is None and not cost["over_budget"]
    # What the pairs took, the program's own clock on them has seen as well.
    idle = tracer.report_now()["cost"]
    assert idle["ns_per_hit"] is None and idle["hits_per_second"] == 0


@pytest.mark.parametrize("method,hits_a_pair", [("session", 2),
                                                ("multi", 3), ("perf", 3)])
def test_calls_that_are_not_sampled_skip_the_return(live, method,
                                                    hits_a_pair):
    """Where the kernel offers it: entries only, but for one in 16,384."""
    program = live.start("planted")
    tracer = live.attach(program, "--sample", "1M",
                         env={"LEAKTRACE_ATTACH": method})
    program.tell("churn 1000")
    tracer.report_now()
    program.tell("churn 100000")
    report = tracer.report_now()
    assert hits(report) == pytest.approx(100000 * hits_a_pair, rel=0.03)


def test_cost_is_what_the_program_loses(live):
    """The cost a pair, against the program's own clock: same order."""
    program = live.start("planted")
    tracer = live.attach(program)
    program.tell("churn 1000")
    ratios = []
    for _ in range(5):
        tracer.report_now()
        spent = program.tell("churn 200000")["notes"]["picoseconds_per_pair"]
        report = tracer.report_now()
        cost = report["cost"]
        percent = cost["programs_percent"] + cost["traps_percent"]
        reported = percent / 100 * report["since_last_seconds"] / 200000
        ratios.append(reported * 1e12 / spent)
    # The loop itself and whoever else ran are in the program's time.
    assert 0.5 < sorted(ratios)[2] < 1.6, ratios


def test_kernel_mode_has_a_cost(live):
    tracer = live.trace_kernel("slab")
    time.sleep(0.6)
    cost = tracer.report_now()["cost"]
    assert cost["hits_per_second"] > 0 and cost["programs_percent"] > 0
    assert cost["traps_percent"] == 0


def test_verbose_text(live):
    program = live.start("planted")
    tracer = live.own(Process([LEAKTRACE, "-v", "-p", program.pid]))
    tracer.stderr.wait(lambda line: line.startswith("leaktrace: tracing"),
                       "leaktrace: tracing")
    program.tell("churn 100000")
    program.finish()
    assert tracer.wait() == 0
    assert "  cost: " in tracer.stdout.text(), tracer.stdout.text()
    assert "of a core: " in tracer.stdout.text()


def settled(tracer, seconds=2.5):
    """The report of the last second of so many."""
    time.sleep(seconds - 1)
    tracer.report_now()
    time.sleep(1)
    return tracer.report_now()


def test_samples_when_over_the_budget(live):
    """
    Far over it. Where between exact and sparse it settles otherwise, hangs on
    how noisy the machine is: tests/unit/test_overhead.c has that.
    """
    program = live.start("planted")
    exact = live.attach(program)
    program.send(f"pace {RATE} 2600")
    before = settled(exact)["cost"]
    program.truths.next()
    exact.stop()
    budget = before["percent"] / 4
    tracer = live.attach(program, "--max-overhead", f"{budget:.3f}")
    assert tracer.report_now()["sample_bytes"] is None
    program.send(f"pace {RATE} 4600")
    report = settled(tracer, 3.5)
    cost = report["cost"]
    assert abs(cost["budget_percent"] - budget) < 0.001
    assert report["sample_bytes"] >= 1024, (report, before)
    program.truths.next()
    # The load is gone: every block again, and it stays an estimate.
    calm_down(tracer)
    program.tell("alloc apple 1000 100")
    found = by_site(tracer.report_now())
    assert found["apple"]["blocks"] == 1000


def test_an_idle_program_stays_exact(live):
    program = live.start("planted", "alloc cherry 5 100")
    tracer = live.attach(program, "--max-overhead", "5")
    for _ in range(20):
        program.tell("alloc apple 20 100")
        program.tell("alloc banana 5 100000")
        time.sleep(0.1)
    program.tell("free cherry 5")
    report = tracer.report_now()
    found = by_site(report)
    assert found["apple"]["blocks"] == 400
    assert found["apple"]["bytes"] == 40000
    assert found["banana"]["bytes"] == 10000000
    assert report["sample_bytes"] is None
    assert not any(stack["estimate"] or stack["bytes_error"]
                   for stack in report["stacks"])
    assert not any(total["estimate"] for total in report["totals"])
    assert report["unmatched_frees"] == 5
    assert not report["cost"]["over_budget"]


def test_out_of_reach(live):
    """The probes alone are dearer than the budget: the report says so."""
    program = live.start("planted")
    tracer = live.own(Process([LEAKTRACE, "-p", program.pid,
                               "--max-overhead", "0.05", "3600"]))
    tracer.stderr.wait(lambda line: line.startswith("leaktrace: tracing"),
                       "leaktrace: tracing")
    program.send(f"pace {RATE} 3000")
    time.sleep(2)
    tracer.popen.send_signal(10)  # SIGUSR1
    tracer.stdout.wait(lambda line: line.startswith("  cost: "), "cost")
    text = tracer.stdout.text()
    assert "over the budget of 0.05% of a core" in text, text
    assert "to stay under 0.05% of a core" in text, text
    program.truths.next()


def calm_down(tracer):
    """Waits until an idle program has every block recorded."""
    wait_until(lambda: time.sleep(0.2) or
               tracer.report_now()["sample_bytes"] is None, "level 0")


def test_intervals_hold_the_truth_while_levels_change(live):
    """Blocks of all levels, from every block on, in the same totals."""
    program = live.start("planted")
    tracer = live.attach(program, "--max-overhead", "0.3")
    chance = random.Random(1)
    held = figures = 0
    for turn in range(5):
        calm_down(tracer)
        intervals = set()
        for part in range(3):
            intervals.add(tracer.report_now()["sample_bytes"])
            for _ in range(4):
                count = chance.randrange(2, 9) * 100
                program.tell(f"alloc apple {count} 64")
                program.tell(f"alloc banana {count} 1000")
                truth = program.tell(f"alloc cherry {count // 20} 20000")
            # The level rises at a load.
            program.tell(f"churn {60000 if part else 10000}")
            time.sleep(0.5)
        assert None in intervals and len(intervals) > 1, (turn, intervals)
        report = tracer.report_now()
        for site in truth["sites"]:
            stacks = [stack for stack in report["stacks"]
                      if functions(stack)[0] == site["name"]]
            for key in ("blocks", "bytes"):
                estimate = sum(stack[key] for stack in stacks)
                error = sum(stack[f"{key}_error"] ** 2
                            for stack in stacks) ** 0.5
                figures += 1
                held += abs(estimate - site[key]) <= 1.96 * error + 0.5
        for site in truth["sites"]:
            if site["name"] in ("apple", "banana", "cherry"):
                program.tell(f"free {site['name']} {site['blocks']}")
        report = tracer.report_now()
        assert [(total["blocks"], total["bytes"], total["bytes_error"])
                for total in report["totals"]] == [(0, 0, 0)]
        assert not lost(report), report["losses"]
    assert held >= 0.85 * figures, (held, figures)


@pytest.mark.parametrize("percent", ["0", "-1", "nan", "1e3x", "0x10", "",
                                     "5 %", "1000000", "%"])
def test_wrong_budgets(launcher, percent):
    process = launcher.run(LEAKTRACE, "-p", "1", "--max-overhead", percent)
    assert process.wait() == 2
    assert "--max-overhead" in process.stderr.text()


def test_not_in_kernel_mode(launcher):
    process = launcher.run(LEAKTRACE, "--kernel", "--max-overhead", "5")
    assert process.wait() == 2
    assert "--max-overhead" in process.stderr.text()


def test_a_command_that_is_over_at_once(live):
    """Nothing was measured yet, and still there is a report."""
    tracer = live.command(["/bin/true"], "--max-overhead", "5")
    assert tracer.wait() == 0
    report = json.loads(tracer.stdout.lines[-1])
    assert report["reason"] == "last" and report["cost"] is not None
