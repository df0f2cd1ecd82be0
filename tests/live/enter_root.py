# SPDX-License-Identifier: GPL-2.0-or-later
"""enter_root.py ROOT SHARED COMMAND...: COMMAND as container runtimes start it.

In the mount namespace that it finds itself in, which must be its own, ROOT
becomes the root directory by pivot_root(2) and the old one goes. SHARED is
/mnt there; /proc and /tmp are new.
"""

import ctypes
import os
import platform
import sys

MS_BIND, MS_REC, MS_PRIVATE = 1 << 12, 1 << 14, 1 << 18
MNT_DETACH = 2
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)


def mount(source, target, kind, flags):
    check(libc.mount(source.encode(), target.encode(), kind.encode(),
                     ctypes.c_ulong(flags), None), target)


def main(root, shared, *command):
    mount("none", "/", "none", MS_REC | MS_PRIVATE)
    mount(root, root, "none", MS_BIND)
    mount(shared, f"{root}/mnt", "none", MS_BIND)
    mount("proc", f"{root}/proc", "proc", 0)
    mount("tmpfs", f"{root}/tmp", "tmpfs", 0)
    os.chdir(root)
    # The old root comes to lie over the new one, and is then taken away.
    check(libc.syscall(SYS_PIVOT_ROOT[platform.machine()], b".", b"."),
          "pivot_root")
    check(libc.umount2(b".", MNT_DETACH), "umount")
    os.chdir("/")
    os.execv(command[0], command)


main(*sys.argv[1:])
