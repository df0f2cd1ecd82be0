# SPDX-License-Identifier: GPL-2.0-or-later
"""Several processes: children, names, control groups, PIDs side by side."""

import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest

from harness import (LEAKTRACE, NEVER, PROGRAMS, Tracer, by_site, compare,
                     functions, loss, lost, wait_until)

SIZE = 100


def processes(report, running=True):
    """{pid: (blocks, bytes)} of those that run, or of those that ended."""
    return {entry["pid"]: (entry["blocks"], entry["bytes"])
            for entry in report["processes"] if entry["ended"] != running}


def workers(truth):
    """{pid: blocks} as the server says."""
    notes = truth["notes"]
    return {notes[f"pid_{i}"]: notes[f"blocks_{i}"]
            for i in range(8) if notes[f"pid_{i}"]}


def check_workers(report, truth, server=True):
    """Sites and processes hold what they hold, to the block and the byte."""
    sums = by_site(report)
    for site in truth["sites"]:
        if not server and site["name"] == "server_malloc":
            continue
        assert sums[site["name"]]["blocks"] == site["blocks"], site
        assert sums[site["name"]]["bytes"] == site["bytes"], site
    running = processes(report)
    for pid, blocks in workers(truth).items():
        assert running[pid] == (blocks, blocks * SIZE), (pid, running)
    if server:
        blocks = by_site(truth_as_report(truth))["server_malloc"]["blocks"]
        assert running[truth["pid"]] == (blocks, blocks * SIZE)
    assert not lost(report), lost(report)


def truth_as_report(truth):
    return {"stacks": [{"frames": [{"function": site["name"]}], **site}
                       for site in truth["sites"]]}


def tell(tracer, line):
    tracer.send(line)
    return tracer.command.next()


@pytest.mark.parametrize("hold", ["task", "syscall"])
def test_children_of_a_command(live, hold):
    """Each child is traced from its first instruction."""
    tracer = live.command([PROGRAMS / "workers"], "-f", NEVER,
                          env={"LEAKTRACE_HOLD": hold})
    tracer.command.ready()
    for line in ("fork", "fork", "fork", "work"):
        truth = tell(tracer, line)
    report = tracer.report_now()
    check_workers(report, truth)
    shared = next(stack for stack in report["stacks"]
                  if functions(stack)[0] == "worker_malloc")
    assert shared["processes"] == 3 and shared["pid"] is None
    alone = next(stack for stack in report["stacks"]
                 if functions(stack)[0] == "server_malloc")
    assert alone["processes"] == 1 and alone["pid"] == truth["pid"]
    assert all(entry["untraced_seconds"] == 0
               for entry in report["processes"])
    for line in ("exec", "spawn", "vfork", "work"):
        truth = tell(tracer, line)
    check_workers(tracer.report_now(), truth)
    ending = truth["notes"]["pid_0"], truth["notes"]["blocks_0"]
    truth = tell(tracer, "end")
    report = tracer.report_now()
    check_workers(report, truth)
    assert processes(report, False) == {ending[0]: (ending[1],
                                                    ending[1] * SIZE)}
    report = tracer.report_now()
    assert not processes(report, False)
    assert report["ended_before"] == {"processes": 1, "blocks": ending[1],
                                      "bytes": ending[1] * SIZE}
    # In the end all count, with what they held when they ended.
    tracer.close_stdin()
    assert tracer.wait() == 0
    report = tracer.last_report()
    sums = by_site(report)
    everyone = workers(truth)
    assert sums["image_malloc"]["blocks"] + sums["worker_malloc"]["blocks"] \
        == sum(everyone.values()) + ending[1]
    assert set(everyone) < set(processes(report, False))
    assert sums["server_malloc"]["blocks"] == 50


def test_children_that_run_already(live):
    """Workers from before are traced like their server, with theirs."""
    program = live.start("workers")
    program.tell("fork")
    children = workers(program.tell("fork"))
    tracer = live.attach(program, "-f")
    report = tracer.report_now()
    assert set(processes(report)) == {program.pid, *children}
    assert all(entry["untraced_seconds"] == 0
               for entry in report["processes"])
    truth = program.tell("work")
    found = processes(tracer.report_now())
    for pid, blocks in workers(truth).items():
        share = blocks - children[pid]
        assert share and found[pid] == (share, share * SIZE)
    assert program.finish() == 0
    assert tracer.wait() == 0


def test_children_of_a_running_process(live):
    """They are not stopped: late at first, exact from then on."""
    program = live.start("workers")
    tracer = live.attach(program, "-f")
    program.tell("fork")
    truth = program.tell("fork")
    children = workers(truth)
    wait_until(lambda: set(children) <= set(processes(tracer.report_now())),
               "children in the report")
    before = processes(tracer.report_now())
    truth = program.tell("work")
    after = processes(tracer.report_now())
    for pid, blocks in workers(truth).items():
        share = blocks - children[pid]
        assert after[pid][0] - before[pid][0] == share
        assert after[pid][1] - before[pid][1] == share * SIZE
    report = tracer.stop()
    assert all(entry["untraced_seconds"] > 0
               for entry in report["processes"] if entry["pid"] in children)
    assert program.finish() == 0


def test_without_following(live):
    """Children are their own affair unless they are asked for."""
    program = live.start("workers")
    tracer = live.attach(program)
    program.tell("fork")
    report = tracer.report_now()
    assert report["processes"] == [] and "worker_malloc" not in by_site(report)
    assert program.finish() == 0


def test_several_pids(live):
    programs = [live.start("planted") for _ in range(3)]
    pids = ",".join(str(program.pid) for program in programs[:2])
    tracer = live.own(Tracer("-p", pids, "-p", programs[2].pid, NEVER))
    tracer.wait_tracing()
    for i, program in enumerate(programs):
        program.tell(f"alloc apple {i + 1} 10")
    report = tracer.report_now()
    assert processes(report) == {program.pid: (i + 1, 10 * (i + 1))
                                 for i, program in enumerate(programs)}
    stack, = report["stacks"]
    assert functions(stack)[0] == "apple" and stack["processes"] == 3
    assert (stack["blocks"], stack["bytes"]) == (6, 60)
    # The address of a block may be the same in each: they are kept apart.
    programs[0].tell("free apple 1")
    assert processes(tracer.report_now())[programs[0].pid] == (0, 0)
    assert programs[0].finish() == 0
    report = tracer.report_now()
    assert programs[0].pid not in processes(report)
    assert programs[1].finish() == programs[2].finish() == 0
    assert tracer.wait() == 0
    report = tracer.last_report()
    assert report["end"] == "all processes exited"
    assert by_site(report)["apple"]["bytes"] == 50


def uprobe_programs(tracer):
    """{program: sites} of the links on a tracer's processes."""
    sites = {}
    for info in Path(f"/proc/{tracer.pid}/fdinfo").iterdir():
        text = info.read_text()
        count = re.search(r"^uprobe_cnt:\s*(\d+)$", text, re.M)
        if count:
            program = re.search(r"^prog_id:\s*(\d+)$", text, re.M)[1]
            sites[program] = sites.get(program, 0) + int(count[1])
    return sites


def test_frees_do_without_a_return(live):
    """Of several processes: a session's link would ask for it in all."""
    programs = [live.start("planted") for _ in range(2)]
    alone = uprobe_programs(live.attach(programs[0]))
    if not alone:
        pytest.skip("this kernel does not tell of its links")
    pids = ",".join(str(program.pid) for program in programs)
    both = uprobe_programs(
        live.own(Tracer("-p", pids, NEVER)).wait_tracing())
    assert len(alone) == 1 and len(both) == 2, (alone, both)
    assert sum(both.values()) == 2 * sum(alone.values())


def share_of(report, pid):
    """The report as if it were of one process alone."""
    stacks = [stack for stack in report["stacks"] if stack["pid"] == pid]
    return {**report, "stacks": stacks, "stacks_matching": len(stacks)}


ALLOCATORS = {"": "glibc", "glibc-static": "glibc", "musl": "musl",
              "musl-static": "musl", "jemalloc": "jemalloc",
              "tcmalloc": "tcmalloc", "mimalloc": "mimalloc",
              "jemalloc-static": "jemalloc"}


def test_each_with_its_allocator(live):
    """One leaktrace, as many allocators as processes."""
    programs = {variant: live.start("large", path=PROGRAMS / variant / "large")
                for variant in ALLOCATORS}
    pids = ",".join(str(program.pid) for program in programs.values())
    tracer = live.own(Tracer("-p", pids, NEVER)).wait_tracing()
    truths = {variant: program.tell()
              for variant, program in programs.items()}
    report = tracer.report_now()
    for variant, program in programs.items():
        share = share_of(report, program.pid)
        compare(share, truths[variant], totals=False)
        site = functions(share["stacks"][0])[0]
        assert site in [entry["name"] for entry in truths[variant]["sites"]]
    header = next(line for line in tracer.stderr.lines
                  if line.startswith("leaktrace: tracing"))
    for allocator in ALLOCATORS.values():
        assert f"{allocator} " in header, header
    assert len(processes(report)) == len(programs)
    assert sum(size for _, size in processes(report).values()) == \
        sum(total["bytes"] for total in report["totals"])
    for program in programs.values():
        assert program.finish() == 0
    assert tracer.wait() == 0, tracer.stderr.text()


@pytest.mark.parametrize("method", ["session", "multi"])
def test_exec_by_another_thread(live, monkeypatch, method):
    """It takes the place of the first one, PID and all; others go on.

    The kernel's probes went with the first one's task: late, then exact.
    """
    monkeypatch.setenv("LEAKTRACE_ATTACH", method)
    programs = [live.start("exec", "thread") for _ in range(2)]
    other = live.start("planted")
    pids = ",".join(str(program.pid) for program in [*programs, other])
    tracer = live.own(Tracer("-p", pids, NEVER)).wait_tracing()
    other.tell("alloc apple 9 10")
    first = [program.tell() for program in programs]
    wait_until(lambda: (loss(tracer.report_now(), "images_late") or
                        {"count": 0})["count"] == 2, "the loss is told")
    before = processes(tracer.report_now())
    second = [program.tell() for program in programs]
    report = tracer.report_now()
    assert not processes(report, False), "one image after another is no end"
    assert not {"first_malloc", "first_mmap"} & set(by_site(report))
    after = processes(report)
    assert after[other.pid] == (9, 90)
    for program, *truths in zip(programs, first, second):
        begun, now = (site for truth in truths for site in truth["sites"]
                      if site["name"] == "second_malloc")
        assert after[program.pid][0] - before[program.pid][0] == \
            now["blocks"] - begun["blocks"] == 200
        assert after[program.pid][1] - before[program.pid][1] == \
            now["bytes"] - begun["bytes"]
    untraced = {entry["pid"]: entry["untraced_seconds"]
                for entry in report["processes"]}
    assert untraced[other.pid] == 0 < untraced[programs[0].pid]
    for program in (*programs, other):
        assert program.finish() == 0
    assert tracer.wait() == 0, tracer.stderr.text()
    assert processes(tracer.last_report(), False) == after


def test_exec_by_another_thread_of_a_command(live):
    """Held at exec like any other: exact, every stack whole."""
    for options in ([], ["-f"]):
        tracer = live.command([PROGRAMS / "exec", "thread"], *options, NEVER)
        tracer.command.ready()
        tracer.send("go")
        truth = tracer.command.next()
        report = tracer.report_now()
        compare(report, truth, totals=False)
        assert all(functions(stack)[-1] == "_start"
                   for stack in report["stacks"])
        tracer.close_stdin()
        assert tracer.wait() == 0


def named(live, tmp_path, name, *arguments):
    """A planted whose process has a name of its own."""
    path = tmp_path / name
    if not path.exists():
        path.write_bytes((PROGRAMS / "planted").read_bytes())
        path.chmod(0o755)
    return live.start("planted", *arguments, path=path)


def settled(tracer, pid):
    """A report in which the process is there and traced."""
    return wait_until(
        lambda: (lambda report: pid in processes(report) and report)(
            tracer.report_now()), f"{pid} in the report")


def test_by_name(live, tmp_path):
    """Those that run, and those that come; no others."""
    first = named(live, tmp_path, "leaky-by-name")
    other = named(live, tmp_path, "leaky-by-name2")
    tracer = live.own(Tracer("--comm", "leaky-by-name", NEVER)).wait_tracing()
    second = named(live, tmp_path, "leaky-by-name")
    report = settled(tracer, second.pid)
    assert other.pid not in processes(report)
    first.tell("alloc apple 10 10")
    second.tell("alloc apple 20 10")
    other.tell("alloc apple 40 10")
    report = tracer.report_now()
    assert processes(report) == {first.pid: (10, 100), second.pid: (20, 200)}
    assert functions(report["stacks"][0])[0] == "apple"
    late = {entry["pid"]: entry["untraced_seconds"]
            for entry in report["processes"]}
    assert late[first.pid] == 0 and late[second.pid] > 0
    for program in (first, second):
        assert program.finish() == 0
    report = tracer.report_now()
    assert processes(report, False) == {first.pid: (10, 100),
                                        second.pid: (20, 200)}
    third = named(live, tmp_path, "leaky-by-name")
    settled(tracer, third.pid)
    assert tracer.stop()["end"] == "interrupted"


GROUPS = {
    1: "/sys/fs/cgroup/pids",
    2: next((line.split()[1] for line in
             Path("/proc/mounts").read_text().splitlines()
             if line.split()[2] == "cgroup2"), ""),
}


@pytest.fixture(params=[1, 2])
def group(request):
    """A control group of each version with one below it: (directory, path)."""
    top = Path(GROUPS[request.param] or "/nonexistent")
    if not (top / "cgroup.procs").exists():
        pytest.skip(f"no control groups of version {request.param}")
    path = f"leaktrace-test-{os.getpid()}"
    (top / path / "below").mkdir(parents=True)
    yield top / path, path
    for directory in (top / path / "below", top / path):
        wait_until(lambda: not (directory / "cgroup.procs").read_text(),
                   "an empty group")
        directory.rmdir()


def join(directory):
    """For the child before it executes."""
    def moves():
        (directory / "cgroup.procs").write_text("0")
    return moves


def test_control_group(live, group):
    """Its processes and those below it, as they come and go."""
    directory, path = group
    first = live.start("planted", preexec_fn=join(directory))
    other = live.start("planted")
    tracer = live.own(Tracer("--cgroup", path, NEVER)).wait_tracing()
    second = live.start("planted", preexec_fn=join(directory / "below"))
    settled(tracer, second.pid)
    moved = live.start("planted")
    (directory / "below" / "cgroup.procs").write_text(str(moved.pid))
    settled(tracer, moved.pid)
    for i, program in enumerate((first, second, moved, other)):
        program.tell(f"alloc banana {i + 1} 1000")
    report = tracer.report_now()
    assert processes(report) == {first.pid: (1, 1000), second.pid: (2, 2000),
                                 moved.pid: (3, 3000)}
    assert functions(report["stacks"][0])[0] == "banana"
    assert second.finish() == 0
    report = tracer.report_now()
    assert processes(report, False) == {second.pid: (2, 2000)}
    assert set(processes(report)) == {first.pid, moved.pid}
    for program in (first, moved):
        assert program.finish() == 0
    tracer.stop()


def test_unknown_group(live):
    tracer = live.own(Tracer("--cgroup", "/no/such/group", NEVER))
    assert tracer.wait() == 1
    assert "no control group /no/such/group" in tracer.stderr.lines[-1]


def test_itself_is_never_traced(live, group):
    """In the group that it traces, and under the name that it looks for."""
    directory, path = group
    program = live.start("planted", preexec_fn=join(directory))
    tracer = live.own(Tracer("--cgroup", path, NEVER,
                             preexec_fn=join(directory))).wait_tracing()
    program.tell("alloc apple 3 10")
    for _ in range(3):
        report = tracer.report_now()
        assert processes(report) == {program.pid: (3, 30)}
        assert not processes(report, False) and not lost(report)
    assert program.finish() == 0
    tracer.stop()


def test_processes_of_its_own_name(live, tmp_path):
    """Under a name that no other test's leaktrace has."""
    path = shutil.copy(LEAKTRACE, tmp_path / "leaktrace-own")
    tracer = live.own(Tracer("--comm", "leaktrace-own", NEVER,
                             executable=path)).wait_tracing()
    assert Path(f"/proc/{tracer.pid}/comm").read_text() == "leaktrace-own\n"
    assert not processes(tracer.report_now())
    report = tracer.stop()
    assert not processes(report, False) and not lost(report)


def stopped(pid):
    text = Path(f"/proc/{pid}/stat").read_text()
    return text.rsplit(")", 1)[1].split()[0] in "Tt"


def test_killed_while_children_are_held(live):
    """Nobody stays stopped: SIGKILL at any moment of a storm of forks."""
    script = "i=0; while [ $i -lt 60 ]; do /bin/true & i=$((i+1)); wait; " \
        "done; echo done"
    for delay in (0.2, 0.4):
        tracer = live.command(["sh", "-c", script], "-f", NEVER)
        tracer.wait_tracing()
        time.sleep(delay)
        tracer.popen.send_signal(signal.SIGKILL)
        tracer.stdout.wait(lambda line: line == "done", "the script's end")
