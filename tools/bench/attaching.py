# SPDX-License-Identifier: GPL-2.0-or-later
"""How long it takes to attach and to detach, as the target's code shows."""

import time

from processes import Program, Text, TextWatch
from results import Goal, Section, Table, median
from tracers import METHODS, PEER, Bpftrace, Leaktrace

WHAT = ("until_ready", "attaching", "until_gone", "detaching", "until_exit")
ATTACH_LIMIT_MS, DETACH_LIMIT_MS = 50, 150


def measure(bench, name):
    """One start and end: {what: ms}."""
    program = Program(bench.programs / "hold", 1)
    watch = TextWatch(Text(program.pid))
    began = time.monotonic()
    if name == PEER:
        tracer = Bpftrace(program.pid, bench.libc, bench.directory)
    else:
        tracer = Leaktrace(bench.leaktrace, program.pid, bench.directory,
                           method=name)
    tracer.wait_ready()
    ready = time.monotonic()
    time.sleep(0.1)
    changes = watch.stop()
    if len(changes) < 2:
        raise RuntimeError(f"{name}: no probe in the target")
    watch = TextWatch(watch.text)
    asked = time.monotonic()
    tracer.interrupt()
    tracer.wait()
    ended = time.monotonic()
    time.sleep(0.05)
    back = watch.stop()
    if back[-1][1] != 0:
        raise RuntimeError(f"{name}: the target's code is not as it was")
    watch.text.close()
    program.close()
    figures = {
        "until_ready": ready - began,
        "attaching": changes[-1][0] - changes[1][0],
        "until_gone": back[-1][0] - asked,
        "detaching": back[-1][0] - back[1][0],
        "until_exit": ended - asked,
    }
    if name == PEER:  # it does not say when it is ready
        figures["until_ready"] = changes[-1][0] - began
    return {what: seconds * 1000 for what, seconds in figures.items()}


def milliseconds(value):
    """The code is looked at about every millisecond."""
    return f"{value:.0f}" if value >= 1 else "<1"


def run(bench):
    section = Section("attach")
    table = Table("Attaching to a process and detaching, in ms",
                  ["", "start until tracing", "first to last probe in",
                   "Ctrl-C until probes gone", "first to last probe gone",
                   "Ctrl-C until exit"])
    runs = {name: [] for name in (*METHODS, PEER)}
    for _ in range(1 if bench.quick else min(bench.runs, 3)):
        for name, figures in runs.items():
            figures.append(measure(bench, name))
    for name, figures in runs.items():
        medians = {what: median([run[what] for run in figures])
                   for what in figures[0]}
        table.rows.append([
            name if name == PEER else f"leaktrace, {name}",
            *map(milliseconds, (medians[what] for what in WHAT))])
        if name == METHODS[0]:
            section.goals = [
                Goal("probes in, first to last", f"{ATTACH_LIMIT_MS} ms",
                     f"{milliseconds(medians['attaching'])} ms",
                     medians["attaching"] < ATTACH_LIMIT_MS),
                Goal("Ctrl-C until the probes are gone",
                     f"{DETACH_LIMIT_MS} ms",
                     f"{milliseconds(medians['until_gone'])} ms",
                     medians["until_gone"] < DETACH_LIMIT_MS)]
    section.tables = [table]
    section.notes = [
        "Seen from outside: the target's code is compared with what it was, "
        "about every millisecond; probes put in at once are \"<1\". The "
        "start holds the loading of the BPF programs; Ctrl-C asks for a last "
        "report, with names, before the probes go.",
    ]
    section.figures = runs
    return section
