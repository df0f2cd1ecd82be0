# SPDX-License-Identifier: GPL-2.0-or-later
"""What was measured, as text tables, as JSON and in the documentation."""

import json
import os
import platform
import re
import statistics
import time
from dataclasses import dataclass, field

BEGIN = "<!-- written by make bench BENCH_OPTIONS=--write-docs: begin -->"
END = "<!-- written by make bench BENCH_OPTIONS=--write-docs: end -->"

NOISY_LOAD = 0.3


@dataclass
class Table:
    title: str
    columns: list
    rows: list = field(default_factory=list)  # of texts, as many as columns

    def text(self):
        """Markdown that is aligned for reading as it is."""
        rows = [self.columns, *self.rows]
        widths = [max(len(row[column]) for row in rows)
                  for column in range(len(self.columns))]

        def line(cells):
            return "| " + " | ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(cells, widths))
            ) + " |"

        rule = "|" + "|".join(
            "-" * (width + 2) if column == 0 else "-" * (width + 1) + ":"
            for column, width in enumerate(widths)) + "|"
        return "\n".join([f"### {self.title}", "", line(self.columns), rule,
                          *map(line, self.rows)])


@dataclass
class Goal:
    what: str
    limit: str
    measured: str
    met: bool


@dataclass
class Section:
    """One subject of the bench."""
    name: str
    tables: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    goals: list = field(default_factory=list)
    figures: dict = field(default_factory=dict)  # for JSON

    def text(self):
        parts = [table.text() for table in self.tables]
        if self.notes:
            parts.append("\n".join(f"- {note}" for note in self.notes))
        return "\n\n".join(parts)


def median(values):
    return statistics.median(values)


def times(ratio):
    """2.53 as "2.5x", 253 as "253x"."""
    return f"{ratio:.2f}x" if ratio < 2 else (
        f"{ratio:.1f}x" if ratio < 100 else f"{ratio:.0f}x")


def processor():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        found = re.search(r"^model name\s*:\s*(.*)$", info.read(), re.M)
    return found.group(1) if found else platform.machine()


def circumstances(version):
    return {
        "date": time.strftime("%Y-%m-%d"),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "processor": processor(),
        "processors": os.cpu_count(),
        "load_at_start": round(os.getloadavg()[0], 1),
        "leaktrace": version,
    }


def goals_table(sections):
    table = Table("Goals", ["goal", "limit", "measured", "met"])
    for section in sections:
        for goal in section.goals:
            table.rows.append([goal.what, goal.limit, goal.measured,
                               "yes" if goal.met else "no"])
    return table


def report_text(where, sections):
    head = (f"{where['date']}, Linux {where['kernel']} on "
            f"{where['processors']} x {where['processor']} "
            f"({where['machine']}), {where['leaktrace']}; other load at the "
            f"start: {where['load_at_start']}")
    head += (" (figures are noisy)." if where["load_at_start"] > NOISY_LOAD
             else ".")
    parts = [head, *(section.text() for section in sections)]
    goals = goals_table(sections)
    if goals.rows:
        parts.append(goals.text())
    return "\n\n".join(parts) + "\n"


def write_json(path, where, sections):
    document = {
        **where,
        "sections": {section.name: section.figures for section in sections},
        "goals": [vars(goal) for section in sections
                  for goal in section.goals],
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")


def write_docs(path, text):
    """Replaces what stands between the marks."""
    with open(path, encoding="utf-8") as file:
        document = file.read()
    head, begin, rest = document.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path}: the marks are missing: {BEGIN}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{head}{BEGIN}\n\n{text}\n{END}{tail}")
