# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs leaktrace against programs that know their own truth.

tests/programs/truth.h documents how those programs are spoken to;
docs/leaktrace.8 documents leaktrace's JSON. Every wait here ends: what does
not come within its time is an error that shows what came instead.
"""

import io
import json
import os
import signal
import subprocess
import threading
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("LEAKTRACE_BUILD", ROOT / "build")).resolve()
LEAKTRACE = BUILD / "leaktrace"
PROGRAMS = BUILD / "programs"

# A factor to all time limits, where a machine is emulated.
PATIENCE = int(os.environ.get("LEAKTRACE_PATIENCE", "1"))
# seconds, for anything that takes less than one when all is well
TIMEOUT = 30 * PATIENCE
NEVER = "3600"  # an interval that does not pass


def wait_until(predicate, what, timeout=TIMEOUT):
    """Polls until predicate() is true, and returns what it returned."""
    end = time.monotonic() + timeout
    while True:
        result = predicate()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout} s")
        time.sleep(0.01)


def session_members(session):
    """PIDs of all processes of a session, zombies left out."""
    members = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            text = Path("/proc", entry, "stat").read_text()
        except OSError:
            continue
        state, _, _, owner = text.rsplit(")", 1)[1].split()[:4]
        if int(owner) == session and state not in "ZX":
            members.append(int(entry))
    return members


class Lines:
    """The lines of a stream, read as they come by a thread of their own."""

    def __init__(self, stream):
        self.lines = []
        self.ended = False
        self.changed = threading.Condition()
        self.stream = stream
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.stream:
            with self.changed:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, wanted, what, start=0, timeout=TIMEOUT):
        """The index behind the first line, from start on, that is wanted."""
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                for index in range(start, len(self.lines)):
                    if wanted(self.lines[index]):
                        return index + 1
                start = len(self.lines)
                left = end - time.monotonic()
                if self.ended or left <= 0:
                    why = "end of output" if self.ended else f"{timeout} s"
                    text = "\n".join(line[:300] for line in self.lines[-20:])
                    raise AssertionError(
                        f"{what}: not before {why}; came instead:\n{text}")
                self.changed.wait(left)

    def text(self):
        return "\n".join(self.lines)


class Process:
    """A process in a session of its own, its output read as it comes."""

    def __init__(self, argv, env=None, output=None, **options):
        """output: a file for its standard output, which is not read then."""
        self.argv = [str(argument) for argument in argv]
        self.popen = subprocess.Popen(
            self.argv, stdin=subprocess.PIPE,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
            env={**os.environ, **(env or {})}, **options)
        self.stdout = Lines(self.popen.stdout or io.BytesIO())
        self.stderr = Lines(self.popen.stderr)

    @property
    def pid(self):
        return self.popen.pid

    def send(self, line):
        self.popen.stdin.write((line + "\n").encode())
        self.popen.stdin.flush()

    def close_stdin(self):
        try:
            self.popen.stdin.close()
        except BrokenPipeError:
            pass

    def wait(self, timeout=TIMEOUT):
        """The exit status as Popen gives it; its output is complete then."""
        try:
            status = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"still running after {timeout} s: {self.argv[:6]}\n"
                f"{self.stderr.text()}") from None
        self.stdout.thread.join(timeout)
        self.stderr.thread.join(timeout)
        return status

    def kill(self):
        for pid in [self.popen.pid, *session_members(self.popen.pid)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.popen.wait(TIMEOUT)
        self.close_stdin()


class Truths:
    """What a program says by the protocol of truth.h, on any stream."""

    def __init__(self, lines):
        self.source = lines
        self.position = 0

    def ready(self):
        self.position = self.source.wait(
            lambda line: line.startswith("ready "), "ready", self.position)
        return int(self.source.lines[self.position - 1].split()[1])

    def next(self, timeout=60):
        self.position = self.source.wait(
            lambda line: line.startswith('{"truth"'), "truth", self.position,
            timeout)
        return json.loads(self.source.lines[self.position - 1])


class FileLines:
    """A file that a program appends to, with the face of Lines."""

    def __init__(self, path):
        self.path = path
        path.touch()

    @property
    def lines(self):
        return self.path.read_text().split("\n")[:-1]

    def wait(self, wanted, what, start=0, timeout=TIMEOUT):
        def found():
            for index, line in enumerate(self.lines[start:], start):
                if wanted(line):
                    return index + 1
            return 0

        return wait_until(found, f"{what} in {self.path.name}", timeout)


class Program(Process):
    """A program of tests/programs, ready to be told to go."""

    def __init__(self, name, *arguments, prefix=(), path=None, **options):
        super().__init__([*prefix, path or PROGRAMS / name, *arguments],
                         **options)
        self.truths = Truths(self.stdout)
        self.own_pid = self.truths.ready()

    def tell(self, line="go"):
        """Sends a line and returns the truth that follows."""
        self.send(line)
        return self.truths.next()

    def finish(self):
        """Lets the program exit; its status."""
        self.close_stdin()
        return self.wait()


class Tracer(Process):
    """leaktrace with JSON reports that come when they are asked for."""

    def __init__(self, *arguments, top=10000, env=None, **options):
        super().__init__([LEAKTRACE, "--output", "json", "--top", top,
                          *arguments], env=env, **options)
        self.position = 0
        self.command = None  # Truths of the command that it runs

    def wait_tracing(self):
        self.stderr.wait(lambda line: line.startswith("leaktrace: tracing"),
                         "leaktrace: tracing")
        return self

    def reports(self):
        """All reports so far. Lines that are none must not begin with {."""
        return [json.loads(line) for line in list(self.stdout.lines)
                if line.startswith("{")]

    def next_report(self, reason, timeout=60):
        key = f'"reason":"{reason}"'
        self.position = self.stdout.wait(
            lambda line: line.startswith("{") and key in line[:400],
            f"report ({reason})", self.position, timeout)
        return json.loads(self.stdout.lines[self.position - 1])

    def report_now(self):
        self.popen.send_signal(signal.SIGUSR1)
        return self.next_report("signal")

    def last_report(self):
        """The last report, after the end; nothing may follow it."""
        reports = self.reports()
        reasons = [report["reason"] for report in reports]
        assert reasons.count("last") == 1 and reasons[-1] == "last", \
            f"reports {reasons}, stderr:\n{self.stderr.text()}"
        return reports[-1]

    def stop(self, signal_number=signal.SIGINT):
        """Ends leaktrace by a signal; its last report."""
        self.popen.send_signal(signal_number)
        status = self.wait()
        assert status == 0, f"status {status}\n{self.stderr.text()}"
        return self.last_report()


class Live:
    """What one test started; close() leaves nothing of it behind."""

    def __init__(self, directory):
        self.directory = directory
        self.processes = []

    def own(self, process):
        self.processes.append(process)
        return process

    def run(self, *argv, **options):
        return self.own(Process(argv, **options))

    def start(self, name, *arguments, **options):
        return self.own(Program(name, *arguments, **options))

    def attach(self, program, *options, interval=NEVER, **more):
        """leaktrace -p, once it says that it traces."""
        pid = program if isinstance(program, int) else program.pid
        tracer = self.own(Tracer("-p", pid, *options, interval, **more))
        return tracer.wait_tracing()

    def trace_kernel(self, spaces, *options, **more):
        tracer = self.own(Tracer(f"--kernel={spaces}", *options, NEVER, **more))
        return tracer.wait_tracing()

    def command(self, argv, *options, shell=False, env=None, **more):
        """leaktrace -- argv (or -c argv); truths come by a file."""
        path = self.directory / f"truth-{len(self.processes)}"
        truths = Truths(FileLines(path))
        run = ["-c", argv] if shell else ["--", *argv]
        tracer = self.own(Tracer(*options, *run,
                                 env={**(env or {}), "TRUTH_OUT": str(path)},
                                 **more))
        tracer.command = truths
        return tracer

    def close(self):
        for process in reversed(self.processes):
            process.kill()
        # Killed is not gone: a task ends when it next runs.
        wait_until(lambda: not any(session_members(process.pid)
                                   for process in self.processes),
                   "sessions empty")


def functions(stack):
    return [frame["function"] for frame in stack["frames"]]


def by_site(report, sites=None):
    """{function of the innermost frame: sums over its stacks}."""
    sums = defaultdict(lambda: defaultdict(int))
    for stack in report["stacks"]:
        site = (functions(stack) or [None])[0]
        if sites is not None and site not in sites:
            continue
        sums[site]["stacks"] += 1
        for key in ("blocks", "bytes", "allocations", "allocated_bytes"):
            sums[site][key] += stack[key]
    return sums


def outstanding(report, space):
    """(blocks, bytes) of one space, from the report's totals."""
    for total in report["totals"]:
        if total["space"] == space:
            return total["blocks"], total["bytes"]
    return 0, 0


def loss(report, name):
    for entry in report["losses"]:
        if entry["name"] == name:
            return entry
    return None


def _site_problems(report, truth, lifetimes):
    """One line for each site whose figures are not the truth."""
    keys = ["blocks", "bytes"]
    problems = []
    sums = by_site(report)
    for site in truth["sites"]:
        found = sums.get(site["name"], defaultdict(int))
        compared = list(keys)
        if (lifetimes is True or site["name"] in lifetimes) and \
                site["blocks"]:
            compared += ["allocations", "allocated_bytes"]
        for key in compared:
            if found[key] != site[key]:
                problems.append(f"{site['name']}: {key} {found[key]}, "
                                f"in truth {site[key]}")
    return problems


def _total_problems(report, truth):
    problems = []
    for space in ("heap", "mapping"):
        sites = [site for site in truth["sites"] if site["space"] == space]
        expected = (sum(site["blocks"] for site in sites),
                    sum(site["bytes"] for site in sites))
        found = outstanding(report, space)
        if found != expected:
            problems.append(f"total of {space}: {found}, in truth {expected} "
                            "(blocks, bytes)")
    names = {site["name"] for site in truth["sites"]}
    for stack in report["stacks"]:
        if (functions(stack) or [None])[0] not in names:
            problems.append(f"nobody's: {stack['space']} {stack['blocks']} "
                            f"blocks, {stack['bytes']} bytes, pid "
                            f"{stack['pid']}: {functions(stack)}")
    return problems


def _stack_problems(report, pid):
    """What holds for each stack by itself."""
    problems = []
    for stack in report["stacks"]:
        if stack["pid"] != pid:
            problems.append(f"pid {stack['pid']}, not {pid}: "
                            f"{functions(stack)}")
        if stack["space"] != "heap":
            continue
        if (stack["allocations"] - stack["frees"] != stack["blocks"] or
                stack["allocated_bytes"] - stack["freed_bytes"] !=
                stack["bytes"]):
            problems.append(f"allocated less freed is not outstanding: "
                            f"{ {**stack, 'frames': functions(stack)} }")
    return problems


def _note_problems(report, truth):
    expected = truth["notes"].get("unmatched_frees")
    found = report["unmatched_frees"]
    if expected is None or expected == found:
        return []
    return [f"unmatched frees: {found}, in truth {expected}"]


def lost(report):
    """The losses that concern figures: a missing name is none."""
    return [entry for entry in report["losses"]
            if entry["name"] != "symbols_not_found"]


def compare(report, truth, *, totals=True, lifetimes=(), notes=True,
            pid=None, losses=()):
    """Fails unless the report is the truth, to the block and the byte.

    totals: also the sums over everything, which holds where nothing but the
    planted sites allocates. lifetimes: also what these sites, which have one
    stack each, ever allocated (True: all sites). notes: also the truth's own
    notes, such as unmatched frees. losses: names that may be among the
    report's losses.
    """
    problems = _site_problems(report, truth, lifetimes)
    problems += _stack_problems(report, pid or truth["pid"])
    if totals:
        problems += _total_problems(report, truth)
    if totals and notes:
        problems += _note_problems(report, truth)
    if {entry["name"] for entry in lost(report)} - set(losses):
        problems.append(f"losses: {lost(report)}")
    if report["at_least"] and not losses:
        problems.append("marked as \"at least\"")
    if report["stacks_matching"] != len(report["stacks"]):
        problems.append(f"{len(report['stacks'])} stacks listed of "
                        f"{report['stacks_matching']}")
    assert not problems, "\n  ".join(
        [f"report {report['report']} ({report['reason']}) against the truth:",
         *problems])


def check_to_the_end(program, tracer, truth, status=0, notes_at_end=True,
                     **how):
    """Compares a report now and the last one, after the program's exit."""
    compare(tracer.report_now(), truth, **how)
    assert program.finish() == status
    assert tracer.wait() == 0, tracer.stderr.text()
    compare(tracer.last_report(), truth, notes=notes_at_end, **how)
