/* SPDX-License-Identifier: BSD-3-Clause */
/* mf4_block.c - blocks of an MDF 4 file, each checked before it is used */
#include "mf4.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool
evcan_mf4_fault_(struct evcan_mf4_file_ *file, uint64_t offset,
    const char *fmt, ...)
{
	struct evcan_mf4_fault_ *fault;
	va_list args;

	if (file->fault_count == EVCAN_MF4_FAULTS) {
		file->faults_untold++;
		return false;
	}
	fault = &file->faults[file->fault_count++];
	fault->offset = offset;
	va_start(args, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, args);
	va_end(args);
	return false;
}

bool
evcan_mf4_nomem_(struct evcan_mf4_file_ *file)
{
	file->nomem = true;
	return evcan_mf4_fault_(file, 0, "out of memory");
}

/* Up to n bytes. @return how many, or -1 with a fault */
static int64_t
read_some(struct evcan_mf4_file_ *file, uint64_t at, void *buf, size_t n)
{
	const int64_t got = file->io->read(file->io->arg, at, buf, n);

	if (got < 0) {
		evcan_mf4_fault_(file, at, "the file cannot be read here: "
		    "%s", strerror((int)-got));
		return -1;
	}
	return got;
}

bool
evcan_mf4_read_(struct evcan_mf4_file_ *file, uint64_t at, void *buf,
    size_t n)
{
	int64_t got;

	if (n == 0)
		return true;
	got = read_some(file, at, buf, n);
	if (got < 0)
		return false;
	if ((uint64_t)got < n)
		return evcan_mf4_fault_(file, at + (uint64_t)got,
		    "the file ends here, where more was expected");
	return true;
}

/* Whether the head in block->raw can be one. */
static bool
check_head(struct evcan_mf4_file_ *file, struct evcan_mf4_block_ *block,
    bool cut)
{
	const uint8_t *raw = block->raw;
	const uint64_t room = file->size - block->at;

	if (raw[0] != '#' || raw[1] != '#')
		return evcan_mf4_fault_(file, block->at,
		    "no MDF block begins here, but a link leads here");
	block->name[0] = (char)raw[2];
	block->name[1] = (char)raw[3];
	block->name[2] = '\0';
	block->len = get_le64(raw + 8);
	block->links = get_le64(raw + 16);
	if (block->len < EVCAN_MF4_HEAD ||
	    (block->len > room && !cut) ||
	    block->links > (block->len - EVCAN_MF4_HEAD) / 8)
		return evcan_mf4_fault_(file, block->at,
		    "this block's length of %llu bytes with %llu links "
		    "cannot be right", (unsigned long long)block->len,
		    (unsigned long long)block->links);
	return true;
}

bool
evcan_mf4_open_(struct evcan_mf4_file_ *file, uint64_t at, bool cut,
    struct evcan_mf4_block_ *block)
{
	int64_t got;

	if (file->budget == 0)
		return evcan_mf4_fault_(file, at,
		    "more links than a file of this size can have: some "
		    "lead in a circle");
	file->budget--;
	if (at < EVCAN_MF4_ID_SIZE || at > file->size ||
	    file->size - at < EVCAN_MF4_HEAD)
		return evcan_mf4_fault_(file, at,
		    "a link leads here, outside of the file's blocks");
	got = read_some(file, at, block->raw, sizeof(block->raw));
	if (got < 0)
		return false;
	block->at = at;
	block->got = (uint32_t)got;
	if (got < (int64_t)EVCAN_MF4_HEAD)
		return evcan_mf4_fault_(file, at,
		    "the file ends inside a block");
	if (!check_head(file, block, cut))
		return false;
	if (block->got > block->len)
		block->got = (uint32_t)block->len;
	return true;
}

bool
evcan_mf4_open_as_(struct evcan_mf4_file_ *file, uint64_t at,
    const char *name, struct evcan_mf4_block_ *block)
{
	if (!evcan_mf4_open_(file, at, false, block))
		return false;
	if (memcmp(block->name, name, 3) == 0)
		return true;
	return evcan_mf4_fault_(file, at,
	    "here stands a block ##%.2s, where ##%s must be", block->name,
	    name);
}

/* Bytes of a block from any place inside. */
static bool
inside(struct evcan_mf4_file_ *file, const struct evcan_mf4_block_ *block,
    uint64_t offset, void *buf, size_t n)
{
	if (offset > block->len || n > block->len - offset)
		return evcan_mf4_fault_(file, block->at,
		    "this block ##%.2s is too short", block->name);
	if (offset + n <= block->got) {
		memcpy(buf, block->raw + offset, n);
		return true;
	}
	return evcan_mf4_read_(file, block->at + offset, buf, n);
}

uint64_t
evcan_mf4_link_(struct evcan_mf4_file_ *file,
    const struct evcan_mf4_block_ *block, uint64_t i)
{
	uint8_t raw[8];

	if (i >= block->links ||
	    !inside(file, block, EVCAN_MF4_HEAD + i * 8, raw, 8))
		return 0;
	return get_le64(raw);
}

bool
evcan_mf4_body_(struct evcan_mf4_file_ *file,
    const struct evcan_mf4_block_ *block, uint64_t offset, void *buf,
    size_t n)
{
	return inside(file, block, EVCAN_MF4_HEAD + block->links * 8 + offset,
	    buf, n);
}

bool
evcan_mf4_text_(struct evcan_mf4_file_ *file, uint64_t at, char *buf,
    size_t size)
{
	struct evcan_mf4_block_ block;
	uint64_t n;

	buf[0] = '\0';
	if (at == 0)
		return true;
	if (!evcan_mf4_open_(file, at, false, &block))
		return false;
	if (memcmp(block.name, "TX", 3) != 0 &&
	    memcmp(block.name, "MD", 3) != 0)
		return evcan_mf4_fault_(file, at,
		    "here stands a block ##%.2s, where a text must be",
		    block.name);
	n = block.len - EVCAN_MF4_HEAD - block.links * 8;
	if (n > size - 1)
		n = size - 1;
	if (!evcan_mf4_body_(file, &block, 0, buf, (size_t)n))
		return false;
	buf[n] = '\0';
	return true;
}
