# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes: asked by lines, timed, and watched for probes."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

PAGE = 4096


def cpu_ns(pid):
    """CPU time of the threads that a process has now, 0 if it is gone."""
    total = 0
    for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(task.read_text().split()[0])
        except (OSError, IndexError):
            pass
    return total


def session_pids(session):
    pids = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            text = Path("/proc", entry, "stat").read_text()
        except OSError:
            continue
        if int(text.rsplit(")", 1)[1].split()[3]) == session:
            pids.append(int(entry))
    return pids


def session_cpu_ns(session):
    return sum(cpu_ns(pid) for pid in session_pids(session))


def kill_session(session):
    for pid in session_pids(session):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def kill_children():
    """Ends whatever this process has started and not yet ended."""
    try:
        children = Path("/proc/thread-self/children").read_text().split()
    except OSError:  # CONFIG_PROC_CHILDREN
        children = []
    for child in map(int, children):
        kill_session(child)


def wait_until(predicate, what, timeout=60, pause=0.002):
    """Polls until predicate() is true, and returns what it returned."""
    end = time.monotonic() + timeout
    while True:
        result = predicate()
        if result:
            return result
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {timeout} s")
        time.sleep(pause)


class Program:
    """A program that says ready and then answers a line with a line."""

    def __init__(self, *argv, env=None):
        self.popen = subprocess.Popen(
            [str(argument) for argument in argv], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, **(env or {})})
        if not self.popen.stdout.readline().startswith("ready"):
            raise RuntimeError(f"{argv[0]} did not start")

    @property
    def pid(self):
        return self.popen.pid

    def ask(self, line):
        """The numbers that the program answers with."""
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()
        answer = self.popen.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.popen.args[0]} ended at \"{line}\"")
        return [int(word) for word in answer.split()]

    def close(self):
        self.popen.stdin.close()
        self.popen.wait(60)


class Finished:
    """How a process that was timed ended."""

    def __init__(self, status, usage, wall_ns, timed_out):
        self.status = status
        self.cpu_ns = int((usage.ru_utime + usage.ru_stime) * 1e9)
        self.wall_ns = wall_ns
        self.timed_out = timed_out


def wait_timed(popen, began, timeout):
    """Waits for a process, with the resource usage of it and its children.

    The whole session is killed after timeout seconds.
    """
    late = threading.Event()

    def kill():
        late.set()
        kill_session(popen.pid)

    timer = threading.Timer(timeout, kill)
    timer.start()
    _, status, usage = os.wait4(popen.pid, 0)
    wall_ns = int((time.monotonic() - began) * 1e9)
    timer.cancel()
    popen.returncode = os.waitstatus_to_exitcode(status)
    return Finished(popen.returncode, usage, wall_ns, late.is_set())


class Text:
    """The code of a process, compared with what it was: probes change it."""

    def __init__(self, pid):
        self.memory = open(f"/proc/{pid}/mem", "rb", buffering=0)
        self.original = []
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            words = line.split(maxsplit=5)
            if "x" not in words[1] or words[4] == "0":
                continue
            start, end = (int(word, 16) for word in words[0].split("-"))
            self.original.append((start, self._read(start, end - start)))

    def _read(self, start, size):
        self.memory.seek(start)
        return self.memory.read(size)

    def changed_bytes(self):
        changed = 0
        for start, original in self.original:
            now = self._read(start, len(original))
            if now == original:
                continue
            for page in range(0, len(original), PAGE):
                old = original[page:page + PAGE]
                new = now[page:page + PAGE]
                if old != new:
                    changed += sum(a != b for a, b in zip(old, new))
        return changed

    def close(self):
        self.memory.close()


class TextWatch:
    """Notes each change of a process's code with its time, until stopped."""

    def __init__(self, text):
        self.text = text
        self.changes = [(time.monotonic(), text.changed_bytes())]
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()

    def _watch(self):
        while not self.done.is_set():
            # The time before the reading: at the latest then it was so.
            now = time.monotonic()
            changed = self.text.changed_bytes()
            if changed != self.changes[-1][1]:
                self.changes.append((now, changed))
            time.sleep(0.0005)

    def stop(self):
        """[(time, bytes changed)], the state at the start first."""
        self.done.set()
        self.thread.join()
        return self.changes
