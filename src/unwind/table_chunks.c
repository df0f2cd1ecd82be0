// SPDX-License-Identifier: GPL-2.0-or-later
/* Chunks of unwind tables: see table_chunks.h. */
#include "unwind/table_chunks.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "util/cleanup.h"

void table_chunks_init(struct table_chunks *chunks, int outer_fd)
{
	memset(chunks, 0, sizeof(*chunks));
	chunks->outer_fd = outer_fd;
}

void table_chunks_free(struct table_chunks *chunks)
{
	uint32_t i;

	for (i = 0; i < chunks->count; i++)
		munmap(chunks->memory[i], UNWIND_CHUNK_BYTES);
	chunks->count = 0;
}

/* One more chunk, known to the kernel. Its map lives as long as the outer. */
static int add_chunk(struct table_chunks *chunks, struct error *error)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	uint32_t number = chunks->count;
	auto_close int fd = -1;
	void *memory;

	if (number == UNWIND_CHUNKS)
		return error_set(error, ENOSPC,
				 "unwind tables are full (%u MiB)",
				 UNWIND_CHUNKS);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "unwind_chunk",
			    sizeof(uint32_t), UNWIND_CHUNK_BYTES, 1, &options);
	if (fd < 0)
		return error_set(error, errno,
				 "cannot create a map for unwind tables: %s",
				 strerror(errno));
	memory = mmap(NULL, UNWIND_CHUNK_BYTES, PROT_READ | PROT_WRITE,
		      MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return error_set(error, errno, "cannot map unwind tables: %s",
				 strerror(errno));
	if (bpf_map_update_elem(chunks->outer_fd, &number, &fd, BPF_ANY)) {
		int code = errno;

		munmap(memory, UNWIND_CHUNK_BYTES);
		return error_set(error, code, "cannot add unwind tables: %s",
				 strerror(code));
	}
	chunks->memory[number] = memory;
	chunks->used[number] = 0;
	chunks->count++;
	return 0;
}

int table_chunks_take(struct table_chunks *chunks, size_t size,
		      size_t alignment, struct table_place *place,
		      struct error *error)
{
	uint32_t last = chunks->count - 1;
	size_t offset = 0;
	int status;

	if (size > UNWIND_CHUNK_BYTES)
		return error_set(error, ENOSPC,
				 "unwind table larger than a chunk");
	if (chunks->count)
		offset = (chunks->used[last] + alignment - 1) &
			 ~(alignment - 1);
	if (!chunks->count || offset + size > UNWIND_CHUNK_BYTES) {
		status = add_chunk(chunks, error);
		if (status)
			return status;
		last = chunks->count - 1;
		offset = 0;
	}
	chunks->used[last] = (uint32_t)(offset + size);
	*place = (struct table_place){ last, (uint32_t)offset };
	return 0;
}

void *table_chunks_at(struct table_chunks *chunks, struct table_place place)
{
	return chunks->memory[place.chunk] + place.offset;
}
