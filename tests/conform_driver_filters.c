/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_driver_filters.c - filters, with and without a driver's help */
#include "conform_driver.h"

struct filter_case {
	enum evcan_filter_join join;
	size_t n;
	struct evcan_filter list[3];
};

static const struct filter_case filter_cases[] = {
	{ EVCAN_FILTER_OR, 1, { { 0x123, 0x7ff, EVCAN_FILTER_ANY, false } } },
	{ EVCAN_FILTER_OR, 1, { { 0x123, 0x7ff, EVCAN_FILTER_STD, false } } },
	{ EVCAN_FILTER_OR, 1, { { 0x123, 0x7ff, EVCAN_FILTER_EXT, false } } },
	{ EVCAN_FILTER_OR, 1, { { 0x100, 0x700, EVCAN_FILTER_STD, true } } },
	{ EVCAN_FILTER_OR, 1, { { 0x123, 0x1fffffff, EVCAN_FILTER_ANY,
	    true } } },
	{ EVCAN_FILTER_OR, 1, { { 0, 0, EVCAN_FILTER_EXT, false } } },
	{ EVCAN_FILTER_OR, 1, { { 0, 0, EVCAN_FILTER_STD, true } } },
	{ EVCAN_FILTER_OR, 1, { { 0, 0, EVCAN_FILTER_ANY, true } } },
	{ EVCAN_FILTER_OR, 1, { { 0x12345678, 0x1fffffff, EVCAN_FILTER_STD,
	    false } } },
	{ EVCAN_FILTER_OR, 1, { { 0x12345678, 0x1fffffff, EVCAN_FILTER_STD,
	    true } } },
	{ EVCAN_FILTER_OR, 2, { { 0x7ff, 0x7ff, EVCAN_FILTER_ANY, false },
	    { 0x12345678, 0x1fffffff, EVCAN_FILTER_EXT, false } } },
	{ EVCAN_FILTER_OR, 2, { { 0x123, 0x7ff, EVCAN_FILTER_STD, true },
	    { 0x123, 0x7ff, EVCAN_FILTER_STD, false } } },
	{ EVCAN_FILTER_AND, 2, { { 0x100, 0x700, EVCAN_FILTER_ANY, false },
	    { 0x023, 0x0ff, EVCAN_FILTER_ANY, false } } },
	{ EVCAN_FILTER_AND, 2, { { 0x123, 0x7ff, EVCAN_FILTER_STD, true },
	    { 0x7ff, 0x7ff, EVCAN_FILTER_STD, true } } },
	{ EVCAN_FILTER_AND, 3, { { 0, 0, EVCAN_FILTER_EXT, false },
	    { 0x100, 0x700, EVCAN_FILTER_ANY, true },
	    { 0x1fffffff, 0x1fffffff, EVCAN_FILTER_ANY, true } } },
	{ EVCAN_FILTER_OR, 0, { { 0 } } },
};

static bool
one_matches(const struct evcan_filter *filter, uint32_t id, bool ext)
{
	bool format = filter->format == EVCAN_FILTER_ANY ||
	    (filter->format == EVCAN_FILTER_EXT) == ext;
	bool same = ((id ^ filter->can_id) & filter->can_mask) == 0;

	return (format && same) != filter->inverted;
}

/* What the words of filter.h say, one frame at a time. */
static bool
passes(const struct filter_case *c, uint32_t id, bool ext)
{
	size_t matches = 0;

	for (size_t i = 0; i < c->n; i++)
		matches += one_matches(&c->list[i], id, ext);
	if (c->join == EVCAN_FILTER_AND)
		return matches == c->n;
	return c->n == 0 || matches > 0;
}

static const uint32_t filter_ids[] = { 0, 1, 0x023, 0x100, 0x123, 0x124,
    0x523, 0x678, 0x7fe, 0x7ff, 0x12345678, 0x10000123, 0x1fffffff };

#define N_FILTER_IDS (sizeof(filter_ids) / sizeof(filter_ids[0]))

/* What should not have passed would come before a frame that passes or, where
 * none does, now. */
static void
check_nothing_else(struct evcan_bus *a, struct evcan_bus *b,
    const struct filter_case *c, const struct evcan_frame *passing)
{
	struct evcan_frame frame;

	if (passing->len > 0) {
		frame = conform_frame(passing->id, passing->flags, "end", 3);
		conform_send(a, &frame);
		conform_received(b, &frame);
	} else if (conform_next(b, &frame, conform_settle_ms())) {
		fail_msg("filter case %d lets frame %X pass",
		    (int)(c - filter_cases), (unsigned)frame.id);
	}
}

static void
check_filter_case(struct evcan_bus *a, struct evcan_bus *b,
    const struct filter_case *c)
{
	struct evcan_frame frame, passing = { .len = 0 };

	for (size_t i = 0; i < 4 * N_FILTER_IDS; i++) {
		uint32_t id = filter_ids[i / 4];
		bool ext = i % 2;

		if (!ext && id > EVCAN_MAX_STD_ID)
			continue;
		if (i % 4 < 2)
			frame = conform_frame(id, ext ? EVCAN_FRAME_EXT : 0,
			    "x", 1);
		else
			evcan_frame_init_remote(&frame, id,
			    ext ? EVCAN_FRAME_EXT : 0, conform_paced ? 0 : 1);
		conform_send(a, &frame);
		if (!passes(c, id, ext))
			continue;
		conform_received(b, &frame);
		if (i % 4 < 2)
			passing = frame;
	}
	check_nothing_else(a, b, c, &passing);
}

static void
ignore_sent(struct evcan_bus *bus, const struct evcan_frame *frame,
    int result, void *arg)
{
	(void)bus;
	(void)frame;
	(void)result;
	++*(int *)arg;
}

static void
run_filter_cases(const char *extra, bool confirm)
{
	struct evcan_bus *a = conform_open(NULL, conform_a, "");
	struct evcan_bus *b = conform_open(NULL, conform_b, extra);
	struct evcan_frame frame = conform_numbered(7);
	int told = 0;

	/* Wanting outcomes may cost a driver its own filters. */
	if (confirm) {
		assert_int_equal(evcan_bus_send_cb(b, &frame, SOON,
		    ignore_sent, &told), 0);
		conform_received(a, &frame);
	}
	for (size_t i = 0; i < sizeof(filter_cases) / sizeof(filter_cases[0]);
	    i++) {
		const struct filter_case *c = &filter_cases[i];

		assert_int_equal(evcan_bus_set_filters(b, c->list, c->n,
		    c->join, NULL), 0);
		check_filter_case(a, b, c);
	}
	evcan_bus_free(a);
	evcan_bus_free(b);
	assert_int_equal(told, confirm);
}

void
conform_filters_are_exact(void **state)
{
	bool can_ignore = conform_driver->options != NULL &&
	    evcan_option_find(conform_driver->options,
	    "ignore_rx_error_frames");

	(void)state;
	run_filter_cases("", false);
	run_filter_cases("", true);
	if (can_ignore)
		run_filter_cases(",ignore_rx_error_frames=true", false);
}

void
conform_many_filters_work(void **state)
{
	struct evcan_filter list[600];
	struct evcan_bus *a = conform_open(NULL, conform_a, "");
	struct evcan_bus *b = conform_open(NULL, conform_b, "");
	struct evcan_frame in = conform_numbered(1), out = conform_numbered(2);

	(void)state;
	for (uint32_t i = 0; i < 600; i++)
		list[i] = (struct evcan_filter){ i, 0x7ff, EVCAN_FILTER_STD,
		    false };
	assert_int_equal(evcan_bus_set_filters(b, list, 600, EVCAN_FILTER_OR,
	    NULL), 0);
	in.id = 599;
	out.id = 600;
	conform_send(a, &out);
	conform_send(a, &in);
	conform_received(b, &in);
	evcan_bus_free(a);
	evcan_bus_free(b);
}
