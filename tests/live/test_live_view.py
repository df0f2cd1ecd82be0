# SPDX-License-Identifier: GPL-2.0-or-later
"""--live in a terminal of tmux's: what is on the screen, key by key."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import LEAKTRACE, NEVER, wait_until


class Screen:
    """A terminal of its own with leaktrace in it."""

    def __init__(self, directory, *command, columns=80, lines=24):
        assert shutil.which("tmux"), "tmux is not installed"
        self.directory = Path(tempfile.mkdtemp(dir=directory))
        self.tmux = ["tmux", "-f", "/dev/null", "-S", self.directory / "tmux"]
        self.status = self.directory / "status"
        shell = f"{shlex.join(map(str, command))}; echo $? > {self.status}; " \
            "sleep 300"
        self.run("new-session", "-d", "-x", str(columns), "-y", str(lines),
                 "-c", str(self.directory), "sh", "-c", shell,
                 env={**os.environ, "LC_ALL": "C.UTF-8"})

    def run(self, *arguments, env=None):
        return subprocess.run([*self.tmux, *arguments], check=True, text=True,
                              capture_output=True, env=env).stdout

    def lines(self):
        return self.run("capture-pane", "-p").splitlines()

    def type(self, *keys):
        self.run("send-keys", *keys)

    def wait(self, pattern):
        """The line that matches, once there is one."""
        def found():
            return next((line for line in self.lines()
                         if re.search(pattern, line)), None)
        try:
            return wait_until(found, pattern)
        except AssertionError:
            raise AssertionError(f"no line {pattern!r} in:\n" +
                                 "\n".join(self.lines())) from None

    def wait_gone(self, pattern):
        wait_until(lambda: not any(re.search(pattern, line)
                                   for line in self.lines()),
                   f"{pattern!r} still there")

    def resize(self, columns, lines):
        self.run("resize-window", "-x", str(columns), "-y", str(lines))

    def end(self):
        """leaktrace's exit status."""
        wait_until(lambda: self.status.exists() and self.status.read_text(),
                   "exit status")
        return int(self.status.read_text())

    def close(self):
        subprocess.run([*self.tmux, "kill-server"], capture_output=True)


@pytest.fixture
def screen(live, tmp_path):
    screens = []

    def open_screen(*command, **size):
        screens.append(Screen(tmp_path, *command, **size))
        return screens[-1]

    yield open_screen
    for one in screens:
        one.close()


@pytest.fixture
def planted(live, screen):
    """apple: 100 blocks, 10,000 bytes; banana: 2 blocks, 50,000 bytes."""
    program = live.start("planted")
    view = screen(LEAKTRACE, "-p", program.pid, "--live", "--sort", "bytes",
                  NEVER)
    view.wait("waiting for the first report")
    program.tell("alloc apple 100 100")
    program.tell("alloc banana 2 25000")
    view.type("r")
    view.wait("banana")
    return program, view


def rows(view):
    """The functions of the table's lines, from the top."""
    return [re.search(r" (\w+)  \[", line).group(1)
            for line in view.lines()[4:] if "[planted" in line]


def test_table(planted):
    program, view = planted
    assert f"planted (PID {program.pid})" in view.lines()[0]
    assert "58.6 KiB in 102 blocks, 2 stacks" in view.lines()[1]
    assert rows(view) == ["banana", "apple"]
    assert re.search(r"48\.8 KiB +2 +\+48\.8 KiB", view.wait("banana"))
    assert all(len(line) <= 80 for line in view.lines())
    # By blocks; then only what has a name.
    view.type(">", ">")
    view.wait("BLOCKS<")
    assert rows(view) == ["apple", "banana"]
    view.type("/", "B", "a", "n")
    view.wait("^/Ban_")
    view.wait_gone("apple")
    assert rows(view) == ["banana"]
    view.type("Escape")
    view.wait("apple")
    view.type("q")
    assert view.end() == 0
    # The terminal is as before, with the last report on it.
    view.wait("last report of planted.*ended by q")


def test_stack(planted):
    program, view = planted
    view.type("Down", "Enter")
    view.wait("100 blocks")
    view.wait(r"^ +apple .*planted\.c:\d+")
    view.wait("main ")
    assert any("\u2588" in line for line in view.lines())
    view.type("q")
    view.wait("BYTES")
    view.type("h")
    view.wait("end leaktrace")
    view.type("Escape")
    view.wait("BYTES")
    view.type("l")
    view.wait("nothing was lost|call stacks|without a name|not found")


def test_baseline(planted):
    program, view = planted
    view.type("b")
    view.wait("change since")
    assert re.search(r"48\.8 KiB +2 +- ", view.wait("banana"))
    program.tell("alloc apple 10 100")
    view.type("r")
    line = view.wait("110.*apple")
    assert re.search(r"110 +\+1000 B", line), line
    # A second report changes nothing of what is since the baseline.
    view.type("r")
    view.wait(r"110 +\+1000 B")
    view.type("B")
    view.wait_gone("change since")
    assert re.search(r"110 +- ", view.wait("apple"))


def test_snapshot(planted):
    program, view = planted
    view.type("s")
    name = re.search(r"saved to (\S+)", view.wait("saved to")).group(1)
    output = subprocess.run([LEAKTRACE, "report", view.directory / name],
                            check=True, capture_output=True, text=True).stdout
    assert "58.6 KiB in 102 blocks from 2 stacks" in output
    assert "banana" in output


def test_sizes(planted):
    program, view = planted
    view.resize(130, 8)
    view.wait("HISTORY {20,}FUNCTION")
    view.resize(30, 4)
    view.wait("terminal too small")
    view.resize(40, 7)
    view.wait("banana|48.8 KiB")
    assert all(len(line) <= 40 for line in view.lines())
    view.resize(80, 24)
    view.wait("banana")


def test_interval_and_end(live, screen):
    program = live.start("planted")
    view = screen(LEAKTRACE, "-p", program.pid, "--live", "100ms")
    view.wait("nothing outstanding")
    program.tell("alloc cherry 7 1000")
    view.wait("6.8 KiB +7 .*cherry")
    program.finish()
    assert view.end() == 0
    view.wait("last report of planted.*target exited")


def test_no_terminal(live):
    program = live.start("planted")
    tracer = live.run(LEAKTRACE, "-p", program.pid, "--live")
    assert tracer.wait() == 1
    assert "--live needs a terminal" in tracer.stderr.text()


def test_unknown_terminal(live, screen):
    program = live.start("planted")
    view = screen("env", "TERM=nonsense", LEAKTRACE, "-p", program.pid,
                  "--live")
    assert view.end() == 1
    view.wait("terminal of type 'nonsense'")


def test_command(live, screen):
    """Refused where both would use the terminal, else shown."""
    view = screen(LEAKTRACE, "--live", "--", "true")
    assert view.end() == 2
    view.wait("would share the")
    view = screen("sh", "-c", f"{LEAKTRACE} --live 100ms -- /usr/bin/python3 "
                  "-c 'import time; time.sleep(60)' </dev/null >log 2>&1")
    view.wait("python3 .PID")
    view.wait("[KM]iB .*Py")
    view.type("q")
