/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linkage names to source names: C++ (Itanium C++ ABI, section 5.1), Rust
 * (legacy and v0, RFC 2603) and D (ABI page, "Name Mangling"), by libiberty.
 */
#ifndef LEAKTRACE_RESOLVE_DEMANGLE_H
#define LEAKTRACE_RESOLVE_DEMANGLE_H

/*
 * The readable form of a symbol: with parameters, without Rust's hash. NULL
 * if the symbol is not mangled, or hostile: longer than 4 KiB, or so made
 * that its readable form would exceed 16 KiB (substitutions can double it
 * every few characters). The caller frees it.
 */
char *demangle(const char *symbol);

#endif
