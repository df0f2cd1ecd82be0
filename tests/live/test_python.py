# SPDX-License-Identifier: GPL-2.0-or-later
"""Python: the functions and lines that allocate are in the stacks."""

import pytest

from harness import Program, functions

PYTHON = "/usr/bin/python3"
BLOCKS = 200
SIZE = 54320  # of bytes objects; nobody else asks for it
HEADER = 33   # sys.getsizeof(b"")
C_SIZE = 43216

SCRIPT = f"""
import ctypes
import os
import sys
import threading

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
kept = []


class Store:
    def planted(self):
        kept.append(bytes({SIZE - HEADER}))

    def other(self):
        kept.append(bytes({SIZE - HEADER})); kept.append(None)
        return \\
            kept.append(bytes({SIZE - HEADER}))


def through_c(_):
    return Store().planted()


def c_leak():
    return libc.malloc({C_SIZE})


def main():
    store = Store()
    for _ in range({BLOCKS}):
        store.planted()
    store.other()
    sorted([1], key=through_c)
    for _ in range({BLOCKS}):
        c_leak()
    thread = threading.Thread(target=c_leak)
    thread.start()
    thread.join()


def small():
    for i in range(100000):
        kept.append((i, i + 1000000))


def deep(levels):
    return deep(levels - 1) if levels else kept.append(bytes({SIZE - HEADER}))


print("ready", os.getpid(), flush=True)
while sys.stdin.readline() == "go\\n":
    if sys.argv[1:] == ["small"]:
        small()
    elif len(sys.argv) > 1:
        deep(int(sys.argv[1]))
    else:
        main()
    print('{{"truth": 1}}', flush=True)
os._exit(0)
"""
# The last line with a text, and none is looked for that stands twice.
LINES = {line.strip(): number
         for number, line in enumerate(SCRIPT.splitlines(), 1)}


class Python(Program):
    def __init__(self, script, *arguments):
        super().__init__("", script, *arguments, path=PYTHON)


@pytest.fixture(name="script")
def _script(tmp_path):
    path = tmp_path / "leak.py"
    path.write_text(SCRIPT)
    return path


def python_frames(stack, script):
    """[(function, line)] of the script's own."""
    return [(frame["function"], frame["line"]) for frame in stack["frames"]
            if frame["file"] == str(script)]


def by_python(report, script):
    sums = {}
    for stack in report["stacks"]:
        key = tuple(python_frames(stack, script))
        assert functions(stack)[-1] in ("_start", "clone3"), functions(stack)
        sums[key] = sums.get(key, 0) + stack["blocks"]
    return sums


CALL = ("<module>", LINES["main()"])
PLANTED = ("Store.planted", SCRIPT.splitlines().index(
    f"        kept.append(bytes({SIZE - HEADER}))") + 1)
OTHER = PLANTED[1] + 3


def test_lines(live, script):
    """Different lines are different stacks, whatever the memo remembers."""
    program = live.own(Python(script))
    tracer = live.attach(program, "-z", SIZE, "-Z", SIZE)
    program.tell()
    program.tell()
    report = tracer.report_now()
    main = LINES["store.planted()"]
    assert by_python(report, script) == {
        (PLANTED, ("main", main), CALL): 2 * BLOCKS,
        (("Store.other", OTHER), ("main", main + 1), CALL): 2,
        (("Store.other", OTHER + 2), ("main", main + 1), CALL): 2,
        (PLANTED, ("through_c", LINES["return Store().planted()"]),
         ("main", main + 2), CALL): 2,
    }
    first = functions(report["stacks"][0])
    assert first[first.index("Store.planted"):][:3] == \
        ["Store.planted", "main", "<module>"], first
    # The C function between two of Python's stands between them.
    through = next(functions(stack) for stack in report["stacks"]
                   if "through_c" in functions(stack))
    assert through.index("main") - through.index("through_c") > 1, through
    assert "_PyEval_EvalFrameDefault" not in through
    assert program.finish() == 0
    assert tracer.wait() == 0, tracer.stderr.text()
    assert len(by_python(tracer.last_report(), script)) == 4


def test_ctypes(live, script):
    """A leak in C, called while other threads may run Python."""
    program = live.own(Python(script))
    tracer = live.attach(program, "-z", C_SIZE, "-Z", C_SIZE)
    program.tell()
    sums = by_python(tracer.report_now(), script)
    leak = ("c_leak", LINES[f"return libc.malloc({C_SIZE})"])
    assert sums == {(leak, ("main", LINES["c_leak()"]), CALL): BLOCKS,
                    (leak,): 1}


def test_deep(live, script):
    """More frames than are recorded: the innermost, and that it is so."""
    program = live.own(Python(script, 100))
    tracer = live.attach(program, "-z", SIZE, "-Z", SIZE)
    program.tell()
    stack, = tracer.report_now()["stacks"]
    assert stack["flaw"] == "too_deep"
    assert len(python_frames(stack, script)) == 64


def test_small_objects(live, script):
    """They do not pass through malloc: their arenas do it for them."""
    program = live.own(Python(script, "small"))
    tracer = live.attach(program)
    program.tell()
    report = tracer.report_now()
    arenas = [stack for stack in report["stacks"]
              if stack["space"] == "mapping"]
    line = LINES["kept.append((i, i + 1000000))"]
    assert report["stacks"][0] is arenas[0], report["stacks"][0]
    for stack in arenas:
        # The loop makes numbers, too.
        assert python_frames(stack, script)[0] in (
            ("small", line - 1), ("small", line)), stack
    # 100,000 times a tuple of 56 bytes, with 16 of its own, and two numbers.
    assert 9 << 20 <= sum(stack["bytes"] for stack in arenas) <= 15 << 20


def test_off(live, script):
    program = live.own(Python(script))
    tracer = live.attach(program, "--python", "off", "-z", SIZE, "-Z", SIZE)
    program.tell()
    for stack in tracer.report_now()["stacks"]:
        assert "_PyEval_EvalFrameDefault" in functions(stack)
        assert not python_frames(stack, script)


def test_growth(live, script):
    """Page faults have Python's lines as well."""
    program = live.own(Python(script))
    tracer = live.attach(program, "--growth")
    program.tell()
    names = functions(tracer.report_now()["stacks"][0])
    assert "Store.planted" in names and "main" in names, names
