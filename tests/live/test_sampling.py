# SPDX-License-Identifier: GPL-2.0-or-later
"""--sample: estimates against programs that know the truth."""

import shutil
import subprocess

import pytest

from harness import (LEAKTRACE, PROGRAMS, ROOT, Process, by_site, functions,
                     lost)

# 90 in 100 are asked for, of intervals of 95%. All figures of a mix together
# are held to more than that, each alone to what chance cannot take it below.
ROUNDS = 250
HELD_MIN = 0.92
EACH_MIN = 0.88

# Interval, and what is planted at each site: (count, size) pairs. Each site
# has some dozens of samples; 1 MiB is always one.
MIXES = {
    "2K": {"apple": [(1500, 16), (6000, 64)],
           "banana": [(400, 700), (100, 3000)],
           "cherry": [(20, 20000), (2, 1 << 20)]},
    "64K": {"apple": [(4000, 1000)],
            "banana": [(200, 30000), (100, 100000)],
            "cherry": [(3, 1 << 20), (8000, 500)]},
}


def held(estimate, error, truth):
    # Half a block or byte: figures are rounded to whole ones.
    return abs(estimate - truth) <= 1.96 * error + 0.5


def plant(program, mix):
    for site, parts in mix.items():
        for count, size in parts:
            truth = program.tell(f"alloc {site} {count} {size}")
    return {site["name"]: site for site in truth["sites"]}


def free_all(program, mix):
    for site, parts in mix.items():
        program.tell(f"free {site} {sum(count for count, _ in parts)}")


def sums(report, site, key):
    """(estimate, standard error) of a site, over its stacks."""
    stacks = [stack for stack in report["stacks"]
              if functions(stack)[0] == site]
    return (sum(stack[key] for stack in stacks),
            sum(stack[f"{key}_error"] ** 2 for stack in stacks) ** 0.5)


def check_empty(report):
    assert [(total["blocks"], total["bytes"], total["bytes_error"],
             total["blocks_error"]) for total in report["totals"]] == \
        [(0, 0, 0, 0)]
    assert report["stacks"] == []
    assert report["unmatched_frees"] == 0
    assert lost(report) == [] and not report["at_least"]


@pytest.mark.parametrize("interval", sorted(MIXES))
def test_intervals_hold_the_truth(live, interval):
    mix = MIXES[interval]
    program = live.start("planted")
    tracer = live.attach(program, "--sample", interval)
    hits = {}
    errors = {}
    for _ in range(ROUNDS):
        truth = plant(program, mix)
        report = tracer.report_now()
        assert report["sample_bytes"] == int(interval[:-1]) << 10
        total = report["totals"][0]
        assert total["space"] == "heap" and total["estimate"]
        for key in ("bytes", "blocks"):
            compared = {site: (*sums(report, site, key), truth[site][key])
                        for site in mix}
            compared["total"] = (total[key], total[f"{key}_error"],
                                 sum(truth[site][key] for site in mix))
            for name, (estimate, error, true) in compared.items():
                hits[name, key] = hits.get((name, key), 0) + \
                    held(estimate, error, true)
                errors.setdefault((name, key), []).append(
                    (estimate - true, error))
        free_all(program, mix)
        check_empty(tracer.report_now())
    assert min(hits.values()) >= EACH_MIN * ROUNDS, hits
    assert sum(hits.values()) >= HELD_MIN * ROUNDS * len(hits), hits
    for name, rounds in errors.items():
        mean = sum(difference for difference, _ in rounds) / ROUNDS
        spread = sum(error ** 2 for _, error in rounds) ** 0.5 / ROUNDS
        # One in 16,000 by chance.
        assert abs(mean) <= 4 * spread + 0.5, (name, mean, spread)


@pytest.mark.parametrize("preload", [None, "libjemalloc.so.2"])
@pytest.mark.parametrize("options,method", [
    ((), None), ((), "multi"), ((), "perf"), (("--stacks", "fp"), None)])
def test_one_chance_a_block(live, preload, options, method):
    """Whichever function allocates, and whatever it calls."""
    count, size = 20000, 64
    program = live.start("sampled", count, size,
                         env={"LD_PRELOAD": preload} if preload else None)
    tracer = live.attach(program, "--sample", "1K", *options,
                         env={"LEAKTRACE_ATTACH": method} if method else None)
    truth = program.tell()
    report = tracer.report_now()
    for site in truth["sites"]:
        estimate, error = sums(report, site["name"], "blocks")
        assert abs(estimate - count) <= 5 * error, (site, estimate, error)
        assert 0.02 <= error / count <= 0.04, (site, error)
    named = {site["name"] for site in truth["sites"]}
    others = [functions(stack) for stack in report["stacks"]
              if functions(stack)[0] not in named]
    assert not others, others
    assert not lost(report), report["losses"]
    program.tell()
    check_empty(tracer.report_now())


@pytest.mark.parametrize("preload", [None, "libjemalloc.so.2"])
@pytest.mark.parametrize("options", [(), ("--stacks", "fp")])
def test_the_allocators_mappings_are_not_the_programs(live, preload, options):
    """Made by calls that were not sampled, and so not followed."""
    program = live.start("planted",
                         env={"LD_PRELOAD": preload} if preload else None)
    tracer = live.attach(program, "--sample", "16M", *options)
    program.tell("alloc apple 100 300000")  # each a mapping, in glibc
    program.tell("alloc banana 100000 100")
    program.tell("resize apple 20 600000")
    program.tell("free apple 40")
    program.tell("alloc cherry 10 3000000")
    report = tracer.report_now()
    mapped = [functions(stack) for stack in report["stacks"]
              if stack["space"] == "mapping"]
    assert not mapped, mapped


@pytest.mark.skipif(not shutil.which("musl-gcc"), reason="no musl-gcc")
@pytest.mark.parametrize("flags", [(), ("-static",)])
def test_musls_mappings_are_not_the_programs(live, flags):
    """Its malloc is a jump, which leaves no frame."""
    path = live.directory / "planted"
    subprocess.run(["musl-gcc", "-O2", "-g", "-D_GNU_SOURCE", "-fno-builtin",
                    *flags, "-o", path, ROOT / "tests/programs/planted.c",
                    ROOT / "tests/programs/truth.c"], check=True)
    program = live.start("planted", path=path)
    tracer = live.attach(program, "--sample", "1M")
    program.tell("alloc apple 100 300000")  # each a mapping
    program.tell("alloc banana 100000 100")  # in mappings
    # A static realloc lies apart from the others: see the manual.
    resized = 0 if flags else 20
    program.tell(f"resize apple {resized} 600000")
    program.tell("free apple 40")
    report = tracer.report_now()
    mapped = [functions(stack) for stack in report["stacks"]
              if stack["space"] == "mapping"]
    assert not mapped, mapped
    estimate, error = sums(report, "apple", "bytes")
    assert abs(estimate - (60 - resized) * 300000) <= 5 * error + 1


def test_mappings_are_exact(live):
    program = live.start("mappings")
    tracer = live.attach(program, "--sample", "64K")
    truth = program.tell()
    report = tracer.report_now()
    found = by_site(report)
    sites = [site for site in truth["sites"] if site["space"] == "mapping"]
    assert sites
    for site in sites:
        assert found[site["name"]]["bytes"] == site["bytes"], site
    for stack in report["stacks"]:
        if stack["space"] == "mapping":
            assert not stack["estimate"] and stack["bytes_error"] == 0


def test_command(live):
    """Also behind a shell's exec, which leaves another image."""
    tracer = live.command(
        f"exec {PROGRAMS / 'planted'} 'alloc apple 20000 100' "
        "'alloc banana 50 200000'", "--sample", "1K", shell=True)
    tracer.command.ready()
    report = tracer.report_now()
    estimate, error = sums(report, "apple", "bytes")
    assert abs(estimate - 2000000) <= 5 * error
    assert 0 < error < 0.04 * estimate
    assert sums(report, "banana", "bytes") == (10000000, 0)
    mapped = [functions(stack) for stack in report["stacks"]
              if stack["space"] == "mapping"]
    assert not mapped, mapped
    tracer.close_stdin()
    assert tracer.wait() == 0


def test_realloc_moves_a_block_to_its_new_stack(live):
    program = live.start("planted")
    tracer = live.attach(program, "--sample", "1K")
    program.tell("alloc apple 20000 100")
    program.tell("resize apple 20000 300")
    report = tracer.report_now()
    estimate, error = sums(report, "resized", "bytes")
    assert abs(estimate - 20000 * 300) <= 5 * error
    assert sums(report, "apple", "bytes") == (0, 0)
    assert report["unmatched_frees"] == 0


def test_frees_from_before_tracing(live):
    program = live.start("planted", "alloc apple 1000 100")
    tracer = live.attach(program, "--sample", "1K")
    program.tell("free apple 1000")
    report = tracer.report_now()
    assert report["unmatched_frees"] == 0 and report["stacks"] == []


def test_filters(live):
    """Sizes are filtered before, ages behind."""
    program = live.start("planted")
    tracer = live.attach(program, "--sample", "1K", "-z", "200", "-o", "1ms")
    program.tell("alloc apple 20000 100")
    program.tell("alloc banana 20000 200")
    report = tracer.report_now()
    assert set(by_site(report)) == {"banana"}
    estimate, error = sums(report, "banana", "bytes")
    assert 0 < error < 0.04 * estimate
    assert abs(estimate - 4000000) <= 5 * error + 4000


def test_text(live):
    program = live.start("planted")
    tracer = live.own(Process([LEAKTRACE, "-p", program.pid, "-s", "1K"]))
    tracer.stderr.wait(lambda line: line.startswith("leaktrace: tracing"),
                       "leaktrace: tracing")
    program.tell("alloc apple 20000 100")
    program.finish()
    assert tracer.wait() == 0
    text = tracer.stdout.text()
    assert "about 1.9 MiB +-" in text or "about 2.0 MiB +-" in text or \
        "about 1.8 MiB +-" in text, text
    assert "sampled: one block for every 1.0 KiB allocated" in text
