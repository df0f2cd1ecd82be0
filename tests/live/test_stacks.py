# SPDX-License-Identifier: GPL-2.0-or-later
"""Call stacks of programs without frame pointers, by leaktrace itself.

The programs of tests/programs/call_stacks plant blocks in functions of known
names; here it is known which functions called them.
"""

import os
import shutil
import subprocess
import time

import pytest

from harness import BUILD, functions, wait_until

STACKS = BUILD / "call_stacks"
OUTERMOST = ("_start", "clone3", "__clone", "__start_context")


def program(name):
    path = STACKS / name
    if path.exists():
        return path
    if name.startswith("musl") and not shutil.which("musl-gcc") and \
            os.environ.get("LEAKTRACE_REQUIRE_BPF") != "1":
        pytest.skip("musl-gcc is not installed (musl-tools)")
    pytest.fail(f"{path}: not built (make programs)", pytrace=False)


def run(live, *argv, options=()):
    """The last report on a command that runs by itself."""
    tracer = live.command([str(argument) for argument in argv], *options)
    assert tracer.wait() == 0, tracer.stderr.text()
    return tracer.last_report()


def contains(names, chain):
    """Whether all of chain are among the names, in that order."""
    rest = iter(names)
    return all(name in rest for name in chain)


def stacks_of(report, *chain):
    """Those that chain[0] allocated, called by the others in that order."""
    return [stack for stack in report["stacks"]
            if functions(stack)[:1] == [chain[0]] and
            contains(functions(stack), chain)]


def is_complete(stack):
    return stack["flaw"] is None and functions(stack)[-1] in OUTERMOST


def guesses(stack):
    return [frame["function"] for frame in stack["frames"]
            if frame["guessed"]]


def show(report):
    return "\n".join(f"{stack['blocks']} blocks, {stack['flaw']}: "
                     f"{functions(stack)}" for stack in report["stacks"])


def expect(report, blocks, *chain):
    """Just so many blocks from complete stacks with this chain of callers."""
    stacks = stacks_of(report, *chain)
    assert sum(stack["blocks"] for stack in stacks) == blocks, show(report)
    for stack in stacks:
        assert is_complete(stack), show(report)
        assert guesses(stack) == []
    return stacks


def check_flaws(report, **expected):
    """The report's counts of incomplete stacks are those of its stacks."""
    flaws = {}
    for stack in report["stacks"]:
        if stack["flaw"]:
            flaws[stack["flaw"]] = flaws.get(stack["flaw"], 0) + 1
    assert report["flaws"] == flaws
    assert report["stacks_incomplete"] == sum(flaws.values())
    assert set(flaws) == set(expected), show(report)
    for name, count in expected.items():
        assert count is None or flaws[name] == count, show(report)


# {kind: [(blocks, innermost function, callers ...)]}
KINDS = {
    "plain": [(1, "plain", "middle", "do_plain", "main")],
    "alloca": [(2, "with_alloca", "do_alloca", "main")],
    "qsort": [(None, "compare", "do_qsort", "main")],
    "signal": [(1, "on_signal", "signal_here", "do_signal", "main")],
    "alternate": [(1, "on_signal", "signal_here", "do_alternate", "main")],
    "context": [(2, "in_context"), (1, "plain", "do_context", "main")],
    "thread": [(1, "plain", "middle", "in_thread")],
}
HOWS = ("frames", "frames_static", "frames_static_pie", "frames_debug_frame")


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("kind", KINDS)
def test_kind(live, kind, how):
    report = run(live, program(how), kind)
    for blocks, *chain in KINDS[kind]:
        if blocks is None:
            blocks = sum(stack["blocks"]
                         for stack in stacks_of(report, *chain))
            assert blocks >= 5
        expect(report, blocks, *chain)
    expect(report, 1, "in_constructor")
    check_flaws(report)


def test_debug_frame_is_all_there_is():
    """The program of that name is what it is for."""
    text = subprocess.run(
        ["readelf", "--debug-dump=frames", program("frames_debug_frame")],
        check=True, capture_output=True, text=True).stdout
    plain = subprocess.run(["nm", program("frames_debug_frame")], check=True,
                           capture_output=True, text=True).stdout
    address = next(line.split()[0] for line in plain.splitlines()
                   if line.endswith(" t plain"))
    described, _, debug = text.partition(".debug_frame section")
    assert f"pc={address}" in debug and f"pc={address}" not in described


def test_return_probe_among_the_callers(live):
    """pthread_create() is probed, too, and allocates: behind a trampoline.

    By then the mappings are read again, for a plug-in, and the kernel's page
    of trampolines is among them: it must not pass for code.
    """
    report = run(live, program("plugins"), "open", program("plugin_one.so"),
                 "thread")
    stacks = [stack for stack in report["stacks"]
              if contains(functions(stack), ("pthread_create",
                                             "start_thread_here", "main"))]
    assert stacks and all(map(is_complete, stacks)), show(report)
    check_flaws(report)


def test_deep(live):
    for depth, complete in ((200, True), (300, False)):
        report = run(live, program("frames"), "deep", depth)
        stack, = stacks_of(report, "descend")
        if complete:
            assert is_complete(stack)
            assert functions(stack).count("descend") == depth + 1
            check_flaws(report)
        else:
            assert functions(stack) == ["descend"] * 255
            assert stack["flaw"] == "too_deep"
            check_flaws(report, too_deep=1)


def test_text_tells_flaws(live):
    process = live.run(BUILD / "leaktrace", "--", program("frames"), "deep",
                       300)
    assert process.wait() == 0
    text = process.stdout.text()
    assert "call stacks incomplete (" in text
    assert "1 more frames than are recorded" in text
    assert "(incomplete: more frames than are recorded)" in text


def test_constructor_of_a_library(live):
    """Called by the dynamic linker, whose start has no unwind tables."""
    report = run(live, program("constructed"), "pause")
    stack, = stacks_of(report, "plugin_one_constructor")
    assert stack["flaw"] is None and guesses(stack) == [], show(report)
    assert stack["frames"][-1]["module"].startswith("ld-linux"), show(report)
    assert len(stack["frames"]) >= 4
    check_flaws(report)


def chain_of_plugin(name):
    return (f"{name}_inner", f"{name}_middle", "plugin_entry", "call_plugin",
            "main")


def expect_plugin(report, name, calls):
    for stack in expect(report, calls, *chain_of_plugin(name)):
        assert {frame["module"] for frame in stack["frames"][:3]} == \
            {f"{name}.so"}


def test_plugin_of_a_started_program(live):
    """Held while its plug-in is mapped: complete from the first block on."""
    report = run(live, program("plugins"), "open", program("plugin_one.so"),
                 "call", "call")
    expect_plugin(report, "plugin_one", 2)
    check_flaws(report)


def test_plugin_in_the_place_of_another(live):
    report = run(live, program("plugins"),
                 "open", program("plugin_one.so"), "call", "close",
                 "open", program("plugin_two.so"), "call", "close")
    expect_plugin(report, "plugin_one", 1)
    expect_plugin(report, "plugin_two", 1)
    check_flaws(report)


class Plugins:
    """plugins, told what to do a word at a time."""

    def __init__(self, live, path=None):
        self.process = live.run(path or program("plugins"))
        self.position = self.process.stdout.wait(
            lambda line: line == "ready", "ready")

    def tell(self, *words):
        self.process.send(" ".join(map(str, words)))
        self.position = self.process.stdout.wait(
            lambda line: line, f"answer to {words}", self.position)
        return self.process.stdout.lines[self.position - 1]


def test_plugin_of_an_attached_program(live):
    """The first stacks can be incomplete, but say so; the next are not."""
    plugins = Plugins(live)
    tracer = live.attach(plugins.process)
    plugins.tell("open", program("plugin_one.so"))
    for _ in range(3):
        plugins.tell("call")
    first = sum(stack["blocks"] for stack in
                stacks_of(tracer.report_now(), *chain_of_plugin("plugin_one"))
                if is_complete(stack))
    time.sleep(0.1)
    for _ in range(3):
        plugins.tell("call")
    report = tracer.stop()
    complete = 0
    for stack in report["stacks"]:
        if is_complete(stack):
            complete += stack["blocks"]
        else:
            assert stack["flaw"] == "no_mapping", show(report)
    assert complete >= first + 3, show(report)
    check_flaws(report, **({"no_mapping": None} if report["flaws"] else {}))


def test_plugin_in_the_place_of_another_attached(live):
    """Names of blocks that outlive their plug-in: those of that plug-in."""
    plugins = Plugins(live)
    tracer = live.attach(plugins.process)
    places = []
    for name in ("plugin_one", "plugin_two"):
        places.append(plugins.tell("open", program(f"{name}.so")))
        time.sleep(0.1)
        plugins.tell("call")
        plugins.tell("close")
        time.sleep(0.1)
    report = tracer.stop()
    # The linker fills the hole again: the same addresses but for the padding.
    one, two = (int(place.split()[1], 16) for place in places)
    assert one >> 12 == two >> 12, places
    expect_plugin(report, "plugin_one", 1)
    expect_plugin(report, "plugin_two", 1)


def test_exec(live):
    """The next program's stacks are its own."""
    report = run(live, program("frames"), "exec", program("frames_static"),
                 "alloca")
    expect(report, 2, "with_alloca", "do_alloca", "main")
    assert stacks_of(report, "plain") == [], show(report)
    assert all(frame["module"] == "frames_static"
               for stack in report["stacks"] for frame in stack["frames"])
    check_flaws(report)


def test_fork(live):
    report = run(live, program("frames"), "fork")
    expect(report, 2, "plain", "middle", "do_fork", "main")
    assert stacks_of(report, "in_child") == [], show(report)
    check_flaws(report)


def start_frames(live, *arguments, path=None):
    """frames --wait, ready."""
    process = live.run(path or program("frames"), "--wait", *arguments)
    process.stdout.wait(lambda line: line == "ready", "ready")
    return process


def finish_frames(process):
    process.send("go")
    process.stdout.wait(lambda line: line == "done", "done")


JIT_CALLERS = ("jit_caller", "do_jit", "main")


def check_jit(stack):
    """Through code of no file by its frame pointer, and marked."""
    assert stack["flaw"] == "no_cfi"
    jit = [frame for frame in stack["frames"] if frame["module"] is None]
    assert len(jit) == 1 and jit[0]["function"] is None
    assert functions(stack)[-1] == "_start"


def jit_stacks(report):
    called = [stack for stack in stacks_of(report, "jit_callee", *JIT_CALLERS)]
    direct = [stack for stack in report["stacks"]
              if functions(stack)[:2] == [None, "jit_caller"]]
    return called, direct


def test_jit(live):
    process = start_frames(live, "jit")
    tracer = live.attach(process)
    finish_frames(process)
    report = tracer.stop()
    for stacks in jit_stacks(report):
        assert sum(stack["blocks"] for stack in stacks) == 4, show(report)
        for stack in stacks:
            check_jit(stack)
    check_flaws(report, no_cfi=2)


def test_jit_made_while_traced(live):
    """Nobody tells of new code: the first stack does, the next are whole."""
    report = run(live, program("frames"), "jit")
    for stacks in jit_stacks(report):
        assert sum(stack["blocks"] for stack in stacks) >= 3, show(report)
        for stack in stacks:
            check_jit(stack)
    check_flaws(report, no_cfi=2, no_mapping=None)


def replace(path):
    """As a package upgrade does: another file under the same name."""
    other = path.with_suffix(".new")
    shutil.copy("/bin/true", other)
    os.replace(other, path)


@pytest.mark.parametrize("change", [os.unlink, replace])
def test_program_gone(live, tmp_path, change):
    path = tmp_path / "frames-copy"
    shutil.copy(program("frames"), path)
    process = start_frames(live, "alloca", path=path)
    change(path)
    tracer = live.attach(process)
    finish_frames(process)
    expect(tracer.stop(), 2, "with_alloca", "do_alloca", "main")


@pytest.mark.parametrize("change", [os.unlink, replace])
def test_library_gone(live, tmp_path, change):
    path = tmp_path / "plugin_one.so"
    shutil.copy(program("plugin_one.so"), path)
    plugins = Plugins(live)
    plugins.tell("open", path)
    change(path)
    tracer = live.attach(plugins.process)
    plugins.tell("call")
    report = tracer.stop()
    expect(report, 1, *chain_of_plugin("plugin_one"))
    check_flaws(report)


@pytest.mark.parametrize("how", ["musl_static", "musl_dynamic"])
def test_musl(live, how):
    """A C library without unwind tables: guessed, marked, and right."""
    report = run(live, program(how))
    for direct, *guessed in (
            ("strdup", "duplicate", "duplicate_deeper", "main"),
            ("compare", "qsort_r", "sort", "main")):
        stacks = stacks_of(report, direct, *guessed)
        assert stacks, show(report)
        for stack in stacks:
            assert contains(guesses(stack), guessed), show(report)
            assert guesses(stack)[-1] == "_start", show(report)
            assert not stack["frames"][0]["guessed"]
            assert stack["flaw"] == "no_cfi"
    for caller in ("read_line", "print"):
        stacks = [stack for stack in report["stacks"]
                  if contains(functions(stack), (caller, "main", "_start"))]
        assert stacks, show(report)
    # What has unwind tables as far as it goes is no guess so far.
    stack, = stacks_of(report, "directly", "main")
    assert "main" not in guesses(stack)
    assert set(report["flaws"]) == {"no_cfi"}


@pytest.mark.parametrize("stacks,complete", [("dwarf", True), ("fp", False)])
def test_choice(live, stacks, complete):
    """--stacks fp is what these programs are built to defeat."""
    report = run(live, program("frames"), "plain",
                 options=("--stacks", stacks))
    found = stacks_of(report, "plain", "middle", "do_plain", "main", "_start")
    assert bool(found) == complete, show(report)


def test_programs_outlive_nothing(live):
    """After the end of a traced program its stacks still have names."""
    process = start_frames(live, "plain")
    tracer = live.attach(process)
    finish_frames(process)
    process.close_stdin()
    assert process.wait() == 0
    assert tracer.wait() == 0, tracer.stderr.text()
    wait_until(lambda: not os.path.exists(f"/proc/{process.pid}"), "gone")
    expect(tracer.last_report(), 1, "plain", "middle", "do_plain", "main")
