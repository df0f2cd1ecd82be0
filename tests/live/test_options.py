# SPDX-License-Identifier: GPL-2.0-or-later
"""Options that choose what is reported, when and how."""

import fcntl
import os
import pty
import re
import struct
import termios
import time

import pytest

from harness import (LEAKTRACE, NEVER, Process, by_site, compare, functions,
                     outstanding)


def sites_in_order(report):
    return [functions(stack)[0] for stack in report["stacks"]]


@pytest.fixture
def orchard(live):
    """apple: many small, cherry: few large, banana: in between and oldest."""
    program = live.start("planted")

    def attach(*options, **more):
        tracer = live.attach(program, *options, **more)
        program.tell("alloc banana 100 1000")
        time.sleep(0.2)
        program.tell("alloc cherry 2 200000")
        time.sleep(0.2)
        program.tell("alloc apple 1000 10")
        return tracer

    attach.program = program
    return attach


@pytest.mark.parametrize("key,order", [
    ("bytes", ["cherry", "banana", "apple"]),
    ("blocks", ["apple", "banana", "cherry"]),
    ("age", ["banana", "cherry", "apple"]),
    ("growth", ["banana", "apple", "cherry"]),
])
def test_sort(orchard, key, order):
    tracer = orchard("--sort", key)
    tracer.report_now()
    orchard.program.tell("alloc apple 50 10")
    orchard.program.tell("alloc banana 1 1000")
    report = tracer.report_now()
    assert sites_in_order(report) == order
    changes = {functions(stack)[0]: (stack["blocks_change"],
                                     stack["bytes_change"])
               for stack in report["stacks"]
               if stack["blocks_change"] or key != "growth"}
    # Two stacks a site: each command line is one of its own.
    assert sum(change[1] for change in changes.values()) >= 1000


def test_top(orchard):
    tracer = orchard("--sort", "bytes", top=1)
    report = tracer.report_now()
    assert sites_in_order(report) == ["cherry"]
    assert report["stacks_matching"] == 3
    assert outstanding(report, "heap") == (1102, 510000), \
        "totals are over all stacks"


@pytest.mark.parametrize("options,kept", [
    (["-z", "1000"], {"banana", "cherry"}),
    (["--min-size", "1001"], {"cherry"}),
    (["-Z", "1000"], {"apple", "banana"}),
    (["--max-size", "999"], {"apple"}),
    (["-z", "11", "-Z", "100K"], {"banana"}),
])
def test_sizes(orchard, options, kept):
    report = orchard(*options).report_now()
    expected = {"apple": (1000, 10000), "banana": (100, 100000),
                "cherry": (2, 400000)}
    found = {site: (sums["blocks"], sums["bytes"])
             for site, sums in by_site(report).items()}
    assert found == {site: expected[site] for site in kept}
    assert outstanding(report, "heap") == (
        sum(expected[site][0] for site in kept),
        sum(expected[site][1] for site in kept))


def test_older(live):
    program = live.start("planted")
    tracer = live.attach(program, "--older", "1500ms")
    program.tell("alloc apple 30 10")
    planted = time.monotonic()
    report = tracer.report_now()
    assert time.monotonic() - planted < 1.4, "too slow a machine for this test"
    assert sites_in_order(report) == [] and report["older_than_seconds"] == 1.5
    time.sleep(1.6)
    program.tell("alloc banana 20 10")
    truth = program.tell("alloc apple 5 10")
    sums = by_site(tracer.report_now())
    assert {site: sums[site]["blocks"] for site in sums} == {"apple": 30}
    time.sleep(1.6)
    sums = by_site(tracer.report_now())
    assert {site: sums[site]["blocks"] for site in sums} == \
        {site["name"]: site["blocks"] for site in truth["sites"]
         if site["blocks"]}


def test_ages(live):
    """The oldest block's age, within what the test itself saw pass."""
    program = live.start("planted")
    tracer = live.attach(program)
    before = time.monotonic()
    program.tell("alloc apple 10 10")
    after = time.monotonic()
    time.sleep(0.5)
    program.tell("alloc apple 10 10")
    asked = time.monotonic()
    report = tracer.report_now()
    answered = time.monotonic()
    age = max(stack["oldest_age_seconds"] for stack in report["stacks"])
    assert asked - after <= age <= answered - before
    assert report["elapsed_seconds"] >= answered - asked
    program.tell("free apple 10")
    age = max(stack["oldest_age_seconds"]
              for stack in tracer.report_now()["stacks"])
    assert age <= time.monotonic() - after - 0.5


def test_show_allocs(live):
    program = live.start("planted")
    tracer = live.attach(program, "-a")
    program.tell("alloc apple 20 10")
    time.sleep(0.1)
    program.tell("alloc apple 10 11")
    program.tell("free apple 5")
    report = tracer.report_now()
    listed = [block for stack in report["stacks"] for block in stack["allocs"]]
    assert sorted(block["size"] for block in listed) == [10] * 15 + [11] * 10
    assert len({int(block["address"], 16) for block in listed}) == 25
    for stack in report["stacks"]:
        blocks = stack["allocs"]
        assert len(blocks) == stack["blocks"]
        assert sum(block["size"] for block in blocks) == stack["bytes"]
        ages = [block["age_seconds"] for block in blocks]
        assert ages == sorted(ages, reverse=True), "oldest first"
        assert abs(ages[0] - stack["oldest_age_seconds"]) < 0.001
    tens = [block["age_seconds"] for block in listed if block["size"] == 10]
    elevens = [block["age_seconds"] for block in listed if block["size"] == 11]
    assert min(tens) >= max(elevens) + 0.1


def test_changes_between_reports(live):
    program = live.start("planted")
    tracer = live.attach(program)
    program.tell("alloc apple 20 10")
    first = tracer.report_now()
    program.tell("free apple 5")
    second = tracer.report_now()
    third = tracer.report_now()

    def changes(report):
        total = report["totals"][0]
        stack = report["stacks"][0]
        return (total["blocks_change"], total["bytes_change"],
                stack["blocks_change"], stack["bytes_change"])

    assert changes(first) == (20, 200, 20, 200)
    assert changes(second) == (-5, -50, -5, -50)
    assert changes(third) == (0, 0, 0, 0)
    assert first["stacks"][0]["id"] == third["stacks"][0]["id"]
    assert [report["report"] for report in (first, second, third)] == [1, 2, 3]


def test_interval_and_count(live):
    program = live.start("planted", "alloc apple 1 1")
    tracer = live.attach(program, "500ms", interval="3")
    assert tracer.wait() == 0
    reports = tracer.reports()
    assert [report["report"] for report in reports] == [1, 2, 3]
    times = [report["elapsed_seconds"] for report in reports]
    assert 0.4 <= times[1] - times[0] <= 1.5, times
    assert program.tell("free apple 1")["sites"]
    assert program.finish() == 0


def test_duration(live):
    program = live.start("planted")
    tracer = live.attach(program, "-d", "1s")
    truth = program.tell("alloc apple 10 10")
    began = time.monotonic()
    assert tracer.wait() == 0
    assert time.monotonic() - began < 5
    report = tracer.last_report()
    compare(report, truth)
    assert 0.9 <= report["elapsed_seconds"] <= 3
    assert program.finish() == 0


def test_object(live):
    """-O names the allocator: here the one that it finds by itself."""
    program = live.start("planted")
    with open(f"/proc/{program.pid}/maps") as maps:
        libc = re.search(r"(/\S*/libc\.so\.6)$", maps.read(), re.MULTILINE)[1]
    tracer = live.attach(program, "-O", libc)
    truth = program.tell("alloc apple 10 10")
    compare(tracer.report_now(), truth)


def test_symbols_prefix(live):
    """An allocator under other names, once they are told."""
    program = live.start("prefixed")
    tracer = live.attach(program, "-S", "shop_")
    blind = live.attach(program)
    truth = program.tell()
    compare(tracer.report_now(), truth, lifetimes=True)
    assert outstanding(blind.report_now(), "heap") == (0, 0)


def in_terminal(live, program, columns, env):
    """leaktrace's text reports as a terminal of that width shows them."""
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ,
                struct.pack("HHHH", 24, columns, 0, 0))
    process = live.own(Process(
        [LEAKTRACE, "-p", program.pid, NEVER],
        env={"TERM": "xterm", **env}, preexec_fn=lambda: os.dup2(terminal, 1)))
    process.stderr.wait(lambda line: line.startswith("leaktrace: tracing"),
                        "leaktrace: tracing")
    os.close(terminal)
    program.tell("alloc apple 100 1000")
    program.finish()
    text = b""
    while True:
        try:
            chunk = os.read(main, 65536)
        except OSError:  # EIO: the other end is closed
            break
        if not chunk:
            break
        text += chunk
    os.close(main)
    assert process.wait() == 0
    return text.decode()


def test_text_in_a_terminal(live):
    plain = in_terminal(live, live.start("planted"), 80, {"NO_COLOR": "1"})
    assert "\x1b" not in plain, "colour in spite of NO_COLOR"
    assert "apple" in plain and "planted.c" in plain
    wide = [line for line in plain.splitlines() if len(line) > 80]
    assert not wide, wide
    environment = {"NO_COLOR": ""}  # an empty one counts as none
    coloured = in_terminal(live, live.start("planted"), 80, environment)
    assert "\x1b[" in coloured
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    wide = [line for line in stripped.splitlines() if len(line) > 80]
    assert not wide, wide


def test_text_in_a_pipe(live):
    """Whole at once, without colour, and only reports on stdout."""
    program = live.start("planted")
    tracer = live.own(Process([LEAKTRACE, "-p", program.pid, "300ms"]))
    tracer.stderr.wait(lambda line: line.startswith("leaktrace: tracing"),
                       "leaktrace: tracing")
    program.tell("alloc apple 1234 100")
    tracer.stdout.wait(lambda line: "apple" in line, "apple while it runs")
    program.finish()
    assert tracer.wait() == 0
    text = tracer.stdout.text()
    assert "\x1b" not in text and "1234" in text.replace(",", "")
    assert "leaktrace: tracing" not in text
