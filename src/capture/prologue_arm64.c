// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * arm64: what an instruction does to the registers, which ones the kernel's
 * uprobes simulate, and where direct branches go (Arm ARM, chapter C4).
 */
#include "capture/prologue_instruction.h"

enum { LINK = 30, SP = 31, LENGTH = 4 };

enum effect {
	NOTHING,
	TO_D,	       /* Rd, where 31 is xzr */
	TO_D_OR_SP,    /* Rd, where 31 is sp */
	ADD_IMMEDIATE, /* as TO_D_OR_SP, may move sp by a constant */
	LOGIC,	       /* as TO_D, orr may copy */
	PAIR,	       /* ldp, stp */
	LOAD_STORE,    /* one register, unsigned or register offset */
	LOAD_STORE_9,  /* one register, signed offset, may write back */
	LITERAL,       /* ldr from the text */
	TO_LINK,       /* signs or authenticates x30 */
};

struct encoding {
	uint32_t mask, value;
	uint8_t class; /* enum prologue_class */
	uint8_t effect;
	const char *name;
};

#define PLAIN PROLOGUE_CLASS_PLAIN
#define SIMULATED PROLOGUE_CLASS_EMULATED
#define CALL PROLOGUE_CLASS_CALL

/* The first match counts. */
static const struct encoding encodings[] = {
	{ 0xfc000000, 0x14000000, SIMULATED, NOTHING, "b" },
	{ 0xfc000000, 0x94000000, CALL, TO_LINK, "bl" },
	{ 0xff000010, 0x54000000, SIMULATED, NOTHING, "b.cond" },
	{ 0x7f000000, 0x34000000, SIMULATED, NOTHING, "cbz" },
	{ 0x7f000000, 0x35000000, SIMULATED, NOTHING, "cbnz" },
	{ 0x7f000000, 0x36000000, SIMULATED, NOTHING, "tbz" },
	{ 0x7f000000, 0x37000000, SIMULATED, NOTHING, "tbnz" },
	{ 0x9f000000, 0x10000000, SIMULATED, TO_D, "adr" },
	{ 0x9f000000, 0x90000000, SIMULATED, TO_D, "adrp" },
	{ 0xfffffc1f, 0xd61f0000, SIMULATED, NOTHING, "br" },
	{ 0xfffffc1f, 0xd63f0000, CALL, TO_LINK, "blr" },
	{ 0xfffffc1f, 0xd65f0000, CALL, NOTHING, "ret" },
	{ 0xffffffff, 0xd503201f, PROLOGUE_CLASS_NOP, NOTHING, "nop" },
	{ 0xffffff3f, 0xd503241f, PLAIN, NOTHING, "" }, /* bti */
	{ 0xffffff1f, 0xd503231f, PLAIN, TO_LINK, "" }, /* paciasp ... */
	{ 0xfff00000, 0xd5300000, PLAIN, TO_D, "" },	/* mrs */
	{ 0x3f800000, 0x11000000, PLAIN, ADD_IMMEDIATE, "" },
	{ 0x3f800000, 0x31000000, PLAIN, TO_D, "" },	   /* adds, subs */
	{ 0x7f800000, 0x72000000, PLAIN, TO_D, "" },	   /* ands */
	{ 0x1f800000, 0x12000000, PLAIN, TO_D_OR_SP, "" }, /* and, orr, eor */
	{ 0x1f800000, 0x12800000, PLAIN, TO_D, "" },	   /* mov immediate */
	{ 0x1f800000, 0x13000000, PLAIN, TO_D, "" },	   /* bit fields */
	{ 0x1f800000, 0x13800000, PLAIN, TO_D, "" },	   /* extr */
	{ 0x1f000000, 0x0a000000, PLAIN, LOGIC, "" },
	{ 0x1f200000, 0x0b000000, PLAIN, TO_D, "" }, /* add, sub */
	{ 0x3fe00000, 0x2b200000, PLAIN, TO_D, "" }, /* adds extended */
	{ 0x3fe00000, 0x0b200000, PLAIN, TO_D_OR_SP, "" },
	{ 0x1fe0fc00, 0x1a000000, PLAIN, TO_D, "" },	/* adc, sbc */
	{ 0x3fe00410, 0x3a400000, PLAIN, NOTHING, "" }, /* ccmp, ccmn */
	{ 0x3fe00800, 0x1a800000, PLAIN, TO_D, "" },	/* csel */
	{ 0x7fe00000, 0x1ac00000, PLAIN, TO_D, "" },	/* udiv, lsl */
	{ 0x7fe00000, 0x5ac00000, PLAIN, TO_D, "" },	/* clz, rev */
	{ 0x1f000000, 0x1b000000, PLAIN, TO_D, "" },	/* madd, umulh */
	{ 0x3a000000, 0x28000000, PLAIN, PAIR, "" },
	{ 0x3b000000, 0x39000000, PLAIN, LOAD_STORE, "" },
	{ 0x3b200c00, 0x38200800, PLAIN, LOAD_STORE, "" },
	{ 0x3b200000, 0x38000000, PLAIN, LOAD_STORE_9, "" },
	{ 0x3b000000, 0x18000000, PLAIN, LITERAL, "" },
};

static const char *const names[] = {
	"x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",	 "x7",
	"x8",  "x9",  "x10", "x11", "x12", "x13", "x14", "x15",
	"x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23",
	"x24", "x25", "x26", "x27", "x28", "x29", "x30",
};

static uint32_t field(uint32_t word, unsigned int low, unsigned int bits)
{
	return word >> low & ((1U << bits) - 1);
}

static int32_t signed_field(uint32_t word, unsigned int low, unsigned int bits)
{
	uint32_t sign = 1U << (bits - 1);

	return (int32_t)((field(word, low, bits) ^ sign) - sign);
}

static uint32_t read_word(const uint8_t *code)
{
	return code[0] | code[1] << 8 | code[2] << 16 | (uint32_t)code[3] << 24;
}

/* Number 31 stands for xzr here. */
static void write_register(struct prologue_instruction *instruction,
			   uint32_t number)
{
	if (number == 31)
		return;
	instruction->writes |= 1U << number;
	if (number == LINK)
		instruction->link_moves = true;
}

static void lose_stack(struct prologue_instruction *instruction)
{
	instruction->writes |= 1U << SP;
	instruction->stack_lost = true;
}

static void move_stack(struct prologue_instruction *instruction, int32_t by)
{
	instruction->writes |= 1U << SP;
	instruction->stack = by;
}

static void add_immediate(struct prologue_instruction *instruction,
			  uint32_t word)
{
	int32_t value = field(word, 10, 12) << (field(word, 22, 1) ? 12 : 0);

	if (field(word, 0, 5) != SP)
		write_register(instruction, field(word, 0, 5));
	else if (field(word, 5, 5) != SP || !field(word, 31, 1))
		lose_stack(instruction);
	else
		move_stack(instruction, field(word, 30, 1) ? -value : value);
}

static void logic(struct prologue_instruction *instruction, uint32_t word)
{
	uint32_t to = field(word, 0, 5);

	write_register(instruction, to);
	/* orr xd, xzr, xm */
	if ((word & 0xffe0ffe0) == 0xaa0003e0 && to != 31) {
		instruction->copy_to = to;
		instruction->copy_from = field(word, 16, 5);
	}
}

/* A base register written back, by a known amount. */
static void write_back(struct prologue_instruction *instruction, uint32_t word,
		       int32_t by)
{
	if (field(word, 5, 5) == SP)
		move_stack(instruction, by);
	else
		write_register(instruction, field(word, 5, 5));
}

static void store(struct prologue_instruction *instruction, uint32_t word,
		  uint32_t number)
{
	instruction->stores = true;
	if (!field(word, 26, 1) && number == LINK)
		instruction->link_moves = true;
}

static void load_store(struct prologue_instruction *instruction, uint32_t word)
{
	bool vector = field(word, 26, 1);
	bool prefetch = !vector && field(word, 30, 2) == 3 &&
			field(word, 22, 2) == 2;

	if (vector)
		instruction->stores = true; /* for all we know */
	else if (field(word, 22, 2) == 0)
		store(instruction, word, field(word, 0, 5));
	else if (!prefetch)
		write_register(instruction, field(word, 0, 5));
}

static bool load_store_9(struct prologue_instruction *instruction,
			 uint32_t word)
{
	uint32_t mode = field(word, 10, 2);

	if (mode == 2) /* as if unprivileged: user code has no use for it */
		return false;
	load_store(instruction, word);
	if (mode & 1)
		write_back(instruction, word, signed_field(word, 12, 9));
	return true;
}

static bool pair(struct prologue_instruction *instruction, uint32_t word)
{
	uint32_t size = field(word, 30, 2);
	bool vector = field(word, 26, 1);

	/* ldpsw, stgp, ldtp: not in prologues. */
	if (size == 3 || (!vector && size == 1))
		return false;
	if (vector) {
		instruction->stores = true;
	} else if (field(word, 22, 1)) {
		write_register(instruction, field(word, 0, 5));
		write_register(instruction, field(word, 10, 5));
	} else {
		store(instruction, word, field(word, 0, 5));
		store(instruction, word, field(word, 10, 5));
	}
	/* Both write-back modes have bit 23. */
	if (field(word, 23, 1))
		write_back(instruction, word,
			   signed_field(word, 15, 7) *
				   (4 << (vector ? size : size / 2)));
	return true;
}

/* Returns false if the effects are not known after all. */
static bool apply(struct prologue_instruction *instruction, uint32_t word,
		  uint8_t effect)
{
	uint32_t to = field(word, 0, 5);

	switch (effect) {
	case NOTHING:
		return true;
	case TO_D_OR_SP:
		if (to == SP)
			lose_stack(instruction);
		/* fall through */
	case TO_D:
		write_register(instruction, to);
		return true;
	case ADD_IMMEDIATE:
		add_immediate(instruction, word);
		return true;
	case LOGIC:
		logic(instruction, word);
		return true;
	case PAIR:
		return pair(instruction, word);
	case LOAD_STORE:
		load_store(instruction, word);
		return true;
	case LOAD_STORE_9:
		return load_store_9(instruction, word);
	case LITERAL:
		if (!field(word, 26, 1) && field(word, 30, 2) != 3)
			write_register(instruction, to);
		return true;
	case TO_LINK:
		write_register(instruction, LINK);
		return true;
	}
	return false;
}

static struct prologue_instruction decode(const uint8_t *code, size_t size)
{
	struct prologue_instruction instruction = {
		.class = PROLOGUE_CLASS_UNKNOWN,
		.copy_from = PROLOGUE_NO_REGISTER,
		.copy_to = PROLOGUE_NO_REGISTER,
		.name = "",
	};
	uint32_t word;
	size_t i;

	if (size < LENGTH)
		return instruction;
	word = read_word(code);
	instruction.length = LENGTH;
	for (i = 0; i < sizeof(encodings) / sizeof(*encodings); i++) {
		if ((word & encodings[i].mask) != encodings[i].value)
			continue;
		if (apply(&instruction, word, encodings[i].effect)) {
			instruction.class = encodings[i].class;
			instruction.name = encodings[i].name;
		}
		break;
	}
	return instruction;
}

/* The displacement of a direct branch in bytes, 0 = not one. */
static int32_t branch_displacement(uint32_t word)
{
	if ((word & 0x7c000000) == 0x14000000) /* b, bl */
		return signed_field(word, 0, 26) * LENGTH;
	if ((word & 0xff000000) == 0x54000000 || /* b.cond, bc.cond */
	    (word & 0x7e000000) == 0x34000000)	 /* cbz, cbnz */
		return signed_field(word, 5, 19) * LENGTH;
	if ((word & 0x7e000000) == 0x36000000) /* tbz, tbnz */
		return signed_field(word, 5, 14) * LENGTH;
	return 0;
}

static void scan(const uint8_t *text, size_t size, uint64_t address,
		 struct prologue_function *functions, size_t count)
{
	uint64_t first = functions[0].address;
	uint64_t span = functions[count - 1].address + PROLOGUE_BYTES - first;
	size_t at = -address % LENGTH;

	for (; at + LENGTH <= size; at += LENGTH) {
		int32_t displacement =
			branch_displacement(read_word(text + at));
		uint64_t target = address + at + displacement;

		if (displacement && target - first < span)
			prologue_mark_branch(functions, count, target);
	}
}

const struct prologue_arch prologue_arch_arm64 = {
	.arguments = { 0, 1, 2, 3, 4, 5 },
	.names = names,
	.name_count = sizeof(names) / sizeof(*names),
	.stack_name = "sp",
	.link_name = "x30",
	.decode = decode,
	.scan = scan,
};
