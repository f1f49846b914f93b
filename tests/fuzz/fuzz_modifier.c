/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_modifier.c - modifiers from text and by hand, and what they touch
 *
 * A line of text, then: length, number of the send, data. Without a line the
 * bytes are the struct's members, whatever they are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/modifier.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int good)
{
	if (!good)
		abort();
}

/* Little by little from the input; zero behind its end. */
struct input {
	const uint8_t *at, *end;
};

static uint32_t
take(struct input *in, int bytes)
{
	uint32_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | (in->at < in->end ? *in->at++ : 0);
	return value;
}

static void
by_hand(struct evcan_modifier *m, struct input *in)
{
	memset(m, 0, sizeof(*m));
	m->kind = (enum evcan_modifier_kind)take(in, 1);
	m->bit = (uint16_t)take(in, 2);
	m->width = (uint8_t)take(in, 1);
	m->big_endian = take(in, 1) & 1;
	m->start = take(in, 4);
	m->step = take(in, 4);
	m->min = take(in, 4);
	m->max = take(in, 4);
	m->first = (uint8_t)take(in, 1);
	m->last = (uint8_t)take(in, 1);
	m->init = take(in, 4);
	m->xor_out = take(in, 4);
	m->polynomial = take(in, 4);
	m->reflected = take(in, 1) & 1;
	m->data_id_len = (uint8_t)take(in, 1);
	m->data_id_first = take(in, 1) & 1;
	m->data_id_chosen = take(in, 1) & 1;
	m->data_id_bit = (uint16_t)take(in, 2);
}

/* The frame lies at the very end of its memory. */
static void
try_apply(const struct evcan_modifier *m, struct input *in)
{
	struct evcan_frame *const frame = calloc(1, sizeof(*frame));
	struct evcan_frame before;
	uint64_t number;
	unsigned len;

	require(frame != NULL);
	frame->len = (uint8_t)take(in, 1);
	number = (uint64_t)take(in, 4) << 32 | take(in, 4);
	for (unsigned i = 0; i < EVCAN_MAX_DATA; i++)
		frame->data[i] = (uint8_t)take(in, 1);
	before = *frame;
	len = frame->len < EVCAN_MAX_DATA ? frame->len : EVCAN_MAX_DATA;
	evcan_modifier_apply(m, frame, number);
	require(memcmp(frame, &before, offsetof(struct evcan_frame, data)) ==
	    0);
	require(memcmp(frame->data + len, before.data + len,
	    EVCAN_MAX_DATA - len) == 0);
	if (m->kind == EVCAN_MODIFIER_COUNTER || !m->data_id_chosen) {
		before = *frame;
		evcan_modifier_apply(m, frame, number);
		require(memcmp(frame, &before, sizeof(before)) == 0);
	}
	(void)evcan_modifier_check(m, len, NULL);
	free(frame);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *const line = size > 0 ? memchr(data, '\n', size) :
	    NULL;
	struct input in = {line != NULL ? line + 1 : data, data + size};
	struct evcan_error err = {0};
	struct evcan_modifier m;
	char *text;
	int r;

	if (line == NULL) {
		by_hand(&m, &in);
		r = evcan_modifier_prepare(&m, &err);
	} else {
		text = malloc((size_t)(line - data) + 1);
		require(text != NULL);
		memcpy(text, data, (size_t)(line - data));
		text[line - data] = '\0';
		r = evcan_modifier_parse(&m, text, &err);
		free(text);
	}
	require(err.code == r && (r == 0) == (err.text[0] == '\0'));
	if (r == 0)
		try_apply(&m, &in);
	return 0;
}
