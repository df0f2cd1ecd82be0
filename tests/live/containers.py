# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs in containers: a root of their own, PID 1 there (enter_root.py)."""

import re
import sys
from pathlib import Path

from harness import Program, session_members

ENTER_ROOT = Path(__file__).with_name("enter_root.py")


def inner_pid(program):
    """The PID out here of the process that is PID 1 inside."""
    for pid in session_members(program.pid):
        status = Path(f"/proc/{pid}/status").read_text()
        if re.search(r"^NSpid:\s+\d+\s+1$", status, re.MULTILINE):
            return pid
    raise AssertionError("no process in a PID namespace")


def contained(live, root, shared, path, *arguments):
    """(Program, its PID out here); shared is /mnt inside."""
    program = live.own(Program(
        "", *arguments, path=path,
        prefix=["unshare", "--mount", "--pid", "--fork", sys.executable,
                ENTER_ROOT, root, shared]))
    assert program.own_pid == 1, "no PID namespace of its own: no test"
    return program, inner_pid(program)
