# SPDX-License-Identifier: GPL-2.0-or-later
"""The HTML page in a real browser; screenshots go to BUILD/artefacts."""

import html
import json
import os
import re
import signal
import struct
import subprocess

from harness import BUILD, LEAKTRACE, NEVER
from test_formats import planted

ARTEFACTS = BUILD / "artefacts"

# What a reader does: open a stack, search, zoom; what came of it is noted.
DRIVER = """
<script>
addEventListener("load", () => {
	const note = {};
	const by = id => document.getElementById(id);
	const boxes = () => [...by("flame").children];
	note.rows = [...document.querySelectorAll("tr.stack")].map(
		row => row.textContent);
	note.wide = document.documentElement.scrollWidth > innerWidth;
	document.querySelector("tr.stack").click();
	note.frames = [...document.querySelectorAll(".detail li")].map(
		item => item.textContent);
	const search = by("search");
	search.value = "Banana";
	search.dispatchEvent(new Event("input"));
	note.found = [...document.querySelectorAll("tr.stack")].length;
	note.marked = boxes().filter(
		box => box.classList.contains("found")).map(box => box.title);
	search.value = "";
	search.dispatchEvent(new Event("input"));
	const all = boxes().length;
	const whole = boxes()[0].style.width;
	boxes().find(box => box.title === "banana").click();
	note.zoomed = boxes().filter(box => box.title === "banana")[0].style.width
		=== whole;
	note.status = by("status").textContent;
	note.fewer = boxes().length < all;
	note.boxes = boxes().map(box => box.title);
	note.title = document.title;
	note.account = [...document.querySelectorAll("#account-parts tr")].map(
		row => [...row.children].map(cell => cell.textContent));
	note.cause = by("account-hint").textContent;
	note.scripts = document.scripts.length;
	note.images = document.images.length;
	note.hacked = Boolean(window.hacked);
	note.loaded = performance.getEntriesByType("resource").length;
	const pre = document.createElement("pre");
	pre.id = "note";
	pre.textContent = JSON.stringify(note);
	document.body.append(pre);
});
</script>
"""


def chromium(live, page, *options):
    """Runs the browser on a page without network; what it prints."""
    return subprocess.run(
        ["unshare", "--net", "chromium", "--headless", "--no-sandbox",
         "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=2000",
         f"--user-data-dir={live.directory}/profile", *options,
         f"file://{page}"],
        check=True, timeout=90, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(live.directory)}).stdout.decode()


def driven(live, page):
    """What the driver noted."""
    copy = live.directory / "driven.html"
    copy.write_text(page.read_text().replace("</body>", DRIVER + "</body>"))
    dom = chromium(live, copy, "--dump-dom", "--window-size=1280,900")
    return json.loads(html.unescape(
        re.search(r'<pre id="note">(.*?)</pre>', dom, re.S)[1]))


def screenshot(live, page, name, width, height, *options):
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    path = ARTEFACTS / f"{name}.png"
    path.unlink(missing_ok=True)
    chromium(live, page, f"--screenshot={path}",
             f"--window-size={width},{height}", *options)
    png = path.read_bytes()
    assert struct.unpack(">II", png[16:24]) == (width, height)
    return png


def test_page(live):
    planted(live, "--output", "html", "-T1", "--sort", "bytes")
    page = live.directory / "page.html"
    (live.directory / "output").rename(page)
    assert "http" not in re.sub(r"http://www.w3.org/2000/svg", "",
                                re.sub(r'id="data">.*?</script>', "",
                                       page.read_text(), flags=re.S)
                                ).replace("http-equiv", "")
    note = driven(live, page)
    assert len(note["rows"]) == 3 and "390.6 KiB" in note["rows"][0]
    assert note["frames"][0].startswith("cherry") and \
        any(frame.startswith("main") for frame in note["frames"])
    assert note["found"] == 1 and note["marked"] == ["banana"]
    assert note["zoomed"] and note["fewer"] and "cherry" not in note["boxes"]
    assert note["status"].startswith("banana") and "97.7 KiB" in note["status"]
    assert note["title"].startswith("planted (PID ")
    assert note["loaded"] == 0 and not note["wide"]
    light = screenshot(live, page, "page", 1280, 1200)
    dark = screenshot(live, page, "page-dark", 1280, 1200,
                      "--blink-settings=preferredColorScheme=0")
    phone = screenshot(live, page, "page-phone", 500, 1400)
    assert light != dark and min(map(len, (light, dark, phone))) > 20000


def test_account(live):
    """The resident memory in its parts, of which one grew."""
    program = live.start("planted")
    tracer = live.run(LEAKTRACE, "--output", "html", "-p", program.pid, NEVER)
    tracer.stderr.wait(lambda line: "tracing" in line, "tracing")
    program.tell("alloc banana 1000 1000")
    program.tell("alloc cherry 4000 1000")
    tracer.popen.send_signal(signal.SIGINT)
    assert tracer.wait() == 0
    page = live.directory / "page.html"
    page.write_text(tracer.stdout.text())
    note = driven(live, page)
    assert note["cause"] == "4.8 MiB of it in blocks outstanding"
    assert note["account"][0][0] == "tracked blocks"
    assert note["account"][0][1].endswith("4.8 MiB")
    assert note["account"][0][2] == "+4.8 MiB"
    assert note["account"][-1][0] == "together (RSS)"


def test_suppressed(launcher):
    """What rules kept out, as the text report has it."""
    snapshot, rules = launcher.directory / "snapshot", \
        launcher.directory / "rules"
    rules.write_text("leak:one\n")
    snapshot.write_text(json.dumps({
        "format": "leaktrace-snapshot", "version": 1,
        "report": {"reason": "last", "target": "x"}, "totals": [],
        "losses": [],
        "frames": [{"function": name} for name in ("one", "two")],
        "stacks": [{"id": f"0x{number}", "blocks": 1, "bytes": 2048,
                    "space": "heap", "flaw": "none", "lifetimes": [],
                    "frames": [number]} for number in range(2)]}))
    page = launcher.directory / "page.html"
    page.write_bytes(subprocess.run(
        [LEAKTRACE, "report", "--output", "html", "--suppressions", rules,
         snapshot], check=True, stdout=subprocess.PIPE).stdout)
    shown = chromium(launcher, page, "--dump-dom")
    assert "<li>suppressed: 2.0 KiB in 1 block from 1 stack by one</li>" in \
        shown


HOSTILE = '</script><script>window.hacked=1</script><img src=x onerror="hacked=1">'


def test_hostile_names(launcher):
    """Names are text and nothing else."""
    names = [HOSTILE, "<!--<script>", "\u2028&lt;b&gt;", "banana"]
    stacks = [{"id": "0x1", "process": 1, "blocks": 1, "bytes": 100,
               "space": "heap", "flaw": "none", "lifetimes": [],
               "frames": [number]} for number in range(len(names))]
    snapshot = launcher.directory / "snapshot"
    snapshot.write_text(json.dumps({
        "format": "leaktrace-snapshot", "version": 1,
        "report": {"reason": "last", "target": HOSTILE, "end": HOSTILE},
        "totals": [], "losses": [{"text": HOSTILE, "count": 1}],
        "frames": [{"function": name, "file": name, "line": 1, "module": name}
                   for name in names], "stacks": stacks}))
    page = launcher.directory / "page.html"
    page.write_bytes(subprocess.run(
        [LEAKTRACE, "report", "--output", "html", snapshot], check=True,
        stdout=subprocess.PIPE).stdout)
    note = driven(launcher, page)
    assert not note["hacked"] and note["images"] == 0
    assert note["scripts"] == 3, "data, script and driver"
    assert note["title"].startswith(HOSTILE)
    assert HOSTILE in note["frames"][0]
