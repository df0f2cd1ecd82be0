# SPDX-License-Identifier: GPL-2.0-or-later
"""The stack walker against programs' own _Unwind_Backtrace, frame by frame.

unwind_check does the comparing; it fails unless at least 99.9% of the stacks
are exact and complete and not one frame is wrong. The figures are printed.
"""

import platform
import re
import shutil
import subprocess

import pytest

from harness import BUILD, PATIENCE, ROOT

LIVE = BUILD / "live"
SECONDS = 60 * PATIENCE

HOWS = ("gcc-O0", "gcc-O2", "gcc-O3", "gcc-lto", "gcc-no-pie", "gcc-static",
        "gcc-static-pie", "gcc-frame-pointers", "clang-O0", "clang-O2",
        "clang-O3", "clang-lto")
if platform.machine() == "aarch64":
    HOWS += ("gcc-signed",)
CXX_HOWS = ("gcc-O0", "gcc-O2", "gcc-lto", "gcc-static", "clang-O2")

PERL = """my %h; $h{$_} = [1 .. $_ % 7] for 1 .. 2000;
my $s = Dumper(\\%h); my @x = sort { $a <=> $b } keys %h; print length $s"""
PYTHON = """import ctypes, decimal, json, re, sqlite3, ssl, threading
def work():
    print(len(json.dumps([{str(i): [i] * 5} for i in range(2000)])))
    d = sqlite3.connect(":memory:")
    d.execute("create table t (a, b)")
    d.executemany("insert into t values (?, ?)", [(i, str(i) * 9)
                  for i in range(500)])
    print(d.execute("select a, count(*) from t group by b").fetchall()[:1])
    print(re.sub("(a+)b", lambda m: m.group(1) * 2, "aab" * 999)[:10])
threads = [threading.Thread(target=work) for _ in range(3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]"""

REAL_PROGRAMS = {
    "git": ["git", "--no-pager", "grep", "-n", "-I", "--no-index", "-e",
            "static", "--", "src"],
    "perl": ["perl", "-MPOSIX", "-MData::Dumper", "-e", PERL],
    "python3": ["/usr/bin/python3", "-c", PYTHON],
    "openssl": ["openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes",
                "-keyout", "/dev/null", "-out", "/dev/null", "-subj", "/CN=x"],
    "gdb": ["gdb", "-nx", "-batch", "-ex", "info functions main", "-ex",
            "disassemble main", str(LIVE / "unwind_target-gcc-O2")],
    "rg (Rust)": ["rg", "-j2", "-n", "static .* (unwind|frame)", "src",
                  "bpf", "docs"],
}


def check(capsys, name, command, options=()):
    """Runs unwind_check, prints its figures."""
    process = subprocess.run(
        [LIVE / "unwind_check", *options, LIVE / "unwind_check.bpf.o",
         *command], capture_output=True, text=True, timeout=SECONDS, cwd=ROOT)
    figures = re.search(r"(\d+) stacks compared.*", process.stdout)
    with capsys.disabled():
        print(f"\n{name}: {figures.group() if figures else 'nothing'}", end="")
    assert process.returncode == 0, process.stdout + process.stderr
    assert figures and int(figures.group(1)) >= 500, process.stdout


@pytest.mark.parametrize("how", HOWS)
def test_c(bpf, built, capsys, how):
    """Callbacks, signals on two stacks, contexts, threads, odd frames."""
    check(capsys, how, [LIVE / f"unwind_target-{how}", "60"])


@pytest.mark.parametrize("how", CXX_HOWS)
def test_cxx(bpf, built, capsys, how):
    """Exceptions, destructors while they pass, the standard library."""
    check(capsys, f"C++ {how}", [LIVE / f"unwind_target_cxx-{how}", "40"])


def test_dlopen(bpf, built, capsys):
    check(capsys, "dlopen", [LIVE / "unwind_target_dlopen", "60"])


def check_real(capsys, name, command):
    assert shutil.which(command[0]), \
        f"{command[0]} is not installed (tests/packages.txt)"
    check(capsys, name, command,
          ("--preload", LIVE / "unwind_preload.so"))


@pytest.mark.parametrize("name", REAL_PROGRAMS)
def test_real_program(bpf, built, capsys, name):
    check_real(capsys, name, REAL_PROGRAMS[name])


def test_compiler(bpf, built, capsys, tmp_path):
    """cc1 itself, by its own path: gcc would start it without the preload."""
    preprocessed = tmp_path / "code.i"
    source = ROOT / "src" / "unwind" / "cfi_program.c"
    subprocess.run(["gcc", "-E", "-D_GNU_SOURCE", "-Isrc", "-I.", source,
                    "-o", preprocessed], check=True, cwd=ROOT)
    cc1 = subprocess.run(["gcc", "-print-prog-name=cc1"], check=True,
                         capture_output=True, text=True).stdout.strip()
    check_real(capsys, "cc1", [cc1, "-quiet", "-fpreprocessed", "-O2",
                               preprocessed, "-o", "/dev/null"])
