# SPDX-License-Identifier: GPL-2.0-or-later
"""How much slower real programs get, under leaktrace and under its peers."""

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import workloads
from processes import kill_session, session_cpu_ns, wait_timed, wait_until
from results import Goal, Section, Table, median, times
from tracers import (EXACT, PEER, SAMPLED, UNTRACED, Bpftrace, Leaktrace,
                     loss_problems)

TIMEOUT = 60  # seconds, for one run
LONG = 10  # seconds; what takes longer is not repeated
SLOW_SCALE = 0.25
QUICK_SCALE = 0.05
HEAPTRACK, VALGRIND = "heaptrack", "valgrind"


@dataclass
class Contestant:
    name: str
    slow: bool = False     # gets the smaller input, once
    options: tuple = None  # leaktrace's
    prefix: tuple = ()     # before the command


@dataclass
class Run:
    """What one run took: CPU time of program and tool, wall time, in ns."""
    cpu_ns: int
    wall_ns: int
    timed_out: bool = False


def contestants(bench):
    output = str(bench.directory / "heaptrack")
    entries = [Contestant(UNTRACED), Contestant(EXACT, options=())]
    if bench.can_sample:
        entries.append(Contestant(SAMPLED, options=("--sample", "512K")))
    entries += [
        Contestant(HEAPTRACK, prefix=("heaptrack", "-o", output)),
        Contestant(PEER, slow=True),
    ]
    if not bench.quick:
        entries.append(Contestant(VALGRIND, slow=True,
                                  prefix=("valgrind", "-q")))
    return entries


def attach(bench, contestant, pid):
    """The tracer at work on pid, None where the contestant attaches none."""
    if contestant.options is not None:
        tracer = Leaktrace(bench.leaktrace, pid, bench.directory,
                           contestant.options, interval="5s")
    elif contestant.name == PEER:
        tracer = Bpftrace(pid, allocator_of(pid, bench.libc), bench.directory)
    else:
        return None
    return tracer.wait_ready()


def allocator_of(pid, libc):
    """The file with the malloc that a process uses."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        if "libjemalloc" in line:
            return line.split(maxsplit=5)[-1]
    return libc


def finish(tracer, contestant):
    """Ends a tracer; fails if leaktrace missed what it was to see."""
    if contestant.name != EXACT:
        tracer.kill()
        return
    tracer.stop()
    report = tracer.last_report()
    problems = loss_problems(report)
    if problems or report["stacks_total"] < 10:
        raise RuntimeError(f"{report['stacks_total']} stacks; {problems}")


def run_launched(bench, contestant, command):
    """A command under a tracer that attaches (or under none)."""
    ours, theirs = socket.socketpair()
    popen = subprocess.Popen(
        [bench.programs / "launch", str(theirs.fileno()), *command],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()], start_new_session=True)
    ours.recv(1)
    tracer = attach(bench, contestant, popen.pid)
    tool = tracer.cpu_ns() if tracer else 0
    began = time.monotonic()
    ours.send(b"\n")
    finished = wait_timed(popen, began, TIMEOUT)
    tool = tracer.cpu_ns() - tool if tracer else 0
    ours.close()
    theirs.close()
    if tracer:
        finish(tracer, contestant)
    return checked(finished, command, tool)


def run_prefixed(contestant, command):
    """A command under a tool that starts it."""
    argv = [*contestant.prefix, *command]
    began = time.monotonic()
    popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL,
                             start_new_session=True)
    return checked(wait_timed(popen, began, TIMEOUT), argv, 0)


def checked(finished, argv, tool_ns):
    if finished.status and not finished.timed_out:
        raise RuntimeError(f"{argv[:4]}: status {finished.status}")
    return Run(finished.cpu_ns + tool_ns, finished.wall_ns,
               finished.timed_out)


def redis_answers(path):
    return path.exists() and subprocess.run(
        ["redis-cli", "-s", path, "ping"], check=False,
        capture_output=True).stdout == b"PONG\n"


def redis_pid(path):
    answer = subprocess.run(["redis-cli", "-s", path, "info", "server"],
                            check=True, capture_output=True, text=True).stdout
    return int(answer.split("process_id:")[1].split()[0])


def run_redis(bench, contestant, scale):
    """redis-server under redis-benchmark; the times are the server's."""
    path = bench.directory / "redis.sock"
    server = subprocess.Popen(
        [*contestant.prefix, *workloads.redis_server(path)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True)
    wait_until(lambda: redis_answers(path), "redis-server", pause=0.05)
    tracer = attach(bench, contestant, redis_pid(path))
    cpu = session_cpu_ns(server.pid) + (tracer.cpu_ns() if tracer else 0)
    began = time.monotonic()
    client = subprocess.Popen(workloads.redis_benchmark(path, scale),
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL,
                              start_new_session=True)
    finished = wait_timed(client, began, TIMEOUT)
    cpu = session_cpu_ns(server.pid) + (
        tracer.cpu_ns() if tracer else 0) - cpu
    if tracer:
        finish(tracer, contestant)
    kill_session(server.pid)
    server.wait()
    path.unlink(missing_ok=True)
    checked(finished, ["redis-benchmark"], 0)
    return Run(cpu, finished.wall_ns, finished.timed_out)


def run_once(bench, workload, contestant, scale):
    if workload == "redis-server":
        return run_redis(bench, contestant, scale)
    command = workloads.COMMANDS[workload](bench.directory, scale)
    if contestant.prefix:
        return run_prefixed(contestant, command)
    return run_launched(bench, contestant, command)


def measure(bench, workload, entries):
    """{contestant: {scale: [Run]}}, fast and slow ones in turns."""
    runs = {entry.name: {} for entry in entries}
    full, small = (QUICK_SCALE, QUICK_SCALE) if bench.quick else (
        1, SLOW_SCALE)
    rounds = 1 if bench.quick else min(bench.runs, 3)
    for _ in range(rounds):
        for entry in entries:
            scales = {small} if entry.slow else {full}
            if entry.name == UNTRACED:
                scales = {full, small}
            for scale in scales:
                own = runs[entry.name].setdefault(scale, [])
                if not own or not (entry.slow or
                                   own[0].wall_ns > LONG * 1e9):
                    own.append(run_once(bench, workload, entry, scale))
    return runs


def slowdown(runs, name):
    """(CPU, wall, whether it was stopped) as multiples of untraced."""
    (scale, own), = runs[name].items()
    base = runs[UNTRACED][scale]
    return (median([run.cpu_ns for run in own]) /
            median([run.cpu_ns for run in base]),
            median([run.wall_ns for run in own]) /
            median([run.wall_ns for run in base]),
            any(run.timed_out for run in own))


def row(workload, runs, entries):
    full = max(runs[UNTRACED])
    base = median([run.cpu_ns for run in runs[UNTRACED][full]]) / 1e9
    cells = [workload, f"{base:.2f} s"]
    for entry in entries[1:]:
        cpu, wall, stopped = slowdown(runs, entry.name)
        cells.append(("> " if stopped else "") +
                     f"{times(cpu)} ({times(wall)})")
    return cells


def goals(all_runs):
    entries = []
    for workload in ("sqlite3", "jq", "cc1"):
        exact = slowdown(all_runs[workload], EXACT)
        heaptrack = slowdown(all_runs[workload], HEAPTRACK)
        entries.append(Goal(
            f"{workload}: leaktrace below heaptrack, CPU",
            ("> " if heaptrack[2] else "") + times(heaptrack[0]),
            times(exact[0]), exact[0] < heaptrack[0]))
    return entries


def run(bench):
    for tool in ("heaptrack", "valgrind", "bpftrace", "redis-cli"):
        if not shutil.which(tool):
            raise RuntimeError(f"{tool} is not installed "
                               "(tools/bench/packages.txt)")
    section = Section("programs")
    entries = contestants(bench)
    table = Table("Real programs, times slower: CPU (wall)",
                  ["", UNTRACED, *(entry.name for entry in entries[1:])])
    if not bench.can_sample:
        table.columns.insert(3, SAMPLED)
    all_runs = {}
    for workload in (*workloads.COMMANDS, "redis-server"):
        runs = all_runs[workload] = measure(bench, workload, entries)
        cells = row(workload, runs, entries)
        if not bench.can_sample:
            cells.insert(3, "-")
        table.rows.append(cells)
        section.figures[workload] = {
            name: {str(scale): [vars(run) for run in own]
                   for scale, own in by_scale.items()}
            for name, by_scale in runs.items()}
    section.tables = [table]
    section.notes = [
        "CPU time of the program and the tool together, from the program's "
        "start to its end; for redis-server the server's, and the wall time "
        "of redis-benchmark. bpftrace and leaktrace are attached before the "
        "program starts, so their own start does not count; heaptrack's and "
        "valgrind's does.",
        f"bpftrace and valgrind get {SLOW_SCALE:.0%} of the input, and are "
        "held against untraced runs on the same. Medians of "
        f"{min(bench.runs, 3)} runs; these two, and what takes more than "
        f"{LONG} s, run once. \"> \": stopped after {TIMEOUT} s.",
        "redis-server uses jemalloc, and the bpftrace script was told so.",
    ]
    if bench.quick:
        section.notes[1] = (f"One run, on {QUICK_SCALE:.0%} of the input, in "
                            "which the start and end of tools weigh much.")
    section.goals = goals(all_runs)
    return section
