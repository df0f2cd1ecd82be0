# SPDX-License-Identifier: GPL-2.0-or-later
"""The harness itself: the right kernel, and a module built for it."""


def test_module(guest):
    lines = guest.step("10-module").passed().splitlines()
    assert guest.release in lines, lines
    assert [line for line in lines if line in ("48", "64")], lines
