# SPDX-License-Identifier: GPL-2.0-or-later
"""Allocators that only the user knows of: --alloc, --free and their like."""

import re

import pytest

from harness import LEAKTRACE, PROGRAMS, ROOT, compare, functions

ARENA = ["--alloc", "pool_take:size=2", "--free", "pool_give:ptr=2",
         "--alloc", "pool_array:size=2*3:ret",
         "--alloc", "pool_resize:size=3:ptr=2",
         "--alloc", "arena!pool_make:size=3:out=1",
         "--alloc", "pool_open:size=none", "--free", "pool_close"]


def check(tracer, program):
    truth = program.tell()
    compare(tracer.report_now(), truth,
            lifetimes=["array_taker", "maker", "text_new"])


@pytest.mark.parametrize("method", ["session", "multi", "perf"])
def test_arena(live, monkeypatch, method):
    monkeypatch.setenv("LEAKTRACE_ATTACH", method)
    program = live.start("arena")
    check(live.attach(program, *ARENA), program)


def test_arena_from_the_start(live):
    tracer = live.command([PROGRAMS / "arena"], *ARENA)
    tracer.command.ready()
    tracer.send("go")
    truth = tracer.command.next()
    compare(tracer.report_now(), truth,
            lifetimes=["array_taker", "maker", "text_new"])


def addresses(program):
    """{function: address} of a stripped program, from before."""
    lines = (PROGRAMS / f"{program}.map").read_text().splitlines()
    return {line.split()[2]: line.split()[0] for line in lines
            if len(line.split()) == 3}


def test_stripped_static_program(live):
    """Nothing has a name in it: its own functions are told by address."""
    program = live.start("arena-stripped")
    tracer = live.run(LEAKTRACE, "-p", program.pid)
    assert tracer.wait() == 1
    assert "stripped" in tracer.stderr.text()
    for word in "--alloc-at", "--free-at", "--growth":
        assert word in tracer.stderr.text()

    at = addresses("arena-stripped")
    places = []
    for option, argument in zip(ARENA[::2], ARENA[1::2]):
        name, colon, rest = argument.removeprefix("arena!").partition(":")
        object_name = "arena-stripped" if name == "pool_take" else ""
        places += [f"{option}-at",
                   f"{object_name}+0x{at[name]}{colon}{rest}"]
    places += ["--alloc-at", f"+{at['malloc']}", "--free-at",
               f"+{at['free']}"]
    tracer = live.attach(program, *places)
    truth = program.tell()
    report = tracer.report_now()
    sites = {site["name"]: site for site in truth["sites"]}
    found = {}
    for stack in report["stacks"]:
        assert functions(stack)[0] is None
        address = int(stack["frames"][0]["address"], 16)
        site = max((int(at[name], 16), name) for name in sites
                   if int(at[name], 16) <= address)[1]
        blocks, size = found.get(site, (0, 0))
        found[site] = blocks + stack["blocks"], size + stack["bytes"]
    assert found == {name: (site["blocks"], site["bytes"])
                     for name, site in sites.items()}
    assert report["unmatched_frees"] == 0


def manual_example():
    """The options of the manual's example."""
    text = (ROOT / "docs/leaktrace.8").read_text()
    line = re.search(r"^# leaktrace (.*sqlite3_malloc.*)$", text, re.M)[1]
    return line.replace("\\-", "-").split()


def test_sqlite(live):
    program = live.start("sqlite_leak")
    options = manual_example()
    place = options.index("-p")
    del options[place:place + 2]
    tracer = live.attach(program, *options)
    check(tracer, program)
    assert "libsqlite3.so.0.8.6 (2 functions)" in tracer.stderr.text()


def test_not_found(live):
    program = live.start("arena")
    tracer = live.attach(program, "--alloc", "pool_takes:size=2",
                         "--free", "libnone!pool_give:ptr=2")
    line = "leaktrace: in no object so far: pool_takes:size=2, " \
        "libnone!pool_give:ptr=2"
    tracer.stderr.wait(lambda text: text == line, line)


@pytest.mark.parametrize("options,words", [
    (["--alloc-at", "arena+0xffffffff"], "arena has no code at this address"),
    (["--alloc", "pool_take:sizes=2"], "--alloc: 'sizes=2' is not known"),
    (["--free-at", "arena"], "--free-at: 'arena' has no '+'"),
    (["--alloc", "pool_open:size=none", "--sample", "1M"],
     "cannot be sampled"),
])
def test_refused(live, options, words):
    program = live.start("arena")
    tracer = live.run(LEAKTRACE, "-p", program.pid, *options)
    assert tracer.wait() in (1, 2)
    assert words in tracer.stderr.text()
    assert not tracer.stdout.text()
