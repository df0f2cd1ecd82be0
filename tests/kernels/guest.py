# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots Debian's kernels in qemu and runs tests/kernels/steps in each.

A guest has an initramfs only: this machine's own busybox, python3 and pytest
with the libraries that they need, and the tree as far as the tests need it,
at /leaktrace. So what runs in the guest is Debian 12's userland on another
kernel, and on another machine where machines.py says how. Downloads and results are under build/kernels/VERSION.

A step is an executable tests/kernels/steps/NAME; the guest runs all of them
in the order of their names, and modules/NAME is built for each kernel as
/modules/NAME.ko. What a step prints is Guest.step(NAME).output, files that it
leaves in $RESULTS are Guest.step(NAME).file(...). README.md: how to add one.
"""

import os
import re
import shutil
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from machines import ARM64, X86_64, run

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Kept where the downloads are the same for every build.
CACHE = ROOT / "build" / "kernels"

BOOT_SECONDS = 1200
AT_ONCE = 2  # guests; each is mostly one busy virtual CPU
LOG_DONE = "leaktrace kernel tests: done"

PYTHON_MODULES = ["pytest", "_pytest", "py", "py.py", "pluggy", "iniconfig",
                  "packaging", "attr", "attrs"]
PYTHON_UNUSED = {"test", "idlelib", "tkinter", "ensurepip", "lib2to3",
                 "pydoc_data", "turtledemo", "distutils", "dist-packages"}


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


class Image:
    """A directory that becomes a cpio archive."""

    def __init__(self, directory):
        self.directory = directory
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)

    def place(self, path):
        target = self.directory / str(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def add(self, source, path=None):
        """A file, with what it is a symbolic link to, or a directory."""
        source = Path(source)
        if source.is_dir():
            shutil.copytree(source, self.place(path or source),
                            dirs_exist_ok=True)
        else:
            shutil.copy2(source, self.place(path or source))

    def add_libraries(self, machine):
        needed = {}
        for path in self.directory.rglob("*"):
            if path.is_file() and not path.is_symlink() and is_elf(path):
                needed.update(machine.libraries(path))
        for path, source in needed.items():
            self.add(source, path)

    def write(self, path):
        names = "\0".join(sorted(
            str(entry.relative_to(self.directory))
            for entry in self.directory.rglob("*")))
        with open(path, "wb") as archive:
            subprocess.run(["cpio", "--quiet", "-0", "-o", "-H", "newc",
                            "-R", "0:0"], input=names.encode(), check=True,
                           stdout=archive, cwd=self.directory)


def add_python(image, root):
    version = max((root / "usr/lib").glob("python3.[0-9]*"))
    for entry in version.iterdir():
        if entry.name not in PYTHON_UNUSED and \
                not entry.name.startswith("config-"):
            image.add(entry, entry.relative_to(root))
    for name in PYTHON_MODULES:
        entry = root / "usr/lib/python3/dist-packages" / name
        if entry.exists():
            image.add(entry, entry.relative_to(root))


def userland(machine, path):
    """The part of the initramfs that is the same for all kernels."""
    image = Image(path.with_suffix(""))
    machine.prepare()
    for name in ("proc", "sys", "dev", "tmp", "run", "root", "etc"):
        image.place(name).mkdir(parents=True)
    for target, source in machine.programs.items():
        image.add(source, target)
    add_python(image, machine.root)
    image.add(HERE / "init", "init")
    image.add(ROOT / "tests/live", "leaktrace/tests/live")
    image.add(HERE, "leaktrace/tests/kernels")
    image.add(machine.build / "leaktrace", "leaktrace/build/leaktrace")
    for name in ("programs", "live"):
        image.add(machine.build / name, f"leaktrace/build/{name}")
    image.add_libraries(machine)
    image.write(path)
    shutil.rmtree(image.directory)


@dataclass
class Step:
    """What came out of one step in the guest."""
    directory: Path
    name: str

    @property
    def status(self):
        path = self.directory / f"{self.name}.status"
        return int(path.read_text()) if path.exists() else None

    @property
    def output(self):
        path = self.directory / f"{self.name}.output"
        return path.read_text(errors="replace") if path.exists() else ""

    def file(self, name):
        return self.directory / self.name / name

    def passed(self):
        """Its output; fails with that if the step failed."""
        assert self.status == 0, \
            f"step {self.name}: status {self.status}\n{self.output}"
        return self.output


class Guest:
    """A kernel that ran, and what its steps left."""

    def __init__(self, version, suite, machine):
        self.version = version
        self.machine = machine
        self.directory = CACHE / version
        self.results = self.directory / "results"
        run(HERE / "fetch-kernel", suite, self.directory, machine.name)
        self.release = (self.directory / "release").read_text().strip()

    def at_least(self, *version):
        """Whether the kernel is of this version or later: (6, 12)."""
        numbers = re.match(r"(\d+)\.(\d+)", self.release).groups()
        return tuple(map(int, numbers)) >= version

    def step(self, name):
        return Step(self.results, name)

    def _initramfs(self, base):
        """The userland, then the kernel's own modules: two archives."""
        image = Image(self.directory / "image")
        for sources in sorted((HERE / "modules").iterdir()):
            output = self.directory / "modules" / sources.name
            run(HERE / "build-module", self.directory, sources, output,
                self.machine.name)
            for module in output.glob("*.ko"):
                image.add(module, f"modules/{module.name}")
        image.write(self.directory / "modules.cpio")
        initramfs = self.directory / "initramfs"
        with open(initramfs, "wb") as file:
            for part in (base, self.directory / "modules.cpio"):
                file.write(part.read_bytes())
        return initramfs

    def boot(self, base):
        """Runs all steps. Everything that can fail here is an assertion."""
        initramfs = self._initramfs(base)
        log = self.directory / "console.log"
        tape = self.directory / "results.tar.gz"
        for path in (log, tape):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.results, ignore_errors=True)
        try:
            # qemu 7.2: with a thread for each CPU, one runs code that another
            # has just replaced.
            status = subprocess.run(
                [*self.machine.qemu, "-accel", "tcg,thread=single", "-smp",
                 "2", "-m", "1536", "-display", "none", "-nodefaults",
                 "-no-reboot", "-serial", f"file:{log}",
                 *self.machine.tape(tape),
                 "-kernel", self.directory / "vmlinuz", "-initrd", initramfs,
                 "-append", f"{self.machine.console} quiet loglevel=4 "
                 "panic=-1 oops=panic"], timeout=BOOT_SECONDS,
                stdin=subprocess.DEVNULL).returncode
        except subprocess.TimeoutExpired:
            status = f"none within {BOOT_SECONDS} s"
        initramfs.unlink()
        text = log.read_text(errors="replace") if log.exists() else ""
        assert status == self.machine.done and LOG_DONE in text, \
            f"{self.release}: qemu's status {status}; the console's end:\n" + \
            "\n".join(text.splitlines()[-60:])
        self.results.mkdir()
        with tarfile.open(tape) as archive:
            archive.extractall(self.results)
        return self


def wanted_kernels():
    """[(version, suite, machine)] of kernels.txt.

    KERNELS="6.1 newest" picks some; without it, all of this machine's.
    """
    lines = (HERE / "kernels.txt").read_text().splitlines()
    machines = {machine.name: machine for machine in (X86_64, ARM64)}
    kernels = []
    for line in lines:
        if line.strip() and not line.startswith("#"):
            version, suite, architecture = line.split()
            kernels.append((version, suite, machines[architecture]))
    names = os.environ.get("KERNELS", "").replace(",", " ").split()
    unknown = set(names) - {kernel[0] for kernel in kernels}
    if unknown:
        raise ValueError(f"KERNELS: no {' '.join(sorted(unknown))} in "
                         "tests/kernels/kernels.txt")
    return [kernel for kernel in kernels
            if kernel[0] in names or not names and kernel[2] == X86_64]


class Guests:
    """All wanted kernels, run some at a time while the first are judged."""

    def __init__(self):
        CACHE.mkdir(parents=True, exist_ok=True)
        kernels = wanted_kernels()
        for machine in {kernel[2] for kernel in kernels}:
            userland(machine, self._base(machine))
        self.pool = ThreadPoolExecutor(AT_ONCE)
        self.booting = {kernel[0]: self.pool.submit(self._run, *kernel)
                        for kernel in kernels}

    @staticmethod
    def _base(machine):
        return CACHE / f"userland-{machine.name}.cpio"

    def _run(self, version, suite, machine):
        return Guest(version, suite, machine).boot(self._base(machine))

    def guest(self, version):
        return self.booting[version].result()

    def close(self):
        self.pool.shutdown(cancel_futures=True)
