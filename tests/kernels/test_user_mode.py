# SPDX-License-Identifier: GPL-2.0-or-later
"""Tracing processes: live tests as the guest's own pytest judged them.

Exact figures attached and as a command, and the unwinder frame by frame, whose
figures are printed.
"""

import re

TESTS = 12  # of steps/20-user-mode


def test_user_mode(guest, capsys):
    output = guest.step("20-user-mode").passed()
    summary = re.search(r"=+ (\d+) passed in .*=+\n\s*$", output)
    assert summary and int(summary.group(1)) == TESTS, output
    figures = re.findall(r"\S.* stacks compared .* wrong frames", output)
    assert len(figures) == 4, output
    with capsys.disabled():
        print("", guest.release, *figures, sep="\n  ", end="")
