#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""accuracy.py LEAKTRACE PROGRAM OUTPUT: verdicts against labels, published.

Runs all scenarios at several rates for three minutes, and compares the
verdicts after 30 s, 60 s and 3 min with what is known of each.
"""

import json
import subprocess
import sys
import tempfile

RATES = ("0.5", "1", "2")
TIMES = (30, 60, 180)
PEERS_AGE, PEERS_TOP = 10, 10


def start(leaktrace, program, rate, when=("30", "6"), output=None):
    """A program, its labels, and leaktrace attached to it."""
    target = subprocess.Popen([program, rate], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    labels = {}
    for line in target.stdout:
        if line == "ready\n":
            break
        name, leaks, held_out = line.split()
        labels[name] = (leaks == "1", held_out == "1")
    tracer = subprocess.Popen(
        [leaktrace, "-p", str(target.pid), "--output", "json", "-T", "100000",
         "--max-blocks", "256K", *when],
        stdout=output or subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    tracer.stderr.readline()  # that it traces
    target.stdin.write("go\n")
    target.stdin.flush()
    return target, labels, tracer


def scenario_of(stack, labels):
    """Whose function is on the stack, the innermost; None: nobody's."""
    for frame in stack["frames"]:
        if frame["function"] in labels:
            return frame["function"]
    return None


def found(report, labels):
    """The scenarios that leaktrace, and peers, would call leaks; verdicts."""
    verdicts, leaking = {}, set()
    for stack in report["stacks"]:
        name = scenario_of(stack, labels)
        if not name:
            continue
        verdicts.setdefault(name, []).append(stack["verdict"])
        if stack["verdict"] == "leaking":
            leaking.add(name)
    old = [stack for stack in report["stacks"]
           if (stack["oldest_age_seconds"] or 0) >= PEERS_AGE]
    old.sort(key=lambda stack: -stack["bytes"])
    peers = {scenario_of(stack, labels) for stack in old[:PEERS_TOP]}
    return leaking, peers - {None}, verdicts


class Score:
    """Right and wrong, added up."""

    def __init__(self):
        self.right = self.false = self.missed = 0

    def add(self, called, leaks):
        self.right += called and leaks
        self.false += called and not leaks
        self.missed += leaks and not called

    def row(self):
        called, all_leaks = self.right + self.false, self.right + self.missed
        precision = f"{self.right / called:.3f}" if called else "-"
        recall = f"{self.right / all_leaks:.3f}" if all_leaks else "-"
        return f"{precision} | {recall} | {self.false} | {self.missed}"


def main():
    leaktrace, program, published = sys.argv[1:]
    # Into files: a full pipe would hold a tracer up while others are read.
    outputs = [tempfile.TemporaryFile("w+") for _ in RATES]
    runs = [start(leaktrace, program, rate, output=file)
            for rate, file in zip(RATES, outputs)]
    scores, cells, wrong = {}, {}, []
    for rate, (target, labels, tracer), file in zip(RATES, runs, outputs):
        tracer.wait()
        target.kill()
        file.seek(0)
        reports = [json.loads(line) for line in file]
        for report in reports:
            seconds = round(report["elapsed_seconds"])
            if seconds not in TIMES:
                continue
            leaking, peers, verdicts = found(report, labels)
            for name, (leaks, held_out) in labels.items():
                called = {"leaktrace": name in leaking, "peers": name in peers}
                for who, it in called.items():
                    for part in ("all", "held out" if held_out else "tuned"):
                        scores.setdefault((who, part, seconds),
                                          Score()).add(it, leaks)
                if called["leaktrace"] != leaks:
                    wrong.append((seconds, rate, name))
                cells[name, rate, seconds] = min(
                    verdicts.get(name, ["freed"]),
                    key=["leaking", "growing", "plateaued", "steady",
                         "start-up", "none", "freed"].index)
    with open(published, "w", encoding="ascii") as file:
        write(file, runs[0][1], scores, cells, wrong)


def write(file, labels, scores, cells, wrong):
    leaks = sum(leaks for leaks, _ in labels.values())
    held_out = sum(held for _, held in labels.values())
    print(f"""# Accuracy

Written by `make accuracy`. {len(labels)} scenarios, {leaks} of them leaks, in
tests/programs/accuracy, each with code of its own, at {len(RATES)} rates
({', '.join(RATES)} times theirs). {held_out} were held out: no threshold was
chosen with a look at them. A scenario is called a leak if one of its call
stacks has the verdict `leaking`. `peers` is what their lists amount to: the
{PEERS_TOP} largest stacks that have a block older than {PEERS_AGE} s.

| | scenarios | after | precision | recall | false | missed |
|---|---|---|---|---|---|---|""", file=file)
    for (who, part, seconds), score in sorted(scores.items()):
        print(f"| {who} | {part} | {seconds} s | {score.row()} |", file=file)
    print("\nWrong:\n", file=file)
    for seconds, rate, name in sorted(wrong):
        print(f"- after {seconds} s at rate {rate}: `{name}` is "
              f"{cells[name, rate, seconds]}", file=file)
    print("\nThe most suspicious verdict of each scenario, after "
          + ", ".join(f"{seconds} s" for seconds in TIMES)
          + " at each rate:\n\n| scenario | leak | held out | "
          + " | ".join(RATES) + " |\n|---|---|---|" + "---|" * len(RATES),
          file=file)
    for name, (leaks, held) in labels.items():
        row = " | ".join(
            ", ".join(cells.get((name, rate, seconds), "-")
                      for seconds in TIMES) for rate in RATES)
        print(f"| `{name}` | {'yes' if leaks else ''} | "
              f"{'yes' if held else ''} | {row} |", file=file)


if __name__ == "__main__":
    main()
