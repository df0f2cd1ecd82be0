# SPDX-License-Identifier: GPL-2.0-or-later
"""What --growth costs a program that does nothing but touch new pages."""

from processes import Program
from results import Goal, Section, Table, median
from tracers import UNTRACED, Leaktrace, loss_problems

GROWTH = "leaktrace --growth"
PAGES = 20000  # a turn
LIMIT = 1.1


def check(tracer, pages):
    """The samples must be there: one in 16."""
    report = tracer.report_now()[0]
    seen = sum(stack["allocations"] for stack in report["stacks"])
    problems = loss_problems(report)
    if problems or not 0.98 <= seen / pages <= 1.02:
        raise RuntimeError(f"{pages} pages touched, {seen} seen; {problems}")


def run(bench):
    section = Section("growth")
    programs = {name: Program(bench.programs / "faults")
                for name in (UNTRACED, GROWTH)}
    tracer = Leaktrace(bench.leaktrace, programs[GROWTH].pid, bench.directory,
                       ["--growth"])
    tracer.wait_ready()
    samples = {name: [] for name in programs}
    turns = 10 if bench.quick else 40
    for _ in range(turns):
        for name, program in programs.items():
            samples[name].append(program.ask(str(PAGES)))
    programs[GROWTH].ask(str(-PAGES))  # what is gone is not reported
    check(tracer, (turns + 1) * PAGES)
    ns = {name: (median([cpu / pages for pages, cpu, _ in taken]),
                 median([wall / pages for pages, _, wall in taken]))
          for name, taken in samples.items()}
    ratio = ns[GROWTH][0] / ns[UNTRACED][0]
    table = Table("A page touched for the first time and given back",
                  ["", "ns of CPU time (of wall time)", "ratio"])
    for name, (cpu, wall) in ns.items():
        table.rows.append([name, f"{cpu:,.0f} ({wall:,.0f})",
                           f"{cpu / ns[UNTRACED][0]:.3f}"])
    section.tables = [table]
    section.notes = [
        f"Medians of {turns} turns of {PAGES:,} pages. Nothing else is done "
        "with the pages: programs that use theirs lose less."]
    section.goals = [Goal("--growth, page faults and nothing else",
                          f"{LIMIT:.2f}x", f"{ratio:.3f}x", ratio <= LIMIT)]
    section.figures = samples
    tracer.stop()
    for program in programs.values():
        program.close()
    return section
