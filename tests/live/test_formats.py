# SPDX-License-Identifier: GPL-2.0-or-later
"""The formats for other programs, against what the program says it holds."""

import signal
from collections import Counter

from harness import LEAKTRACE

SITES = {"apple": 1000 * 10, "banana": 100 * 1000, "cherry": 2 * 200000}
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
