// SPDX-License-Identifier: GPL-2.0-or-later
/* The parts of an ELF file that unwinding needs: see elf_sections.h. */
#include "unwind/elf_sections.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "unwind/byte_reader.h"
#include "unwind/pointer_encoding.h"

/* A compressed section is believed to expand to this much at most. */
#define DECOMPRESSED_LIMIT (256U << 20)

/* Version, three encodings and the first pointer, at its longest. */
#define EH_FRAME_HEADER 16

/* An ELF file's bytes and headers while they are read. */
struct image {
	const uint8_t *bytes;
	uint64_t size;
	bool mapped; /* segments lie at their address, not at their offset */
	uint64_t load_address; /* mapped: address of bytes[0] */
	Elf64_Ehdr header;
};

/* The part of the image at [offset, offset + size), or NULL. */
static const uint8_t *image_bytes(const struct image *image, uint64_t offset,
				  uint64_t size)
{
	if (offset > image->size || size > image->size - offset)
		return NULL;
	return image->bytes + offset;
}

/* Notes what is read; the few ranges beyond the array are a hostile file's. */
static void note_range(struct elf_sections *sections, uint64_t offset,
		       uint64_t size)
{
	if (sections->range_count < ELF_RANGES && size)
		sections->ranges[sections->range_count++] =
			(struct elf_range){ offset, size };
}

/* Copies table entry number index; the image may be unaligned. */
static bool image_entry(const struct image *image, uint64_t table,
			uint16_t entry_size, uint64_t index, void *entry,
			size_t wanted)
{
	const uint8_t *bytes;
	uint64_t offset;

	if (entry_size < wanted ||
	    __builtin_add_overflow(table, index * entry_size, &offset))
		return false;
	bytes = image_bytes(image, offset, wanted);
	if (!bytes)
		return false;
	memcpy(entry, bytes, wanted);
	return true;
}

static bool image_segment(const struct image *image, unsigned index,
			  Elf64_Phdr *segment)
{
	return image_entry(image, image->header.e_phoff,
			   image->header.e_phentsize, index, segment,
			   sizeof(*segment));
}

/* As much of the segment as the image holds. */
static struct elf_span segment_span(const struct image *image,
				    const Elf64_Phdr *segment)
{
	uint64_t offset = segment->p_offset;
	uint64_t size = segment->p_filesz;

	if (image->mapped)
		offset = segment->p_vaddr - image->load_address;
	if (offset >= image->size)
		return (struct elf_span){ 0 };
	if (size > image->size - offset)
		size = image->size - offset;
	if (segment->p_vaddr + size < size)
		return (struct elf_span){ 0 };
	return (struct elf_span){ image->bytes + offset, size,
				  segment->p_vaddr };
}

/* The bytes from an address on to the end of its segment in the file. */
static struct elf_span image_at_address(const struct image *image,
					uint64_t address)
{
	struct elf_span span;
	Elf64_Phdr segment;
	unsigned i;

	for (i = 0; i < image->header.e_phnum; i++) {
		if (!image_segment(image, i, &segment))
			break;
		if (segment.p_type != PT_LOAD)
			continue;
		span = segment_span(image, &segment);
		if (address < span.address ||
		    address - span.address >= span.size)
			continue;
		span.bytes += address - span.address;
		span.size -= address - span.address;
		span.address = address;
		return span;
	}
	return (struct elf_span){ 0 };
}

/*
 * .eh_frame through the header that PT_GNU_EH_FRAME names. Its end is not
 * told: the terminating zero length or the end of the segment is.
 */
static struct elf_span eh_frame_by_header(const struct image *image,
					  const Elf64_Phdr *segment,
					  struct elf_sections *sections)
{
	struct elf_span header = image_at_address(image, segment->p_vaddr);
	struct byte_reader reader = byte_reader_over(header.bytes, header.size);
	struct elf_span frame;
	uint8_t version, encoding;
	uint64_t address;

	if (!header.size)
		return header;
	note_range(sections, (uint64_t)(header.bytes - image->bytes),
		   header.size < EH_FRAME_HEADER ? header.size
						 : EH_FRAME_HEADER);

	version = byte_reader_u8(&reader);
	encoding = byte_reader_u8(&reader);
	byte_reader_take(&reader, 2);
	address = pointer_read(&reader, encoding,
			       &(struct pointer_bases){
				       .bytes = header.bytes,
				       .address = header.address,
				       .data = header.address,
			       });
	if (reader.failed || version != 1)
		return (struct elf_span){ 0 };
	frame = image_at_address(image, address);
	if (frame.size)
		note_range(sections, (uint64_t)(frame.bytes - image->bytes),
			   frame.size);
	return frame;
}

static int read_segments(const struct image *image,
			 struct elf_sections *sections)
{
	Elf64_Phdr segment;
	struct elf_span span;
	unsigned i;

	note_range(sections, 0, sizeof(image->header));
	note_range(sections, image->header.e_phoff,
		   (uint64_t)image->header.e_phnum * image->header.e_phentsize);
	for (i = 0; i < image->header.e_phnum; i++) {
		if (!image_segment(image, i, &segment))
			return -EINVAL;
		if (segment.p_type == PT_GNU_EH_FRAME) {
			sections->eh_frame =
				eh_frame_by_header(image, &segment, sections);
			sections->eh_frame_ends_at_zero = true;
		}
		if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X) ||
		    sections->code_count == ELF_CODE_SEGMENTS)
			continue;
		span = segment_span(image, &segment);
		if (!span.size)
			continue;
		sections->code[sections->code_count++] = span;
		if (span.size <= ELF_SEARCHED_CODE)
			note_range(sections,
				   (uint64_t)(span.bytes - image->bytes),
				   span.size);
	}
	return 0;
}

/* Decompresses .debug_frame if it is, else points to it. gABI chapter 4. */
static void take_debug_frame(struct elf_sections *sections,
			     const Elf64_Shdr *section, const uint8_t *bytes)
{
	uLongf size;
	Elf64_Chdr header;

	if (!(section->sh_flags & SHF_COMPRESSED)) {
		sections->debug_frame =
			(struct elf_span){ bytes, section->sh_size, 0 };
		return;
	}
	if (section->sh_size < sizeof(header) || sections->debug_frame_owned)
		return;
	memcpy(&header, bytes, sizeof(header));
	if (header.ch_type != ELFCOMPRESS_ZLIB || !header.ch_size ||
	    header.ch_size > DECOMPRESSED_LIMIT)
		return;
	size = header.ch_size;
	sections->debug_frame_owned = malloc(size);
	if (!sections->debug_frame_owned)
		return;
	if (uncompress(sections->debug_frame_owned, &size,
		       bytes + sizeof(header),
		       section->sh_size - sizeof(header)) != Z_OK)
		size = 0;
	sections->debug_frame =
		(struct elf_span){ sections->debug_frame_owned, size, 0 };
}

static void take_plt(struct elf_sections *sections, const struct elf_span *span,
		     bool lazy)
{
	if (sections->plt_count == ELF_PLTS)
		return;
	sections->plts[sections->plt_count] = *span;
	sections->plt_is_lazy[sections->plt_count++] = lazy;
}

static void take_section(struct elf_sections *sections,
			 const Elf64_Shdr *section, const char *name,
			 const uint8_t *bytes)
{
	struct elf_span span = { bytes, section->sh_size, section->sh_addr };

	if (span.address + span.size < span.size)
		return;
	if (!strcmp(name, ".eh_frame") || !strcmp(name, ".debug_frame"))
		note_range(sections, section->sh_offset, section->sh_size);
	if (!strcmp(name, ".eh_frame")) {
		sections->eh_frame = span;
		sections->eh_frame_ends_at_zero = false;
	} else if (!strcmp(name, ".debug_frame")) {
		take_debug_frame(sections, section, bytes);
	} else if (!strcmp(name, ".plt")) {
		take_plt(sections, &span, true);
	} else if (!strcmp(name, ".plt.got") || !strcmp(name, ".plt.sec")) {
		take_plt(sections, &span, false);
	}
}

static void read_sections(const struct image *image,
			  struct elf_sections *sections)
{
	const Elf64_Ehdr *header = &image->header;
	const uint8_t *names, *bytes;
	Elf64_Shdr section, strings;
	unsigned i;

	note_range(sections, header->e_shoff,
		   (uint64_t)header->e_shnum * header->e_shentsize);
	if (!image_entry(image, header->e_shoff, header->e_shentsize,
			 header->e_shstrndx, &strings, sizeof(strings)))
		return;
	names = image_bytes(image, strings.sh_offset, strings.sh_size);
	/* Names end within the table, so any start in it is a string. */
	if (!names || !strings.sh_size || names[strings.sh_size - 1])
		return;
	note_range(sections, strings.sh_offset, strings.sh_size);
	for (i = 0; i < header->e_shnum; i++) {
		if (!image_entry(image, header->e_shoff, header->e_shentsize, i,
				 &section, sizeof(section)))
			return;
		if (section.sh_type == SHT_NOBITS ||
		    section.sh_name >= strings.sh_size)
			continue;
		bytes = image_bytes(image, section.sh_offset, section.sh_size);
		if (bytes)
			take_section(sections, &section,
				     (const char *)names + section.sh_name,
				     bytes);
	}
}

static int image_open(struct image *image, const void *bytes, size_t size,
		      struct error *error)
{
	Elf64_Ehdr *header = &image->header;

	image->bytes = bytes;
	image->size = size;
	if (size < sizeof(*header))
		return error_set(error, ENOEXEC, "not an ELF file");
	memcpy(header, bytes, sizeof(*header));
	if (memcmp(header->e_ident, ELFMAG, SELFMAG))
		return error_set(error, ENOEXEC, "not an ELF file");
	if (header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_ident[EI_DATA] != ELFDATA2LSB)
		return error_set(error, ENOEXEC,
				 "not a 64-bit little-endian ELF file");
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return error_set(error, ENOEXEC,
				 "not an executable or a shared object");
	return 0;
}

int elf_sections_read(const void *bytes, size_t size,
		      struct elf_sections *sections, struct error *error)
{
	struct elf_sections found = { 0 };
	struct image image = { 0 };
	int status = image_open(&image, bytes, size, error);

	if (status)
		return status;
	found.machine = image.header.e_machine;
	found.entry_point = image.header.e_entry;
	if (read_segments(&image, &found))
		return error_set(error, EINVAL,
				 "its ELF program headers are damaged");
	read_sections(&image, &found);
	*sections = found;
	return 0;
}

int elf_sections_read_mapped(const void *bytes, size_t size,
			     struct elf_sections *sections, struct error *error)
{
	struct elf_sections found = { 0 };
	struct image image = { .mapped = true };
	int status = image_open(&image, bytes, size, error);
	Elf64_Phdr segment;
	unsigned i;

	if (status)
		return status;
	for (i = 0; i < image.header.e_phnum; i++) {
		if (!image_segment(&image, i, &segment) ||
		    segment.p_type == PT_LOAD)
			break;
	}
	if (i == image.header.e_phnum || !image_segment(&image, i, &segment))
		return error_set(error, EINVAL,
				 "its ELF program headers are damaged");
	image.load_address = segment.p_vaddr - segment.p_offset;
	found.machine = image.header.e_machine;
	found.entry_point = image.header.e_entry;
	if (read_segments(&image, &found))
		return error_set(error, EINVAL,
				 "its ELF program headers are damaged");
	*sections = found;
	return 0;
}

void elf_sections_free(struct elf_sections *sections)
{
	free(sections->debug_frame_owned);
	*sections = (struct elf_sections){ 0 };
}
