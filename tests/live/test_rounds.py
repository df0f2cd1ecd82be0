# SPDX-License-Identifier: GPL-2.0-or-later
"""Rounds of the same work: what survives ever more of them leaks.

tests/programs/round_server.c says what its server does for each request.
"""

import shutil
import signal
import socket
import subprocess
import threading

import pytest

import schemas
from harness import LEAKTRACE, PROGRAMS, Tracer, functions, wait_until

SERVER = PROGRAMS / "round_server"
ROUNDS = 14


def start_server(live):
    path = live.directory / "socket"
    server = live.run(SERVER, path)
    wait_until(path.exists, "the server's socket")
    return server, path


def trace(live, server, *options, interval="1d"):
    tracer = live.own(Tracer("-p", server.pid, *options, interval))
    return tracer.wait_tracing()


def verdicts(report):
    """{function that allocates: stack}"""
    return {functions(stack)[0]: stack for stack in report["stacks"]
            if functions(stack)}


def check(report, rounds=ROUNDS, requests=1):
    """One request a round, or as many as that."""
    stacks = verdicts(report)
    schemas.check("report", report)
    assert report["rounds"]["ended"] == rounds
    leak = stacks["leaks"]
    assert leak["verdict"] == "leaking", leak
    blocks, counted = 3 * requests, rounds - 4
    assert leak["evidence"].startswith(
        f"+{blocks} blocks ({64 * blocks} B) in each of the last {counted} "
        f"rounds; {counted * blocks} blocks from {counted} rounds still "
        "alive; none was ever freed"), leak["evidence"]
    each = leak["rounds"]["each"]
    assert [(entry["round"], entry["alive_blocks"], entry["alive_bytes"],
             entry["blocks"], entry["bytes"]) for entry in each] == \
        [(n, blocks, 64 * blocks, n * blocks, n * 64 * blocks)
         for n in range(1, rounds + 1)]
    # Full since the tenth request, which may have been not long ago.
    assert stacks["fills"]["verdict"] == "plateaued" or \
        stacks["fills"]["judgement"]["doubt"] == "ceasing", stacks["fills"]
    for harmless in ("piles_up", "replaces"):
        assert stacks[harmless]["verdict"] in ("steady", "plateaued"), harmless
    assert stacks["starts_up"]["verdict"] == "start-up"
    assert report["leaking_stacks"] == 1


def test_command(live):
    """Each run of a command, which says itself when a round is over."""
    server, path = start_server(live)
    tracer = live.own(Tracer("-p", server.pid, "--round",
                             f"{SERVER} {path} 1", "--rounds", ROUNDS, "1d"))
    assert tracer.wait() == 0, tracer.stderr.text()
    report = tracer.last_report()
    assert report["end"] == "all rounds done"
    check(report)
    totals = report["rounds"]["totals"]
    assert report["rounds"]["over"] == ROUNDS - 2 and len(totals) == 1
    # At the end of round 2: 2 in the cache, 2 piled up, 2 of 6 replaced.
    assert totals[0]["bytes_change"] == \
        (ROUNDS - 2) * 192 + 8 * 200 + 2 * 300 + 4 * 400


def test_signal(live):
    """SIGUSR2, from a test that drives the server itself."""
    server, path = start_server(live)
    tracer = trace(live, server, "--round", "SIGUSR2")
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(path))
    for number in range(1, ROUNDS + 1):
        for _ in range(2):
            client.sendall(b"x")
            assert len(client.recv(4)) == 4
        tracer.popen.send_signal(signal.SIGUSR2)
        report = tracer.report_now()
        assert report["rounds"]["ended"] == number
        # Two of a fill of the cache: all that is judged so early.
        if number < 6:
            assert report["leaking_stacks"] == 0
    check(report, requests=2)
    client.close()
    check(tracer.stop(), requests=2)


def test_time(live):
    """Rounds of equal length; the work goes on as it likes."""
    server, path = start_server(live)
    stop = threading.Event()

    def drive():
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            while not stop.wait(0.01):
                client.sendall(b"x")
                client.recv(4)

    thread = threading.Thread(target=drive)
    thread.start()
    try:
        tracer = trace(live, server, "--round", "150ms", "--rounds", ROUNDS)
        assert tracer.wait() == 0, tracer.stderr.text()
    finally:
        stop.set()
        thread.join()
    stacks = verdicts(tracer.last_report())
    assert {name for name, stack in stacks.items()
            if stack["verdict"] == "leaking"} == {"leaks"}, stacks


def test_text(live):
    """For people: in the first line, and as the reason of a verdict."""
    server, path = start_server(live)
    tracer = live.run(LEAKTRACE, "-p", server.pid, "--round",
                      f"{SERVER} {path} 1", "--rounds", ROUNDS, "1d")
    assert tracer.wait() == 0, tracer.stderr.text()
    text = tracer.stdout.text()
    assert f" and {ROUNDS} rounds: " in text.split("\n", maxsplit=1)[0]
    assert f"a round over {ROUNDS - 2} rounds" in text
    assert "leaking: +3 blocks (192 B) in each of the last 10 rounds; 30 " \
        "blocks from 10 rounds still alive" in text


def test_saved(live):
    """A snapshot keeps the verdict and its reason."""
    server, path = start_server(live)
    saved = live.directory / "saved"
    tracer = trace(live, server, "--round", f"{SERVER} {path} 1", "--rounds",
                   ROUNDS, "--save", saved)
    assert tracer.wait() == 0, tracer.stderr.text()
    read = subprocess.run([LEAKTRACE, "report", saved], check=True,
                          capture_output=True, text=True).stdout
    assert "leaking: +3 blocks (192 B) in each of the last 10 rounds" in read


@pytest.mark.parametrize("leaks,expected", [(True, 7), (False, 0)])
def test_fail_on(live, leaks, expected):
    """A test in CI: the exit status tells."""
    program = live.run(
        "/usr/bin/python3", "-c",
        "import ctypes,time\nc=ctypes.CDLL(None)\n"
        "c.malloc.restype=ctypes.c_void_p\n"
        "c.free.argtypes=[ctypes.c_void_p]\n"
        "while 1:\n"
        f" {'c.malloc(1000003)' if leaks else 'c.free(c.malloc(1000003))'}\n"
        " time.sleep(.01)\n")
    tracer = live.run(LEAKTRACE, "-p", program.pid, "-z", "1000003", "-Z",
                      "1000003", "--round", "60ms", "--rounds", "14",
                      "--fail-on", "leaking", "--error-exit", "7", "1d")
    assert tracer.wait() == expected, tracer.stderr.text()
    assert ("leaking: " in tracer.stdout.text()) == leaks


def test_failing_command(live):
    """A run that fails is no round, and ten in a row are the end."""
    server, path = start_server(live)
    flag = live.directory / "flag"
    command = f"if [ -e {flag} ]; then {SERVER} {path} 1; else exit 3; fi"
    tracer = trace(live, server, "--round", command, "--rounds", "3")
    tracer.stderr.wait(lambda line: "round 1: exit status 3" in line, "told")
    assert tracer.report_now()["rounds"]["ended"] == 0
    flag.touch()
    assert tracer.wait() == 0, tracer.stderr.text()
    assert tracer.last_report()["rounds"]["ended"] == 3


# Of each ten eventfds one stays open; timerfds are closed, all of them.
FILES = """
import ctypes, os, sys
print("ready", flush=True)
for line in sys.stdin:
    for i in range(50):
        fd = ctypes.CDLL(None).eventfd(0, 0)
        if i % 10:
            os.close(fd)
        os.close(ctypes.CDLL(None).timerfd_create(1, 0))
    print("done", flush=True)
"""


def test_kernel(live):
    """The kernel's objects, in a process's context."""
    program = live.run("/usr/bin/python3", "-c", FILES)
    position = program.stdout.wait(lambda line: line == "ready", "ready")
    tracer = live.trace_kernel("slab", "-p", program.pid, "--round",
                               "SIGUSR2")
    for number in range(1, ROUNDS + 1):
        program.send("round")
        position = program.stdout.wait(lambda line: line == "done", "done",
                                       position)
        tracer.popen.send_signal(signal.SIGUSR2)
        report = tracer.report_now()
        assert report["rounds"]["ended"] == number
    # Objects, files and dentries; a few came through a slower path.
    leaks = [stack for stack in report["stacks"]
             if stack["verdict"] == "leaking" and
             "do_eventfd" in functions(stack)]
    assert len(leaks) >= 3, report["stacks"]
    assert sum(stack["blocks"] for stack in leaks) >= 3 * 4 * ROUNDS, leaks
    for stack in leaks:
        assert "rounds still alive" in stack["evidence"], stack
    assert not [stack for stack in report["stacks"]
                if stack["verdict"] == "leaking" and
                any("timerfd" in (name or "") for name in functions(stack))]
    schemas.check("report", report)


def redis_rounds(live, port, command):
    cli = f"redis-cli -p {port}"
    tracer = live.own(Tracer("-p", live.redis.pid, "--round",
                             command.format(cli=cli), "--rounds", "14", "1d"))
    assert tracer.wait(120) == 0, tracer.stderr.text()
    report = tracer.last_report()
    return {name for stack in report["stacks"]
            if stack["verdict"] == "leaking" for name in functions(stack)}


@pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis")
def test_redis(live):
    """Ever new keys are ever more memory; the same key is not."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    live.redis = live.run("redis-server", "--port", port, "--save", "",
                          "--bind", "127.0.0.1", cwd=live.directory)
    wait_until(lambda: subprocess.run(
        ["redis-cli", "-p", str(port), "ping"], capture_output=True,
        check=False).returncode == 0, "redis")
    same = redis_rounds(live, port, "for i in 1 2 3 4 5 6 7 8; do {cli} "
                        "set key $i-$$; done >/dev/null")
    assert not same
    new = redis_rounds(live, port, "for i in 1 2 3 4 5 6 7 8; do {cli} "
                       "set key-$$-$i value; done >/dev/null")
    assert {"setGenericCommand", "setCommand"} & new, new
