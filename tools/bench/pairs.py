# SPDX-License-Identifier: GPL-2.0-or-later
"""What a malloc+free pair costs: tight loops, and a fixed rate.

Each contestant has a process of its own with its own copy of libc, so that
no probe stands on another's file: all are attached at once and take turns of
a tenth of a second, which keeps a noisy machine fair.
"""

import shutil
from pathlib import Path

from processes import Program
from results import Goal, Section, Table, median, times
from tracers import (EXACT, METHODS, PEER, SAMPLED, UNTRACED, Bpftrace,
                     Leaktrace, loss_problems)

DEPTHS = (3, 20, 60)
THREADS = (1, 2)
RATE = 100000  # pairs a second
RATE_DEPTH = 20


class Contestant:
    def __init__(self, bench, name, libc, start):
        self.name = name
        self.tracer = None
        directory = Path(bench.directory, f"libc-{name.replace(' ', '-')}")
        directory.mkdir()
        self.libc = directory / libc.name
        shutil.copy(libc, self.libc)
        self.program = Program(bench.programs / "pairs",
                               env={"LD_LIBRARY_PATH": str(directory)})
        self.allocations = 0
        self.samples = {}
        if start:
            self.tracer = start(self)
            self.tracer.wait_ready()

    def ask(self, key, order):
        """Does an order and notes its figures under key."""
        pairs, cpu_ns, wall_ns, self.allocations = self.program.ask(order)
        self.samples.setdefault(key, []).append((pairs, cpu_ns, wall_ns))

    def ns(self, key):
        """Median (CPU, wall) ns a pair."""
        threads = int(key.split("x")[1])
        return (median([cpu / pairs for pairs, cpu, _ in self.samples[key]]),
                median([wall * threads / pairs
                        for pairs, _, wall in self.samples[key]]))

    def check(self):
        """The tracer must have seen every pair."""
        if not isinstance(self.tracer, Leaktrace) or self.name == SAMPLED:
            return
        report = self.tracer.report_now()[0]
        seen = sum(stack["allocations"] for stack in report["stacks"])
        problems = loss_problems(report)
        # Threads add some of their own.
        if problems or not 0 <= seen - self.allocations < 1000:
            raise RuntimeError(
                f"{self.name}: {self.allocations} allocations made, {seen} "
                f"seen; {problems}")

    def close(self):
        if self.tracer:
            self.tracer.stop()
        self.program.close()


def line_up(bench):
    """All contestants, attached."""
    libc = bench.libc
    starts = {UNTRACED: None, EXACT: {}}
    if bench.can_sample:
        starts[SAMPLED] = {"options": ["--sample", "512K"]}
    for method in METHODS:
        starts[f"leaktrace, {method}"] = {"method": method}
    contestants = []
    for name, how in starts.items():
        contestants.append(Contestant(
            bench, name, libc,
            None if how is None else lambda own, how=how: Leaktrace(
                bench.leaktrace, own.program.pid, bench.directory, top=10000,
                **how)))
    contestants.append(Contestant(
        bench, PEER, libc,
        lambda own: Bpftrace(own.program.pid, own.libc, bench.directory)))
    return contestants


def tight(contestants, rounds, milliseconds):
    for _ in range(rounds):
        for threads in THREADS:
            for depth in DEPTHS:
                for contestant in contestants:
                    contestant.ask(f"{depth}x{threads}",
                                   f"tight {depth} {threads} {milliseconds}")


def key_text(key):
    depth, threads = key.split("x")
    return f"depth {depth}" + (f", {threads} threads" if threads != "1" else
                               "")


def tight_tables(contestants):
    keys = [f"{depth}x{threads}" for threads in THREADS for depth in DEPTHS]
    by_name = {contestant.name: contestant for contestant in contestants}
    columns = ["", *map(key_text, keys)]
    cost = Table("A malloc+free pair, in ns of CPU time (of wall time)",
                 columns)
    ratio = Table("The same, times as dear as untraced", columns)
    cheaper = Table("The same, times cheaper than the bpftrace script",
                    columns)
    for contestant in contestants:
        ns = {key: contestant.ns(key) for key in keys}
        digits = 1 if contestant.name == UNTRACED else 0
        cost.rows.append([contestant.name, *(
            f"{ns[key][0]:,.{digits}f} ({ns[key][1]:,.{digits}f})"
            for key in keys)])
        if contestant.name != UNTRACED:
            ratio.rows.append([contestant.name, *(
                times(ns[key][0] / by_name[UNTRACED].ns(key)[0])
                for key in keys)])
        if contestant.name not in (UNTRACED, PEER):
            cheaper.rows.append([contestant.name, *(
                times(by_name[PEER].ns(key)[0] / ns[key][0])
                for key in keys)])
    return [cost, ratio, cheaper]


def tight_goals(contestants):
    by_name = {contestant.name: contestant for contestant in contestants}
    exact = by_name[EXACT].ns("20x1")[0]
    script = by_name[PEER].ns("20x1")[0]
    goals = [
        Goal("a pair at depth 20", "2,600 ns", f"{exact:,.0f} ns",
             exact <= 2600),
        Goal("cheaper than the bpftrace script, depth 20", "5x",
             times(script / exact), script / exact >= 5),
    ]
    if SAMPLED in by_name:
        sampled = by_name[SAMPLED].ns("20x1")[0]
        goals.append(Goal("sampled cheaper than exact, depth 20", "1.5x",
                          times(exact / sampled), exact / sampled >= 1.5))
    return goals


def paced(contestants, rounds, milliseconds):
    for _ in range(rounds):
        for contestant in contestants:
            contestant.ask("paced",
                           f"paced {RATE_DEPTH} {RATE} {milliseconds}")


def paced_table(contestants):
    table = Table(f"{RATE:,} pairs a second at depth {RATE_DEPTH}, with "
                  "computation between",
                  ["", "achieved, pairs/s", "CPU, % of a core"])
    for contestant in contestants:
        samples = contestant.samples["paced"]
        table.rows.append([
            contestant.name,
            f"{median([p * 1e9 / wall for p, _, wall in samples]):,.0f}",
            f"{median([100 * cpu / wall for _, cpu, wall in samples]):.1f}"])
    return table


def run(bench):
    section = Section("pairs")
    contestants = line_up(bench)
    tight(contestants, bench.runs, 40 if bench.quick else 120)
    rated = [contestant for contestant in contestants
             if contestant.name not in [f"leaktrace, {method}"
                                        for method in METHODS]]
    paced(rated, 1 if bench.quick else 3, 500 if bench.quick else 1000)
    for contestant in contestants:
        contestant.check()
    section.tables = [*tight_tables(contestants), paced_table(rated)]
    section.notes = [
        f"Medians of {bench.runs} runs, the contestants taking turns. "
        "\"leaktrace\" is the default; session, multi and perf are the ways "
        "to attach, forced.",
        "The program has frame pointers, which the bpftrace script needs.",
    ]
    section.goals = tight_goals(contestants)
    for contestant in contestants:
        section.figures[contestant.name] = {
            key: [{"pairs": pairs, "cpu_ns": cpu, "wall_ns": wall}
                  for pairs, cpu, wall in samples]
            for key, samples in contestant.samples.items()}
    for contestant in contestants:
        contestant.close()
    return section
