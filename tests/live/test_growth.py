# SPDX-License-Identifier: GPL-2.0-or-later
"""--growth: which stacks make resident memory grow, whatever allocates.

The program touches pages one by one, so that one fault in 16 tells how many
they are to within one sample a thread.
"""

import pytest

from harness import PROGRAMS, functions, loss

PERIOD = 16
PAGE = 4096
MIB = 1 << 20


def grown(report):
    """{site: (pages, bytes)} of the program's own functions."""
    sums = {}
    for stack in report["stacks"]:
        assert stack["space"] == "resident" and stack["estimate"], stack
        site = next((name for name in functions(stack)
                     if name and name.startswith("growth_")), None)
        pages, size = sums.get(site, (0, 0))
        sums[site] = (pages + stack["blocks"], size + stack["bytes"])
    return sums


def check(report, truth, threads=4):
    sums = grown(report)
    for site in truth["sites"]:
        pages, size = sums.get(site["name"], (0, 0))
        slack = PERIOD * (threads if site["name"] == "growth_thread" else 2)
        assert abs(pages - site["blocks"]) <= slack, (site, sums)
        assert size == pages * PAGE
    assert abs(sums.get(None, (0, 0))[0]) <= 8 * PERIOD, sums


def test_no_allocator(live):
    """A static program without a symbol of its allocator."""
    program = live.start("growth")
    refused = live.run(PROGRAMS.parent / "leaktrace", "-p", program.pid)
    assert refused.wait() == 1
    assert "allocator" in refused.stderr.text()
    tracer = live.attach(program, "--growth")
    truth = program.tell()
    report = tracer.report_now()
    check(report, truth)
    first = functions(report["stacks"][0])
    assert first[:2] == ["growth_planted", "main"], first
    assert "growth_released" not in grown(report)
    sampled = sum(size for _, size in grown(report).values())
    resident = report["resident"]
    assert resident["fault_period"] == PERIOD
    assert abs(resident["bytes"] - resident["bytes_at_start"] - sampled) < MIB
    assert not report["at_least"]
    assert program.finish() == 0
    assert tracer.wait() == 0, tracer.stderr.text()
    # What was seen to be resident once, and no more than that.
    check(tracer.last_report(), truth)
    assert loss(tracer.last_report(), "pages_not_checked")["count"] > 0


def test_huge_pages(live):
    """One fault brings 2 MiB, where the kernel has them."""
    program = live.start("growth", "huge")
    tracer = live.attach(program, "--growth")
    truth = program.tell()
    size = next(site["bytes"] for site in truth["sites"]
                if site["name"] == "growth_huge")
    found = grown(tracer.report_now())["growth_huge"][1]
    sample = PERIOD * 2 * MIB
    assert abs(found - size) <= sample, (found, size)


def test_command(live):
    """From the first instruction on; exec makes it another program."""
    shell = "read line; exec \"$0\""
    tracer = live.command(["/bin/sh", "-c", shell, PROGRAMS / "growth"],
                          "--growth")
    tracer.wait_tracing()
    tracer.send("")
    tracer.command.ready()
    tracer.send("go")
    truth = tracer.command.next()
    report = tracer.report_now()
    check(report, truth)
    assert report["target"]["name"] == "growth"
    assert report["target"]["pid"] == truth["pid"]
    tracer.close_stdin()
    assert tracer.wait() == 0
    tracer.last_report()


@pytest.mark.parametrize("option", [["-s", "512K"], ["-a"], ["-z", "10"],
                                    ["-O", "/bin/true"], ["--stacks", "fp"]])
def test_what_it_does_not_see(live, option):
    tracer = live.run(PROGRAMS.parent / "leaktrace", "--growth", *option,
                      "-p", "1")
    assert tracer.wait() == 2
    assert "--growth" in tracer.stderr.text()


def test_kernel(live):
    tracer = live.run(PROGRAMS.parent / "leaktrace", "--growth", "--kernel")
    assert tracer.wait() == 2
    assert "--growth has no meaning with --kernel" in tracer.stderr.text()
