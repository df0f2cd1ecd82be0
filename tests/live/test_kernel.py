# SPDX-License-Identifier: GPL-2.0-or-later
"""--kernel: objects of which the number is known, from hold to drop."""

import os
import re
from pathlib import Path

import pytest

from harness import functions, loss, wait_until

# The allocator's own functions: not who asked for the object.
ALLOCATOR = re.compile(
    r"^(___?slab|slab_|__?kmalloc|"
    r"kmalloc|__?kmem_cache|kmem_cache|__do_kmalloc|kvmalloc|__kvmalloc|"
    r"alloc_pages|__alloc_pages|__alloc_frozen_pages|alloc_frozen_pages|"
    r"folio_alloc|__folio_alloc|get_free_pages|pcpu_alloc|__alloc_percpu)")

# The tracer's own, below the allocator at the moment that it looks.
TRACER = re.compile(r"^(bpf_prog_[0-9a-f]{16}|bpf_trace_run|__bpf_trace_|__traceiter_|"
                    r"bpf_get_stack)")

EVENTFD = {"do_eventfd", "__do_sys_eventfd2", "__x64_sys_eventfd2",
           "__se_sys_eventfd2", "__arm64_sys_eventfd2"}


def asked_by(stack):
    """The innermost function that is not the allocator's or the tracer's."""
    for name in functions(stack):
        if name and not ALLOCATOR.match(name) and not TRACER.match(name):
            return name
    return None


def below(report, names):
    """{who asked: blocks} of the stacks with one of the names on them."""
    found = {}
    for stack in report["stacks"]:
        if names & set(functions(stack)):
            site = asked_by(stack)
            found[site] = found.get(site, 0) + stack["blocks"]
    return found


def modules(report):
    return {frame["module"] for stack in report["stacks"]
            for frame in stack["frames"]}


def test_eventfds(live):
    """3,000 eventfds: as many objects, files and dentries; then none."""
    program = live.start("kernel_objects", "eventfds", 3000)
    tracer = live.trace_kernel("slab", "--sort", "blocks", top=300)
    assert program.tell("hold")["notes"]["held"] == 3000
    report = tracer.report_now()
    found = below(report, EVENTFD)
    context = {site: found[site] for site in found if site in EVENTFD}
    assert list(context.values()) == [3000], found
    assert found.get("alloc_empty_file") == 3000, found
    assert found.get("__d_alloc") == 3000, found
    assert "vmlinux" in modules(report)
    assert report["mode"] == "kernel"
    for name in ("blocks_not_recorded", "stacks_not_stored"):
        assert not loss(report, name), report["losses"]

    assert program.tell("drop")["notes"]["held"] == 0

    def gone():
        left = below(tracer.report_now(), EVENTFD)
        return not (left.keys() & (EVENTFD | {"alloc_empty_file", "__d_alloc"}))

    # Dentries are freed after a grace period.
    wait_until(gone, "objects of closed eventfds gone", 15)
    tracer.stop()


def test_pages_of_ring_buffers(live):
    """8 perf ring buffers of 65 pages: 520 pages, by who asked for them."""
    program = live.start("kernel_objects", "rings", 520)
    tracer = live.trace_kernel("page", "--sort", "blocks")
    assert program.tell("hold")["notes"]["held"] == 520
    names = {"rb_alloc", "perf_mmap_alloc_page", "perf_mmap"}

    def pages(report):
        stacks = [stack for stack in report["stacks"]
                  if names & set(functions(stack)) and
                  stack["space"] == "page" and
                  asked_by(stack) in ("rb_alloc", "perf_mmap_alloc_page")]
        return (sum(stack["blocks"] for stack in stacks),
                sum(stack["bytes"] for stack in stacks))

    assert pages(tracer.report_now()) == (520, 520 * 4096)
    program.tell("drop")
    wait_until(lambda: pages(tracer.report_now()) == (0, 0),
               "pages of closed ring buffers gone", 15)
    tracer.stop()


def possible_cpus():
    text = Path("/sys/devices/system/cpu/possible").read_text().strip()
    return int(re.split("[-,]", text)[-1]) + 1


def test_percpu_areas(live):
    """200 areas of a size that nobody else asks for, on every CPU."""
    program = live.start("kernel_objects", "percpu", 200)
    tracer = live.trace_kernel("percpu")
    size = 1048 * possible_cpus()
    assert program.tell("hold")["notes"]["held"] == 200

    def areas(report):
        stacks = [stack for stack in report["stacks"]
                  if stack["allocations"] and
                  stack["allocated_bytes"] == stack["allocations"] * size]
        return (sum(stack["blocks"] for stack in stacks),
                sum(stack["bytes"] for stack in stacks))

    report = tracer.report_now()
    assert areas(report) == (200, 200 * size)
    assert {total["space"] for total in report["totals"]} == {"percpu"}
    program.tell("drop")
    # Maps are freed by a worker after a grace period.
    wait_until(lambda: areas(tracer.report_now()) == (0, 0),
               "areas of closed maps gone", 15)
    tracer.stop()


def test_all_spaces_for_some_reports(live):
    """The machine as it is: reports come, and the kernel's names with them."""
    program = live.start("kernel_objects", "eventfds", 1000)
    tracer = live.trace_kernel("slab,page,percpu", top=50)
    program.tell("hold")
    for _ in range(3):
        report = tracer.report_now()
        os.listdir("/proc")
        program.tell("drop")
        program.tell("hold")
    assert {"slab", "page"} <= {total["space"] for total in report["totals"]}
    named = [frame for stack in report["stacks"] for frame in stack["frames"]
             if frame["function"]]
    frames = [frame for stack in report["stacks"] for frame in stack["frames"]]
    assert frames and len(named) > 0.95 * len(frames)
    own = {frame["function"] for frame in named
           if TRACER.match(frame["function"])}
    assert not own, f"the tracer's own frames: {own}"
    last = tracer.stop()
    assert last["reason"] == "last"


@pytest.mark.parametrize("spaces", ["slab", "page", "percpu"])
def test_only_the_spaces_asked_for(live, spaces):
    tracer = live.trace_kernel(spaces, top=5)
    os.listdir("/proc")
    report = tracer.stop()
    assert {total["space"] for total in report["totals"]} <= {spaces}
