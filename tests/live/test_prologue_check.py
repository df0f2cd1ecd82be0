# SPDX-License-Identifier: GPL-2.0-or-later
"""The chosen probe sites, live: hit as often as the entries, and cheaper.

Builds tests/live/prologue_check*.c. Allocators are searched where the dynamic
linker finds them and below the directories in LEAKTRACE_ALLOCATORS (separated
by colons); what is not installed is skipped, unless LEAKTRACE_REQUIRE_ALL=1.
"""

import json
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

LIVE = Path(__file__).resolve().parent
SOURCE = LIVE.parents[1] / "src"
ROUNDS = 200_000
TIMED_ROUNDS = 50_000
ALLOCATORS = {
    "glibc": (r"libc\.so\.6", None),
    "jemalloc": (r"libjemalloc\.so\.\d+", "libjemalloc2"),
    "tcmalloc": (r"libtcmalloc\.so\.\d+", "libgoogle-perftools4"),
    "tcmalloc-minimal": (r"libtcmalloc_minimal\.so\.\d+",
                         "libtcmalloc-minimal4"),
    "mimalloc": (r"libmimalloc\.so\.\d+(\.\d+)?", "libmimalloc2.0"),
    "musl": (None, "musl-tools"),
}

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64",
                                reason="prologue_check reads x86-64 objects")


def frees(rounds):
    """How often prologue_check_target frees."""
    return rounds + rounds // 10 + rounds // 1000


def missing(what):
    if os.environ.get("LEAKTRACE_REQUIRE_ALL") == "1":
        pytest.fail(what)
    pytest.skip(what)


def find_library(pattern):
    cache = subprocess.run(["/sbin/ldconfig", "-p"], text=True, check=True,
                           stdout=subprocess.PIPE).stdout
    for line in cache.splitlines():
        name, _, path = line.strip().partition(" (libc6,x86-64) => ")
        if path and re.fullmatch(pattern, name):
            return path
    for directory in filter(None, os.environ.get("LEAKTRACE_ALLOCATORS",
                                                 "").split(":")):
        for path in sorted(Path(directory).rglob("*.so*")):
            if re.fullmatch(pattern, path.name):
                return str(path.resolve())
    return None


class Check:
    def __init__(self, directory):
        self.directory = directory
        self.program = directory / "prologue_check"
        self.bpf = directory / "prologue_check.bpf.o"
        sources = [LIVE / "prologue_check.c",
                   *SOURCE.glob("capture/prologue*.c"),
                   SOURCE / "unwind/x86_format.c", SOURCE /
                   "util/vector.c"]
        self.build("gcc", "-D_GNU_SOURCE", f"-I{SOURCE}", *sources, "-o",
                   self.program, "-lbpf", "-lelf")
        self.build("clang", "-target", "bpf", "-mcpu=v3",
                   "-idirafter", "/usr/include/x86_64-linux-gnu", "-c",
                   LIVE / "prologue_check.bpf.c", "-o", self.bpf)

    def build(self, compiler, *arguments):
        subprocess.run([compiler, "-O2", "-g", "-Wall", "-Wextra", "-Werror",
                        *arguments], check=True)

    def target(self, compiler, *arguments):
        kind = "-operators" if "-DOPERATORS" in arguments else ""
        program = self.directory / f"target-{compiler}{kind}"
        if not program.exists():
            self.build(compiler, LIVE / "prologue_check_target.c", "-o",
                       program, *arguments)
        return program

    def place(self, allocator, operators):
        """(object to probe, program, library to preload)."""
        pattern, package = ALLOCATORS[allocator]
        if allocator == "musl":
            if not shutil.which("musl-gcc"):
                missing(f"musl-gcc is not installed: package {package}")
            program = self.target("musl-gcc", "-static")
            return program, program, None
        library = find_library(pattern)
        if not library:
            missing(f"{allocator} is not installed: package {package}")
        how = ["-DOPERATORS", "-lstdc++"] if operators else []
        return (library, self.target("gcc", *how),
                None if allocator == "glibc" else library)

    def run(self, allocator, mode, rounds, operators=False):
        path, program, preload = self.place(allocator, operators)
        environment = dict(os.environ)
        if preload:
            environment["PROLOGUE_CHECK_PRELOAD"] = preload
        output = subprocess.run(
            [self.program, self.bpf, path, mode, program, str(rounds)],
            env=environment, check=True, text=True, timeout=280,
            stdout=subprocess.PIPE).stdout
        return json.loads(output)


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    return Check(tmp_path_factory.mktemp("prologue_check"))


@pytest.mark.parametrize("allocator", ALLOCATORS)
def test_sites_see_every_call(check, allocator):
    functions = check.run(allocator, "count", ROUNDS)["functions"]
    assert functions["malloc"]["entry_hits"] >= ROUNDS
    assert functions["free"]["entry_hits"] >= frees(ROUNDS)
    assert functions["calloc"]["entry_hits"] >= ROUNDS // 10
    assert functions["realloc"]["entry_hits"] >= ROUNDS // 10
    for name, figures in functions.items():
        print(f"{allocator} {name}: {figures['site']}, "
              f"{figures['entry_hits']} hits")
        assert figures["site_hits"] == figures["entry_hits"], name
        assert figures["same_arguments"], name
        assert figures["emulated"], name


# Those with operators of their own: seven pairs of them a round.
@pytest.mark.parametrize("allocator", ["jemalloc", "tcmalloc-minimal",
                                       "mimalloc"])
def test_sites_of_operators_see_every_call(check, allocator):
    rounds = ROUNDS // 7 + 1
    functions = check.run(allocator, "operators", rounds,
                          operators=True)["functions"]
    operators = {name: figures for name, figures in functions.items()
                 if name.startswith("_Z")}
    # Some are one function under two names, some do nothing but jump.
    assert sum(figures["entry_hits"] for figures in operators.values()) >= \
        5 * rounds, operators
    assert {"_Znwm", "_ZdlPvm"} & set(operators), operators
    for name, figures in operators.items():
        print(f"{allocator} {name}: {figures['site']}, "
              f"{figures['entry_hits']} hits")
        assert figures["entry_hits"] >= rounds, name
        assert figures["site_hits"] == figures["entry_hits"], name
        assert figures["same_arguments"], name


# musl's free starts with an emulated jump: nothing to gain.
@pytest.mark.parametrize("allocator", [a for a in ALLOCATORS if a != "musl"])
def test_site_of_free_is_cheaper(check, allocator):
    cost = {}
    base = check.run(allocator, "none", TIMED_ROUNDS)
    for mode in "free-entry", "free-site":
        figures = check.run(allocator, mode, TIMED_ROUNDS)
        cost[mode] = ((figures["cpu_ns"] - base["cpu_ns"])
                      / frees(TIMED_ROUNDS))
    offset = base["functions"]["free"]["offset"]
    print(f"{allocator} free: {cost['free-entry']:.0f} ns at the entry, "
          f"{cost['free-site']:.0f} ns at +{offset}")
    assert cost["free-site"] < cost["free-entry"] / 2
