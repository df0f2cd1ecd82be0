# SPDX-License-Identifier: GPL-2.0-or-later
"""The unwind tables against other readers of the same files.

libdw's reading of call frame information, at every row of this machine's
libraries and programs up to some size (`make oracle`: all of them); and the
rules that are worked out from code alone against what its call frame
information says.
"""

import re
import subprocess
from pathlib import Path

import pytest

from harness import BUILD

LARGEST = 6 << 20  # bytes of a file
DIRECTORIES = ("/usr/lib/x86_64-linux-gnu", "/usr/bin", "/usr/sbin")
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")

# C without asynchronous surprises; C++ has landing pads that nothing leads to.
CODE = ("libc.so.6", "libm.so.6", "libz.so.1", "libelf.so.1",
        "libjansson.so.4", "libdw.so.1")


def files():
    for directory in DIRECTORIES:
        for path in sorted(Path(directory).iterdir()):
            if path.is_file() and not path.is_symlink() and \
                    path.stat().st_size <= LARGEST:
                yield path


def test_cfi(built, capsys):
    """Every row, at its first byte, in its middle, at its last byte."""
    process = subprocess.run([BUILD / "oracle" / "cfi_oracle", *files()],
                             capture_output=True, text=True)
    figures = process.stdout.splitlines()
    compared = re.search(r"(\d+) places compared", process.stdout)
    mismatches = re.search(r"(\d+) mismatches", process.stdout)
    with capsys.disabled():
        print(f"\ncfi_oracle: {figures[0] if figures else 'nothing'}; "
              f"{compared.group() if compared else ''}, "
              f"{mismatches.group() if mismatches else ''}", end="")
    assert process.returncode == 0, process.stdout + process.stderr
    assert int(compared.group(1)) > 1000000
    assert int(mismatches.group(1)) == 0


@pytest.mark.parametrize("name", CODE)
def test_code(built, capsys, name):
    """At most 1% of the rules differ; at least 90% of the calls have one."""
    process = subprocess.run([BUILD / "oracle" / "code_oracle",
                              LIBRARIES / name],
                             capture_output=True, text=True)
    with capsys.disabled():
        print(f"\n{name}: {process.stdout.splitlines()[-1]}", end="")
    assert process.returncode == 0, process.stdout + process.stderr
