// SPDX-License-Identifier: GPL-2.0-or-later
/* Common information and frame description entries: see cfi.h. */
#include <elf.h>
#include <errno.h>

#include "bpf/unwind_abi.h"
#include "unwind/byte_reader.h"
#include "unwind/cfi.h"

/* Files have a handful; a hostile one shall not cost memory without end. */
#define COMMONS_LIMIT 65536
#define LENGTH_64BIT 0xffffffffU

/*
 * x86-64: psABI 3.6.2. The signal frame is the kernel's struct rt_sigframe
 * (arch/x86/include/asm/sigframe.h) as __restore_rt finds it. In a lazy entry
 * of .plt, push imm32 ends at byte 11.
 *
 * arm64: AADWARF64 4.1. No signal frame is described: it is known by its code.
 * What .plt's first entry pushes is passed over.
 */
static const struct cfi_machine machines[] = {
	{
		.elf_machine = EM_X86_64,
		.number = { [CFI_FRAME] = 6,
			    [CFI_BASE] = 3,
			    [CFI_STACK] = 7,
			    [CFI_RETURN] = 16 },
		.return_offset = -8,
		.signal_offset = { [CFI_FRAME] = 120,
				   [CFI_BASE] = 128,
				   [CFI_STACK] = 160,
				   [CFI_RETURN] = 168 },
		.lazy_plt_rule = UNWIND_PLT | 8ULL << UNWIND_CFA_SHIFT |
				 11ULL << UNWIND_SECOND_SHIFT,
		.plt_rule = UNWIND_STACK | 8ULL << UNWIND_CFA_SHIFT,
	},
	{
		.elf_machine = EM_AARCH64,
		.number = { [CFI_FRAME] = 29,
			    [CFI_BASE] = 30,
			    [CFI_STACK] = 31,
			    [CFI_RETURN] = 30 },
		.has_link = true,
		.lazy_plt_rule = UNWIND_STACK,
		.plt_rule = UNWIND_STACK,
	},
};

const struct cfi_machine *cfi_machine_find(uint16_t elf_machine)
{
	size_t i;

	for (i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i].elf_machine == elf_machine)
			return &machines[i];
	return NULL;
}

/* A section while it is read. */
struct section {
	const struct elf_span *span;
	bool is_eh_frame;
	struct cfi_entries *entries;
	uint32_t last_common; /* functions of one CIE stand together */
};

/* An entry's header and the rest of its bytes. */
struct entry {
	uint64_t offset; /* of its length field */
	uint64_t common; /* FDE: offset of its CIE */
	bool is_common;
	struct byte_reader body;
};

/*
 * The next entry: 1, or 0 at the end. A terminating zero is an entry without
 * body where the section's size is known.
 */
static int next_entry(const struct section *section, struct byte_reader *reader,
		      struct entry *entry)
{
	const uint8_t *start = section->span->bytes;
	const uint8_t *field;
	uint64_t length, id;
	size_t width = 4;

	entry->offset = (uint64_t)(reader->next - start);
	length = byte_reader_u32(reader);
	if (length == LENGTH_64BIT) {
		length = byte_reader_u64(reader);
		width = 8;
	}
	entry->body.next = byte_reader_take(reader, length);
	if (reader->failed)
		return 0;
	entry->body.end = reader->next;
	entry->body.failed = false;
	if (!length)
		return 1;
	field = entry->body.next;
	/* The LSB's CIE pointer has 4 bytes whatever the length had. */
	if (section->is_eh_frame)
		width = 4;
	id = byte_reader_number(&entry->body, width);
	if (section->is_eh_frame) {
		entry->is_common = id == 0;
		entry->common = (uint64_t)(field - start) - id;
	} else {
		entry->is_common = id == (width == 4 ? 0xffffffffU : ~0ULL);
		entry->common = id;
	}
	return 1;
}

/* The augmentation string's letters. Returns false for an unknown one. */
static bool read_augmentation(struct byte_reader *body, const char *letters,
			      struct cfi_common *common)
{
	struct byte_reader data = { 0 };
	uint64_t size;

	if (!*letters)
		return true;
	if (*letters++ != 'z')
		return false;
	common->has_augmentation_size = true;
	size = byte_reader_uleb(body);
	data.next = byte_reader_take(body, size);
	data.end = body->next;
	if (body->failed)
		return false;
	for (; *letters; letters++) {
		switch (*letters) {
		case 'B': /* arm64: return addresses signed by the other key */
		case 'G': /* arm64: memory tags */
			break;
		case 'L':
			byte_reader_take(&data, 1);
			break;
		case 'P':
			pointer_read_value(&data, byte_reader_u8(&data));
			break;
		case 'R':
			common->pointer_encoding = byte_reader_u8(&data);
			break;
		case 'S':
			common->is_signal_frame = true;
			break;
		default:
			return false;
		}
	}
	return !data.failed;
}

static bool read_common(const struct section *section, struct entry *entry,
			struct cfi_common *common)
{
	struct byte_reader *body = &entry->body;
	const struct cfi_entries *entries = section->entries;
	uint8_t version = byte_reader_u8(body);
	const char *letters = (const char *)body->next;
	uint64_t column;
	bool known;

	common->offset = entry->offset;
	while (byte_reader_u8(body) && !body->failed)
		;
	if (body->failed || (version != 1 && version != 3 && version != 4))
		return false;
	if (version == 4 &&
	    (byte_reader_u8(body) != 8 || byte_reader_u8(body) != 0))
		return false;
	common->code_alignment = byte_reader_uleb(body);
	common->data_alignment = byte_reader_sleb(body);
	column = version == 1 ? byte_reader_u8(body) : byte_reader_uleb(body);
	known = read_augmentation(body, letters, common);
	if (body->failed)
		return false;
	if (known && column == entries->machine->number[CFI_RETURN])
		cfi_common_run(entries, common, body->next,
			       byte_reader_left(body));
	return true;
}

/* The CIE at an offset, or NULL. */
static const struct cfi_common *find_common(struct section *section,
					    uint64_t offset, uint32_t *index)
{
	const struct cfi_entries *entries = section->entries;
	size_t low = 0, high = entries->commons.count;

	if (section->last_common < high &&
	    entries->commons.items[section->last_common].offset == offset)
		low = section->last_common;
	while (low < high && entries->commons.items[low].offset != offset) {
		size_t middle = low + (high - low) / 2;

		if (entries->commons.items[middle].offset == offset)
			low = middle;
		else if (entries->commons.items[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low >= high)
		return NULL;
	section->last_common = *index = (uint32_t)low;
	return &entries->commons.items[low];
}

static bool read_function(struct section *section, struct entry *entry,
			  struct cfi_function *function)
{
	struct byte_reader *body = &entry->body;
	const struct cfi_common *common =
		find_common(section, entry->common, &function->common);
	uint64_t size;

	if (!common)
		return false;
	function->start = pointer_read(body, common->pointer_encoding,
				       &section->entries->bases);
	size = pointer_read_value(body, common->pointer_encoding);
	if (common->has_augmentation_size)
		byte_reader_take(body, byte_reader_uleb(body));
	if (body->failed || byte_reader_left(body) > UINT32_MAX ||
	    __builtin_add_overflow(function->start, size, &function->end))
		return false;
	function->program = body->next;
	function->program_size = (uint32_t)byte_reader_left(body);
	return true;
}

static int add_common(struct section *section, struct entry *entry)
{
	struct cfi_entries *entries = section->entries;
	struct cfi_common common = { 0 };

	if (entries->commons.count == COMMONS_LIMIT ||
	    !read_common(section, entry, &common)) {
		entries->malformed++;
		return 0;
	}
	if (!vector_push(&entries->commons))
		return -ENOMEM;
	entries->commons.items[entries->commons.count - 1] = common;
	return 0;
}

static int add_function(struct section *section, struct entry *entry)
{
	struct cfi_entries *entries = section->entries;
	struct cfi_function function = { 0 };

	if (!read_function(section, entry, &function)) {
		entries->malformed++;
		return 0;
	}
	if (!vector_push(&entries->functions))
		return -ENOMEM;
	entries->functions.items[entries->functions.count - 1] = function;
	return 0;
}

/* One pass over the section: its CIEs, or the FDEs that refer to them. */
static int read_pass(struct section *section, bool commons, bool ends_at_zero)
{
	struct byte_reader reader =
		byte_reader_over(section->span->bytes, section->span->size);
	struct entry entry = { 0 };
	int status = 0;

	while (!status && byte_reader_left(&reader) &&
	       next_entry(section, &reader, &entry)) {
		if (!byte_reader_left(&entry.body)) {
			if (ends_at_zero)
				break;
			continue;
		}
		if (entry.is_common != commons)
			continue;
		status = commons ? add_common(section, &entry)
				 : add_function(section, &entry);
	}
	return status;
}

int cfi_entries_read(const struct elf_span *span, bool is_eh_frame,
		     bool ends_at_zero, const struct cfi_machine *machine,
		     struct cfi_entries *entries)
{
	struct section section = { span, is_eh_frame, entries, 0 };

	*entries = (struct cfi_entries){
		.machine = machine,
		.bases = { .bytes = span->bytes, .address = span->address },
	};
	/* .debug_frame may have a CIE behind its FDEs: two passes. */
	if (read_pass(&section, true, ends_at_zero) ||
	    read_pass(&section, false, ends_at_zero)) {
		cfi_entries_free(entries);
		return -ENOMEM;
	}
	return 0;
}

void cfi_entries_free(struct cfi_entries *entries)
{
	vector_free(&entries->commons);
	vector_free(&entries->functions);
}
