# SPDX-License-Identifier: GPL-2.0-or-later
"""What a report costs with a million blocks outstanding, and two."""

from processes import Program
from results import Goal, Section, Table, median
from tracers import Leaktrace, loss_problems

STACKS = 100
MILLION = 1000000
CASES = (
    # blocks, leaktrace's options, reports, also with --quick
    (MILLION, ["--max-blocks", "1M"], 5, True),
    (MILLION, ["--max-blocks", "1M", "-a"], 3, False),
    (2 * MILLION, ["--max-blocks", "4M"], 3, False),
)
LIMIT_MS = 200


def measure(bench, blocks, options, reports):
    """[(CPU ms, wall ms)] of each report; fails unless they are right."""
    program = Program(bench.programs / "hold", STACKS)
    tracer = Leaktrace(bench.leaktrace, program.pid, bench.directory, options)
    tracer.wait_ready()
    program.ask(str(blocks))
    figures = []
    for _ in range(reports):
        report, cpu_ns, wall_ns = tracer.report_now()
        found = sum(total["blocks"] for total in report["totals"])
        ages = all(stack["oldest_age_seconds"] for stack in report["stacks"])
        problems = loss_problems(report)
        if found != blocks or problems or not ages or \
                report["stacks_matching"] != STACKS:
            raise RuntimeError(
                f"{blocks} blocks of {STACKS} stacks held, {found} of "
                f"{report['stacks_matching']} reported; {problems}")
        figures.append((cpu_ns / 1e6, wall_ns / 1e6))
    tracer.kill()  # without a last report, which would measure nothing more
    program.close()
    return figures


def run(bench):
    section = Section("reports")
    table = Table(f"A report, blocks outstanding from {STACKS} call stacks",
                  ["blocks", "options", "first: CPU ms (wall)",
                   "later: CPU ms (wall)"])
    for blocks, options, reports, always in CASES:
        if bench.quick and not always:
            continue
        figures = measure(bench, blocks, options, reports)
        cpu, wall = (median(values) for values in zip(*figures[1:]))
        table.rows.append([
            f"{blocks:,}", " ".join(options),
            f"{figures[0][0]:.0f} ({figures[0][1]:.0f})",
            f"{cpu:.0f} ({wall:.0f})"])
        section.figures[f"{blocks} {' '.join(options)}"] = [
            {"cpu_ms": cpu_ms, "wall_ms": wall_ms}
            for cpu_ms, wall_ms in figures]
        if not section.goals:
            section.goals.append(Goal(
                "report with ages, 1,000,000 blocks of 100 stacks, CPU",
                f"{LIMIT_MS} ms", f"{cpu:.0f} ms", cpu < LIMIT_MS))
    section.tables = [table]
    section.notes = [
        "Asked for by SIGUSR1, JSON, the ten largest stacks with ages; -a "
        "lists their blocks too. CPU time is leaktrace's own, user and "
        "system. The first report also looks the names up. Every figure in "
        "the reports was checked: all blocks and all stacks there, no losses.",
    ]
    return section
