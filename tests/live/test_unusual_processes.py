# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes that are not as most: their libc deleted or upgraded, with another
user's rights, of 32 bits.
"""

import os
import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import (LEAKTRACE, NEVER, PROGRAMS, FileLines, Process, Tracer,
                     Truths, check_to_the_end, compare, functions, loss,
                     wait_until)
from test_errors import FAILURE, refused
from test_several_processes import processes

NOBODY, DAEMON = 65534, 1


class Libc:
    """A copy of the C library and its dynamic linker, to start programs with."""

    def __init__(self, directory):
        listing = subprocess.run(["ldd", PROGRAMS / "planted"], check=True,
                                 capture_output=True, text=True).stdout
        paths = re.findall(r"(/\S+) \(0x", listing)
        for path in paths:
            shutil.copy(path, directory)
        self.file = directory / "libc.so.6"
        linker = next(Path(path).name for path in paths if "ld-" in path)
        self.prefix = [directory / linker, "--library-path", directory]
        assert self.file.exists(), paths

    def start(self, live):
        return live.start("planted", prefix=self.prefix)

    def delete(self):
        self.file.unlink()

    def upgrade(self):
        """As package managers do: the new file takes the old one's name."""
        new = self.file.with_suffix(".new")
        shutil.copy(self.file, new)
        new.rename(self.file)


@pytest.fixture(name="libc")
def _libc(tmp_path):
    return Libc(tmp_path)


def is_deleted(program):
    maps = Path(f"/proc/{program.pid}/maps").read_text()
    return "libc.so.6 (deleted)" in maps


def check_names(report):
    for stack in report["stacks"]:
        assert functions(stack)[-1] == "_start", stack
        assert "libc.so.6" in [frame["module"] for frame in stack["frames"]]


@pytest.mark.parametrize("how", ["delete", "upgrade"])
def test_libc_is_gone(live, libc, how):
    """Its file has no name any more, or the name is another file's."""
    program = libc.start(live)
    getattr(libc, how)()
    assert is_deleted(program), "no test"
    tracer = live.attach(program)
    header = next(line for line in tracer.stderr.lines if "tracing" in line)
    assert re.search(r"glibc 2\.\d+ in libc\.so\.6 \(\d+ functions\)$",
                     header), header
    program.tell("alloc apple 100 33")
    program.tell("free apple 40")
    truth = program.tell("alloc banana 10 200000")
    check_names(tracer.report_now())
    check_to_the_end(program, tracer, truth)
    check_names(tracer.last_report())


def test_old_and_new_libc(live, libc):
    """Two processes, the one with the old file, the other with the new one."""
    old = libc.start(live)
    libc.upgrade()
    new = libc.start(live)
    assert is_deleted(old) and not is_deleted(new), "no test"
    tracer = live.attach(old.pid, "-p", new.pid)
    old.tell("alloc apple 7 10")
    new.tell("alloc apple 11 10")
    assert processes(tracer.report_now()) == {old.pid: (7, 70),
                                              new.pid: (11, 110)}
    old.tell("free apple 7")
    assert processes(tracer.report_now()) == {old.pid: (0, 0),
                                              new.pid: (11, 110)}


def test_function_named_in_a_deleted_file(live, libc):
    """OBJECT!NAME means the file that it was."""
    program = libc.start(live)
    libc.delete()
    tracer = live.attach(program, "--alloc", "libc.so.6!strdup:size=none")
    tracer.stop()
    assert "in no object" not in tracer.stderr.text(), tracer.stderr.text()


@pytest.fixture(name="owned")
def _owned(live):
    """A directory that everybody can use, with a setuid program of daemon's."""
    directory = Path(tempfile.mkdtemp(prefix="leaktrace-setuid-"))
    directory.chmod(0o755)
    program = directory / "planted"
    shutil.copy(PROGRAMS / "planted", program)
    os.chown(program, DAEMON, DAEMON)
    program.chmod(0o4755)
    yield program
    live.close()
    shutil.rmtree(directory)


def user_of(pid, which):
    """0: the real user, 1: the effective one."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^Uid:\s+(.*)$", text, re.M)[1].split()[which])


def test_setuid_program_of_another_user(live, owned):
    program = live.start("planted", path=owned, cwd="/",
                         prefix=["setpriv", f"--reuid={NOBODY}",
                                 f"--regid={NOBODY}", "--clear-groups"])
    assert (user_of(program.pid, 0), user_of(program.pid, 1)) == \
        (NOBODY, DAEMON), "no setuid here: no test"
    tracer = live.attach(program)
    truth = program.tell("alloc apple 123 45")
    check_to_the_end(program, tracer, truth)
    assert functions(tracer.reports()[-1]["stacks"][0])[0] == "apple"


def test_setuid_program_as_a_command(live, owned):
    """It has its owner's rights, and is traced from its first instruction."""
    path = owned.parent / "truth"
    truths = Truths(FileLines(path))
    path.chmod(0o666)
    tracer = live.own(Tracer(NEVER, "--", owned, cwd="/",
                             env={"TRUTH_OUT": str(path),
                                  "PLANT_EARLY": "1"}))
    pid = truths.ready()
    assert user_of(pid, 1) == DAEMON, "no setuid here: no test"
    tracer.send("alloc apple 5 20")
    truth = truths.next()
    compare(tracer.report_now(), truth, totals=False)
    tracer.close_stdin()
    assert tracer.wait() == 0
    compare(tracer.last_report(), truth, totals=False)


NARROW = """
	.globl _start
_start:	movl $29, %eax	# pause
	int $0x80
	jmp _start
"""


@pytest.fixture(name="narrow")
def _narrow(tmp_path):
    """A program of 32 bits, which does nothing."""
    if platform.machine() != "x86_64":
        pytest.skip("a program for i386")
    source = tmp_path / "narrow.s"
    source.write_text(NARROW)
    program = tmp_path / "narrow"
    subprocess.run(["as", "--32", "-o", tmp_path / "narrow.o", source],
                   check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-o", program,
                    tmp_path / "narrow.o"], check=True)
    return program


def start_narrow(live, narrow):
    try:
        return live.own(Process([narrow]))
    except OSError as error:
        pytest.skip(f"this kernel runs no programs of 32 bits: {error}")


@pytest.mark.parametrize("options", [[], ["--growth"],
                                     ["--alloc-at", "+0x1000"]])
def test_32_bit_process_is_refused(live, narrow, options):
    program = start_narrow(live, narrow)
    refused(live, [*options, "-p", str(program.pid)], FAILURE,
            str(program.pid), "32-bit")
    assert program.popen.poll() is None, "the process goes on"


def test_32_bit_process_among_others(live, narrow):
    program = start_narrow(live, narrow)
    other = live.start("planted")
    refused(live, ["-p", f"{other.pid},{program.pid}"], FAILURE,
            str(program.pid), "32-bit")


@pytest.mark.parametrize("options", [[], ["--growth"], ["-f"]])
def test_32_bit_command_is_refused(live, narrow, options):
    """And does not stay behind."""
    start_narrow(live, narrow)
    process = live.run(LEAKTRACE, *options, "--", narrow)
    assert process.wait() == FAILURE
    assert len(process.stderr.lines) == 1, process.stderr.lines
    assert "narrow" in process.stderr.text()
    assert "32-bit" in process.stderr.text()
    assert process.stdout.lines == []


def test_32_bit_child_is_counted(live, narrow):
    """It runs as if nothing had been; the report says that it is not traced."""
    start_narrow(live, narrow)
    script = f"{narrow} & child=$!; read line; kill $child; read line"
    tracer = live.own(Tracer("-f", NEVER, "--", "sh", "-c", script))
    tracer.wait_tracing()
    wait_until(lambda: loss(tracer.report_now(), "processes_unprobed"),
               "a process without probes")
    tracer.send("")
    tracer.close_stdin()
    tracer.wait()
    assert loss(tracer.last_report(), "processes_unprobed")["count"] == 1
