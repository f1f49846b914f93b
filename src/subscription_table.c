/* SPDX-License-Identifier: BSD-3-Clause */
/* subscription_table.c - subscriptions found by identifier or number */
#include "subscription_internal.h"

#include <stdlib.h>

#include <evcan/error.h>

#define BITS_MIN 4
#define BITS_MAX 24

/* Identifier and format in one: what is told apart from what. */
uint32_t
evcan_sub_key_(uint32_t id, unsigned flags)
{
	return id | ((flags & EVCAN_FRAME_EXT) ? 1u << 29 : 0) |
	    ((flags & EVCAN_FRAME_FD) ? 1u << 30 : 0);
}

int
evcan_sub_table_init_(struct evcan_sub_table_ *table)
{
	table->buckets = calloc((size_t)1 << BITS_MIN,
	    sizeof(struct evcan_subscription *));
	table->bits = BITS_MIN;
	return table->buckets != NULL ? 0 : EVCAN_ERR_NOMEM;
}

static void
chain(struct evcan_sub_table_ *table, struct evcan_subscription *sub)
{
	struct evcan_subscription **at = evcan_sub_bucket_(table, sub->key);

	sub->same = *at;
	*at = sub;
}

/* Without memory the chains only get longer. */
static void
grow(struct evcan_sub_table_ *table)
{
	struct evcan_subscription **old = table->buckets;
	size_t n = (size_t)1 << table->bits;
	struct evcan_subscription **buckets = calloc(n * 4,
	    sizeof(struct evcan_subscription *));

	if (buckets == NULL)
		return;
	table->buckets = buckets;
	table->bits += 2;
	for (size_t i = 0; i < n; i++) {
		struct evcan_subscription *sub = old[i], *next;

		for (; sub != NULL; sub = next) {
			next = sub->same;
			chain(table, sub);
		}
	}
	free(old);
}

void
evcan_sub_table_add_(struct evcan_sub_table_ *table,
    struct evcan_subscription *sub, bool may_grow)
{
	/* At most half full, so that an identifier of nobody mostly meets an
	 * empty bucket. */
	if (may_grow && table->bits + 2 <= BITS_MAX &&
	    table->count * 2 >= (size_t)1 << table->bits)
		grow(table);
	/* In front: who walks the chain now does not come by it. */
	chain(table, sub);
	sub->table = table;
	table->count++;
}

void
evcan_sub_table_remove_(struct evcan_subscription *sub)
{
	struct evcan_sub_table_ *table = sub->table;
	struct evcan_subscription **at;

	if (table == NULL)
		return;
	at = evcan_sub_bucket_(table, sub->key);
	while (*at != sub)
		at = &(*at)->same;
	*at = sub->same;
	table->count--;
	sub->table = NULL;
}
