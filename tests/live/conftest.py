# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures of the live tests: what they need, and that nothing stays behind.

LEAKTRACE_BUILD names the build directory (default: build). With
LEAKTRACE_REQUIRE_BPF=1 a machine that cannot run the live tests fails them;
without it they are skipped there.
"""

import ctypes
import os
import platform
import signal

import pytest

from harness import LEAKTRACE, Live, PATIENCE, PROGRAMS

TEST_SECONDS = 300 * PATIENCE

SYS_BPF = {"x86_64": 321, "aarch64": 280}
BPF_MAP_CREATE = 0
UPROBES = "/sys/bus/event_source/devices/uprobe/type"
BTF = "/sys/kernel/btf/vmlinux"


def bpf_refused():
    """Why a BPF map cannot be made, or None when it can."""
    attributes = (ctypes.c_uint32 * 32)(2, 4, 8, 1)  # array of one u64
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(SYS_BPF[platform.machine()], BPF_MAP_CREATE,
                          ctypes.byref(attributes), ctypes.sizeof(attributes))
    if result < 0:
        return f"bpf(): {os.strerror(ctypes.get_errno())}"
    os.close(result)
    return None


def missing():
    """What this machine lacks for live tests, or None."""
    if os.geteuid() != 0:
        return "not root"
    for path in (UPROBES, BTF):
        if not os.path.exists(path):
            return f"no {path}"
    return bpf_refused()


@pytest.fixture(scope="session")
def built():
    """Not built is a failure, whatever the machine can do."""
    for path in (LEAKTRACE, PROGRAMS / "planted"):
        if not path.exists():
            pytest.fail(f"{path}: not built (make all programs)",
                        pytrace=False)


@pytest.fixture(scope="session")
def bpf():
    """Root and BPF: every test that traces depends on this."""
    reason = missing()
    if not reason:
        return
    if os.environ.get("LEAKTRACE_REQUIRE_BPF") == "1":
        pytest.fail(f"live tests required but impossible: {reason}",
                    pytrace=False)
    pytest.skip(f"live tests are impossible here: {reason}")


@pytest.fixture(scope="session", autouse=True)
def signals_that_end():
    """A shell has what it puts in the background ignore these; not us."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def limited_time():
    """A test that hangs in spite of all fails after TEST_SECONDS."""
    def late(_signal, _frame):
        raise TimeoutError(f"test still running after {TEST_SECONDS} s")

    previous = signal.signal(signal.SIGALRM, late)
    signal.alarm(TEST_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.fixture
def launcher(built, tmp_path):
    """A Live for tests that need neither root nor BPF."""
    live = Live(tmp_path)
    yield live
    live.close()


@pytest.fixture
def live(bpf, launcher):
    """A Live for tests that trace."""
    return launcher
