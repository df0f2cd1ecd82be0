# SPDX-License-Identifier: GPL-2.0-or-later
"""Just-in-time compilers that list their code in perf maps: its functions are
named, and the native frames on both sides of them are there.
"""

import re
import shutil
import subprocess

from harness import Program, functions

BLOCKS = 500
SIZE = 54320  # nobody else asks for it

NODE = """
const kept = [];
function planted() { kept.push(Buffer.allocUnsafeSlow(%d)); }
function caller() { for (let i = 0; i < %d; i++) planted(); }
process.stdin.on('data', () => {
    caller();
    console.log(JSON.stringify({truth: 1, pid: process.pid}));
});
console.log('ready ' + process.pid);
""" % (SIZE, BLOCKS)

JAVA = """
public class Leak {
    static sun.misc.Unsafe unsafe;

    static void planted() {
        if (unsafe.allocateMemory(%d) == 0)
            throw new RuntimeException();
    }

    static void caller() {
        for (int i = 0; i < %d; i++)
            planted();
    }

    public static void main(String[] arguments) throws Exception {
        var field = sun.misc.Unsafe.class.getDeclaredField("theUnsafe");
        field.setAccessible(true);
        unsafe = (sun.misc.Unsafe) field.get(null);
        System.out.println("ready " + ProcessHandle.current().pid());
        while (System.in.read() > 0) {
            if (System.in.read() > 0)
                while (System.in.available() > 0)
                    System.in.read();
            caller();
            System.out.println("{\\"truth\\": 1}");
        }
    }
}
""" % (SIZE, BLOCKS)


def installed(name):
    path = shutil.which(name, path="/usr/bin:/bin")
    assert path, f"{name} is not installed (tests/packages.txt)"
    return path


class Runtime(Program):
    """A language's runtime, started like a program of tests/programs."""

    def __init__(self, argv, **options):
        super().__init__("", path=argv[0], *argv[1:], **options)


def check(report, planted, outermost):
    """All blocks of that size are the planted function's, and first."""
    stacks = [stack for stack in report["stacks"] if planted in functions(stack)]
    assert stacks and stacks[0] is report["stacks"][0], report["stacks"][:2]
    assert sum(stack["blocks"] for stack in stacks) == BLOCKS
    assert sum(stack["bytes"] for stack in stacks) == BLOCKS * SIZE
    for stack in stacks:
        names = functions(stack)
        caller = planted.replace("planted", "caller")
        assert caller in names[names.index(planted):], names
        assert names[-1] == outermost, names


NODE_OPTIONS = ["--perf-basic-prof", "--no-opt",
                "--interpreted-frames-native-stack"]


def test_node(live, tmp_path):
    script = tmp_path / "leak.js"
    script.write_text(NODE)
    program = live.own(Runtime([installed("node"), *NODE_OPTIONS, script],
                               cwd=tmp_path))
    tracer = live.attach(program, "-z", SIZE, "-Z", SIZE, "--sort",
                         "bytes")
    program.tell()
    report = tracer.report_now()
    check(report, "planted", "_start")
    frame = next(frame for frame in report["stacks"][0]["frames"]
                 if frame["function"] == "planted")
    assert frame["file"] == str(script) and frame["line"] == 3, frame
    assert frame["module"] == "generated code", frame
    program.kill()
    assert tracer.wait() == 0, tracer.stderr.text()
    check(tracer.last_report(), "planted", "_start")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def test_node_in_namespaces(live, tmp_path):
    """A /tmp of its own, where it is PID 1; nothing is written to ours."""
    script = ("keep=$(cat \"$2\" | base64 -w0); mount -t tmpfs none /tmp && "
              "mkdir -p \"${2%/*}\" && echo \"$keep\" | base64 -d > \"$2\" && "
              "exec \"$1\" " + " ".join(NODE_OPTIONS) +
              " \"$2\"")
    path = tmp_path / "leak.js"
    path.write_text(NODE)
    program = live.own(Runtime(["/usr/bin/unshare", "--pid", "--mount",
                                "--fork", "sh", "-c", script, "sh",
                                installed("node"), path],
                               cwd=tmp_path))
    assert program.own_pid == 1
    tracer = live.attach(children(program.pid)[0], "-z", SIZE, "-Z", SIZE)
    program.tell()
    check(tracer.report_now(), "planted", "_start")
    assert program.finish() == 0


def test_java(live, tmp_path):
    """The map comes at the very end, after the stacks."""
    (tmp_path / "Leak.java").write_text(JAVA)
    subprocess.run([installed("javac"), "-nowarn", "Leak.java"], cwd=tmp_path,
                   check=True, capture_output=True)
    program = live.own(Runtime(
        [installed("java"), "-XX:+UnlockDiagnosticVMOptions",
         "-XX:+PreserveFramePointer",
         "-XX:+DumpPerfMapAtExit", "-Xcomp", "-XX:CompileCommand=quiet",
         "-XX:CompileCommand=compileonly,Leak::*",
         "-XX:CompileCommand=dontinline,Leak::*", "-cp", tmp_path, "Leak"]))
    tracer = live.attach(program, "-z", SIZE, "-Z", SIZE, "--sort",
                         "bytes")
    program.tell()
    report = tracer.report_now()
    assert sum(stack["blocks"] for stack in report["stacks"]) == BLOCKS
    assert program.finish() == 0
    assert tracer.wait() == 0, tracer.stderr.text()
    report = tracer.last_report()
    check(report, "void Leak.planted()", "clone3")
    assert any(re.search("Unsafe_AllocateMemory", name or "")
               for name in functions(report["stacks"][0]))


def told(tracer, text):
    tracer.stderr.wait(lambda line: line.startswith("leaktrace: " + text), text)


def test_runtimes_are_told(live, tmp_path):
    """What of a language's own memory is seen, by what a process has mapped."""
    program = live.own(Runtime([installed("python3"), "-c",
                                "import os; print('ready', os.getpid(), "
                                "flush=True); input()"]))
    told(live.attach(program), "python3.11: functions and lines")
    script = tmp_path / "leak.js"
    script.write_text(NODE)
    program = live.own(Runtime([installed("node"), script], cwd=tmp_path))
    told(live.attach(program), "node: JavaScript objects are on V8's own heap")
    library = tmp_path / "libruby-3.1.so.3.1"
    shutil.copy("/lib/x86_64-linux-gnu/libz.so.1", library)
    program = live.own(Runtime(
        [installed("sh"), "-c", "echo ready $$; read line"],
        env={"LD_PRELOAD": str(library)}))
    told(live.attach(program), "Ruby: objects are in slots")
    go = tmp_path / "server"
    subprocess.run(["objcopy", "--add-section", ".gopclntab=/etc/hostname",
                    installed("sh"), go], check=True)
    program = live.own(Runtime([go, "-c", "echo ready $$; read line"]))
    told(live.attach(program), "Go: objects are on its own heap")
