#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""leaktrace beside its peers: a table to standard output, and JSON.

Run as root by `make bench`, which builds and installs what this needs.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import attaching
import growing
import cost
import kernel
import pairs
import programs
import reports
import results
import unwinding
from processes import kill_children

SECTIONS = {
    "pairs": pairs.run,
    "reports": reports.run,
    "attach": attaching.run,
    "growth": growing.run,
    "kernel": kernel.run,
    "programs": programs.run,
    "unwind": unwinding.run,
    "cost": cost.run,
}
DOCS = Path(__file__).resolve().parents[2] / "docs" / "performance.md"


class Bench:
    """What the sections need to know."""

    def __init__(self, options, directory):
        self.directory = Path(directory)
        self.build = Path(options.build).resolve()
        self.leaktrace = self.build / "leaktrace"
        self.programs = self.build / "bench"
        self.quick = options.quick
        self.runs = options.runs or (2 if options.quick else 5)
        self.libc = self._libc()
        help_text = subprocess.run([self.leaktrace, "--help"], check=True,
                                   capture_output=True, text=True).stdout
        self.can_sample = "--sample" in help_text
        self.version = subprocess.run(
            [self.leaktrace, "--version"], check=True, capture_output=True,
            text=True).stdout.strip()

    @staticmethod
    def _libc():
        """The file of this process's own libc."""
        for line in Path("/proc/self/maps").read_text().splitlines():
            path = Path(line.split(maxsplit=5)[-1])
            if path.name.startswith("libc.so") or path.name == "libc-2.31.so":
                return path
        raise RuntimeError("no libc in /proc/self/maps")


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", metavar="DIRECTORY",
                        help="where leaktrace and bench/ are (default: build)")
    parser.add_argument("--json", metavar="FILE",
                        help="default: bench.json in the build directory")
    parser.add_argument("--only", metavar="NAME,...", type=lambda text:
                        text.split(","), default=list(SECTIONS),
                        help=f"of {', '.join(SECTIONS)}")
    parser.add_argument("--runs", type=int, metavar="N",
                        help="of which the median is taken (default: 5; of "
                        "whole programs 3)")
    parser.add_argument("--quick", action="store_true",
                        help="fewer and smaller runs: under 90 seconds")
    parser.add_argument("--write-docs", action="store_true",
                        help="the table into docs/performance.md as well")
    options = parser.parse_args(arguments)
    for name in options.only:
        if name not in SECTIONS:
            parser.error(f"no section {name}: {', '.join(SECTIONS)}")
    return options


def main(arguments):
    options = parse(arguments)
    if os.geteuid():
        sys.exit("bench: must be root, as leaktrace and bpftrace must")
    # Whatever ends this, what it has started is ended too.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("bench: interrupted"))
    with tempfile.TemporaryDirectory(prefix="leaktrace-bench-") as directory:
        bench = Bench(options, directory)
        where = results.circumstances(bench.version)
        sections = []
        try:
            for name in options.only:
                began = time.monotonic()
                print(f"bench: {name} ...", file=sys.stderr, end="",
                      flush=True)
                section = SECTIONS[name](bench)
                print(f" {time.monotonic() - began:.0f} s", file=sys.stderr)
                if section:
                    sections.append(section)
        finally:
            kill_children()
    text = results.report_text(where, sections)
    print(text, end="")
    results.write_json(options.json or bench.build / "bench.json", where,
                       sections)
    if options.write_docs:
        results.write_docs(DOCS, text)


if __name__ == "__main__":
    main(sys.argv[1:])
