# SPDX-License-Identifier: GPL-2.0-or-later
"""leaktrace -- COMMAND and -c: the command is itself, from start to end."""

import os
import shutil
import signal
import time

import pytest

from harness import (PROGRAMS, by_site, compare, session_members,
                     wait_until)

STATUSES = [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137),
            ("kill -TERM $$", 143)]


def test_from_the_first_instruction(live):
    """Blocks of a constructor, which runs before main, are there too."""
    tracer = live.command([PROGRAMS / "planted", "alloc apple 10 100",
                           "free apple 4"], env={"PLANT_EARLY": "1"})
    tracer.command.ready()
    tracer.send("alloc banana 3 200000")
    truth = tracer.command.next()
    assert {site["name"] for site in truth["sites"] if site["blocks"]} == \
        {"early", "apple", "banana"}
    compare(tracer.report_now(), truth, totals=False)
    tracer.close_stdin()
    assert tracer.wait() == 0
    compare(tracer.last_report(), truth, totals=False)


@pytest.mark.parametrize("script,status", STATUSES)
def test_exit_status(live, script, status):
    tracer = live.command(["sh", "-c", script])
    assert tracer.wait() == status, tracer.stderr.text()
    tracer.last_report()


@pytest.mark.parametrize("script,status", STATUSES)
def test_exit_status_of_shell_command(live, script, status):
    tracer = live.command(script, shell=True)
    assert tracer.wait() == status, tracer.stderr.text()
    tracer.last_report()


def test_exit_zero(live):
    tracer = live.command(["sh", "-c", "exit 3"], "--exit-zero")
    assert tracer.wait() == 0


@pytest.mark.parametrize("how", ["", "exec "])
def test_shell_command(live, how):
    """-c 'PROGRAM ARGUMENTS', as bcc's users know it."""
    tracer = live.command(f"{how}{PROGRAMS}/planted 'alloc apple 10 100'",
                          shell=True)
    tracer.command.ready()
    tracer.send("alloc banana 1 1")
    truth = tracer.command.next()
    compare(tracer.report_now(), truth, totals=False)
    tracer.close_stdin()
    assert tracer.wait() == 0


def test_standard_streams(live):
    """All three are the command's own, whatever passes through them."""
    text = "\n".join(f"line {i} of what goes in" for i in range(20000))
    tracer = live.command(["sh", "-c", "cat; echo to stderr >&2"])
    tracer.popen.stdin.write(text.encode() + b"\n")
    tracer.close_stdin()
    assert tracer.wait() == 0
    out = [line for line in tracer.stdout.lines if not line.startswith("{")]
    assert "\n".join(out) == text
    assert "to stderr" in tracer.stderr.lines
    tracer.last_report()


def test_environment_and_directory(live, tmp_path):
    tracer = live.command(["sh", "-c", "echo $GREETING; pwd"],
                          env={"GREETING": "as it was"}, cwd=tmp_path)
    assert tracer.wait() == 0
    assert tracer.stdout.lines[:2] == ["as it was", str(tmp_path)]


def test_files_that_the_command_inherits(live):
    """Its three standard streams, and nothing of leaktrace's."""
    tracer = live.command(["ls", "/proc/self/fd"])
    assert tracer.wait() == 0
    numbers = [line for line in tracer.stdout.lines if line.isdigit()]
    assert numbers == ["0", "1", "2", "3"], "3 is ls's own"


def test_signals_are_as_they_were(live):
    """Neither blocked nor ignored ones are handed on."""
    plain = live.run("grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status")
    plain.wait()
    tracer = live.command(["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"])
    assert tracer.wait() == 0
    assert tracer.stdout.lines[:2] == plain.stdout.lines


def test_long_path_and_many_arguments(live, tmp_path):
    directory = tmp_path
    while len(str(directory)) < 3500:
        directory = directory / ("a directory " * 15).strip()
    directory.mkdir(parents=True)
    program = directory / "printf with a name"
    shutil.copy("/usr/bin/printf", program)
    arguments = [f"argument {i} * $HOME 'quoted'" for i in range(3000)]
    tracer = live.command([program, "<%s>\n", *arguments, "-p", "--", ""])
    assert tracer.wait() == 0, tracer.stderr.text()[-500:]
    out = [line for line in tracer.stdout.lines if not line.startswith("{")]
    assert out == [f"<{argument}>" for argument in
                   [*arguments, "-p", "--", ""]]


def test_command_found_by_path(live):
    tracer = live.command(["true"])
    assert tracer.wait() == 0
    tracer.last_report()


def test_interrupt_from_the_terminal(live):
    """Ctrl-C goes to both: the command ends by it, the report is whole."""
    tracer = live.command([PROGRAMS / "planted", "alloc apple 10 100"])
    tracer.wait_tracing()
    tracer.command.ready()
    tracer.send("alloc banana 5 10")
    truth = tracer.command.next()
    os.killpg(tracer.pid, signal.SIGINT)
    assert tracer.wait() == 128 + signal.SIGINT, tracer.stderr.text()
    compare(tracer.last_report(), truth, totals=False)
    assert session_members(tracer.pid) == []


def test_terminated(live):
    """SIGTERM to leaktrace alone: the command is told, the report is whole."""
    tracer = live.command([PROGRAMS / "planted", "alloc apple 10 100"])
    tracer.wait_tracing()
    tracer.command.ready()
    tracer.send("alloc banana 5 10")
    truth = tracer.command.next()
    tracer.popen.send_signal(signal.SIGTERM)
    assert tracer.wait() == 128 + signal.SIGTERM, tracer.stderr.text()
    compare(tracer.last_report(), truth, totals=False)
    assert session_members(tracer.pid) == []


def test_second_signal_ends_the_wait(live):
    """For a command that does not mind the first: it goes on alone."""
    tracer = live.command(["sh", "-c", "trap '' TERM; echo on; exec sleep 60"])
    tracer.stdout.wait(lambda line: line == "on", "the command's word")
    tracer.popen.send_signal(signal.SIGTERM)
    assert tracer.next_report("last")["end"] == "terminated"
    time.sleep(0.3)
    assert tracer.popen.poll() is None, "it did not wait"
    left = [pid for pid in session_members(tracer.pid) if pid != tracer.pid]
    tracer.popen.send_signal(signal.SIGTERM)
    assert tracer.popen.wait(10) == 128 + signal.SIGTERM
    assert len(left) == 1 and session_members(tracer.pid) == left


def test_command_killed(live):
    tracer = live.command([PROGRAMS / "planted", "alloc apple 10 100"])
    tracer.command.ready()
    tracer.send("alloc banana 5 10")
    truth = tracer.command.next()
    target = next(pid for pid in session_members(tracer.pid)
                  if pid == truth["pid"])
    os.kill(target, signal.SIGKILL)
    assert tracer.wait() == 137
    compare(tracer.last_report(), truth, totals=False)


@pytest.mark.parametrize("options,word", [
    (["-O", "/nonexistent/libc.so"], "/nonexistent/libc.so"),
    (["--max-blocks", "1G"], "--max-blocks"),
])
def test_failure_to_start(live, tmp_path, options, word):
    """Then the command never runs, and nothing of it lingers."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if word == "--max-blocks" and memory > 64 << 30:
        pytest.skip("so much memory that a table of 1G blocks may fit")
    marker = tmp_path / "it ran"
    tracer = live.command(["touch", marker], *options)
    status = tracer.wait()
    members = session_members(tracer.pid)
    assert not marker.exists() and not members, members
    assert status == 1, tracer.stderr.text()
    lines = tracer.stderr.lines
    assert len(lines) == 1 and word in lines[0], lines
    assert not tracer.stdout.lines


@pytest.mark.parametrize("command,remedy", [
    ("/nonexistent/program", "PATH"),
    ("no-such-program-anywhere", "PATH"),
    ("/etc/passwd", "executable"),
    ("/usr", "executable"),
])
def test_command_that_cannot_be_run(live, command, remedy):
    tracer = live.command([command])
    assert tracer.wait() == 1, tracer.stderr.text()
    lines = tracer.stderr.lines
    assert len(lines) == 1, lines
    assert command in lines[0] and remedy in lines[0], lines
    assert not tracer.stdout.lines and not session_members(tracer.pid)


def test_leaktrace_killed_before_the_command_runs(live, tmp_path):
    """Killed at any moment of its start, it leaves no stopped child behind."""
    for delay in (0.01, 0.02, 0.05, 0.1, 0.2, 0.4):
        tracer = live.command(["sleep", "1"])
        time.sleep(delay)
        tracer.popen.send_signal(signal.SIGKILL)
        tracer.popen.wait()

    def left():
        return [pid for process in live.processes
                for pid in session_members(process.pid)]

    wait_until(lambda: not left(), "all commands ended or never begun", 10)


def test_churning_command_ends_in_time(live):
    """A command's own figures when it frees all it had: nothing is left."""
    tracer = live.command([PROGRAMS / "planted", "alloc apple 1000 100",
                           "free apple 1000", "churn 1000"])
    tracer.command.ready()
    tracer.close_stdin()
    assert tracer.wait() == 0
    assert by_site(tracer.last_report())["apple"]["blocks"] == 0


LOADS = """
import _ctypes, time
end = time.monotonic() + 1.5
while time.monotonic() < end:
    _ctypes.dlclose(_ctypes.dlopen("libbz2.so.1.0", 2))
"""


def test_held_while_tracing_ends(live):
    """It stops at each library, and runs on when nobody looks any more."""
    tracer = live.command(["/usr/bin/python3", "-c", LOADS],
                          "--duration", "500ms")
    assert tracer.next_report("last")["end"] == "duration over"
    assert tracer.wait() == 0
