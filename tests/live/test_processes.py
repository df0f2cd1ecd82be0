# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens to processes: fork, exec, exit, kill, other namespaces."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from harness import (PROGRAMS, Tracer, by_site, check_to_the_end, compare,
                     functions, lost, outstanding, session_members, wait_until)


def test_fork_vfork_and_spawn(live):
    program = live.start("forks")
    tracer = live.attach(program)
    check_to_the_end(program, tracer, program.tell())


def check_second_image(report, truth):
    """Exact figures; stacks may be cut short, but then they say so."""
    site = next(site for site in truth["sites"]
                if site["name"] == "second_malloc")
    assert outstanding(report, "heap") == (site["blocks"], site["bytes"])
    assert outstanding(report, "mapping") == (0, 0)
    for stack in report["stacks"]:
        names = functions(stack)
        assert names[:1] == ["second_malloc"] or stack["flaw"], stack
        assert not {"first_malloc", "first_mmap"} & set(names), names
    assert not lost(report) and not report["at_least"]


def test_exec_of_an_attached_process(live):
    """The old image's blocks are gone with it, the new one's are all.

    A process that was attached to is not held while leaktrace reads where
    the new image's code lies, so the first stacks may lack frames.
    """
    program = live.start("exec")
    tracer = live.attach(program)
    truth = program.tell()
    check_second_image(tracer.report_now(), truth)
    assert program.finish() == 0
    assert tracer.wait() == 0
    check_second_image(tracer.last_report(), truth)


def test_exec_of_a_command(live):
    tracer = live.command([PROGRAMS / "exec"])
    tracer.command.ready()
    tracer.send("go")
    truth = tracer.command.next()
    compare(tracer.report_now(), truth, totals=False)
    tracer.close_stdin()
    assert tracer.wait() == 0
    compare(tracer.last_report(), truth, totals=False)


def test_exit_while_a_report_is_written(live):
    """Many stacks, a report every 100 ms, and an exit at full speed."""
    program = live.start("stacks", 8000)
    tracer = live.attach(program, interval="100ms")
    program.send("go")
    program.close_stdin()
    truth = program.truths.next()
    assert program.wait() == 7
    assert tracer.wait() == 0, tracer.stderr.text()
    for line in tracer.stdout.lines:
        json.loads(line)
    compare(tracer.last_report(), truth)


def test_command_that_exits_at_once(live):
    """As fast as can be: begun, done, gone, and still known by name."""
    tracer = live.command([PROGRAMS / "stacks", "3000"])
    tracer.close_stdin()
    assert tracer.wait() == 7
    compare(tracer.last_report(), tracer.command.next(), totals=False)


def test_target_killed(live):
    """SIGKILL, as by the OOM killer: the last report has the names."""
    program = live.start("planted")
    tracer = live.attach(program)
    program.tell("alloc apple 123 45")
    truth = program.tell("alloc banana 67 89")
    program.popen.send_signal(signal.SIGKILL)
    assert tracer.wait() == 0, tracer.stderr.text()
    report = tracer.last_report()
    compare(report, truth)
    for stack in report["stacks"]:
        frame = stack["frames"][0]
        assert frame["file"].endswith("planted.c") and frame["line"] > 0
        assert frame["module"] == "planted"
        assert "main" in functions(stack)
    assert report["end"], "the last report says why it is the last"


def memory_group():
    """(a new control group for memory, its files for limit and kills)"""
    version_1 = Path("/sys/fs/cgroup/memory")
    if (version_1 / "memory.limit_in_bytes").exists():
        return (version_1 / f"leaktrace-test-{os.getpid()}",
                "memory.limit_in_bytes", "memory.oom_control")
    with open("/proc/self/mounts") as mounts:
        tops = [Path(line.split()[1]) for line in mounts
                if line.split()[2] == "cgroup2"]
    for top in tops:
        if "memory" not in (top / "cgroup.controllers").read_text().split():
            continue
        try:
            (top / "cgroup.subtree_control").write_text("+memory")
        except OSError:
            continue
        return (top / f"leaktrace-test-{os.getpid()}", "memory.max",
                "memory.events")
    pytest.skip("no control groups for memory here")


@pytest.fixture
def small_memory():
    """A group of 24 MiB, and what tells how many its limit has killed."""
    group, limit, kills = memory_group()
    group.mkdir()
    (group / limit).write_text(str(24 << 20))
    for swap, value in ("memory.swappiness", "0"), ("memory.swap.max", "0"):
        if (group / swap).exists():
            (group / swap).write_text(value)
    yield group, lambda: int(re.search(r"^oom_kill (\d+)",
                                       (group / kills).read_text(),
                                       re.MULTILINE)[1])
    wait_until(lambda: not (group / "cgroup.procs").read_text(),
               "group empty")
    group.rmdir()


def test_target_killed_for_memory(small_memory, live):
    """By the OOM killer, in the middle of malloc: the report is whole."""
    group, kills = small_memory
    program = live.start("planted", preexec_fn=lambda: (
        group / "cgroup.procs").write_text("0"))
    tracer = live.attach(program)
    program.tell("alloc banana 67 89")
    program.send("alloc apple 1000000 100")
    assert program.wait() == -signal.SIGKILL
    assert kills() == 1, "not the OOM killer: no test"
    assert tracer.wait() == 0, tracer.stderr.text()
    report = tracer.last_report()
    sums = by_site(report)
    assert (sums["banana"]["blocks"], sums["banana"]["bytes"]) == (67, 67 * 89)
    assert 50000 < sums["apple"]["blocks"] < (24 << 20) / 100
    assert sums["apple"]["bytes"] == sums["apple"]["blocks"] * 100
    assert set(sums) == {"apple", "banana"} and not lost(report)
    assert all("main" in functions(stack) for stack in report["stacks"])
    assert report["end"] == "target exited"


def libc_differences(pid):
    """Offsets at which the libc's code in memory is not the file's."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    line = re.search(r"^(\w+)-(\w+) r-xp (\w+) \S+ \d+ +(/.*/libc\.so\.6)$",
                     maps, re.MULTILINE)
    start, end, offset = (int(line[i], 16) for i in (1, 2, 3))
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(start)
        mapped = memory.read(end - start)
    with open(line[4], "rb") as file:
        file.seek(offset)
        stored = file.read(end - start)
    # Behind the end of the segment in the file the page is filled up.
    length = min(len(mapped), len(stored))
    return [i for i in range(length) if mapped[i] != stored[i]]


def kernel_objects_of(pid):
    """{(kind, id)} of the BPF links and programs that a process holds."""
    found = set()
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            text = info.read_text()
        except OSError:
            continue
        for kind in ("link", "prog"):
            for number in re.findall(rf"^{kind}_id:\s*(\d+)", text,
                                     re.MULTILINE):
                found.add((kind, number))
    return found


def alive(objects):
    """Those of the BPF objects that the kernel still has."""
    left = set()
    for kind in ("link", "prog"):
        listing = subprocess.run(["/usr/sbin/bpftool", "-j", kind, "list"],
                                 capture_output=True, check=True, timeout=30)
        left |= {(kind, str(entry["id"]))
                 for entry in json.loads(listing.stdout or b"[]")}
    return objects & left


def pair_cost(program):
    """Picoseconds for malloc and free, the best of several tries."""
    return min(program.tell("churn 30000")["notes"]["picoseconds_per_pair"]
               for _ in range(5))


def test_leaktrace_killed(live):
    """The kernel takes everything back, and the target never notices."""
    program = live.start("planted")
    untraced = pair_cost(program)
    assert not libc_differences(program.pid)
    tracer = live.attach(program)
    program.tell("alloc apple 10 10")
    traced = pair_cost(program)
    objects = kernel_objects_of(tracer.pid)
    assert libc_differences(program.pid), "no probe in the libc: no test"
    assert alive(objects) == objects and objects, "no BPF object: no test"
    assert traced > 4 * untraced, (untraced, traced)

    tracer.popen.send_signal(signal.SIGKILL)
    tracer.wait()
    wait_until(lambda: not libc_differences(program.pid),
               "no probe left in the libc")
    wait_until(lambda: not alive(objects), "no BPF link or program left")
    after = pair_cost(program)
    assert after < 2 * untraced + 50000, \
        f"ps per pair: before {untraced}, traced {traced}, after {after}"
    assert program.finish() == 0


def test_leaktrace_interrupted_leaves_nothing(live):
    program = live.start("planted")
    tracer = live.attach(program)
    truth = program.tell("alloc apple 100 50")
    objects = kernel_objects_of(tracer.pid)
    report = tracer.stop(signal.SIGINT)
    compare(report, truth)
    assert report["end"], "the last report says why it is the last"
    assert not libc_differences(program.pid)
    wait_until(lambda: not alive(objects), "no BPF link or program left")
    program.tell("free apple 100")
    # And once more on the same process, ended the other way.
    tracer = live.attach(program)
    truth_before = program.tell("alloc banana 5 5")
    report = tracer.stop(signal.SIGTERM)
    assert by_site(report)["banana"]["bytes"] == 25, truth_before
    assert not libc_differences(program.pid)
    assert program.finish() == 0


def test_two_tracers_of_one_process(live):
    """Each has its own figures, and one may leave before the other."""
    program = live.start("planted")
    first = live.attach(program)
    program.tell("alloc apple 10 100")
    second = live.attach(program)
    truth = program.tell("alloc banana 20 7")
    compare(first.report_now(), truth)
    assert by_site(second.report_now())["banana"]["bytes"] == 140
    assert by_site(second.stop())["apple"]["blocks"] == 0
    truth = program.tell("alloc cherry 3 3")
    compare(first.report_now(), truth)


def test_report_whose_reader_is_gone(live):
    """A closed pipe ends leaktrace, not the target."""
    program = live.start("planted", "alloc apple 10 10")
    reading, writing = os.pipe()
    tracer = live.own(Tracer("-p", program.pid, "200ms"))
    piped = live.run(*tracer.argv, preexec_fn=lambda: os.dup2(writing, 1))
    os.close(writing)
    os.close(reading)
    tracer.wait_tracing()
    piped.wait()
    tracer.stop()
    assert not libc_differences(program.pid)
    program.tell("free apple 10")
    assert program.finish() == 0


def copy_with_libraries(program, root):
    """The program and the libraries that it needs, below root."""
    listing = subprocess.run(["ldd", program], capture_output=True, text=True,
                             check=True, timeout=30).stdout
    for path in re.findall(r"(/\S+) \(0x", listing):
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    shutil.copy(program, root / "planted")


def test_other_namespaces_with_a_libc_of_their_own(live, tmp_path):
    """A container as far as the kernel is concerned."""
    root = tmp_path / "root"
    copy_with_libraries(PROGRAMS / "planted", root)
    program = live.start("planted", path="/planted",
                         prefix=["unshare", "--mount", "--pid", "--fork",
                                 "chroot", root])
    assert program.own_pid == 1, "not in a PID namespace of its own: no test"
    pid = next(pid for pid in session_members(program.pid)
               if os.path.samefile(f"/proc/{pid}/root", root))
    tracer = live.attach(pid)
    program.tell("alloc apple 100 33")
    program.tell("free apple 40")
    truth = program.tell("alloc banana 10 200000")
    compare(tracer.report_now(), truth, pid=pid)
    program.close_stdin()
    assert tracer.wait() == 0, tracer.stderr.text()
    report = tracer.last_report()
    compare(report, truth, pid=pid)
    assert report["target"]["pid"] == pid


def test_unrelated_processes_do_not_count(live):
    """Another process with the same libc and program, busy all the while."""
    program = live.start("planted")
    other = live.start("planted")
    tracer = live.attach(program)
    other.tell("alloc apple 500 10")
    truth = program.tell("alloc banana 10 10")
    other.tell("free apple 300")
    compare(tracer.report_now(), truth)
    assert not libc_differences(other.pid), "a probe where none was asked for"


def test_target_that_exits_while_leaktrace_starts(live):
    """Whenever it exits: an error of one line, or a report."""
    for delay in (0, 0.02, 0.05, 0.1, 0.2, 0.4):
        program = live.start("planted")
        tracer = live.own(Tracer("-p", program.pid))
        time.sleep(delay)
        program.finish()
        status = tracer.wait()
        if status == 0:
            tracer.last_report()
            continue
        lines = tracer.stderr.lines
        assert status == 1 and not tracer.stdout.lines, (delay, status)
        assert str(program.pid) in lines[-1] and len(lines) == 1, lines
