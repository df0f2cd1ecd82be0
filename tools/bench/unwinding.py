# SPDX-License-Identifier: GPL-2.0-or-later
"""What a call stack costs: by unwind tables, and by bpf_get_stackid.

The kernel's own figures (BPF_STATS_RUN_TIME) of tests/live/unwind_check, on
the same program built without frame pointers and, for bpf_get_stackid, with.
"""

import re
import subprocess

from results import Goal, Section, Table, median

DEPTHS = (1, 10, 30, 60, 100)
GOAL_DEPTHS = (10, 30, 60, 100)
WALK, STACKID = "unwind tables", "bpf_get_stackid, frame pointers"
CONTESTANTS = {
    WALK: ("bench_walk", "unwind_target"),
    STACKID: ("bench_stackid", "unwind_target_fp"),
}


def measure(live, name, depth, stacks):
    """ns a stack."""
    bpf_program, target = CONTESTANTS[name]
    output = subprocess.run(
        [live / "unwind_check", "--bench", live / "unwind_check.bpf.o",
         bpf_program, live / target, "--depth", str(depth), str(stacks)],
        check=True, capture_output=True, text=True).stdout
    found = re.search(r"([\d.]+) ns each", output)
    if not found:
        raise RuntimeError(f"unwind_check says no figure: {output}")
    return float(found.group(1))


def run(bench):
    live = bench.build / "live"
    samples = {name: {depth: [] for depth in DEPTHS} for name in CONTESTANTS}
    for _ in range(bench.runs):
        for depth in DEPTHS:
            for name, by_depth in samples.items():
                by_depth[depth].append(measure(
                    live, name, depth, 10000 if bench.quick else 40000))
    section = Section("unwind", figures=samples)
    medians = {name: {depth: median(values)
                      for depth, values in by_depth.items()}
               for name, by_depth in samples.items()}
    section.tables = [Table(
        "A user call stack in BPF, in ns",
        ["", *(f"depth {depth}" for depth in DEPTHS)],
        [[name, *(f"{by_depth[depth]:,.0f}" for depth in DEPTHS)]
         for name, by_depth in medians.items()])]
    section.notes = [
        f"Medians of {bench.runs} runs, taking turns; the mean of all stacks "
        "in each.",
    ]
    section.goals = [
        Goal(f"unwinding cheaper than bpf_get_stackid, depth {depth}",
             f"{medians[STACKID][depth]:,.0f} ns",
             f"{medians[WALK][depth]:,.0f} ns",
             medians[WALK][depth] < medians[STACKID][depth])
        for depth in GOAL_DEPTHS]
    return section
