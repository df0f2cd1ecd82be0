# SPDX-License-Identifier: GPL-2.0-or-later
"""Verdicts against labels for 56 s; make accuracy does it for longer."""

import importlib.util
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "tests/programs/accuracy/accuracy.py"

# Not told from a leak by then: it fills until a moment ago.
STILL_FILLING = {"cache_fills_in_40_s"}


def test_verdicts():
    spec = importlib.util.spec_from_file_location("accuracy", SCENARIOS)
    accuracy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(accuracy)
    build = os.environ.get("LEAKTRACE_BUILD", "build")
    target, labels, tracer = accuracy.start(
        f"{build}/leaktrace", f"{build}/programs/accuracy/accuracy", "1",
        ["56", "1"])
    report = accuracy.json.loads(tracer.stdout.readline())
    tracer.wait(30)
    target.kill()
    leaking, _, verdicts = accuracy.found(report, labels)
    leaks = {name for name, (leaks, _) in labels.items() if leaks}
    assert not leaking - leaks - STILL_FILLING, verdicts
    assert len(leaking & leaks) >= 0.9 * len(leaks), \
        {name: verdicts.get(name) for name in leaks - leaking}
