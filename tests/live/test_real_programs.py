# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's own programs under a client, traced for some seconds.

No truth is known here. What counts: no error, nothing lost, and the program
answers all the while and afterwards.
"""

import shutil
import socket
import time

import pytest

from harness import lost, outstanding, wait_until

SECONDS = 4
SLOWEST = 5  # seconds for one answer, on a machine that does other things too


def program(name):
    path = shutil.which(name, path="/usr/bin:/usr/sbin:/bin")
    assert path, f"{name} is not installed (tests/packages.txt)"
    return path


def exercise(tracer, ask):
    """Asks for SECONDS while reports come; the number of answers."""
    answers = 0
    end = time.monotonic() + SECONDS
    reported = 0
    while time.monotonic() < end:
        began = time.monotonic()
        ask(answers)
        assert time.monotonic() - began < SLOWEST, "an answer was late"
        answers += 1
        if time.monotonic() - (end - SECONDS) > reported + 1:
            tracer.report_now()
            reported += 1
    return answers


def check(report):
    assert lost(report) == [] and not report["at_least"], report["losses"]
    blocks, size = outstanding(report, "heap")
    assert blocks > 0 and size > 0, "nothing seen"
    assert report["stacks"] and report["stacks"][0]["frames"]


class Redis:
    """As much of the protocol as this test needs."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(SLOWEST)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rwb")

    def send(self, *words):
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            data = str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        self.file.write(b"".join(parts))

    def ask(self, *words):
        self.send(*words)
        self.file.flush()
        return self.answer()

    def answer(self):
        line = self.file.readline()
        assert line[:1] in b"+:$", line
        if line[:1] != b"$":
            return line[1:].strip().decode()
        length = int(line[1:])
        if length < 0:
            return None
        return self.file.read(length + 2)[:-2].decode()


def test_redis(live, tmp_path):
    """Its allocator is jemalloc, a library of its own."""
    path = tmp_path / "socket"
    server = live.run(program("redis-server"), "--port", "0", "--unixsocket",
                      path, "--save", "", "--appendonly", "no", "--dir",
                      tmp_path)
    wait_until(path.exists, "redis listening")
    client = Redis(path)
    tracer = live.attach(server.pid, top=20)

    def ask(number):
        for i in range(50):
            client.send("SET", f"key:{number}:{i}", "x" * (i * 10))
        client.file.flush()
        assert [client.answer() for _ in range(50)] == ["OK"] * 50
        assert client.ask("GET", f"key:{number}:7") == "x" * 70

    answers = exercise(tracer, ask)
    check(tracer.report_now())
    check(tracer.stop())
    assert answers >= 10, answers
    assert client.ask("DBSIZE") == str(answers * 50)
    assert client.ask("PING") == "PONG"


PYTHON_SERVER = """
import json, sys
table = {}
for line in sys.stdin:
    key = json.loads(line)["key"]
    table[key] = [str(i) * 3 for i in range(200)]
    if len(table) > 50:
        table.pop(next(iter(table)))
    sys.stdout.write(json.dumps({"key": key, "size": len(table)}) + "\\n")
    sys.stdout.flush()
"""


def test_python(live):
    server = live.run(program("python3"), "-c", PYTHON_SERVER)
    position = 0

    def ask(number):
        nonlocal position
        server.send(f'{{"key": {number}}}')
        position = server.stdout.wait(
            lambda line: f'"key": {number},' in line, "answer", position)

    ask(-1)
    tracer = live.attach(server.pid, top=20)
    answers = exercise(tracer, ask)
    check(tracer.stop())
    ask(answers)
    server.close_stdin()
    assert server.wait() == 0


def test_sqlite(live, tmp_path):
    server = live.run(program("sqlite3"), "-batch", tmp_path / "database")
    position = 0

    def ask(number):
        nonlocal position
        for i in range(20):
            server.send(f"insert into t values({number * 20 + i}, "
                        f"hex(randomblob({i * 20})));")
        server.send("select 'rows ' || count(*) from t;")
        position = server.stdout.wait(
            lambda line: line == f"rows {(number + 1) * 20}", "rows", position)

    server.send("pragma synchronous=off; create table t(a primary key, b);")
    server.send("select 'created';")
    position = server.stdout.wait(lambda line: line == "created", "created")
    tracer = live.attach(server.pid, top=20)
    answers = exercise(tracer, ask)
    check(tracer.report_now())
    server.close_stdin()
    assert server.wait() == 0 and server.stderr.lines == []
    assert tracer.wait() == 0
    last = tracer.last_report()
    assert lost(last) == [] and answers >= 5


@pytest.mark.parametrize("script", [
    "import json; print(len(json.dumps(list(range(20000)))))",
    "import threading\n"
    "ts = [threading.Thread(target=lambda: [bytes(9999) for _ in range(99)])"
    " for _ in range(20)]\n"
    "[t.start() for t in ts]; [t.join() for t in ts]; print('done')",
])
def test_python_as_a_command(live, script):
    tracer = live.command([program("python3"), "-c", script], top=5)
    assert tracer.wait() == 0, tracer.stderr.text()
    assert len([line for line in tracer.stdout.lines
                if not line.startswith("{")]) == 1
    report = tracer.last_report()
    assert lost(report) == [], report["losses"]
