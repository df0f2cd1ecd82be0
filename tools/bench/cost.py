# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether leaktrace's own account of its cost is right.

What it says that its probes cost (the programs and the traps, of the report's
"cost") beside what they cost in truth: the CPU time of the same work traced
less that untraced. Work and tracing take turns with untraced runs, as the
machine is never quiet.
"""

import shutil
import socket
import subprocess
import time
from pathlib import Path

import workloads
from processes import Program, wait_timed
from results import Goal, Section, Table, median
from tracers import EXACT, SAMPLED, UNTRACED, Leaktrace

WAYS = {
    EXACT: {},
    SAMPLED: {"options": ["--sample", "512K"]},
    "leaktrace, multi": {"method": "multi"},
    "leaktrace, perf": {"method": "perf"},
}
LIMIT = 0.15  # of the true cost, that the account may be off
TIMEOUT = 60


class Pairs:
    """The program of malloc+free pairs, with a libc of its own."""

    def __init__(self, bench, name, how):
        directory = Path(bench.directory, f"cost-{name.replace(' ', '-')}")
        directory.mkdir()
        shutil.copy(bench.libc, directory / bench.libc.name)
        self.program = Program(bench.programs / "pairs",
                               env={"LD_LIBRARY_PATH": str(directory)})
        self.allocations = 0
        self.tracer = None
        if how is not None:
            self.tracer = Leaktrace(bench.leaktrace, self.program.pid,
                                    bench.directory, **how)
            self.tracer.wait_ready()

    def measure(self, order):
        """(CPU ns, ns that the report says) a pair."""
        before = self.allocations
        if self.tracer:
            self.tracer.report_now()
        pairs, cpu_ns, _, self.allocations = self.program.ask(order)
        said = 0
        if self.tracer:
            said = said_ns(self.tracer.report_now()[0])
        return cpu_ns / pairs, said / (self.allocations - before)

    def close(self):
        if self.tracer:
            self.tracer.stop()
        self.program.close()


def said_ns(report):
    """What the program paid since the last report, by the report."""
    cost = report["cost"]
    seconds = report["since_last_seconds"] or report["elapsed_seconds"]
    return ((cost["programs_percent"] + cost["traps_percent"]) / 100 *
            seconds * 1e9)


def difference(true, said):
    return f"{said / true - 1:+.0%}"


def pairs_table(bench, figures):
    milliseconds = 300 if bench.quick else 1000
    orders = {
        "tight, depth 3": f"tight 3 1 {milliseconds}",
        "tight, depth 20": f"tight 20 1 {milliseconds}",
        "tight, depth 60": f"tight 60 1 {milliseconds}",
        "100,000 a second, depth 20": f"paced 20 100000 {milliseconds}",
    }
    ways = {name: Pairs(bench, name, how)
            for name, how in {UNTRACED: None, **WAYS}.items()}
    table = Table("What a malloc+free pair costs, and what leaktrace says "
                  "that it does, in ns",
                  ["", *(f"{name}: {what}" for name in WAYS
                         for what in ("true", "said"))])
    for order_name, order in orders.items():
        samples = {name: [] for name in ways}
        for _ in range(bench.runs):
            for name, way in ways.items():
                samples[name].append(way.measure(order))
        base = median([cpu for cpu, _ in samples[UNTRACED]])
        row = [order_name]
        for name in WAYS:
            true = median([cpu for cpu, _ in samples[name]]) - base
            said = median([said for _, said in samples[name]])
            figures.setdefault(name, {})[order_name] = {
                "true_ns": true, "said_ns": said}
            row += [f"{true:,.0f}", f"{said:,.0f} ({difference(true, said)})"]
        table.rows.append(row)
    for way in ways.values():
        way.close()
    return table


def run_program(bench, command, how):
    """(CPU ns of the program, what the report says of it)."""
    ours, theirs = socket.socketpair()
    popen = subprocess.Popen(
        [bench.programs / "launch", str(theirs.fileno()), *command],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()], start_new_session=True)
    ours.recv(1)
    tracer = None
    if how is not None:
        tracer = Leaktrace(bench.leaktrace, popen.pid, bench.directory, **how)
        tracer.wait_ready()
    began = time.monotonic()
    ours.send(b"\n")
    finished = wait_timed(popen, began, TIMEOUT)
    ours.close()
    theirs.close()
    said = 0
    if tracer:
        tracer.wait()
        said = said_ns(tracer.last_report())
    return finished.cpu_ns, said


def programs_table(bench, figures):
    scale = 0.1 if bench.quick else 1
    rounds = 1 if bench.quick else min(bench.runs, 3)
    ways = {UNTRACED: None, EXACT: {}, SAMPLED: WAYS[SAMPLED]}
    table = Table("What tracing costs real programs, and what leaktrace says "
                  "that it does, in ms",
                  ["", *(f"{name}: {what}" for name in (EXACT, SAMPLED)
                         for what in ("true", "said"))])
    for workload, make in workloads.COMMANDS.items():
        command = make(bench.directory, scale)
        samples = {name: [] for name in ways}
        for _ in range(rounds):
            for name, how in ways.items():
                samples[name].append(run_program(bench, command, how))
        base = median([cpu for cpu, _ in samples[UNTRACED]])
        row = [workload]
        for name in (EXACT, SAMPLED):
            true = median([cpu for cpu, _ in samples[name]]) - base
            said = median([said for _, said in samples[name]])
            figures.setdefault(name, {})[workload] = {
                "true_ns": true, "said_ns": said}
            row += [f"{true / 1e6:,.0f}",
                    f"{said / 1e6:,.0f} ({difference(true, said)})"]
        table.rows.append(row)
    return table


def run(bench):
    section = Section("cost")
    section.tables = [pairs_table(bench, section.figures),
                      programs_table(bench, section.figures)]
    section.notes = [
        "True: CPU time traced less untraced, medians. Said: the programs' "
        "and the traps' part of the \"cost\" in leaktrace's JSON reports, "
        "made of hits, the kernel's measuring in slices, and what a trap "
        "cost when leaktrace started.",
    ]
    exact = section.figures[EXACT]["tight, depth 20"]
    off = abs(exact["said_ns"] / exact["true_ns"] - 1)
    section.goals.append(Goal("its own cost, as it says, depth 20: off by",
                              f"{LIMIT:.0%}", f"{off:.0%}", off <= LIMIT))
    return section
