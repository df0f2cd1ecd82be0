# SPDX-License-Identifier: GPL-2.0-or-later
"""The formats for other programs, against what the program says it holds."""

import json
import pty
import re
import signal
import subprocess
from collections import Counter

import pytest

from harness import LEAKTRACE, PROGRAMS

SITES = {"apple": 1000 * 10, "banana": 100 * 1000, "cherry": 2 * 200000}
BLOCKS = {"apple": 1000, "banana": 100, "cherry": 2}
COMMANDS = ["alloc banana 100 1000", "alloc cherry 2 200000",
            "alloc apple 1000 10"]


def planted(live, *options, interval="100ms"):
    """What leaktrace wrote of a program that planted SITES, as bytes."""
    program = live.start("planted")
    path = live.directory / "output"
    with path.open("wb") as output:
        tracer = live.run(LEAKTRACE, "-p", program.pid, *options, interval,
                          output=output)
    tracer.stderr.wait(lambda line: "tracing" in line, "tracing")
    for command in COMMANDS:
        program.tell(command)
    tracer.popen.send_signal(signal.SIGUSR1)
    tracer.popen.send_signal(signal.SIGINT)
    assert tracer.wait() == 0, tracer.stderr.text()
    return path.read_bytes(), tracer.stderr.text()


def test_folded(live):
    """All stacks, also those behind --top, once, at the end."""
    text, _ = planted(live, "--output", "folded", "--top", "1")
    bytes_of = Counter()
    for line in text.decode().splitlines():
        frames, _, value = line.rpartition(" ")
        names = frames.split(";")
        assert names[0] == "planted" and "main" in names, line
        bytes_of[names[-1]] += int(value)
    assert bytes_of == SITES


def test_massif(live):
    """Each report is a snapshot of one file, as ms_print reads it."""
    planted(live, "--output", "massif", "-T1")
    path = live.directory / "output"
    text = subprocess.run(["ms_print", "--threshold=0.1", path], check=True,
                          stdout=subprocess.PIPE, timeout=60,
                          stderr=subprocess.STDOUT).stdout.decode()
    snapshots = re.findall(r"(?m)^ +(\d+) +[\d,]+ +([\d,]+) ", text)
    assert len(snapshots) >= 2
    assert [int(number) for number, _ in snapshots] == \
        list(range(len(snapshots)))
    assert int(snapshots[-1][1].replace(",", "")) == sum(SITES.values())
    tree = text[text.rindex(f"{sum(SITES.values()):,}"):]
    for site, size in SITES.items():
        assert re.search(rf"\({size:,}B\) 0x[0-9A-F]+: {site} "
                         r"\(tests/programs/planted.c:\d+\)", tree), tree
    assert re.search(r": main \(", tree) and "planted" in text
    assert path.read_text().count("desc: ") == 1


def test_massif_threshold(launcher):
    """What is small is put together, and nothing of it is missing."""
    sizes = [1000000, 4000, 3000, 2000]
    snapshot = launcher.directory / "snapshot"
    snapshot.write_text(json.dumps({
        "format": "leaktrace-snapshot", "version": 1,
        "report": {"reason": "last", "target": "x\ny", "number": 7},
        "totals": [], "losses": [],
        "frames": [{"function": f"f{number}\nn9: 1", "address": "0x10"}
                   for number in range(len(sizes))],
        "stacks": [{"id": f"0x{number}", "blocks": 1, "bytes": size,
                    "space": "mapping" if number == 1 else "heap",
                    "flaw": "none", "lifetimes": [], "frames": [number]}
                   for number, size in enumerate(sizes)]}))
    output = launcher.directory / "massif"
    output.write_bytes(subprocess.run(
        [LEAKTRACE, "report", "--output", "massif", snapshot], check=True,
        stdout=subprocess.PIPE).stdout)
    text = output.read_text()
    assert "n2: 1009000 (" in text
    assert " n0: 9000 in 3 places, all below massif's threshold" in text
    assert "snapshot=0\n" in text
    subprocess.run(["ms_print", output], check=True, timeout=60,
                   stdout=subprocess.DEVNULL)


def pprof(path, *options):
    """What the format's own reader makes of it."""
    return subprocess.run(["go", "tool", "pprof", *options, path], check=True,
                          stdout=subprocess.PIPE, timeout=60,
                          env={"HOME": "/nonexistent", "PATH": "/usr/bin:/bin",
                               "PPROF_TMPDIR": str(path.parent)}
                          ).stdout.decode()


def test_pprof(live):
    planted(live, "--output", "pprof", "-T1")
    path = live.directory / "output"
    for sample, expected in (("inuse_space", SITES), ("alloc_space", SITES),
                             ("inuse_objects", BLOCKS),
                             ("alloc_objects", BLOCKS)):
        text = pprof(path, "-top", "-unit=B", "-nodefraction=0",
                     f"-sample_index={sample}")
        flat = {line.split()[-1]: line.split()[0]
                for line in text.splitlines() if " main" not in line}
        for site, value in expected.items():
            assert flat[site] == f"{value}B", text
        assert "(inline)" in text
    raw = pprof(path, "-raw")
    assert re.search(r"space:\[heap\]", raw) and re.search(r"pid:\[\d+\]", raw)
    build_id = subprocess.run(
        ["readelf", "-n", PROGRAMS / "planted"], check=True,
        stdout=subprocess.PIPE).stdout.decode()
    build_id = re.search(r"Build ID: (\w+)", build_id)[1]
    assert re.search(rf"planted {build_id} \[FN\]", raw), raw


@pytest.mark.parametrize("arguments", [["-p", "1"], ["report", "/dev/null"]])
def test_terminal(launcher, arguments):
    """Binary formats spoil a terminal: refused, as wrong usage."""
    ours, theirs = pty.openpty()
    with open(theirs, "wb") as terminal, open(ours, "rb"):
        process = launcher.run(LEAKTRACE, "--output", "pprof", *arguments,
                               output=terminal)
        assert process.wait() == 2
    assert "redirect" in process.stderr.text()
