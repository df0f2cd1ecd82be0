# SPDX-License-Identifier: GPL-2.0-or-later
"""What readelf and objdump say of an object: the oracle of the prologue tools.

An object list (written by tools/prologue_packages, or by hand) has a line for
each object: label, tab, path.
"""

import re
import subprocess

# Debian's names of the architectures: our name, objdump, its options.
ARCHITECTURES = {
    "amd64": ("x86_64", ["objdump", "--wide"]),
    "arm64": ("arm64", ["llvm-objdump", "--mattr=+v8.5a,+pauth"]),
}

INSTRUCTION = re.compile(
    r"^\s*([0-9a-f]+):\s+((?:[0-9a-f]{2} )+|(?:[0-9a-f]{8} ?))\s*\t?(.*)$")
BRANCH = {
    "x86_64": re.compile(
        r"^(?:bnd |notrack )?(?:j[a-z]+|call|loop[a-z]*)"
        r"(?:,p[nt])?\s+(?:0x)?([0-9a-f]+)\b(?!\()"),
    "arm64": re.compile(
        r"^(?:b|bl|b\.[a-z]+|cbn?z\s+\w+,|tbn?z\s+\w+, #\d+,)"
        r"\s+0x([0-9a-f]+)\b"),
}


def run(*command):
    return subprocess.run(command, check=True, text=True,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


class Object:
    """One ELF file; label is "package version architecture"."""

    def __init__(self, label, path):
        self.label, self.path = label, path
        self.machine, self.objdump = ARCHITECTURES[label.split()[-1]]
        with open(path, "rb") as file:
            self.bytes = file.read()
        self.sections = self._sections()
        self.functions = self._functions()

    def _sections(self):
        """Executable sections: [(address, bytes)]."""
        found = []
        for line in run("readelf", "-WS", self.path).splitlines():
            match = re.match(r"\s*\[ *\d+\] (\S+)\s+PROGBITS\s+([0-9a-f]+) "
                             r"([0-9a-f]+) ([0-9a-f]+) \w+\s+\w*X", line)
            if match:
                address, offset, size = (int(match[i], 16) for i in (2, 3, 4))
                found.append((address, self.bytes[offset:offset + size]))
        return found

    def _functions(self):
        """Defined function symbols: {name: (address, size)}."""
        found = {}
        for line in run("readelf", "-W", "--syms", self.path).splitlines():
            fields = line.split()
            if (len(fields) == 8 and fields[3] in ("FUNC", "IFUNC")
                    and fields[6] != "UND"):
                name = re.sub("@.*", "", fields[7])
                default = "@@" in fields[7] or "@" not in fields[7]
                if default or name not in found:
                    found[name] = (int(fields[1], 16), int(fields[2], 0))
        return found

    def code(self, address, size):
        """Up to size bytes at address, in one section."""
        for start, data in self.sections:
            if start <= address < start + len(data):
                return data[address - start:address - start + size]
        return b""

    def instructions(self):
        """The disassembly: yields (address, bytes, text)."""
        process = subprocess.Popen(self.objdump + ["-d", self.path],
                                   text=True, stdout=subprocess.PIPE)
        for line in process.stdout:
            match = INSTRUCTION.match(line)
            if not match:
                continue
            code = bytes.fromhex(match[2])
            if self.machine == "arm64":
                code = code if " " in match[2].strip() else code[::-1]
            yield int(match[1], 16), code, match[3].replace("\t", " ").strip()
        process.wait()


def branch_target(machine, text):
    """Where a direct branch goes, or None."""
    match = BRANCH[machine].match(text)
    return int(match[1], 16) if match else None


def read_list(path):
    with open(path) as file:
        return [Object(*line.rstrip("\n").split("\t")) for line in file]
