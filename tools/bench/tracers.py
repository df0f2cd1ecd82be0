# SPDX-License-Identifier: GPL-2.0-or-later
"""The tracers that attach to a running process: leaktrace and bpftrace."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from processes import Text, cpu_ns, wait_until

UNTRACED, EXACT, SAMPLED = "untraced", "leaktrace", "leaktrace -s 512K"
PEER = "bpftrace script"
METHODS = ("session", "multi", "perf")  # to attach, by LEAKTRACE_ATTACH

NEVER = "1000h"  # an interval that does not pass
SCRIPT = Path(__file__).with_name("outstanding.bt")

# malloc, calloc, realloc, free: one breakpoint each.
SCRIPT_BREAKPOINTS = 4

# bpftrace wants tracefs. In a mount namespace of its own, nothing is left of
# it, however bpftrace ends.
BPFTRACE = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
            "mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; "
            "exec bpftrace \"$@\"", "bpftrace"]


class Tracer:
    """A tracer at work on one process, its output in two files."""

    def __init__(self, argv, directory, env=None):
        self.output = Path(directory, f"output-{time.monotonic_ns()}")
        self.messages = self.output.with_suffix(".messages")
        with open(self.output, "wb") as output, \
                open(self.messages, "wb") as messages:
            self.popen = subprocess.Popen(
                [str(argument) for argument in argv],
                stdin=subprocess.DEVNULL, stdout=output, stderr=messages,
                start_new_session=True, env={**os.environ, **(env or {})})

    def check(self):
        if self.popen.poll() not in (None, 0):
            raise RuntimeError(f"{self.popen.args}: status "
                               f"{self.popen.returncode}\n"
                               f"{self.messages.read_text()}")

    def cpu_ns(self):
        return cpu_ns(self.popen.pid)

    def interrupt(self):
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGINT)

    def wait(self, timeout=60):
        try:
            self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise

    def stop(self):
        self.interrupt()
        self.wait()
        self.check()

    def kill(self):
        self.popen.kill()
        self.popen.wait()


class Leaktrace(Tracer):
    def __init__(self, program, pid, directory, options=(), method=None,
                 interval=NEVER, top=10):
        super().__init__(
            [program, "--output", "json", "--top", top, *options, "-p", pid,
             interval], directory,
            {"LEAKTRACE_ATTACH": method} if method else None)
        self.reports_read = 0

    def is_ready(self):
        self.check()
        return b"leaktrace: tracing" in self.messages.read_bytes()

    def wait_ready(self):
        wait_until(self.is_ready, "leaktrace: tracing", pause=0.0005)
        return self

    def _report(self):
        self.check()
        with open(self.output, "rb") as output:
            lines = output.read().split(b"\n")[:-1]
        return lines[self.reports_read:]

    def report_now(self):
        """A report by SIGUSR1; (the report, CPU ns, wall ns that it took)."""
        self.wait_idle()
        cpu, began = self.cpu_ns(), time.monotonic()
        size = self.output.stat().st_size
        self.popen.send_signal(signal.SIGUSR1)
        wait_until(lambda: self.output.stat().st_size > size,
                   "report", pause=0.001)
        line = wait_until(self._report, "report", pause=0.001)[0]
        wall = time.monotonic() - began
        self.wait_idle()
        self.reports_read += 1
        return json.loads(line), self.cpu_ns() - cpu, int(wall * 1e9)

    def wait_idle(self, seconds=0.03):
        """Waits until the tracer has used no CPU time for some while."""
        def is_idle():
            before = self.cpu_ns()
            time.sleep(seconds)
            return self.cpu_ns() == before

        wait_until(is_idle, "leaktrace's end of work")

    def last_report(self):
        """After the end."""
        return json.loads(self.output.read_bytes().splitlines()[-1])


class Bpftrace(Tracer):
    def __init__(self, pid, allocator, directory):
        script = Path(directory, f"script-{time.monotonic_ns()}.bt")
        script.write_text(SCRIPT.read_text().replace("ALLOCATOR",
                                                     str(allocator)))
        self.text = Text(pid)
        super().__init__([*BPFTRACE, "-p", pid, script], directory,
                         {"BPFTRACE_MAP_KEYS_MAX": "1000000"})

    def is_ready(self):
        self.check()
        return self.text.changed_bytes() >= SCRIPT_BREAKPOINTS

    def wait_ready(self):
        """It says nothing when it is ready: all breakpoints, then quiet."""
        wait_until(self.is_ready, "bpftrace's probes")
        wait_until(self._is_quiet, "bpftrace's end of attaching")
        self.text.close()
        return self

    def _is_quiet(self):
        """It wakes up now and then, to look for output."""
        before = self.cpu_ns()
        time.sleep(0.3)
        return self.cpu_ns() - before < 10000000


def loss_problems(report):
    """The losses that make a measurement worthless, as one line or ""."""
    return ", ".join(f"{entry['name']} {entry['count']}"
                     for entry in report["losses"] if entry["understates"])
