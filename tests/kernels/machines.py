# SPDX-License-Identifier: GPL-2.0-or-later
"""What guests of one architecture have in common: userland and qemu."""

import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = Path(os.environ.get("LEAKTRACE_BUILD", ROOT / "build")).resolve()
CACHE = ROOT / "build" / "kernels"


def run(*command, **options):
    """Runs a command; its output is shown only if it fails."""
    process = subprocess.run([str(word) for word in command], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             **options)
    assert process.returncode == 0, f"{command[0]}:\n{process.stdout}"
    return process.stdout


class X86_64:  # noqa: N801
    """This machine, emulated: the guest has programs of its own."""
    name = "amd64"
    build = BUILD
    root = Path("/")
    programs = {path: path for path in (
        "/bin/busybox", "/bin/sh", "/usr/bin/env", "/usr/bin/python3")}
    # Without cx16: with it, qemu 7.2 corrupts 6.12's memory. The kernel's
    # check of its timer fails on a busy host.
    qemu = ["qemu-system-x86_64", "-M", "q35", "-cpu", "max,-cx16",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    console = "console=ttyS0 no_timer_check"
    # By isa-debug-exit, qemu's status is 2 * value + 1; /init writes 31.
    done = 63

    @classmethod
    def prepare(cls):
        CACHE.mkdir(parents=True, exist_ok=True)
        program = CACHE / "qemu_exit"
        run("gcc", "-O2", "-Wall", "-Werror", "-o", program,
            HERE / "qemu_exit.c")
        cls.programs["/sbin/qemu_exit"] = program

    @staticmethod
    def tape(path):
        """The serial port that results leave by."""
        return ["-serial", f"file:{path}"]

    @staticmethod
    def libraries(path):
        """{path in the guest: file} of what an ELF file is linked with."""
        process = subprocess.run(["ldd", path], capture_output=True,
                                 text=True)
        # Other lines are of static programs, or of another libc's that ldd
        # cannot tell: those are not for the guest.
        found = re.findall(r"(/\S+) \(0x[0-9a-f]+\)$", process.stdout,
                           re.MULTILINE)
        return {path: path for path in found}


class ARM64:
    """Debian 12 for arm64, unpacked; leaktrace as `make arm64` built it."""
    name = "arm64"
    build = BUILD / "arm64"
    root = CACHE / "arm64-userland"
    packages = ["busybox-static", "dash", "coreutils", "python3",
                "python3-pytest"]
    programs = {"/bin/busybox": root / "bin/busybox",
                "/bin/sh": root / "bin/dash",
                "/usr/bin/env": root / "usr/bin/env",
                "/usr/bin/python3": root / "usr/bin/python3"}
    # Return addresses are signed, by an algorithm that qemu has at hand.
    qemu = ["qemu-system-aarch64", "-M", "virt", "-cpu",
            "max,pauth-impdef=on"]
    console = "console=ttyAMA0"
    done = 0  # a power-off; the console's last line is what counts

    @classmethod
    def prepare(cls):
        complete = cls.root / "complete"
        if not complete.exists():
            apt = CACHE / "arm64-apt"
            tool = [ROOT / "tools/private-apt", apt, "bookworm", cls.name]
            run(*tool, "update")
            run(*tool, "populate", cls.root, *cls.packages)
            complete.touch()

    @staticmethod
    def tape(path):
        return ["-chardev", f"file,id=tape,path={path}",
                "-device", "pci-serial,chardev=tape"]

    @classmethod
    def _find(cls, name):
        for root in (cls.root, cls.build / "sysroot"):
            for directory in ("usr/lib/aarch64-linux-gnu", "usr/lib"):
                if (root / directory / name).exists():
                    return root / directory / name
        raise AssertionError(f"no {name} for {cls.name}")

    @classmethod
    def libraries(cls, path):
        """As ldd would say, which cannot run these."""
        found, waiting = {}, [path]
        while waiting:
            text = run("readelf", "-ldW", waiting.pop())
            interpreter = re.findall(r"interpreter: (/\S+)\]", text)
            needed = re.findall(r"\(NEEDED\).*\[(.*)\]", text)
            for name in interpreter + needed:
                target = name if name.startswith("/") else \
                    f"/lib/aarch64-linux-gnu/{name}"
                if target not in found:
                    found[target] = cls._find(Path(name).name)
                    waiting.append(found[target])
        return found
