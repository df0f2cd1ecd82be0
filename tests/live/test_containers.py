# SPDX-License-Identifier: GPL-2.0-or-later
"""Containers: another suite's libc, a root that was pivoted to, PIDs that are
others inside, threads that see other files than their process.
"""

import re
import shutil

import pytest

import suites
from containers import contained
from harness import (BUILD, PROGRAMS, by_site, check_to_the_end, functions,
                     lost)


@pytest.fixture(scope="session", name="trixie")
def _trixie():
    return suites.suite_root("trixie", suites.LIBRARIES)


def header(tracer):
    return next(line for line in tracer.stderr.lines
                if line.startswith("leaktrace: tracing"))


@pytest.mark.parametrize("name", ["allocators", "threads", "mappings"])
def test_foreign_glibc(live, trixie, tmp_path, name):
    """Of its own release, at paths that are other files out here."""
    shutil.copy(PROGRAMS / name, tmp_path)
    program, pid = contained(live, trixie, tmp_path, f"/mnt/{name}")
    tracer = live.attach(pid)
    truth = program.tell()
    assert re.search(r": glibc 2\.41 in libc\.so\.6 \(\d+ functions\)$",
                     header(tracer)), header(tracer)
    assert f"(PID {pid})" in header(tracer)
    # A thread that ends gives its cache back: blocks that nobody has.
    check_to_the_end(program, tracer, truth, pid=pid,
                     notes_at_end=name != "threads")
    for stack in tracer.last_report()["stacks"]:
        assert not stack["flaw"], stack
        assert "libc.so.6" in [frame["module"] for frame in stack["frames"]]


def test_thread_with_files_of_its_own(live, tmp_path):
    """A thread has a mount namespace and a plug-in that only it can see."""
    plugin = BUILD / "call_stacks" / "plugin_one.so"
    program = live.start("thread_files", tmp_path, plugin)
    tracer = live.attach(program)
    program.tell()
    tracer.report_now()
    truth = program.tell()
    assert not (tmp_path / "plugin.so").exists(), "to be seen here: no test"
    report = tracer.report_now()
    site, = truth["sites"]
    found = by_site(report)["plugin_one_inner"]
    assert (found["blocks"], found["bytes"]) == (site["blocks"],
                                                 site["bytes"])
    first = report["stacks"][0]
    assert functions(first)[:4] == ["plugin_one_inner", "plugin_one_middle",
                                    "plugin_entry", "in_thread"], first
    assert first["frames"][0]["module"] == "plugin.so"
    assert not lost(report)
