/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small ELF images made by hand for the unwinder's tests: one executable
 * segment that covers the whole file, sections added one by one.
 */
#ifndef LEAKTRACE_TESTS_ELF_IMAGE_H
#define LEAKTRACE_TESTS_ELF_IMAGE_H

#include <elf.h>
#include <stdint.h>
#include <string.h>

#define IMAGE_SIZE 0x40000
#define IMAGE_ADDRESS 0x10000 /* of byte 0: segment addresses = offsets + it */
#define IMAGE_TEXT (IMAGE_ADDRESS + 0x1000)
#define IMAGE_DATA 0x38000 /* offset of the sections' contents */
#define IMAGE_SECTIONS 8

struct elf_image {
	uint8_t bytes[IMAGE_SIZE];
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	Elf64_Shdr sections[IMAGE_SECTIONS];
	char names[128];
	size_t names_size, next;
};

/* Writes the headers into the bytes; call after the last change to them. */
static inline void image_finish(struct elf_image *image)
{
	Elf64_Shdr *strings = &image->sections[image->header.e_shnum];

	*strings = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
				 .sh_offset = image->next,
				 .sh_size = image->names_size };
	memcpy(image->bytes + image->next, image->names, image->names_size);
	image->header.e_shstrndx = image->header.e_shnum++;
	memcpy(image->bytes, &image->header, sizeof(image->header));
	memcpy(image->bytes + image->header.e_phoff, image->segments,
	       sizeof(image->segments));
	memcpy(image->bytes + image->header.e_shoff, image->sections,
	       sizeof(image->sections));
}

static inline void image_begin(struct elf_image *image)
{
	memset(image, 0, sizeof(*image));
	/* int3: code of which nothing can be told */
	memset(image->bytes + 0x1000, 0xcc, IMAGE_DATA - 0x1000);
	memcpy(image->header.e_ident, ELFMAG, SELFMAG);
	image->header.e_ident[EI_CLASS] = ELFCLASS64;
	image->header.e_ident[EI_DATA] = ELFDATA2LSB;
	image->header.e_ident[EI_VERSION] = EV_CURRENT;
	image->header.e_type = ET_DYN;
	image->header.e_machine = EM_X86_64;
	image->header.e_version = EV_CURRENT;
	image->header.e_ehsize = sizeof(image->header);
	image->header.e_phoff = 0x40;
	image->header.e_phentsize = sizeof(Elf64_Phdr);
	image->header.e_phnum = 1;
	image->header.e_shoff = 0x400;
	image->header.e_shentsize = sizeof(Elf64_Shdr);
	image->header.e_shnum = 1; /* the null section */
	image->segments[0] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = IMAGE_ADDRESS,
		.p_filesz = IMAGE_SIZE,
		.p_memsz = IMAGE_SIZE,
	};
	image->names_size = 1;
	image->next = IMAGE_DATA;
}

/* Adds a section with contents; returns its ELF virtual address. */
static inline uint64_t image_add(struct elf_image *image, const char *name,
				 const void *bytes, size_t size, uint64_t flags)
{
	Elf64_Shdr *section = &image->sections[image->header.e_shnum++];
	uint64_t address = IMAGE_ADDRESS + image->next;

	*section = (Elf64_Shdr){ .sh_name = (uint32_t)image->names_size,
				 .sh_type = SHT_PROGBITS,
				 .sh_flags = flags,
				 .sh_addr = address,
				 .sh_offset = image->next,
				 .sh_size = size };
	strcpy(image->names + image->names_size, name);
	image->names_size += strlen(name) + 1;
	memcpy(image->bytes + image->next, bytes, size);
	image->next += (size + 15) & ~15UL;
	return address;
}

/* Bytes put together one after the other. */
struct byte_builder {
	uint8_t bytes[16384];
	size_t size;
};

static inline void put(struct byte_builder *builder, const void *bytes,
		       size_t size)
{
	memcpy(builder->bytes + builder->size, bytes, size);
	builder->size += size;
}

static inline void put_number(struct byte_builder *builder, uint64_t number,
			      size_t size)
{
	put(builder, &number, size);
}

#endif
