# SPDX-License-Identifier: GPL-2.0-or-later
"""What the real programs are given to do; all of it is made here.

Each function writes the input of a program to a directory and returns the
command; scale 1 takes about a second untraced.
"""

import json
import shutil
import subprocess
from pathlib import Path

PYTHON_SCRIPT = """\
import json, sys

class Node:
    def __init__(self, key, text):
        self.key, self.text, self.children = key, text, []

def plain(node):
    return {"key": node.key, "text": node.text,
            "children": [plain(child) for child in node.children]}

count = int(sys.argv[1])
nodes = [Node(i, "node %d of a tree, its square is %d" % (i, i * i))
         for i in range(count)]
for i in range(1, count):
    nodes[(i - 1) // 8].children.append(nodes[i])
words = {}
for node in nodes:
    for word in node.text.split():
        words[word] = words.get(word, 0) + 1
text = json.dumps(plain(nodes[0]))
assert json.loads(text)["children"]
backward = sorted(words, key=lambda word: word[::-1])
pages = {" ".join(node.text for node in nodes[i:i + 20]).upper()
         for i in range(0, count, 4)}
longest = max(pages, key=lambda page: len(page.split()))
print(len(text), len(backward), len(longest))
"""

JQ_FILTER = """\
group_by(.kind) | map({kind: .[0].kind, total: (map(.value) | add), names:
(map(.name.first + " " + .name.last | ascii_upcase) | unique | length)})
"""

C_FUNCTION = """\
struct record{i} {{
	int key;
	double value;
	char name[{size}];
	struct record{i} *next;
}};

static struct record{i} *find{i}(struct record{i} *list, int key)
{{
	for (; list; list = list->next)
		if (list->key == key)
			return list;
	return NULL;
}}

double work{i}(struct record{i} *list, const int *keys, int count)
{{
	double sum = {i};

	for (int j = 0; j < count; j++) {{
		struct record{i} *found = find{i}(list, keys[j]);

		if (!found)
			continue;
		switch (keys[j] % 5) {{
		case 0: sum += found->value * {i}; break;
		case 1: sum -= found->value / (j + 1); break;
		case 2: sum *= 1.0 + strlen(found->name) / 100.0; break;
		case 3: snprintf(found->name, {size}, "n%d", j); break;
		default: found->value = sum;
		}}
	}}
	return sum;
}}
"""


def program(name):
    path = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin")
    if not path:
        raise RuntimeError(f"{name} is not installed "
                           "(tools/bench/packages.txt)")
    return path


def sqlite3(directory, scale):
    """Rows inserted by a statement each, an index, queries over all."""
    rows = int(100000 * scale)
    script = Path(directory, f"sqlite-{rows}.sql")
    with open(script, "w", encoding="ascii") as file:
        file.write("CREATE TABLE sale(id INTEGER PRIMARY KEY, customer TEXT, "
                   "item TEXT, price REAL);\nBEGIN;\n")
        for i in range(rows):
            file.write(f"INSERT INTO sale VALUES({i}, 'customer "
                       f"{i * 7919 % 5003}', 'item {i * 104729 % 997}', "
                       f"{i % 1000 / 10});\n")
        file.write("COMMIT;\nCREATE INDEX by_customer ON sale(customer, "
                   "item);\n")
        for i in range(40):
            file.write("SELECT count(*), sum(total) FROM (SELECT "
                       "upper(customer) AS name, sum(price) AS total, "
                       "group_concat(substr(item, 6), ',') FROM sale WHERE "
                       f"id % 40 = {i} GROUP BY name);\n")
    return [program("sqlite3"), "-init", str(script), ":memory:", ".quit"]


def python3(directory, scale):
    """A tree of objects, word counts, JSON there and back, long strings.

    Python's own allocator keeps objects of up to 512 bytes from malloc.
    """
    script = Path(directory, "python.py")
    script.write_text(PYTHON_SCRIPT, encoding="ascii")
    return [program("python3"), str(script), str(int(60000 * scale))]


def jq(directory, scale):
    """An array of objects, grouped, mapped, sorted."""
    count = int(40000 * scale)
    data = Path(directory, f"jq-{count}.json")
    data.write_text(json.dumps([
        {"id": i, "kind": f"kind {i * 7919 % 211}", "value": i * i % 1009 / 7,
         "tags": [f"t{i % 7}", f"u{i % 11}"],
         "name": {"first": f"f{i % 997}", "last": f"l{i % 499}"}}
        for i in range(count)]), encoding="ascii")
    return [program("jq"), JQ_FILTER, str(data)]


def cc1(directory, scale):
    """gcc -O2 on generated functions, preprocessed beforehand."""
    count = int(100 * scale)
    source = Path(directory, f"cc1-{count}.c")
    source.write_text(
        "#include <stdio.h>\n#include <string.h>\n\n" + "\n".join(
            C_FUNCTION.format(i=i + 1, size=16 + i % 32)
            for i in range(count)), encoding="ascii")
    preprocessed = source.with_suffix(".i")
    subprocess.run(["gcc", "-E", source, "-o", preprocessed], check=True)
    compiler = subprocess.run(["gcc", "-print-prog-name=cc1"], check=True,
                              capture_output=True, text=True).stdout.strip()
    return [compiler, "-quiet", "-O2", "-fpreprocessed", str(preprocessed),
            "-o", "/dev/null"]


COMMANDS = {"sqlite3": sqlite3, "python3": python3, "jq": jq, "cc1": cc1}


def redis_server(path):
    """The server on a socket of its own, nothing kept on disk."""
    return [program("redis-server"), "--port", "0", "--unixsocket", str(path),
            "--save", "", "--appendonly", "no", "--dir", str(path.parent)]


def redis_benchmark(path, scale):
    return [program("redis-benchmark"), "-s", str(path), "-q", "-n",
            str(int(100000 * scale)), "-c", "20", "-P", "16", "-r", "10000",
            "-t", "set,get,lpush,hset"]
