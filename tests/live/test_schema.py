# SPDX-License-Identifier: GPL-2.0-or-later
"""JSON reports, made up and real, against docs/report.schema.json."""

import json

import jsonschema
import pytest

import schemas
from harness import ROOT

GOLDEN = sorted((ROOT / "tests/golden").glob("*.json"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden(path):
    for line in path.read_text().splitlines():
        schemas.check("report", json.loads(line))


@pytest.mark.parametrize("options", [[], ["--show-allocs"],
                                     ["--sample", "4K", "-o", "1ms"]])
def test_live(live, options):
    program = live.start("planted", "alloc cherry 1 10")
    tracer = live.attach(program, *options)
    program.tell("alloc apple 100 5000")
    tracer.report_now()
    program.tell("alloc banana 10 70000")
    tracer.report_now()
    tracer.stop()
    assert len(tracer.reports()) == 3
    for report in tracer.reports():
        schemas.check("report", report)


def test_can_fail():
    """A key that is not described, and one that is missing."""
    report = json.loads(GOLDEN[0].read_text().splitlines()[0])
    for change in ({"surprise": 1}, {"version": 2}, {"totals": {}}):
        with pytest.raises(jsonschema.ValidationError):
            schemas.check("report", {**report, **change})
    del report["stacks"]
    with pytest.raises(jsonschema.ValidationError):
        schemas.check("report", report)
