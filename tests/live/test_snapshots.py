# SPDX-License-Identifier: GPL-2.0-or-later
"""Snapshots: saved, printed, symbolised later and compared."""

import gzip
import json
import os
import pty
import shutil
import signal
import subprocess

import pytest

import schemas
from harness import (LEAKTRACE, PROGRAMS, by_site, compare, functions,
                     wait_until)


def read(*arguments, status=0):
    """What report or diff prints; stderr if it is to fail."""
    result = subprocess.run([LEAKTRACE, *map(str, arguments)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            check=False, timeout=30)
    assert result.returncode == status, result.stderr.decode()
    return (result.stderr if status else result.stdout).decode()


def report(path, *options):
    return json.loads(read("report", path, "--output", "json", "--top",
                           10000, *options))


def saved(live, name, *commands, program=PROGRAMS / "planted",
          options=()):
    """A snapshot of a run of its own, and what the program said."""
    path = live.directory / name
    tracer = live.command([program, *commands], "--save", path,
                          *options)
    tracer.close_stdin()
    assert tracer.wait() == 0, tracer.stderr.text()
    return path, tracer.last_report()


def test_killed(live):
    """The last snapshot is there, whole, after SIGKILL."""
    path = live.directory / "snapshot"
    program = live.start("planted")
    tracer = live.run(LEAKTRACE, "-p", program.pid, "--save", path, "50ms")
    tracer.stderr.wait(lambda line: "tracing" in line, "tracing")
    truth = program.tell("alloc apple 100 50")
    truth = program.tell("alloc banana 3 7000")

    def complete():
        return path.exists() and \
            report(path)["stacks_matching"] == 2

    wait_until(complete, "both sites in the snapshot")
    tracer.popen.send_signal(signal.SIGKILL)
    tracer.wait()
    compare(report(path), truth)


def test_same_as_printed(live):
    """What report prints is what was printed, and -a needs no more."""
    path, printed = saved(live, "snapshot", "alloc apple 5 10",
                          "alloc cherry 1 3")
    read_back = report(path)
    # Quotients of what was rounded when it was saved.
    assert read_back.pop("cost") == pytest.approx(printed.pop("cost"))
    assert read_back == printed
    assert report(path, "--sort", "blocks")["stacks"][0] == \
        next(s for s in printed["stacks"] if functions(s)[0] == "apple")
    assert len(json.loads(read("report", path, "--output", "json", "--top",
                               1))["stacks"]) == 1
    for text in ("apple", "cherry", "main"):
        assert text in read("report", path)


def test_schema(live):
    path, _ = saved(live, "snapshot", "alloc apple 5 10",
                    options=["--show-allocs"])
    schemas.check("snapshot", json.loads(gzip.decompress(path.read_bytes())))


def test_diff(live):
    """Two runs, each loaded where the kernel put it."""
    before, _ = saved(live, "before", "alloc apple 100 50",
                      "alloc banana 10 1000")
    after, _ = saved(live, "after", "alloc cherry 10 500",
                     "alloc apple 150 50", "alloc banana 10 1000")
    result = json.loads(read("diff", before, after, "--output", "json"))
    assert [(stack["frames"][0]["function"], stack["kind"],
             stack["bytes_change"], stack["blocks_change"])
            for stack in result["stacks"]] == \
        [("cherry", "new", 5000, 10), ("apple", "grown", 2500, 50)]
    assert result["stacks_by_kind"]["same"] == 1
    back = json.loads(read("diff", after, before, "--output", "json"))
    assert [stack["kind"] for stack in back["stacks"]] == ["gone", "shrunk"]
    assert not json.loads(read("diff", after, before, "--output", "json",
                               "--drop-negatives"))["stacks"]
    assert "1. new" in read("diff", before, after)


def test_suppressions(live):
    """Rules on a snapshot do what they do when it is taken."""
    commands = ["alloc apple 100 50", "alloc banana 10 1000",
                "alloc cherry 2 70000"]
    rules = live.directory / "rules"
    rules.write_text("leak:^app*e$\nleak:nobody\nleak:banana\n")
    path, _ = saved(live, "all", *commands)
    _, printed = saved(live, "less", *commands,
                       options=["--suppressions", rules])
    later = report(path, "--suppressions", rules)
    for key in ("suppressed", "stacks_matching", "stacks_total", "losses",
                "leaking_stacks", "growing_stacks", "stacks_incomplete"):
        assert later[key] == printed[key], key
    assert later["suppressed"] == [
        {"pattern": "^app*e$", "stacks": 1, "blocks": 100, "bytes": 5000},
        {"pattern": "banana", "stacks": 1, "blocks": 10, "bytes": 10000}]
    assert set(by_site(later)) == {"cherry"}
    for sums in zip(later["totals"], printed["totals"]):
        assert sums[0] == sums[1]
    assert "suppressed: 4.9 KiB in 100 blocks from 1 stack by ^app*e$" in \
        read("report", path, "--suppressions", rules)
    assert "apple" not in read("report", path, "--suppressions", rules,
                               "--output", "folded")
    page = read("report", path, "--suppressions", rules, "--output", "html")
    assert '"suppressed":[{"pattern":"^app*e$","stacks":1,"blocks":100' in page
    # Also those that were suppressed when it was taken.
    assert "^app*e$" in read("report", live.directory / "less")
    more, _ = saved(live, "more", *commands, "alloc banana 5 1",
                    "alloc cherry 1 3")
    changed = json.loads(read("diff", path, more, "--output", "json"))
    assert len(changed["stacks"]) == 2
    changed = json.loads(read("diff", path, more, "--output", "json",
                              "--suppressions", rules))
    assert [stack["frames"][0]["function"] for stack in changed["stacks"]] \
        == ["cherry"]
    assert changed["stacks_by_kind"]["same"] == 0
    text = read("diff", path, more, "--suppressions", rules)
    assert "suppressed after: 9.8 KiB in 15 blocks" in text
    rules.write_text("race:x\n")
    assert "not a rule" in read("report", path, "--suppressions", rules,
                                status=1)


def test_sysroot(live):
    """A stripped program is named later, by its debug file."""
    stripped = live.directory / "stripped"
    debug = live.directory / "debug"
    subprocess.run(["objcopy", "--only-keep-debug", PROGRAMS / "planted",
                    debug], check=True)
    subprocess.run(["strip", "--strip-all", "-o", stripped,
                    PROGRAMS / "planted"], check=True)
    path, printed = saved(live, "snapshot", "alloc apple 5 10",
                          program=stripped)
    frame = printed["stacks"][0]["frames"][0]
    assert frame["function"] is None and frame["build_id"]
    build_id = frame["build_id"]
    for number, place in enumerate((
            f".build-id/{build_id[:2]}/{build_id[2:]}.debug",
            f"usr/lib/debug/.build-id/{build_id[:2]}/{build_id[2:]}.debug",
            str(stripped)[1:])):
        root = live.directory / f"root{number}"
        (root / place).parent.mkdir(parents=True)
        # A link that leads out of the directory leads nowhere.
        (root / place).symlink_to(debug)
        assert not by_site(report(path, "--sysroot", root), {"apple"})
        (root / place).unlink()
        shutil.copy(debug, root / place)
        named = report(path, "--sysroot", root)
        sites = by_site(named, {"apple"})
        assert sites["apple"]["bytes"] == 50, named
        assert "plant" in functions(named["stacks"][0])  # inlined
        assert not [entry for entry in named["losses"]
                    if entry["name"] == "symbols_not_found"]


def test_progress(launcher):
    """A snapshot that takes long to read: only a terminal is told."""
    path = launcher.directory / "snapshot"
    stack = {"id": "0x1", "blocks": 1, "bytes": 8, "space": "heap",
             "flaw": "none", "lifetimes": [], "frames": [0, 0, 0, 0],
             "end": "x" * 200}
    path.write_text(json.dumps({
        "format": "leaktrace-snapshot", "version": 1,
        "report": {"reason": "last", "target": "x"}, "totals": [],
        "losses": [], "frames": [{"function": "f"}],
        "stacks": [stack] * 150000}))
    ours, its = pty.openpty()
    tracer = subprocess.Popen([LEAKTRACE, "report", path], stderr=its,
                              stdout=subprocess.DEVNULL)
    os.close(its)
    told = b""
    try:
        while chunk := os.read(ours, 4096):
            told += chunk
    except OSError:
        pass  # the terminal's other end is closed
    os.close(ours)
    assert tracer.wait() == 0
    assert b"\r\x1b[Kleaktrace: reading " in told
    # It is gone before anything else is said.
    assert told.rsplit(b"\r\x1b[K", 1)[1].startswith(b"leaktrace: taken at ")
    piped = subprocess.run([LEAKTRACE, "report", path], check=True,
                           capture_output=True)
    assert piped.stderr.startswith(b"leaktrace: taken at ")
    assert b"\x1b" not in piped.stderr + piped.stdout


def test_errors(live):
    path, _ = saved(live, "snapshot", "alloc apple 5 10")
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert "ends too early" in read("report", path, status=1)
    path.write_bytes(b"text")
    assert "no snapshot" in read("diff", path, path, status=1)
    assert "No such file" in read("report", live.directory / "none", status=1)
    assert "leaktrace diff BEFORE AFTER" in read("diff", path, status=2)
    path.write_bytes(whole)
    assert "--sysroot /nonexistent: No such" in read(
        "report", path, "--sysroot", "/nonexistent", status=1)


def test_cannot_save(live):
    """That is told before the command runs."""
    ran = live.directory / "ran"
    tracer = live.run(LEAKTRACE, "--save", "/nonexistent/snapshot", "--",
                      "touch", ran)
    assert tracer.wait() == 1
    assert "/nonexistent/snapshot" in tracer.stderr.text()
    assert not ran.exists()


def test_disk_full(live):
    """A snapshot that fails is told; tracing goes on."""
    full = live.directory / "full"
    full.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", full],
                   check=True)
    try:
        path = full / "snapshot"
        program = live.start("planted", "alloc apple 5 10")
        tracer = live.run(LEAKTRACE, "-p", program.pid, "--save", path,
                          "50ms")
        tracer.stderr.wait(lambda line: "tracing" in line, "tracing")
        program.tell("alloc cherry 5 10")
        wait_until(path.exists, "a first snapshot")
        with open(full / "filler", "wb", buffering=0) as filler:
            with pytest.raises(OSError):
                while True:
                    filler.write(b"x" * 4096)
        tracer.stderr.wait(lambda line: "No space left" in line, "failure")
        assert report(path)["format"] == "leaktrace-report"
        (full / "filler").unlink()
        tracer.popen.send_signal(signal.SIGINT)
        assert tracer.wait() == 0, tracer.stderr.text()
        assert report(path)["reason"] == "last"
    finally:
        subprocess.run(["umount", full], check=True)
