# SPDX-License-Identifier: GPL-2.0-or-later
"""Every allocator, wherever it is: preloaded, linked, in the program itself.

The programs are those of tests/programs, built once more with each allocator
(programs.mk); what they hold must be found to the byte and the block.
"""

import re
import socket
from collections import defaultdict

import pytest

from harness import PROGRAMS, compare, functions, wait_until

LIBRARIES = {
    "jemalloc": "libjemalloc.so.2",
    "tcmalloc": "libtcmalloc.so.4",
    "tcmalloc_minimal": "libtcmalloc_minimal.so.4",
    "mimalloc": "libmimalloc.so.2.0",
}
# mimalloc's operator new, compiled as C, ends the program instead of throwing.
CANNOT_THROW = ["no exceptions"]


def arguments_for(variant):
    return CANNOT_THROW if variant == "mimalloc" else []


def header(tracer):
    """What the start-up line says was found."""
    line = next(line for line in tracer.stderr.lines
                if line.startswith("leaktrace: tracing"))
    return re.fullmatch(r"leaktrace: tracing .+ \(PID \d+\): (.+)", line)[1]


def check(live, program):
    """Traces a program over its whole truth; the start-up line."""
    tracer = live.attach(program)
    truth = program.tell()
    # What the allocator maps for itself is no business of these tests.
    compare(tracer.report_now(), truth, totals=False)
    report = tracer.report_now()
    assert report["unmatched_frees"] == truth["notes"].get("unmatched_frees",
                                                           0)
    names = {site["name"] for site in truth["sites"]}
    heap = [stack for stack in report["stacks"] if stack["space"] == "heap"]
    assert functions(heap[0])[0] in names, "the leak is not the first stack"
    strangers = [functions(stack) for stack in heap
                 if functions(stack)[0] not in names]
    assert not strangers
    return truth, header(tracer)


@pytest.mark.parametrize("variant", LIBRARIES)
def test_operators_preloaded(live, variant):
    program = live.start("operators", *arguments_for(variant),
                         env={"LD_PRELOAD": LIBRARIES[variant]})
    truth, found = check(live, program)
    assert truth["notes"]["caught"] == (0 if variant == "mimalloc" else 3)
    assert re.fullmatch(
        variant.removesuffix("_minimal") +
        r" \d+\.\d+[.\d]* in lib\w+\.so[.\d]* \(\d+ functions\), "
        r"libc\.so\.6 \(mmap only\)", found), found


@pytest.mark.parametrize("variant", [*LIBRARIES, "jemalloc-static",
                                     "tcmalloc-static"])
@pytest.mark.parametrize("name", ["operators", "large"])
def test_linked(live, variant, name):
    arguments = arguments_for(variant) if name == "operators" else []
    path = PROGRAMS / variant / name
    program = live.start(name, *arguments, path=path)
    _, found = check(live, program)
    family = variant.split("_")[0].removesuffix("-static")
    if variant.endswith("-static"):
        assert re.match(rf"{family} [\d.]+ in {name} \(\d+ functions\)",
                        found), found
    else:
        assert re.match(rf"{family} [\d.]+ in lib{family}", found), found
    assert found.endswith(", libc.so.6 (mmap only)"), found


@pytest.mark.parametrize("variant", ["", "glibc-static"])
def test_operators_of_the_cxx_library(live, variant):
    """libstdc++'s go through malloc, which alone is probed."""
    program = live.start("operators", path=PROGRAMS / variant / "operators")
    tracer = live.attach(program)
    truth = program.tell()
    report = tracer.report_now()
    sums = defaultdict(lambda: [0, 0])
    for stack in report["stacks"]:
        assert functions(stack)[0].startswith("operator new")
        site = next(name for name in functions(stack)
                    if not name.startswith("operator new"))
        sums[site][0] += stack["blocks"]
        sums[site][1] += stack["bytes"]
    assert sums == {site["name"]: [site["blocks"], site["bytes"]]
                    for site in truth["sites"]}
    assert report["unmatched_frees"] == 0
    assert truth["notes"]["caught"] == 3


def compare_after(tracer, program):
    truth = program.tell()
    # What the allocator maps for itself is no business of these tests.
    compare(tracer.report_now(), truth, totals=False)


@pytest.mark.parametrize("name", ["allocators", "reallocs", "forks", "large"])
def test_static_glibc(live, name):
    program = live.start(name, path=PROGRAMS / "glibc-static" / name)
    tracer = live.attach(program)
    compare_after(tracer, program)
    assert re.fullmatch(rf"glibc( 2\.\d+)? in {name} \(\d+ functions\)",
                        header(tracer)), header(tracer)


@pytest.mark.parametrize("variant,name", [
    *(("musl", name) for name in ("allocators", "large", "threads",
                                  "mappings")),
    *(("musl-static", name) for name in ("allocators", "large", "threads")),
])
def test_musl(live, variant, name):
    program = live.start(name, path=PROGRAMS / variant / name)
    tracer = live.attach(program)
    compare_after(tracer, program)
    where = name if variant == "musl-static" else r"(libc\.so|ld-musl\S+)"
    assert re.fullmatch(rf"musl( 1\.\d+\.\d+)? in {where} "
                        r"\(\d+ functions\)", header(tracer)), header(tracer)


@pytest.mark.parametrize("name,family", [
    ("snmalloc", "snmalloc"), ("dpdk", "DPDK"), ("rpmalloc", "rpmalloc"),
    ("rjem", "jemalloc")])
def test_names_of_other_allocators(live, name, family):
    """Sizes and blocks are where the family's own functions have them."""
    program = live.start(name, path=PROGRAMS / "family" / name)
    tracer = live.attach(program)
    truth = program.tell()
    compare(tracer.report_now(), truth)
    assert re.search(rf"\b{family} in {name} \(\d+ functions\)",
                     header(tracer)), header(tracer)


GLIB = """
import ctypes, os, sys
glib = ctypes.CDLL("libglib-2.0.so.0")
for name in "g_malloc", "g_malloc0", "g_strndup":
    getattr(glib, name).restype = ctypes.c_void_p
print("ready", os.getpid(), flush=True)
sys.stdin.readline()
for _ in range(300):
    glib.g_malloc(54321)
for _ in range(200):
    glib.g_malloc0(54322)
for _ in range(100):
    glib.g_free(ctypes.c_void_p(glib.g_malloc(54323)))
print('{"truth": 1}', flush=True)
sys.stdin.readline()
"""


def test_glib_goes_through_malloc(live):
    """Its functions stand in the stack; each block counts once."""
    program = live.start("", "-c", GLIB, path="/usr/bin/python3")
    tracer = live.attach(program, "-z", 54321, "-Z", 54323, "--sort",
                         "bytes")
    program.tell()
    report = tracer.report_now()
    found = {functions(stack)[0]: (stack["blocks"], stack["bytes"])
             for stack in report["stacks"]}
    assert found == {"g_malloc": (300, 300 * 54321),
                     "g_malloc0": (200, 200 * 54322)}
    assert functions(report["stacks"][0])[0] == "g_malloc"


def test_named_mappings(live, tmp_path):
    """Memory that never passes through malloc has its file's name, or its own."""
    file = tmp_path / "data.bin"
    file.write_bytes(bytes(8192))
    program = live.start("named_mappings", file)
    tracer = live.attach(program)
    truth = program.tell()
    report = tracer.report_now()
    compare(report, truth)
    found = defaultdict(set)
    for stack in report["stacks"]:
        found[functions(stack)[0]].add(stack["mapping"])
    anonymous = "shop cache" if truth["notes"]["anonymous_names"] else None
    rings = found.pop("of_memory_file")
    assert found == {"of_file": {str(file)}, "of_nothing": {None},
                     "of_named": {anonymous}}
    assert any(ring.startswith("/memfd:ring") for ring in rings)


def test_redis_keeps_keys(live, tmp_path):
    """Debian's redis-server as it is: 1,000 keys that stay, under a client."""
    path = tmp_path / "socket"
    server = live.run("redis-server", "--port", "0", "--unixsocket", path,
                      "--save", "", "--appendonly", "no", "--dir", tmp_path)
    wait_until(path.exists, "redis listening")
    tracer = live.attach(server.pid, top=20)
    assert header(tracer).startswith("jemalloc 5.")
    benchmark = live.run("redis-benchmark", "-s", path, "-t", "get", "-n",
                         "2000", "-q")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        file = client.makefile("rwb")
        for i in range(1000):
            file.write(b"*3\r\n$6\r\nAPPEND\r\n$8\r\nkey:%04d\r\n$3000\r\n%s\r\n"
                       % (i, b"x" * 3000))
        file.flush()
        assert [file.readline() for _ in range(1000)] == [b":3000\r\n"] * 1000
    assert benchmark.wait() == 0
    first = max(tracer.report_now()["stacks"], key=lambda s: s["bytes"])
    assert first["blocks"] == 1000
    assert 3_000_000 < first["bytes"] < 3_200_000
    assert {"createStringObject", "processMultibulkBuffer"} <= \
        set(functions(first))


@pytest.mark.parametrize("method", ["multi", "perf"])
def test_throwing_functions_left_alone(live, monkeypatch, method):
    """Where a call's return cannot be left alone they are only counted."""
    monkeypatch.setenv("LEAKTRACE_ATTACH", method)
    program = live.start("operators", env={"LD_PRELOAD": "libjemalloc.so.2"})
    tracer = live.attach(program)
    truth = program.tell()
    assert truth["notes"]["caught"] == 3
    report = tracer.report_now()
    thrown = [site for site in truth["sites"]
              if "nothrow" not in site["name"]]
    loss = next(loss for loss in report["losses"]
                if loss["name"] == "throwing_not_recorded")
    # Some go on to another of them, and three ask for too much.
    assert loss["count"] >= sum(site["allocations"] for site in thrown)
    assert loss["bytes"] >= sum(site["allocated_bytes"] for site in thrown)
    assert report["at_least"]
    tracer.stop()
    assert "may throw are not traced but counted, operator new among them" \
        in tracer.stderr.text()


def test_throwing_functions_named(live, monkeypatch):
    """Who names them has them recorded, whatever they may throw."""
    monkeypatch.setenv("LEAKTRACE_ATTACH", "multi")
    program = live.start("operators", *CANNOT_THROW,
                         env={"LD_PRELOAD": "libtcmalloc_minimal.so.4"})
    names = ["_Znwm", "_Znam", "_ZnwmSt11align_val_t",
             "_ZnamSt11align_val_t"]
    tracer = live.attach(program, *(word for name in names
                                    for word in ("--alloc",
                                                 name + ":size=1")))
    truth = program.tell()
    compare(tracer.report_now(), truth, totals=False)
