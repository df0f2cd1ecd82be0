# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel mode on every kernel: driver_checks.py, run in the guest."""


def test_driver(guest):
    step = guest.step("50-kernel-mode")
    output = step.passed()
    assert " passed" in output and " failed" not in output, output
    # All of these kernels have kprobes, and so lack nothing for slab objects.
    start_up = step.file("start-up").read_text()
    assert "tracing the kernel: " in start_up
    assert "kfree_rcu" not in start_up, start_up
    # By tracepoints of its own from 6.12 on; nothing stands in for them.
    assert ("DMA-coherent" in start_up) == (not guest.at_least(6, 12)), \
        start_up
