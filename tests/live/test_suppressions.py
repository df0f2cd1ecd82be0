# SPDX-License-Identifier: GPL-2.0-or-later
"""Call stacks that rules keep out of reports."""

from harness import LEAKTRACE, by_site, outstanding

COMMANDS = ["alloc apple 100 50", "alloc banana 10 1000",
            "alloc cherry 2 70000"]


def test_rules(live):
    """As if they had never allocated, and said how much that is."""
    rules = live.directory / "rules"
    rules.write_text("# known\nleak:^app*e$\nleak:nobody\nleak:banana\n")
    program = live.start("planted")
    tracer = live.attach(program, "--suppressions", rules)
    for command in COMMANDS:
        program.tell(command)
    for _ in range(2):
        report = tracer.report_now()
        assert set(by_site(report)) == {"cherry"}
        assert outstanding(report, "heap") == (2, 140000)
        assert report["stacks_matching"] == 1
        assert report["suppressed"] == [
            {"pattern": "^app*e$", "stacks": 1, "blocks": 100, "bytes": 5000},
            {"pattern": "banana", "stacks": 1, "blocks": 10, "bytes": 10000}]
    program.tell("free banana 10")
    assert [entry["pattern"] for entry in tracer.stop()["suppressed"]] == \
        ["^app*e$"]


def test_module(live):
    """The program itself is on every stack."""
    rules = live.directory / "rules"
    rules.write_text("leak:/planted$\n")
    program = live.start("planted")
    tracer = live.attach(program, "--suppressions", rules, "--output", "text")
    program.tell(COMMANDS[0])
    tracer.popen.send_signal(2)
    assert tracer.wait() == 0
    text = tracer.stdout.text()
    assert "nothing outstanding" in text
    assert "suppressed: 4.9 KiB in 100 blocks from 1 stack by /planted$" in text


def test_bad_rules(live):
    """Told with the line, before the command runs."""
    rules, ran = live.directory / "rules", live.directory / "ran"
    rules.write_text("leak:one\nrace:two\n")
    tracer = live.run(LEAKTRACE, "--suppressions", rules, "--", "touch", ran)
    assert tracer.wait() == 1
    assert f"{rules}:2: not a rule" in tracer.stderr.text()
    assert not ran.exists()
