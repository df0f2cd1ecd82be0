# SPDX-License-Identifier: GPL-2.0-or-later
"""What --kernel costs programs whose system calls allocate.

Tracing the kernel is tracing the whole machine, so that the contestants
cannot run at once: in each round each is attached, runs all loops, and goes.
"""

import json
from pathlib import Path

from processes import Program, wait_until
from results import Goal, Section, Table, median, times
from tracers import BPFTRACE, NEVER, PEER, UNTRACED, Tracer, loss_problems

OURS = "leaktrace --kernel"
SCRIPT = Path(__file__).with_name("outstanding-kernel.bt")
LOOPS = {"open": "open, close", "pipe": "pipe, close both",
         "pages": "map, touch, unmap 16 pages"}
LIMIT = 0.5  # of what the script adds


class Leaktrace(Tracer):
    def __init__(self, bench):
        super().__init__([bench.leaktrace, "--kernel", "--output", "json",
                          "--top", 10000, NEVER], bench.directory)
        wait_until(self._is_ready, "leaktrace: tracing")

    def _is_ready(self):
        self.check()
        return b"leaktrace: tracing" in self.messages.read_bytes()

    def finish(self, rounds):
        """Stops it; it must have seen the objects of all rounds."""
        self.stop()
        report = json.loads(self.output.read_bytes().splitlines()[-1])
        problems = [problem for problem in loss_problems(report).split(", ")
                    if problem and not problem.startswith("recursion_misses")]
        files = sum(stack["allocations"] for stack in report["stacks"]
                    if stack["kernel"]["cache"] == "filp")
        needed = rounds["open"] + 2 * rounds["pipe"]
        # Some are skipped, and counted: recursion_misses.
        if problems or files < 0.99 * needed:
            raise RuntimeError(f"{files} of {needed} files seen; {problems}")


class Bpftrace(Tracer):
    def __init__(self, bench):
        super().__init__([*BPFTRACE, "-B", "line", SCRIPT], bench.directory,
                         {"BPFTRACE_MAP_KEYS_MAX": "1000000"})
        wait_until(self._is_ready, "bpftrace's probes")

    def _is_ready(self):
        self.check()
        return b"attached" in self.output.read_bytes()

    def finish(self, _):
        self.stop()


def tables(ns):
    columns = ["", *LOOPS.values()]
    cost = Table("A round of system calls that allocate kernel memory, in ns "
                 "of CPU time", columns)
    ratio = Table("The same, times slower than untraced", columns)
    added = Table("The same, of what the bpftrace script adds", columns)
    for name, figures in ns.items():
        cost.rows.append([name, *(f"{figures[loop]:,.0f}" for loop in LOOPS)])
        if name != UNTRACED:
            ratio.rows.append([name, *(times(figures[loop] /
                                             ns[UNTRACED][loop])
                                       for loop in LOOPS)])
    added.rows.append([OURS, *(f"{share(ns, loop):.0%}" for loop in LOOPS)])
    return [cost, ratio, added]


def share(ns, loop):
    """What leaktrace adds, of what the script adds."""
    return (ns[OURS][loop] - ns[UNTRACED][loop]) / \
        (ns[PEER][loop] - ns[UNTRACED][loop])


def run(bench):
    section = Section("kernel")
    program = Program(bench.programs / "syscalls")
    samples = {name: {loop: [] for loop in LOOPS}
               for name in (UNTRACED, OURS, PEER)}
    milliseconds = 150 if bench.quick else 300
    starts = {UNTRACED: None, OURS: Leaktrace, PEER: Bpftrace}
    for _ in range(bench.runs):
        for name, start in starts.items():
            tracer = start(bench) if start else None
            rounds = {}
            for loop in LOOPS:
                program.ask(f"{loop} 20")  # what was new is known then
                rounds[loop], cpu, wall = program.ask(f"{loop} {milliseconds}")
                samples[name][loop].append((rounds[loop], cpu, wall))
            if tracer:
                tracer.finish(rounds)
    program.close()
    ns = {name: {loop: median([cpu / rounds for rounds, cpu, _ in taken])
                 for loop, taken in loops.items()}
          for name, loops in samples.items()}
    section.tables = tables(ns)
    section.notes = [
        f"Medians of {bench.runs} runs. leaktrace traces all that --kernel "
        "does (slab, pages, per-CPU, vmalloc, DMA, devices); the script, "
        "tools/bench/outstanding-kernel.bt, slab objects and pages."]
    section.goals = [
        Goal(f"--kernel, {text}: added, of what the script adds",
             f"{LIMIT:.0%}", f"{share(ns, loop):.0%}",
             share(ns, loop) <= LIMIT)
        for loop, text in LOOPS.items()]
    section.figures = samples
    return section
