// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A static program without any libc, so without any allocator: reads its
 * standard input to the end.
 */
#if defined(__x86_64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	xor %eax, %eax\n" /* read(0, stack, 64) */
	"	xor %edi, %edi\n"
	"	lea -128(%rsp), %rsi\n"
	"	mov $64, %edx\n"
	"	syscall\n"
	"	test %eax, %eax\n"
	"	jg _start\n"
	"	mov $60, %eax\n" /* exit(0) */
	"	xor %edi, %edi\n"
	"	syscall\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	mov x8, #63\n"
	"	mov x0, #0\n"
	"	sub x1, sp, #128\n"
	"	mov x2, #64\n"
	"	svc #0\n"
	"	cmp x0, #0\n"
	"	b.gt _start\n"
	"	mov x8, #93\n"
	"	mov x0, #0\n"
	"	svc #0\n");
#else
#error "write the two system calls for this architecture"
#endif
