# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers as Debian ships them, with a leak planted by their clients: the
blocks of redis-server while it forks to save, a backend of PostgreSQL.
"""

import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import (NEVER, Tracer, functions, lost, outstanding, wait_until)

REDIS_KEYS, REDIS_SIZE = 1000, 3000
POSTGRES = Path("/usr/lib/postgresql/15/bin")
SOURCE = Path(__file__).with_name("postgres_leak.c")
CALLS, SIZE = 100, 3000  # of postgres_leak.c


class Redis:
    """A client that plants keys which stay."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rwb")

    def ask(self, *words):
        self.file.write(b"*%d\r\n" % len(words))
        for word in words:
            self.file.write(b"$%d\r\n%s\r\n" % (len(word), word.encode()))
        self.file.flush()
        line = self.file.readline().strip().decode()
        if line[0] == "$":
            length = int(line[1:])
            return self.file.read(length + 2)[:-2].decode()
        return line

    def plant(self):
        for i in range(REDIS_KEYS):
            assert self.ask("APPEND", f"key:{i:04}", "x" * REDIS_SIZE) == \
                f":{REDIS_SIZE}"

    def saves(self):
        text = self.ask("INFO", "persistence")
        return dict(line.split(":", 1) for line in text.splitlines()
                    if ":" in line)


def redis_leak(report):
    first = max(report["stacks"], key=lambda stack: stack["bytes"])
    assert {"createStringObject", "processMultibulkBuffer"} <= \
        set(functions(first)), first
    assert first["blocks"] == REDIS_KEYS
    assert 0 <= first["bytes"] - REDIS_KEYS * REDIS_SIZE < 200 * REDIS_KEYS
    return first["bytes"]


@pytest.mark.parametrize("follow", [True, False])
def test_redis_saves(live, tmp_path, follow):
    """The child that BGSAVE forks has blocks of its own, or is nobody's."""
    path = tmp_path / "socket"
    tracer = live.own(Tracer(*(["-f"] if follow else []), NEVER, "--",
                             "redis-server", "--port", "0", "--unixsocket",
                             path, "--save", "", "--dir", tmp_path, top=50))
    wait_until(path.exists, "redis listening")
    client = Redis(path)
    client.plant()
    size = redis_leak(tracer.report_now())
    benchmark = live.run("redis-benchmark", "-s", path, "-t", "set,lpush",
                         "-n", "3000", "-q")
    assert "started" in client.ask("BGSAVE")
    wait_until(lambda: client.saves()["rdb_bgsave_in_progress"] == "0",
               "saved")
    assert client.saves()["rdb_last_bgsave_status"] == "ok"
    assert benchmark.wait() == 0
    assert (tmp_path / "dump.rdb").stat().st_size > 0
    report = tracer.report_now()
    assert redis_leak(report) == size
    assert not lost(report), report["losses"]
    children = [entry for entry in report["processes"] if entry["ended"]]
    if follow:
        child, = children
        assert child["untraced_seconds"] == 0
        assert child["bytes"] < size / 10, "what it inherited is not its own"
    else:
        assert not children
    tracer.stop()


@pytest.fixture(name="postgres")
def _postgres(live):
    """A cluster of its own: its directory, below which all sockets are."""
    assert POSTGRES.is_dir(), "postgresql-15 is missing (tests/packages.txt)"
    directory = Path(tempfile.mkdtemp(prefix="leaktrace-postgres-"))
    shutil.chown(directory, "postgres", "postgres")
    directory.chmod(0o755)
    user = ["setpriv", "--reuid=postgres", "--regid=postgres",
            "--clear-groups"]
    subprocess.run([*user, POSTGRES / "initdb", "-D", directory / "data", "-A",
                    "trust", "--no-sync", "--no-locale"], check=True,
                   cwd=directory, capture_output=True, timeout=120)
    subprocess.run(["gcc", "-O2", "-g", "-shared", "-fPIC", "-o",
                    directory / "leak.so", SOURCE], check=True)
    server = live.run(*user, POSTGRES / "postgres", "-D", directory / "data",
                      "-k", directory, "-c", "listen_addresses=", "-c",
                      "fsync=off", cwd=directory)
    wait_until(lambda: "ready to accept" in server.stderr.text(),
               "postgres is ready", timeout=60)
    yield [*user, POSTGRES / "psql", "-h", directory, "-AtqX"], directory
    live.close()
    shutil.rmtree(directory)


class Session:
    """A client, and the backend that serves it."""

    def __init__(self, live, command, directory):
        self.client = live.run(*command, cwd=directory)
        self.position = 0
        self.backend = int(self.ask("select pg_backend_pid();"))
        for name in ("leak_malloc", "leak_palloc"):
            self.ask(f"create or replace function {name}() returns int as "
                     f"'{directory}/leak.so' language c; select {name}();")

    def ask(self, query):
        """The last line of the answer."""
        self.client.send(query)
        self.client.send("\\echo done")
        start = self.position
        self.position = self.client.stdout.wait(
            lambda line: line == "done", query, start)
        assert not self.client.stderr.lines, self.client.stderr.text()
        return (self.client.stdout.lines[start:self.position - 1] or [""])[-1]


PALLOC = ["--alloc", "palloc", "--alloc", "palloc0",
          "--alloc", "palloc_extended",
          "--alloc", "MemoryContextAlloc:size=2",
          "--alloc", "MemoryContextAllocZero:size=2",
          "--alloc", "MemoryContextAllocZeroAligned:size=2",
          "--alloc", "MemoryContextAllocExtended:size=2",
          "--alloc", "repalloc:size=2:ptr=1", "--free", "pfree"]


@pytest.mark.parametrize("name,options", [("malloc", []),
                                          ("palloc", PALLOC)])
def test_postgres_backend(live, postgres, name, options):
    """A function of an extension leaks in one session of several."""
    session = Session(live, *postgres)
    other = Session(live, *postgres)
    tracer = live.attach(session.backend, *options)
    for _ in range(5):
        session.ask(f"select leak_{name}();")
        other.ask(f"select leak_{name}();")
    report = tracer.report_now()
    first = report["stacks"][0]
    assert functions(first)[:2] == [f"planted_{name}", f"leak_{name}"], first
    assert {"PostgresMain", "_start"} <= set(functions(first)), first
    assert (first["blocks"], first["bytes"]) == (5 * CALLS, 5 * CALLS * SIZE)
    assert first["frames"][0]["file"].endswith("postgres_leak.c"), first
    # Blocks that went with their memory context, at addresses used again.
    went = ["blocks_replaced"] if name == "palloc" else []
    assert {entry["name"] for entry in lost(report)} <= set(went)
    assert session.ask("select 1 + 1;") == "2"
    tracer.stop()
    assert session.ask("select 2 + 2;") == "4"


def test_postgres_session_that_grows(live, postgres):
    """Nothing is planted: statements that a client prepares and forgets."""
    session = Session(live, *postgres)
    tracer = live.attach(session.backend)
    session.ask("prepare s as select 1;")
    before = outstanding(tracer.report_now(), "heap")[1]
    for i in range(300):
        session.ask(f"prepare s{i} as select * from pg_class where "
                    f"relname = 'name {i}';")
    report = tracer.report_now()
    grown = outstanding(report, "heap")[1] - before
    prepared = sum(stack["bytes"] for stack in report["stacks"]
                   if "PrepareQuery" in functions(stack))
    assert grown > 1_000_000 and prepared > 0.9 * grown, (grown, prepared)
    assert "PrepareQuery" in functions(report["stacks"][0])
    session.ask("deallocate all;")
    left = outstanding(tracer.report_now(), "heap")[1]
    assert left - before < grown / 10, (before, grown, left)
