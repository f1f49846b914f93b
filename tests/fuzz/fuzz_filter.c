/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_filter.c - filters as text and JSON, and what they then let pass */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/filter.h>
#include <evcan/frame.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int good)
{
	if (!good)
		abort();
}

static bool
model(const struct evcan_filter *list, int n, enum evcan_filter_join join,
    const struct evcan_frame *frame)
{
	const bool ext = frame->flags & EVCAN_FRAME_EXT;
	int matches = 0;

	for (int i = 0; i < n; i++) {
		const struct evcan_filter *const f = &list[i];
		const bool match = (f->format == EVCAN_FILTER_ANY ||
		    (f->format == EVCAN_FILTER_EXT) == ext) &&
		    ((frame->id ^ f->can_id) & f->can_mask) == 0;

		matches += match != f->inverted;
	}
	return n == 0 ||
	    (join == EVCAN_FILTER_AND ? matches == n : matches > 0);
}

static void
compare(const struct evcan_filter *list, int n, enum evcan_filter_join join)
{
	struct evcan_filters *filters;
	struct evcan_frame frame = {0};

	filters = evcan_filters_new(list, (size_t)n, join, NULL);
	require(filters != NULL);
	for (int i = 0; i < n && i < 32; i++) {
		for (uint32_t flip = 0; flip < 4; flip++) {
			const uint32_t id = list[i].can_id ^ flip;

			frame.flags = EVCAN_FRAME_EXT;
			frame.id = id;
			require(evcan_filters_match(filters, &frame) ==
			    model(list, n, join, &frame));
			frame.flags = 0;
			frame.id = id & EVCAN_MAX_STD_ID;
			require(evcan_filters_match(filters, &frame) ==
			    model(list, n, join, &frame));
		}
	}
	evcan_filters_free(filters);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evcan_filter *list = NULL;
	struct evcan_error err = {0};
	char *text;
	int n;

	if ((text = malloc(size + 1)) == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	n = evcan_filter_parse(text, &list, &err);
	if (n < 0) {
		require(err.code == n && err.text[0] != '\0' && !list);
	} else {
		compare(list, n, EVCAN_FILTER_OR);
		compare(list, n, EVCAN_FILTER_AND);
	}
	free(list);
	free(text);
	return 0;
}
