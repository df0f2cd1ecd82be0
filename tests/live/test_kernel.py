# SPDX-License-Identifier: GPL-2.0-or-later
"""--kernel: objects of which the number is known, from hold to drop."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import harness
from harness import PROGRAMS, functions, loss, wait_until

# The allocator's own functions: not who asked for the object.
ALLOCATOR = re.compile(
    r"^(___?slab|slab_|__?kmalloc|"
    r"kmalloc|__?kmem_cache|kmem_cache|__do_kmalloc|kvmalloc|__kvmalloc|"
    r"alloc_pages|__alloc_pages|__alloc_frozen_pages|alloc_frozen_pages|"
    r"folio_alloc|__folio_alloc|get_free_pages|pcpu_alloc|__alloc_percpu|"
    r"alloc_vmap_area|__get_vm_area_node|__vmalloc_node)")

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
    tracer = live.trace_kernel("slab", "--sort", "blocks", "-p", program.pid,
                               top=300)
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
    tracer = live.trace_kernel("percpu", "-p", program.pid)
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


def test_vmalloc_areas(live):
    """30 areas of 75 pages, without the guard page behind each."""
    program = live.start("kernel_objects", "areas", 30)
    tracer = live.trace_kernel("vmalloc", "-p", program.pid)
    assert program.tell("hold")["notes"]["held"] == 30

    def areas(report):
        stacks = [stack for stack in report["stacks"]
                  if "array_map_alloc" in functions(stack) and
                  stack["allocated_bytes"] ==
                  stack["allocations"] * 75 * 4096]
        return (sum(stack["blocks"] for stack in stacks),
                sum(stack["bytes"] for stack in stacks))

    report = tracer.report_now()
    assert areas(report) == (30, 30 * 75 * 4096)
    assert {total["space"] for total in report["totals"]} == {"vmalloc"}
    program.tell("drop")
    wait_until(lambda: areas(tracer.report_now()) == (0, 0),
               "areas of closed maps gone", 15)
    tracer.stop()


def apart(report, use):
    return report["kernel"]["apart"].get(use, {}).get("blocks", 0)


@pytest.mark.parametrize("which", ["own", "all"])
def test_pages_of_a_process_set_apart(live, which):
    """6,500 pages of a process are no driver's: one line, not the top."""
    program = live.start("kernel_objects", "memory", 6500)
    tracer = live.trace_kernel("page", "--pages", which, "-p", program.pid)
    assert program.tell("hold")["notes"]["held"] == 6500
    report = tracer.report_now()
    assert 6500 <= apart(report, "anonymous") < 6600
    listed = [stack for stack in report["stacks"]
              if stack["space"] == "apart" and
              stack["kernel"]["page_use"] == "anonymous"]
    assert sum(stack["blocks"] for stack in listed) == \
        (apart(report, "anonymous") if which == "all" else 0)
    assert sum(total["blocks"] for total in report["totals"]
               if total["space"] == "page") < 100
    assert sum(module["blocks"] for module in report["kernel"]["modules"]
               if module["name"] == "vmlinux") < 100
    program.tell("drop")
    assert apart(tracer.report_now(), "anonymous") < 100
    tracer.stop()


def test_slab_pages_set_apart(live):
    """The pages under 4,000 objects: not counted beside them."""
    program = live.start("kernel_objects", "eventfds", 4000)
    tracer = live.trace_kernel("slab,page", "--pages", "all", "-p",
                               program.pid, "--sort", "blocks")
    program.tell("hold")
    report = tracer.report_now()
    under = [stack for stack in report["stacks"]
             if EVENTFD & set(functions(stack)) and
             stack["space"] in ("page", "apart")]
    assert under, "4,000 files took no page"
    for stack in under:
        assert (stack["space"], stack["kernel"]["page_use"]) == \
            ("apart", "slab"), functions(stack)
    assert apart(report, "slab") >= sum(stack["blocks"] for stack in under)
    tracer.stop()


def test_cache_names(live):
    """Files come from the cache that is called so."""
    program = live.start("kernel_objects", "eventfds", 500)
    tracer = live.trace_kernel("slab", "-p", program.pid)
    program.tell("hold")
    caches = {stack["kernel"]["cache"]: stack["blocks"]
              for stack in tracer.report_now()["stacks"]
              if asked_by(stack) in ("alloc_empty_file", "__d_alloc")}
    assert caches == {"filp": 500, "dentry": 500}
    tracer.stop()


@pytest.mark.parametrize("by", ["pid", "comm"])
def test_only_what_a_process_does(live, by, tmp_path):
    """Two programs do the same; one is asked for."""
    renamed = shutil.copy(PROGRAMS / "kernel_objects",
                          tmp_path / "first-of-two")
    programs = [live.start("kernel_objects", "eventfds", 700, path=renamed),
                live.start("kernel_objects", "eventfds", 900)]
    chosen = {"pid": ["-p", programs[0].pid],
              "comm": ["--comm", "first-of-two"]}
    tracer = live.trace_kernel("slab", *chosen[by])
    for program in programs:
        program.tell("hold")
    found = below(tracer.report_now(), EVENTFD)
    assert found["alloc_empty_file"] == 700, found
    tracer.stop()


def test_gaps_are_named(live):
    """Without kprobes, what is freed unseen is said and marked."""
    program = live.start("kernel_objects", "eventfds", 100)
    tracer = live.trace_kernel("slab", "-p", program.pid)
    program.tell("hold")
    report = tracer.report_now()
    gaps = {gap["name"] for gap in report["kernel"]["gaps"]}
    if os.path.exists("/sys/bus/event_source/devices/kprobe"):
        assert gaps <= {"kmem_cache_alloc_bulk"}
        assert "kfree_rcu" not in tracer.stderr.text()
    else:
        assert gaps == {"kfree_rcu", "kmem_cache_free_bulk",
                        "kmem_cache_alloc_bulk"}
        assert "no kprobes: objects freed by kfree_rcu()" in \
            tracer.stderr.text()
    for stack in report["stacks"]:
        if asked_by(stack) == "alloc_empty_file":
            assert stack["kernel"]["may_be_freed"] == ("kfree_rcu" in gaps)
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


@pytest.mark.parametrize("spaces", ["slab", "page", "percpu", "vmalloc"])
def test_only_the_spaces_asked_for(live, spaces):
    tracer = live.trace_kernel(spaces, top=5)
    os.listdir("/proc")
    report = tracer.stop()
    beside = {"slab": {"devres", "apart"}, "page": {"apart", "dma"}}
    assert {total["space"] for total in report["totals"]} <= \
        {spaces} | beside.get(spaces, set())


def test_remembered_stacks(live):
    """Walked beside: what was remembered is what the walk finds."""
    tracer = live.trace_kernel("slab,page", env={"LEAKTRACE_MEMO": "check"})
    program = live.start("kernel_objects", "eventfds", 300)
    memory = live.start("kernel_objects", "memory", 1300)
    for _ in range(5):
        for each in (program, memory):
            each.tell("hold")
            each.tell("drop")
        for path in ("/proc/self/maps", "/proc/self/status", "/etc/passwd"):
            Path(path).read_text()
        subprocess.run(["sh", "-c", "ls /proc | wc -l"], check=True,
                       stdout=subprocess.DEVNULL)
    report = tracer.stop()
    checked = loss(report, "memos_checked")
    assert checked and checked["count"] > 5000, report["losses"]
    assert not loss(report, "memos_wrong"), report["losses"]


def test_more_than_there_is_room_for(live):
    """A full table under load: counted, reported in time, no growth."""
    tracer = live.trace_kernel("slab,page", "--max-blocks", "500",
                               "--max-stacks", "100")

    def resident():
        text = Path(f"/proc/{tracer.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1))

    program = live.start("kernel_objects", "eventfds", 4000)
    memory = live.start("kernel_objects", "memory", 6500)
    program.tell("hold")
    memory.tell("hold")
    before = None
    for _ in range(10):
        for each in (program, memory):
            each.tell("drop")
            each.tell("hold")
        report = tracer.report_now()
        # Rounded up, and as much again behind the slots.
        assert sum(total["blocks"] for total in report["totals"]) <= 4096
        before = before or resident()
    assert loss(report, "blocks_not_recorded")["count"] > 50000
    assert loss(report, "blocks_not_recorded")["remedy"]
    assert loss(report, "stacks_not_stored")
    assert resident() < before + 4096, "KiB: grows with what it loses"
    tracer.stop()


def test_min_size(live):
    """Only what is of that size: no files, but areas of 75 pages."""
    program = live.start("kernel_objects", "eventfds", 200)
    areas = live.start("kernel_objects", "areas", 20)
    tracer = live.trace_kernel("slab,vmalloc", "--min-size", "100K")
    program.tell("hold")
    areas.tell("hold")
    report = tracer.report_now()
    assert not below(report, EVENTFD)
    assert sum(stack["blocks"] for stack in report["stacks"]
               if "array_map_alloc" in functions(stack)) >= 20
    for stack in report["stacks"]:
        assert stack["allocated_bytes"] >= 100 * 1024 * stack["allocations"]
    tracer.stop()


def test_older(live):
    """Objects younger than asked for are not listed; later they are."""
    program = live.start("kernel_objects", "eventfds", 200)
    tracer = live.trace_kernel("slab", "-p", program.pid, "-o", "3s")
    program.tell("hold")
    assert not below(tracer.report_now(), EVENTFD)
    wait_until(lambda: below(tracer.report_now(), EVENTFD).get(
        "alloc_empty_file") == 200, "files that are 3 s old", 15)
    tracer.stop()


def test_own_allocations_left_out(live, monkeypatch, tmp_path):
    """leaktrace's own: nothing at all is recorded under its name."""
    name = tmp_path / "by-that-name"
    name.symlink_to(Path(harness.LEAKTRACE).resolve())
    monkeypatch.setattr(harness, "LEAKTRACE", name)
    tracer = live.trace_kernel("slab,page", "--comm", "by-that-name")
    for _ in range(3):
        report = tracer.report_now()
    assert not report["stacks"], functions(report["stacks"][0])
    tracer.stop()
