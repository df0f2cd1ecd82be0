#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the start corpus of fuzz_cfi: small ELF files, one for each form of
call frame information, made from nothing but this script.

    make_cfi_corpus.py DIRECTORY
"""
import pathlib
import struct
import sys
import zlib

ADDRESS = 0x1000  # of the file's first byte
TEXT = ADDRESS + 0x200
INITIAL = bytes([0x0C, 7, 8, 0x90, 1])  # CFA = rsp + 8, return address below

PROGRAMS = {
    "frame-pointer": [0x41, 0x0E, 16, 0x86, 2, 0x43, 0x0D, 6, 0x50, 0x0C, 7, 8],
    "remember": [0x42, 0x0E, 32, 0x83, 4, 0x0A, 0x44, 0x0E, 8, 0xC3, 0x41, 0x0B],
    "wide": [0x02, 3, 0x0E, 0x80, 0x20, 0x03, 4, 0, 0x05, 3, 3, 0x04, 5, 0, 0,
             0, 0x11, 6, 2, 0x2E, 9, 0x06, 3, 0x12, 3, 0x7E],
    "realigned": [0x0F, 3, 0x76, 0x78, 6, 0x10, 6, 2, 0x76, 0, 0x10, 3, 2,
                  0x76, 0x68],
    "stack-deref": [0x0F, 6, 0x77, 0xA8, 1, 6, 0x23, 8, 0x86, 2],
    "plt": [0x0F, 11, 0x77, 8, 0x80, 0, 0x3F, 0x1A, 0x3B, 0x2A, 0x33, 0x24,
            0x22],
    "end": [0x07, 16],
    "signal": [0x0F, 4, 0x77, 0xA0, 1, 6, 0x10, 6, 3, 0x77, 0xF8, 0, 0x10, 3,
               3, 0x77, 0x80, 1, 0x10, 7, 3, 0x77, 0xA0, 1, 0x10, 16, 3, 0x77,
               0xA8, 1],
    "set-location": [0x01, 0x40, 0, 0, 0, 0x08, 3, 0x14, 7, 0, 0x16, 3, 1,
                     0x70, 0x2F, 3, 1],
}


def entry(body):
    return struct.pack("<I", len(body)) + body


def eh_frame(section, program, augmentation=b"zR"):
    common = entry(struct.pack("<IB", 0, 1) + augmentation + b"\0" +
                   bytes([1, 0x78, 16, 1, 0x1B]) + INITIAL)
    place = section + len(common) + 8
    function = entry(struct.pack("<IiIB", len(common) + 4, TEXT - place, 64, 0)
                     + bytes(program))
    return common + function + bytes(4)


def debug_frame(program):
    common = entry(struct.pack("<IBBBBBBB", 0xFFFFFFFF, 4, 0, 8, 0, 1, 0x78,
                               16) + INITIAL)
    return common + entry(struct.pack("<IQQ", 0, TEXT, 64) + bytes(program))


def elf(sections, with_headers=True, eh_frame_hdr=None):
    """A file with its sections (name, flags, function of address -> bytes)."""
    offset, names, headers, contents = 0x300, b"\0", bytes(64), b""
    for name, flags, make in sections:
        body = make(ADDRESS + offset + len(contents))
        headers += struct.pack("<IIQQQQIIQQ", len(names), 1, flags,
                               ADDRESS + offset + len(contents),
                               offset + len(contents), len(body), 0, 0, 1, 0)
        names += name + b"\0"
        contents += body
    strings = offset + len(contents)
    headers += struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, strings, len(names), 0,
                           0, 1, 0)
    size = strings + len(names) + len(headers)
    segments = struct.pack("<IIQQQQQQ", 1, 5, 0, ADDRESS, ADDRESS, size, size,
                           4096)
    if eh_frame_hdr is not None:
        segments += struct.pack("<IIQQQQQQ", 0x6474E550, 4, 0, eh_frame_hdr,
                                0, 8, 8, 4)
    count = len(sections) + 2 if with_headers else 0
    header = struct.pack("<4sBBBxQHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 3,
                         62, 1, TEXT, 64, strings + len(names) if count else 0,
                         0, 64, 56, len(segments) // 56, 64, count,
                         max(count - 1, 0))
    start = (header + segments).ljust(offset, b"\x90")
    return start + contents + names + headers


def main():
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, program in PROGRAMS.items():
        letters = b"zRS" if name == "signal" else b"zR"
        files[name] = elf([(b".eh_frame", 2, lambda at, p=program, a=letters:
                            eh_frame(at, p, a))])
    program = PROGRAMS["frame-pointer"]
    plain = debug_frame(program)
    packed = struct.pack("<IIQQ", 1, 0, len(plain), 1) + zlib.compress(plain)
    files["debug-frame"] = elf([(b".debug_frame", 0, lambda at: plain)])
    files["compressed"] = elf([(b".debug_frame", 0x800, lambda at: packed)])
    files["undescribed-plt"] = elf([
        (b".plt", 6, lambda at: bytes(32)), (b".plt.got", 6, lambda at: bytes(8)),
        (b".eh_frame", 2, lambda at: eh_frame(at, program))])
    files["by-program-header"] = elf(
        [(b".eh_frame_hdr", 2, lambda at: struct.pack("<BBBBi", 1, 0x1B, 3,
                                                      0x3B, 4)),
         (b".eh_frame", 2, lambda at: eh_frame(at, program))],
        with_headers=False, eh_frame_hdr=ADDRESS + 0x300)
    for name, data in files.items():
        (directory / (name + ".elf")).write_bytes(data)


if __name__ == "__main__":
    main()
