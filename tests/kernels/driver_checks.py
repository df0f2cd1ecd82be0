# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel mode against a driver that counts what it leaks; run in the guest.

modules/leakdrv says what its kinds of leaks are; each has a function of its
own, leak_KIND(), and each twin, balance_KIND(), gives back what it takes.
"""

import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "live"))

from harness import NEVER, Live, Tracer, functions, wait_until  # noqa: E402

PARAMETERS = Path("/sys/module/leakdrv/parameters")
RELEASE = Path("/proc/sys/kernel/osrelease").read_text().split(".")
VERSION = tuple(map(int, RELEASE[:2]))

# Its names are gone before leaktrace has read them, where a guest is slow.
INIT_IS_LOST = platform.machine() == "aarch64"

# What each kind of leak is: its space by the kernel's own view.
LEAKS = {
    "kmalloc": "slab", "large": "slab", "cache": "slab", "library": "slab",
    "pages": "page", "order2": "page", "split": "page", "vmalloc": "vmalloc",
    "percpu": "percpu", "kvmalloc": "slab", "krealloc": "slab",
    "kstrdup": "slab", "bulk": "slab", "bulk_pages": "page",
}
TWINS = ["kmalloc", "large", "cache", "pages", "split", "exact", "vmalloc",
         "percpu", "kvmalloc", "krealloc", "kstrdup", "kfree_rcu",
         "kvfree_rcu", "bulk", "bulk_pages", "free_bulk"]

# The driver's own bytes of a block.
SIZES = {"kmalloc": 128, "vmalloc": 3 * 4096, "pages": 4096,
         "order2": 4 * 4096, "split": 4096, "bulk_pages": 4096}

# Events that interrupt another's handling twice over: one in many millions.
SKIPPED_MAX = 2


def insmod(name):
    subprocess.run(["insmod", f"/modules/{name}.ko"], check=True)


def rmmod(name):
    subprocess.run(["rmmod", name], check=True)


def loaded(name):
    return Path("/sys/module", name).exists()


@pytest.fixture
def live(tmp_path):
    """Nothing of the driver is there before and after."""
    if not loaded("leaklib"):
        insmod("leaklib")
    own = Live(tmp_path)
    yield own
    own.close()
    if loaded("leakdrv"):
        rmmod("leakdrv")


def order(parameter, kind, count):
    (PARAMETERS / parameter).write_text(f"{kind} {count}\n")


def counted(parameter):
    """{kind: blocks} as the driver has counted."""
    lines = (PARAMETERS / parameter).read_text().split("\n")
    return {line.split()[0]: int(line.split()[1]) for line in lines if line}


def gaps(report):
    return {gap["name"] for gap in report["kernel"]["gaps"]}


def own_stacks(report, function):
    """Stacks with the driver's function, without pages counted elsewhere."""
    return [stack for stack in report["stacks"] if stack["space"] != "apart"
            and any(frame["function"] == function and
                    frame["module"] == "leakdrv"
                    for frame in stack["frames"])]


def blocks(stacks):
    return sum(stack["blocks"] for stack in stacks)


def unseen(report):
    """Kinds that this kernel offers no hook for: their gaps are named."""
    missing = {"kmem_cache_alloc_bulk": {"bulk"}, "vmalloc": {"vmalloc"},
               "alloc_pages_bulk": {"bulk_pages"}}
    return set().union(*(missing.get(name, set()) for name in gaps(report)))


def leak_all(first=20):
    for number, kind in enumerate(LEAKS):
        order("leak", kind, first + number)


def test_every_leak(live):
    """Each with the driver's own count, where it is, and nothing else."""
    tracer = live.trace_kernel("slab,page,percpu,vmalloc")
    insmod("leakdrv")
    leak_all()
    report = tracer.report_now()
    truth = counted("leak")
    problems = []
    named = LEAKS if INIT_IS_LOST else {**LEAKS, "init": "slab"}
    for kind, space in named.items():
        name = "leak_in_init" if kind == "init" else f"leak_{kind}"
        stacks = own_stacks(report, name)
        if kind in unseen(report):
            continue
        if blocks(stacks) != truth[kind]:
            problems.append(f"{kind}: {blocks(stacks)} blocks, in truth "
                            f"{truth[kind]}")
        held = sum(stack["bytes"] for stack in stacks)
        if kind in SIZES and held != truth[kind] * SIZES[kind]:
            problems.append(f"{kind}: {held} bytes, in truth "
                            f"{truth[kind] * SIZES[kind]}")
        for stack in stacks:
            if kind == "vmalloc" and space in gaps(report):
                continue
            if stack["space"] != space:
                problems.append(f"{kind}: {stack['blocks']} blocks in "
                                f"{stack['space']}: {functions(stack)}")
            if stack["kernel"]["module"] != "leakdrv":
                problems.append(f"{kind}: of {stack['kernel']['module']}")
    first = report["kernel"]["modules"][0]
    total = sum(truth[kind] for kind in truth if kind not in
                unseen(report) and not (INIT_IS_LOST and kind == "init"))
    if (first["name"], first["blocks"]) != ("leakdrv", total):
        problems.append(f"first module {first['name']} with {first['blocks']} "
                        f"blocks, in truth {total}: {first['spaces']}")
    last = report["kernel"]["modules"][-1]
    if last["name"] != "vmlinux":
        problems.append(f"last module {last['name']}")
    for entry in report["losses"]:
        if entry["understates"] and (entry["name"] != "recursion_misses" or
                                     entry["count"] > SKIPPED_MAX):
            problems.append(f"loss: {entry}")
    assert not problems, "\n".join(problems)
    tracer.stop()


def test_who_a_library_allocates_for(live):
    """Its user, and both are shown; the cache has its name."""
    tracer = live.trace_kernel("slab")
    insmod("leakdrv")
    order("leak", "library", 25)
    order("leak", "cache", 26)
    report = tracer.report_now()
    (stack,) = own_stacks(report, "leak_library")
    assert stack["kernel"]["module"] == "leakdrv"
    assert stack["kernel"]["modules"] == ["leaklib", "leakdrv"]
    (stack,) = own_stacks(report, "leak_cache")
    assert stack["kernel"]["cache"] == \
        (None if VERSION < (6, 1) else "leaklib-objects")
    tracer.stop()


def test_twins_leave_nothing(live):
    """What is given back is gone, after the grace period at the latest."""
    insmod("leakdrv")
    tracer = live.trace_kernel("slab,page,percpu,vmalloc")
    for kind in TWINS:
        order("balance", kind, 40)
    truth = counted("balance")
    assert all(truth[kind] >= 40 for kind in TWINS), truth
    report = tracer.report_now()
    excused = set()
    if "kfree_rcu" in gaps(report):
        excused |= {"kfree_rcu", "kvfree_rcu"}
    if "kmem_cache_free_bulk" in gaps(report):
        excused |= {"bulk", "free_bulk"}

    def left():
        report = tracer.report_now()
        found = {kind: blocks(own_stacks(report, f"balance_{kind}"))
                 for kind in TWINS if kind not in excused}
        return {kind: number for kind, number in found.items() if number}

    last = {}

    def nothing_left():
        last.clear()
        last.update(left())
        return not last

    try:
        wait_until(nothing_left, "twins gone", 20)
    except AssertionError as error:
        raise AssertionError(
            f"left of twins: {last}; "
            f"{tracer.report_now()['losses']}") from error
    last_report = tracer.stop()
    named = {stack["kernel"]["module"] for stack in last_report["stacks"]}
    assert "leakdrv" not in named or excused, named


def test_names_after_unloading(live):
    """The driver is gone; its functions still have names."""
    tracer = live.trace_kernel("slab")
    insmod("leakdrv")
    order("leak", "kmalloc", 31)
    order("leak", "kstrdup", 32)
    truth = counted("leak")
    tracer.report_now()
    rmmod("leakdrv")
    report = tracer.report_now()
    for kind in ("kmalloc", "kstrdup"):
        assert blocks(own_stacks(report, f"leak_{kind}")) == truth[kind], \
            report["losses"]
    if not INIT_IS_LOST:
        assert blocks(own_stacks(report, "leak_in_init")) == truth["init"]
    tracer.stop()


@pytest.mark.skipif(VERSION < (5, 14), reason="no tracepoint devres_log")
def test_memory_of_a_device(live):
    """devm_kmalloc() is the device's, and no slab object beside that."""
    insmod("leakdrv")
    tracer = live.trace_kernel("slab")
    order("leak", "devm", 20)
    order("balance", "devm", 20)
    report = tracer.report_now()
    stacks = own_stacks(report, "leak_devm")
    devres = [stack for stack in stacks if stack["space"] == "devres"]
    assert blocks(devres) == 20
    assert {stack["kernel"]["device"].rsplit(".", 1)[0]
            for stack in devres} == {"leakdrv-device"}
    assert not blocks(own_stacks(report, "balance_devm"))
    rmmod("leakdrv")
    wait_until(lambda: not blocks(own_stacks(tracer.report_now(),
                                             "leak_devm")),
               "the device's memory gone", 20)
    tracer.stop()


@pytest.mark.skipif(VERSION < (6, 12), reason="no tracepoint dma_alloc")
def test_dma_memory(live):
    """DMA-coherent memory with the device's name, its pages set apart."""
    insmod("leakdrv")
    tracer = live.trace_kernel("page")
    order("leak", "dma", 20)
    order("balance", "dma", 20)
    report = tracer.report_now()
    stacks = own_stacks(report, "leak_dma")
    assert blocks(stacks) == 20, [(stack["space"], stack["blocks"],
                                   functions(stack)) for stack in stacks]
    assert {stack["space"] for stack in stacks} == {"dma"}
    assert stacks[0]["kernel"]["device"].startswith("leakdrv-device")
    assert sum(stack["bytes"] for stack in stacks) == 20 * 8192
    assert not blocks(own_stacks(report, "balance_dma"))
    tracer.stop()


def test_name_of_a_module_that_came_and_went(live):
    """Unloaded before anybody looked at its symbols: it keeps its name."""
    tracer = live.trace_kernel("slab")
    tracer.popen.send_signal(signal.SIGSTOP)
    insmod("leakdrv")
    order("leak", "kmalloc", 12)
    rmmod("leakdrv")
    tracer.popen.send_signal(signal.SIGCONT)
    report = tracer.report_now()
    stacks = [stack for stack in report["stacks"]
              if stack["kernel"]["module"] == "leakdrv"]
    assert blocks(stacks) == 19, [functions(stack) for stack in stacks]
    assert {frame["function"] for stack in stacks for frame in stack["frames"]
            if frame["module"] == "leakdrv"} == {None}
    tracer.stop()


def test_remembered_stacks(live):
    """On this kernel, too, they are what a walk finds."""
    tracer = live.trace_kernel("slab,page", env={"LEAKTRACE_MEMO": "check"})
    insmod("leakdrv")
    for _ in range(3):
        for kind in ("kmalloc", "cache", "pages", "kstrdup"):
            order("balance", kind, 100)
        Path("/proc/self/maps").read_text()
    report = tracer.stop()
    losses = {entry["name"]: entry["count"] for entry in report["losses"]}
    # None is remembered on 5.10, where every stack is walked.
    if not platform.release().startswith("5.10."):
        assert losses.get("memos_checked", 0) > 50, losses
    assert "memos_wrong" not in losses, losses


def on_stacks(report):
    return sum(module["blocks"] for module in report["kernel"]["modules"])


def test_what_a_module_leaves(live):
    """Waited for, its init included; unloaded, it left what it counted."""
    tracer = live.trace_kernel("slab,page,percpu,vmalloc", "--module",
                               "leakdrv")
    assert "waiting for module leakdrv" in tracer.stderr.text()
    insmod("leakdrv")
    leak_all(5)
    for kind in TWINS:
        order("balance", kind, 5)
    truth = counted("leak")
    tracer.report_now()  # names are read while the module is there
    rmmod("leakdrv")
    report = tracer.next_report("unloaded")
    total = sum(truth[kind] for kind in truth if kind not in unseen(report))
    assert on_stacks(report) == total, report["kernel"]["modules"]
    assert report["kernel"]["watched"] == "leakdrv"
    for kind in truth:
        name = "leak_in_init" if kind == "init" else f"leak_{kind}"
        if kind in unseen(report) or INIT_IS_LOST and kind == "init":
            continue
        assert blocks(own_stacks(report, name)) == truth[kind], kind
    for stack in report["stacks"]:
        assert INIT_IS_LOST or "leakdrv" in stack["kernel"]["modules"], \
            functions(stack)
    tracer.stop()


def test_module_that_is_loaded(live):
    """Traced from where it is; other code's objects are left out."""
    insmod("leakdrv")
    tracer = live.trace_kernel("slab", "--module", "leakdrv")
    assert "only module leakdrv" in tracer.stderr.text()
    order("leak", "kmalloc", 33)
    Path("/tmp/more").write_text("files")
    report = tracer.report_now()
    assert on_stacks(report) == 33
    tracer.stop()


def test_cycles(live):
    """Each time the same 17 blocks: 7 of the init and 10 on order."""
    tracer = live.trace_kernel(
        "slab", "--module", "leakdrv", "--cycle", "3",
        f"insmod /modules/leakdrv.ko && echo kmalloc 10 > {PARAMETERS}/leak "
        "&& rmmod leakdrv")
    for cycle in (1, 2, 3):
        report = tracer.next_report("cycle")
        assert report["kernel"]["cycle"] == cycle
        assert on_stacks(report) == 17 * cycle
        assert sum(module["blocks_change"] for module in
                   report["kernel"]["modules"]) == 17
    assert tracer.wait() == 0
    assert tracer.last_report()["end"] == "all cycles done"
