# SPDX-License-Identifier: GPL-2.0-or-later
"""--fail-on and --error-exit: what the last report has decides the status."""

import json
import os
import subprocess

import pytest


def status(live, *options):
    """Of planted, which ends at once with what its arguments planted."""
    build = os.environ.get("LEAKTRACE_BUILD", "build")
    done = subprocess.run(
        [f"{build}/leaktrace", "--output", "json", *options],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    reports = [json.loads(line) for line in done.stdout.splitlines()
               if line.startswith(b'{"format"')]
    return done.returncode, reports


@pytest.mark.parametrize("options,plants,expected", [
    (["--fail-on", "outstanding"], ["alloc apple 1 10"], 3),
    (["--fail-on", "outstanding", "--error-exit", "77"],
     ["alloc apple 1 10"], 77),
    (["--fail-on", "outstanding"], ["alloc apple 1 10", "free apple 1"], 0),
    (["--fail-on", "leaking"], ["alloc apple 1000 10"], 0),
    ([], ["alloc apple 1000 10"], 0),
])
def test_command(live, options, plants, expected):
    build = os.environ.get("LEAKTRACE_BUILD", "build")
    code, reports = status(live, *options, "--", f"{build}/programs/planted",
                           *plants)
    assert code == expected
    assert reports[-1]["reason"] == "last"


def test_leaking(live):
    """A program that leaks for long enough fails."""
    script = ("import ctypes,time;c=ctypes.CDLL(None);"
              "c.malloc.restype=ctypes.c_void_p;c.free.argtypes="
              "[ctypes.c_void_p];e=time.time()+46\n"
              "while time.time()<e:\n c.malloc(1000003)\n time.sleep(.1)")
    code, reports = status(live, "-z", "1000003", "-Z", "1000003",
                           "--fail-on", "leaking", "--error-exit", "5", "--",
                           "/usr/bin/python3", "-c", script)
    assert reports[-1]["leaking_stacks"] >= 1, reports[-1]
    assert code == 5
