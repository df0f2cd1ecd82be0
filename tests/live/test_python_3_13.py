# SPDX-License-Identifier: GPL-2.0-or-later
"""The script of test_python.py in trixie's Python 3.13, in a container of that
suite: its frames are read as the interpreter's own table of offsets says.
"""

import pytest

import suites
import test_python as newest
from containers import contained
from harness import functions
from test_python import BLOCKS, CALL, C_SIZE, LINES, OTHER, PLANTED, SIZE

PYTHON = "/usr/bin/python3.13"
SCRIPT = "/mnt/leak.py"


@pytest.fixture(scope="session", name="trixie")
def _trixie():
    return suites.suite_root("trixie", suites.LIBRARIES + suites.PYTHON_3_13)


@pytest.fixture(name="start")
def _start(live, trixie, tmp_path):
    """Starts it: (Program, its PID out here)."""
    (tmp_path / "leak.py").write_text(newest.SCRIPT)

    def start(*arguments, options=()):
        return contained(live, trixie, tmp_path, PYTHON, *options, SCRIPT,
                         *arguments)
    return start


def by_python(report):
    """{[(function, line)] of the script: blocks}"""
    sums = {}
    for stack in report["stacks"]:
        key = tuple(newest.python_frames(stack, SCRIPT))
        assert not stack["flaw"], stack
        sums[key] = sums.get(key, 0) + stack["blocks"]
    return sums


def test_lines(live, start):
    program, pid = start()
    tracer = live.attach(pid, "-z", SIZE, "-Z", SIZE)
    tracer.stderr.wait(
        lambda line: "python3.13: functions and lines" in line, "the note")
    program.tell()
    program.tell()
    report = tracer.report_now()
    main = LINES["store.planted()"]
    assert by_python(report) == {
        (PLANTED, ("main", main), CALL): 2 * BLOCKS,
        (("Store.other", OTHER), ("main", main + 1), CALL): 2,
        (("Store.other", OTHER + 2), ("main", main + 1), CALL): 2,
        (PLANTED, ("through_c", LINES["return Store().planted()"]),
         ("main", main + 2), CALL): 2,
    }
    first = functions(report["stacks"][0])
    assert first[first.index("Store.planted"):][:3] == \
        ["Store.planted", "main", "<module>"], first
    assert program.finish() == 0
    assert tracer.wait() == 0, tracer.stderr.text()
    assert len(by_python(tracer.last_report())) == 4


def test_ctypes(live, start):
    program, pid = start()
    tracer = live.attach(pid, "-z", C_SIZE, "-Z", C_SIZE)
    program.tell()
    leak = ("c_leak", LINES[f"return libc.malloc({C_SIZE})"])
    assert by_python(tracer.report_now()) == {
        (leak, ("main", LINES["c_leak()"]), CALL): BLOCKS, (leak,): 1}


def test_small_objects(live, start):
    program, pid = start("small")
    tracer = live.attach(pid)
    program.tell()
    report = tracer.report_now()
    arenas = [stack for stack in report["stacks"]
              if stack["space"] == "mapping"]
    assert report["stacks"][0] is arenas[0], report["stacks"][0]
    line = LINES["kept.append((i, i + 1000000))"]
    for stack in arenas:
        assert newest.python_frames(stack, SCRIPT)[0] in (
            ("small", line - 1), ("small", line)), stack
    assert 9 << 20 <= sum(stack["bytes"] for stack in arenas) <= 15 << 20


def test_perf_support(live, start):
    """-X perf changes nothing where frames are read; else it names functions.

    Its trampolines have no call frame information: the walk ends at the first.
    """
    program, pid = start(options=["-X", "perf"])
    tracer = live.attach(pid, "-z", SIZE, "-Z", SIZE)
    other = live.attach(pid, "--python", "off", "-z", SIZE, "-Z", SIZE)
    program.tell()
    first = tracer.report_now()["stacks"][0]
    print(first, other.report_now()["stacks"])
    main = LINES["store.planted()"]
    frames = [frame for frame in newest.python_frames(first, SCRIPT)
              if frame[1]]
    assert frames == [PLANTED, ("main", main), CALL]
    assert first["blocks"] == BLOCKS
    first = other.report_now()["stacks"][0]
    assert "Store.planted" in functions(first)
    assert first["flaw"], first
