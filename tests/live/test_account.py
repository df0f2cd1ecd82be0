# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole account: what a process's memory consists of, and what grew.

The program is idle while it is looked at, so that its resident set is what the
kernel itself says, to the byte.
"""

import gzip
import json
import platform
import re
import subprocess
from pathlib import Path

import pytest

import schemas
from harness import LEAKTRACE, NEVER, PROGRAMS, Tracer, functions, wait_until

MIB = 1 << 20
PARTS = ["tracked", "before", "allocator", "mapping", "stack", "shared",
         "file", "other"]


def resident_set(pid):
    """What the kernel says, in two files."""
    found = []
    for name, key in (("smaps_rollup", "Rss"), ("status", "VmRSS")):
        text = Path(f"/proc/{pid}/{name}").read_text()
        found.append(1024 * int(re.search(rf"^{key}:\s+(\d+) kB", text,
                                          re.M)[1]))
    assert found[0] == found[1]
    return found[0]


def account_of(report, *pids):
    """The report's account, which is the kernel's figure to the byte."""
    schemas.check("report", report)
    account = report["account"]
    assert list(account["parts"]) == PARTS
    assert account["rss_bytes"] == sum(resident_set(pid) for pid in pids)
    for one in [account, *account["processes"]]:
        assert sum(part["bytes"] for part in one["parts"].values()) == \
            one["rss_bytes"]
        assert sum(part["change"] for part in one["parts"].values()) == \
            one["rss_change"]
    return account


def sizes(account):
    return {name: part["bytes"] for name, part in account["parts"].items()}


def tracked(truth, *sites):
    return sum(site["bytes"] for site in truth["sites"]
               if site["name"] in sites)


def close(found, expected, slack=MIB // 4):
    assert abs(found - expected) <= slack, (found, expected)


@pytest.mark.parametrize("command, part, phrase, size", [
    ("fragment 100", "allocator", "retained by the allocator after frees",
     100 * MIB * 1008 // 1000 * 99 // 100),
    ("blocks 20", "tracked", "in blocks outstanding", 20 * MIB),
    ("map 30", "mapping", "mmap by the program", 30 * MIB),
    ("file 20", "file", "in file-backed pages", 20 * MIB),
    ("share 10", "shared", "in shared memory", 10 * MIB),
    ("stack 5", "stack", "in thread stacks", 5 * MIB),
])
def test_cause(live, command, part, phrase, size):
    """Each way to grow is named, with what it is."""
    program = live.start("memory", "0", live.directory / "file")
    tracer = live.attach(program)
    first = account_of(tracer.report_now(), program.pid)
    assert first["cause"] is None and first["growth"] is None
    program.tell(command)
    account = account_of(tracer.report_now(), program.pid)
    assert account["cause"] == part, account
    assert re.fullmatch(rf"[\d.]+ MiB of it {phrase}", account["growth"])
    close(account["parts"][part]["change"], size)
    close(account["rss_change"], size, 2 * MIB)


def test_fragmentation(live):
    """Little is tracked, and much retained."""
    program = live.start("memory")
    tracer = live.attach(program)
    truth = program.tell("fragment 100")
    parts = account_of(tracer.report_now(), program.pid)["parts"]
    close(parts["tracked"]["bytes"], tracked(truth, "fragment"), 8192)
    assert parts["allocator"]["bytes"] > 95 * MIB
    # What the program maps on top is not mistaken for it.
    program.tell("map 40")
    after = account_of(tracer.report_now(), program.pid)["parts"]
    assert after["mapping"]["bytes"] == 40 * MIB
    assert after["allocator"] == parts["allocator"]


@pytest.mark.parametrize("library", ["jemalloc.so.2", "tcmalloc.so.4",
                                     "mimalloc.so.2.0"])
def test_other_allocators(live, library):
    """Their memory is in areas without a name."""
    path = f"/usr/lib/{platform.machine()}-linux-gnu/lib{library}"
    program = live.start("memory", "20", env={"LD_PRELOAD": path})
    tracer = live.attach(program)
    program.tell("fragment 60")
    program.tell("map 10")
    truth = program.tell("stack 3")
    account = account_of(tracer.report_now(), program.pid)
    parts = account["parts"]
    assert account["cause"] == "allocator"
    close(parts["tracked"]["bytes"], tracked(truth, "fragment"), 8192)
    # Some give memory back after a while: the rest is what they retain.
    assert parts["allocator"]["change"] > 20 * MIB
    close(parts["allocator"]["change"], account["rss_change"] - 10 * MIB -
          3 * MIB - parts["tracked"]["bytes"], 3 * MIB)
    close(parts["before"]["bytes"], 21 * MIB, 3 * MIB)
    assert parts["mapping"]["bytes"] == 10 * MIB
    close(parts["stack"]["change"], 3 * MIB)


def test_late(live):
    """What was before is told, by the start-up line and by the report."""
    program = live.start("memory", "50")
    before = resident_set(program.pid)
    tracer = live.attach(program)
    at = tracer.stderr.wait(lambda line: "before tracing:" in line, "RSS")
    line = tracer.stderr.lines[at - 1]
    rss, resident, heap = map(float, re.fullmatch(
        r"leaktrace: before tracing: RSS ([\d.]+) MiB, of it ([\d.]+) MiB in "
        r"the heap of ([\d.]+) MiB", line).groups())
    close(rss * MIB, before)
    close(resident * MIB, 50 * MIB * 1.008, MIB // 2)
    assert heap >= resident
    truth = program.tell("drop 1000")
    truth = program.tell("blocks 20")
    report = tracer.report_now()
    account = account_of(report, program.pid)
    close(account["start"]["rss_bytes"], before)
    close(account["start"]["heap_rss_bytes"], 50 * MIB * 1.008, MIB // 2)
    assert account["start"]["heap_bytes"] >= \
        account["start"]["heap_rss_bytes"]
    assert account["cause"] == "tracked"
    parts = account["parts"]
    # Some of the blocks took the place of those that were dropped.
    close(parts["tracked"]["bytes"], tracked(truth, "blocks"), 0)
    close(parts["before"]["bytes"], 50 * MIB * 1.008 - 1000 * 1008, MIB // 2)
    assert parts["before"]["bound"] == "at_most"
    assert parts["allocator"]["bound"] == "at_least"
    assert report["unmatched_frees"] == 1000
    text = live.run(LEAKTRACE, "-v", "-p", program.pid, "50ms", "1")
    assert text.wait() == 0
    assert "from before tracing (at most)" in text.stdout.text()
    assert re.search(r"RSS was [\d.]+ MiB before tracing, of it", text.stdout
                     .text())


def test_command(live):
    """Of a program that is traced from its start nothing was before."""
    tracer = live.command([PROGRAMS / "memory"], NEVER)
    pid = tracer.command.ready()
    tracer.send("map 2")
    tracer.command.next()
    first = account_of(tracer.report_now(), pid)
    assert first["start"] is None and first["rss_change"] == 0
    assert first["parts"]["before"]["bytes"] == 0
    tracer.send("fragment 30")
    tracer.command.next()
    account = account_of(tracer.report_now(), pid)
    assert account["cause"] == "allocator"
    assert account["parts"]["mapping"]["bytes"] == 2 * MIB
    tracer.close_stdin()
    assert tracer.wait() == 0
    # The last one of its life.
    last = tracer.last_report()["account"]
    assert sizes(last) == sizes(account) and last["age_seconds"] > 0


def test_several(live):
    """Each process has its own, and all are added up."""
    one = live.start("memory", "10")
    other = live.start("memory")
    tracer = live.own(Tracer("-p", f"{one.pid},{other.pid}", NEVER))
    tracer.wait_tracing()
    one.tell("map 8")
    other.tell("fragment 20")
    report = tracer.report_now()
    account = account_of(report, one.pid, other.pid)
    rows = {row["pid"]: row for row in account["processes"]}
    assert set(rows) == {one.pid, other.pid}
    assert rows[one.pid]["rss_bytes"] == resident_set(one.pid)
    assert rows[one.pid]["parts"]["mapping"]["bytes"] == 8 * MIB
    assert rows[other.pid]["parts"]["mapping"]["bytes"] == 0
    assert rows[other.pid]["parts"]["allocator"]["bytes"] > 19 * MIB
    close(rows[one.pid]["parts"]["before"]["bytes"], 10 * MIB * 1.008)
    assert account["cause"] == "allocator"
    assert account["parts"]["mapping"]["change"] == 8 * MIB


@pytest.mark.parametrize("options", [[], ["--sample", "4K"]])
def test_resident(live, options):
    """Half of each block's pages were written, and the program says how
    many bytes that is."""
    program = live.start("memory")
    tracer = live.attach(program, "--resident", *options)
    program.tell("half 40")
    program.tell("map 3")
    truth = program.tell("large 6")
    report = tracer.report_now()
    account = account_of(report, program.pid)
    found = {functions(stack)[0]: stack for stack in report["stacks"]}
    expected = truth["notes"]
    # Sampled, these blocks are certain: of 16 intervals and more.
    assert found["half"]["resident_bytes"] == expected["half_resident"]
    assert found["large"]["resident_bytes"] == expected["large_resident"]
    assert found["map"]["resident_bytes"] == 3 * MIB
    assert all(stack["swapped_bytes"] == 0 for stack in found.values())
    # Counted, not bounded.
    assert account["parts"]["tracked"] == {
        "bytes": expected["half_resident"] + expected["large_resident"],
        "change": expected["half_resident"] + expected["large_resident"],
        "bound": "exact"}
    assert program.finish() == 0
    assert tracer.wait() == 0
    last = {functions(stack)[0]: stack
            for stack in tracer.last_report()["stacks"]}
    assert last["half"]["resident_bytes"] is None


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_children(live, shell):
    """A child that executes, after vfork or fork, has nothing from before."""
    size = 10 * MIB // 1000 * 1000
    tracer = live.own(Tracer("-f", "50ms", "--", shell, "-c",
                             f"{PROGRAMS}/memory 10; true"))

    def grown():
        for report in reversed(tracer.reports()):
            account = report.get("account")
            rows = account["processes"] if account else []
            if any(row["parts"]["tracked"]["bytes"] == size for row in rows):
                return account
        return None

    account = wait_until(grown, "the account of the child")
    assert account["rss_bytes"] == sum(row["rss_bytes"]
                                       for row in account["processes"])
    child = next(row for row in account["processes"]
                 if row["name"] == "memory")
    assert child["start"] is None and child["parts"]["before"]["bytes"] == 0
    assert child["parts"]["tracked"]["bytes"] == size
    assert {row["name"] for row in account["processes"]} == {
        shell.removeprefix("/bin/"), "memory"}


def test_resident_refused(live):
    for options in (["--kernel"], ["--growth", "-p", "1"]):
        refused = live.run(LEAKTRACE, "--resident", *options)
        assert refused.wait() == 2
        assert f"--resident has no meaning with {options[0]}" in \
            refused.stderr.text()


def test_many_areas(live):
    """They are looked at, but not at every report if those come fast."""
    program = live.start("memory")
    tracer = live.attach(program)
    program.tell("areas 8000")
    first = account_of(tracer.report_now(), program.pid)
    assert first["areas"] > 8000 and first["age_seconds"] < 10
    assert first["parts"]["mapping"]["bytes"] == 8000 * 4096
    # Each look takes tens of milliseconds, and they have 5% of the time.
    taken = set()
    for _ in range(40):
        report = tracer.report_now()
        taken.add(round(report["elapsed_seconds"] -
                        report["account"]["age_seconds"], 3))
    assert 1 <= len(taken) < 30, taken


def test_saved(live):
    """A snapshot has it, and prints it in every format that has it."""
    path = live.directory / "snapshot"
    program = live.start("memory")
    tracer = live.attach(program, "--resident", "--save", path)
    program.tell("fragment 20")
    printed = tracer.report_now()
    saved = subprocess.run([LEAKTRACE, "report", path, "--output", "json"],
                           stdout=subprocess.PIPE, check=True, timeout=30)
    assert json.loads(saved.stdout)["account"] == printed["account"]
    schemas.check("snapshot", json.loads(gzip.decompress(path.read_bytes())))
    text = subprocess.run([LEAKTRACE, "report", path], check=True, timeout=30,
                          stdout=subprocess.PIPE).stdout.decode()
    assert "retained by the allocator after frees" in text
    page = subprocess.run([LEAKTRACE, "report", path, "--output", "html"],
                          check=True, timeout=30,
                          stdout=subprocess.PIPE).stdout.decode()
    assert '"allocator overhead and free lists"' in page
