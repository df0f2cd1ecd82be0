# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad input: one line that names the thing, its exit status, nothing else."""

import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from harness import LEAKTRACE, PROGRAMS, Process, session_members, wait_until

USAGE = 2
FAILURE = 1


def refused(live, arguments, status, *words, argv=(LEAKTRACE,), **options):
    """leaktrace says no: that status, one line with those words, no report."""
    process = live.own(Process([*argv, *arguments], **options))
    process.close_stdin()
    found = process.wait()
    lines = process.stderr.lines
    assert found == status, f"status {found}, not {status}: {lines}"
    assert len(lines) == 1, f"not one line: {lines}"
    assert lines[0].startswith("leaktrace: "), lines
    missing = [word for word in words if word not in lines[0]]
    assert not missing, f"no word of {missing} in: {lines[0]}"
    assert process.stdout.lines == [], process.stdout.lines
    assert session_members(process.pid) == []
    return lines[0]


@pytest.mark.parametrize("arguments,words", [
    ([], []),
    (["--no-such-option"], ["--no-such-option"]),
    (["-q"], ["q"]),
    (["-p"], ["p"]),
    (["-p", ""], ["p"]),
    (["-p", "twelve"], ["twelve"]),
    (["-p", "12x"], ["12x"]),
    (["-p", "-5"], ["-5"]),
    (["-p", "0"], ["0"]),
    (["-p", "99999999999999999999"], ["99999999999999999999"]),
    (["-p", "1", "5parsecs"], ["5parsecs"]),
    (["-p", "1", "5", "many"], ["many"]),
    (["-p", "1", "5", "6", "7"], ["7"]),
    (["-p", "1", "0"], ["0"]),
    (["-p", "1", "-1"], ["1"]),
    (["-p", "1", "--", "true"], ["--pid"]),
    (["-p", "1", "-c", "true"], ["--pid", "--command"]),
    (["-p", "1,2", "--kernel"], ["--kernel"]),
    (["-c", "true", "--", "true"], ["-c"]),
    (["--kernel", "--", "true"], ["--kernel"]),
    (["--kernel=slob"], ["slob"]),
    (["--kernel=slab,,page"], ["--kernel"]),
    (["--"], []),
    (["-c", ""], ["-c"]),
    (["-p", "1", "-o", "10fortnights"], ["10fortnights"]),
    (["-p", "1", "--older", "s"], ["--older", "s"]),
    (["-p", "1", "-z", "10Q"], ["10Q"]),
    (["-p", "1", "-Z", "ten"], ["ten"]),
    (["-p", "1", "-Z", "99999999999999999999G"], ["99999999999999999999G"]),
    (["-p", "1", "-z", "2K", "-Z", "1K"], ["--min-size", "--max-size"]),
    (["-p", "1", "-T", "0"], ["0"]),
    (["-p", "1", "-T", "1.5"], ["1.5"]),
    (["-p", "1", "--sort", "beauty"], ["beauty"]),
    (["-p", "1", "--output", "yaml"], ["yaml"]),
    (["-p", "1", "--max-blocks", "0"], ["--max-blocks"]),
    (["-p", "1", "--max-stacks", "x"], ["--max-stacks", "x"]),
    (["-p", "1", "-d", "1y"], ["1y"]),
    (["-p", "1", "-d", "0"], ["0"]),
])
def test_usage(launcher, arguments, words):
    refused(launcher, arguments, USAGE, *words)


@pytest.mark.parametrize("option,word", [("--help", "--max-blocks"),
                                         ("--version", "leaktrace")])
def test_help_and_version(launcher, option, word):
    """Asked for, they are no error: on stdout, status 0."""
    process = launcher.own(Process([LEAKTRACE, option]))
    assert process.wait() == 0
    assert word in process.stdout.text() and process.stderr.lines == []
    assert max(len(line) for line in process.stdout.lines) <= 80


def unused_pid():
    with open("/proc/sys/kernel/pid_max") as file:
        pid = int(file.read()) - 1
    while os.path.exists(f"/proc/{pid}"):
        pid -= 1
    return str(pid)


def test_no_such_process(live):
    pid = unused_pid()
    refused(live, ["-p", pid], FAILURE, pid)


def test_kernel_thread(live):
    with open("/proc/2/comm") as file:
        assert file.read() == "kthreadd\n", "no kthreadd: no test"
    refused(live, ["-p", "2"], FAILURE, "2", "kernel")


def test_zombie(live):
    """It has exited, though its number is still taken."""
    child = subprocess.Popen(["true"])
    try:
        wait_until(lambda: open(f"/proc/{child.pid}/stat").read()
                   .rsplit(")", 1)[1].split()[0] == "Z", "zombie")
        refused(live, ["-p", str(child.pid)], FAILURE, str(child.pid))
    finally:
        child.wait(10)


def test_itself(live):
    """A PID that is leaktrace's own, by exec from a shell that knows it."""
    refused(live, [], FAILURE, argv=("sh", "-c", f"exec {LEAKTRACE} -p $$"))


def test_no_allocator(live):
    bare = live.run(PROGRAMS / "bare")
    time.sleep(0.1)
    refused(live, ["-p", str(bare.pid)], FAILURE, str(bare.pid), "allocator")
    bare.close_stdin()
    assert bare.wait() == 0, "the target goes on as if nothing had been"


@pytest.mark.parametrize("arguments", [
    ["-p", "1"], ["--", "true"], ["-c", "true"], ["--kernel"]])
def test_not_root(live, arguments):
    """Said so, with the remedy, whatever was asked for."""
    directory = f"/tmp/leaktrace-not-root-{os.getpid()}"
    os.makedirs(directory, exist_ok=True)
    os.chmod(directory, 0o755)
    try:
        copy = shutil.copy(LEAKTRACE, directory)
        os.chmod(copy, 0o755)
        refused(live, arguments, FAILURE, "root",
                argv=("setpriv", "--reuid=65534", "--regid=65534",
                      "--clear-groups", copy), cwd="/")
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def target(live):
    """A process with an allocator, for errors that are not about it."""
    process = live.run("sleep", "60")
    time.sleep(0.1)
    return str(process.pid)


def test_object_not_found(live, target):
    refused(live, ["-p", target, "-O", "/nonexistent/libx.so"], FAILURE,
            "/nonexistent/libx.so")


def test_object_not_elf(live, target):
    refused(live, ["-p", target, "-O", "/etc/passwd"], FAILURE, "/etc/passwd",
            "ELF")


def test_object_is_a_directory(live, target):
    refused(live, ["-p", target, "-O", "/usr"], FAILURE, "/usr")


def test_object_is_a_fifo(live, target, tmp_path):
    """Not waited on until somebody writes to it."""
    os.mkfifo(tmp_path / "fifo")
    refused(live, ["-p", target, "-O", str(tmp_path / "fifo")], FAILURE,
            str(tmp_path / "fifo"))


def test_object_of_32_bits(live, target, tmp_path):
    """A header that is right in all but the class, on any machine."""
    source = tmp_path / "empty.c"
    source.write_text("void *malloc(unsigned long n){(void)n;return 0;}\n")
    library = tmp_path / "lib64.so"
    subprocess.run(["gcc", "-shared", "-nostdlib", "-fPIC", "-o", library,
                    source], check=True, timeout=30)
    data = bytearray(library.read_bytes())
    data[4] = 1  # EI_CLASS: ELFCLASS32
    (tmp_path / "lib32.so").write_bytes(data)
    refused(live, ["-p", target, "-O", str(tmp_path / "lib32.so")], FAILURE,
            "lib32.so", "32")


def test_object_truncated(live, target, tmp_path):
    with open("/proc/self/exe", "rb") as file:
        (tmp_path / "cut.so").write_bytes(file.read(200))
    refused(live, ["-p", target, "-O", str(tmp_path / "cut.so")], FAILURE,
            "cut.so")


def test_object_without_allocator(live, target):
    """An ELF file that defines none of the functions."""
    refused(live, ["-p", target, "-O", str(PROGRAMS / "bare")], FAILURE,
            "bare")


@pytest.mark.parametrize("arguments", [["--kernel"], ["-p", "{target}"]])
def test_no_btf(live, target, arguments):
    """A kernel without BTF, by hiding it in a mount namespace."""
    arguments = [argument.format(target=target) for argument in arguments]
    hide = "mount -t tmpfs none /sys/kernel/btf && exec \"$@\""
    refused(live, [*arguments], FAILURE, "BTF",
            argv=("unshare", "--mount", "sh", "-c", hide, "sh", LEAKTRACE))


def test_locked_down(live, target):
    """A kernel that lets nobody read memory, as it says so itself."""
    lock = "mount -t tmpfs none /sys/kernel/security && " \
        "echo 'none integrity [confidentiality]' " \
        ">/sys/kernel/security/lockdown && exec \"$@\""
    refused(live, ["-p", target], FAILURE, "locked down", "lockdown=",
            argv=("unshare", "--mount", "sh", "-c", lock, "sh", LEAKTRACE))


WITHOUT_TRACEPOINTS = """
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As a kernel does that lacks what begins so. */
void *bpf_program__attach_raw_tracepoint(void *program, const char *name)
{
	const char *missing = getenv("MISSING");
	void *(*real)(void *, const char *) = dlsym(
		RTLD_NEXT, "bpf_program__attach_raw_tracepoint");

	if (strncmp(name, missing, strlen(missing)))
		return real(program, name);
	errno = ENOENT;
	return NULL;
}

void *bpf_program__attach_kprobe(void *program, int returns, const char *name)
{
	(void)program, (void)returns, (void)name;
	errno = ENOENT;
	return NULL;
}
"""


@pytest.fixture
def without_tracepoints(tmp_path):
    """An environment in which those that begin with a prefix are not there."""
    source = tmp_path / "without.c"
    source.write_text(WITHOUT_TRACEPOINTS)
    library = tmp_path / "without.so"
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library,
                    source], check=True, timeout=30)
    return lambda prefix: {"LD_PRELOAD": str(library), "MISSING": prefix}


@pytest.mark.parametrize("kinds,prefix,named", [
    ("slab", "kmem_cache_free", ["slab"]),
    ("percpu", "percpu_", ["percpu"]),
    ("slab,page", "", ["slab", "page"]),
])
def test_no_tracepoint(live, without_tracepoints, kinds, prefix, named):
    refused(live, [f"--kernel={kinds}"], FAILURE, *named, "tracepoints",
            "CONFIG_TRACEPOINTS", env=without_tracepoints(prefix))


def test_one_kind_without_tracepoint(live, without_tracepoints):
    """The others are traced, and what is missing is said."""
    tracer = live.trace_kernel("slab,percpu", top=1,
                               env=without_tracepoints("percpu_"))
    report = tracer.stop()
    assert "not seen on this kernel" in tracer.stderr.text()
    assert "per-CPU memory" in tracer.stderr.text()
    assert "percpu" in {gap["name"] for gap in report["kernel"]["gaps"]}


def test_stdout_full(live, target):
    """A report that cannot be written is a failure, not silence."""
    process = live.own(Process(
        ["sh", "-c", f"exec {LEAKTRACE} -p {target} 100ms 2 >/dev/full"]))
    assert process.wait() == FAILURE
    errors = [line for line in process.stderr.lines
              if not re.match("leaktrace: (before )?tracing", line)]
    assert len(errors) == 1 and "space" in errors[0], process.stderr.lines


def test_interrupted_while_it_starts(live, target):
    """A signal before tracing has begun ends it all the same."""
    for delay in (0.005, 0.02, 0.05, 0.1):
        process = live.own(Process([LEAKTRACE, "-p", target]))
        time.sleep(delay)
        process.popen.send_signal(signal.SIGINT)
        status = process.wait()
        assert status in (0, 1, -signal.SIGINT), (delay, status)
