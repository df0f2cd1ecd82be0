# SPDX-License-Identifier: GPL-2.0-or-later
"""Packages of other suites of Debian, unpacked into a root directory.

Fetched once by tools/private-apt and kept below the build directory. Where
they cannot be fetched tests are skipped, or fail with LEAKTRACE_REQUIRE_BPF=1.
"""

import fcntl
import os
import subprocess

import pytest

from harness import BUILD, ROOT

# What a program of the machine's own suite needs in the other one's root.
LIBRARIES = ["libc6", "libgcc-s1"]
PYTHON_3_13 = ["python3.13-minimal", "libpython3.13-minimal",
               "libpython3.13-stdlib", "libffi8", "libexpat1", "zlib1g"]


def private_apt(directory, suite, *arguments):
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True,
        check=True, timeout=30).stdout.strip()
    subprocess.run([ROOT / "tools/private-apt", directory, suite,
                    architecture, *arguments], check=True, timeout=200,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def fetch(root, apt, suite, packages):
    private_apt(apt, suite, "update")
    private_apt(apt, suite, "unpack", root, *packages)
    for file in (apt / "packages").glob("*.deb"):
        file.unlink()
    for name in ("bin", "lib", "lib64", "sbin"):
        (root / "usr" / name).mkdir(exist_ok=True)
        if not (root / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    for name in ("mnt", "proc", "tmp"):
        (root / name).mkdir(exist_ok=True)


def suite_root(suite, packages):
    """The directory that has the packages."""
    root = BUILD / "suites" / suite
    apt = BUILD / "suites" / f"{suite}.apt"
    apt.mkdir(parents=True, exist_ok=True)
    with open(apt / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = [name for name in packages
                  if not (apt / f"{name}.done").exists()]
        try:
            if wanted:
                root.mkdir(exist_ok=True)
                fetch(root, apt, suite, wanted)
        except (subprocess.SubprocessError, OSError) as error:
            why = getattr(error, "stderr", None) or str(error).encode()
            text = f"{suite}: {why.decode(errors='replace').strip()}"
            if os.environ.get("LEAKTRACE_REQUIRE_BPF") == "1":
                pytest.fail(text, pytrace=False)
            pytest.skip(text)
        for name in wanted:
            (apt / f"{name}.done").touch()
    return root
