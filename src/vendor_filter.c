/* SPDX-License-Identifier: BSD-3-Clause */
/* vendor_filter.c - many filters in one code and mask for each format */
#include "vendor.h"

static void
widen(struct evcan_vendor_pattern_ *pattern,
    const struct evcan_filter *filter)
{
	uint32_t care = filter->can_mask & pattern->full;

	/* Bits that an identifier of this format cannot have. */
	if (filter->can_id & filter->can_mask & ~pattern->full)
		return;
	if (!pattern->any) {
		pattern->code = filter->can_id;
		pattern->care = care;
	} else {
		pattern->care &= care & ~(pattern->code ^ filter->can_id);
	}
	pattern->code &= pattern->care;
	pattern->any = true;
}

/* One mask cannot say "not these", nor both of two. */
static bool
can_say(const struct evcan_filter *filters, size_t n,
    enum evcan_filter_join join)
{
	if (n == 0 || (join == EVCAN_FILTER_AND && n > 1))
		return false;
	for (size_t i = 0; i < n; i++)
		if (filters[i].inverted)
			return false;
	return true;
}

bool
evcan_vendor_patterns_(const struct evcan_filter *filters, size_t n,
    enum evcan_filter_join join, struct evcan_vendor_pattern_ patterns[2])
{
	patterns[0] = (struct evcan_vendor_pattern_){ EVCAN_MAX_STD_ID, 0, 0,
	    false };
	patterns[1] = (struct evcan_vendor_pattern_){ EVCAN_MAX_EXT_ID, 0, 0,
	    false };
	if (!can_say(filters, n, join)) {
		patterns[0].any = patterns[1].any = true;
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (filters[i].format != EVCAN_FILTER_EXT)
			widen(&patterns[0], &filters[i]);
		if (filters[i].format != EVCAN_FILTER_STD)
			widen(&patterns[1], &filters[i]);
	}
	for (int i = 0; i < 2; i++)
		if (!patterns[i].any)
			patterns[i].care = patterns[i].full;
	return patterns[0].care != 0 || patterns[1].care != 0;
}
