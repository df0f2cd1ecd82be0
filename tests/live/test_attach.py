# SPDX-License-Identifier: GPL-2.0-or-later
"""The ways to attach, and the sites of probes behind functions' entries.

LEAKTRACE_ATTACH names the way (src/capture/uprobe_link.h); where the kernel
does not offer it, leaktrace takes the next one and the tests hold all the same.
"""

import os
import platform
import re

import pytest

import test_accounting
from harness import compare

# The best one is what all other tests run with.
ATTACH_METHODS = ["session", "multi", "perf", "plain"]
ACCOUNTING = {name: test for name, test in vars(test_accounting).items()
              if name.startswith("test_")}

SITE = re.compile(r"leaktrace: (\w+) in (\S+): (entry|\+\d+): (.+)")


def arguments_of(test):
    """Each set of arguments that a parametrised test is to be run with."""
    marks = [mark for mark in getattr(test, "pytestmark", [])
             if mark.name == "parametrize"]
    assert len(marks) <= 1, f"{test.__name__}: write this for two"
    if not marks:
        return [{}]
    names, values = marks[0].args
    names = names.split(",")
    return [dict(zip(names, value if len(names) > 1 else [value]))
            for value in values]


def accounting_cases():
    for method in ATTACH_METHODS[1:3]:
        for name, test in ACCOUNTING.items():
            for arguments in arguments_of(test):
                case = "-".join([method, name[len("test_"):],
                                 *map(str, arguments.values())])
                yield pytest.param(method, test, arguments, id=case)


@pytest.mark.parametrize("method,test,arguments", accounting_cases())
def test_accounting_with(live, monkeypatch, method, test, arguments):
    monkeypatch.setenv("LEAKTRACE_ATTACH", method)
    test(live, **arguments)


def descriptors(process, kind):
    """How many descriptors of a kind ([perf_event] ...) a process has."""
    directory = f"/proc/{process.pid}/fd"
    return sum(os.readlink(f"{directory}/{number}").endswith(kind)
               for number in os.listdir(directory))


def test_method_is_the_one_asked_for(live, monkeypatch):
    program = live.start("planted")
    events = {}
    for method in ATTACH_METHODS:
        monkeypatch.setenv("LEAKTRACE_ATTACH", method)
        tracer = live.attach(program)
        events[method] = descriptors(tracer, "[perf_event]")
        tracer.stop()
    assert events["perf"] == events["plain"]
    assert events["perf"] >= events["session"] + 13 or \
        events["perf"] == events["session"], "an old kernel has one way only"
    assert events["perf"] >= 13, "as many as functions"


def sites_of(tracer, file, functions):
    """{function: (site, reason)} in a file, once all of functions are there."""
    found = {}

    def add(line):
        match = SITE.fullmatch(line)
        if match and match[2].startswith(file):
            found[match[1]] = match.groups()[2:]
        return set(functions) <= set(found)

    tracer.stderr.wait(add, f"sites of {functions}")
    return found


def test_verbose_tells_the_sites(live):
    program = live.start("planted")
    tracer = live.attach(program, "-v")
    sites = sites_of(tracer, "libc.so.6", ["malloc", "free", "mmap"])
    if platform.machine() == "x86_64":
        for name in "malloc", "free":
            assert "is emulated" in sites[name][1], sites[name]
    tracer.stop()
    told = [line for line in tracer.stderr.lines if SITE.fullmatch(line)]
    assert len(told) == len(set(told))
    header = next(line for line in tracer.stderr.lines
                  if line.startswith("leaktrace: tracing"))
    counted = sum(map(int, re.findall(r"\((\d+) functions\)", header)))
    assert counted == sum(" in libc.so.6: " in line for line in told)


def test_sites_are_not_told_unasked(live):
    program = live.start("planted")
    tracer = live.attach(program)
    tracer.stop()
    assert not any(map(SITE.fullmatch, tracer.stderr.lines))


# Libraries with a function that on x86-64 is probed behind its entry, and a
# program: pvalloc (allocators) is not in jemalloc, and mimalloc's
# realloc(p, 0) does not free (reallocs).
PRELOADED = {
    "libjemalloc.so.2": ("free", "reallocs"),
    "libtcmalloc.so.4": ("calloc", "allocators"),
    "libtcmalloc_minimal.so.4": ("malloc", "allocators"),
    "libmimalloc.so.2.0": ("realloc", "allocators"),
}


@pytest.mark.parametrize("method,library,name", [
    *(("session", library, name) for library in PRELOADED
      for name in (PRELOADED[library][1], "large")),
    *(("perf", library, PRELOADED[library][1]) for library in PRELOADED),
    ("plain", "libmimalloc.so.2.0", "allocators"),
])
def test_allocators_in_the_libcs_place(live, monkeypatch, method, library,
                                       name):
    """Probes behind the entry, whether arguments have moved there or not."""
    monkeypatch.setenv("LEAKTRACE_ATTACH", method)
    file = library.partition(".")[0]
    program = live.start(name, env={"LD_PRELOAD": library})
    with open(f"/proc/{program.pid}/maps") as maps:
        assert file in maps.read(), "not preloaded: no test"
    tracer = live.attach(program, "-v")
    truth = program.tell()
    # What the allocator maps for itself is no business of this test.
    compare(tracer.report_now(), truth, totals=False, lifetimes=True)
    if platform.machine() == "x86_64":
        moved = PRELOADED[library][0]
        site = sites_of(tracer, file, [moved])[moved]
        if method == "plain":
            assert site[0] == "entry" and "arguments move" in site[1]
        else:
            assert site[0] != "entry", "not moved: no test"
