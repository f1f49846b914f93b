/* SPDX-License-Identifier: BSD-3-Clause */
/* filter.c - which frames pass a list of filters, at one cost for any list */
#include <evcan/filter.h>

#include <stdlib.h>
#include <string.h>

#include <evcan/error.h>
#include <evcan/frame.h>

#define STD_IDS (EVCAN_MAX_STD_ID + 1)
#define MAX_FILTERS (1u << 24)

/* Fewer ids of one mask than this are compared one by one. */
#define MIN_GROUP 5

/* No identifier: a free slot. */
#define FREE UINT32_MAX

/* A test of extended frames: (id & mask) == id, or its opposite. */
struct test {
	uint32_t mask, id;
	bool inverted;
};

/* A set of bits that says of an identifier "no" or "maybe". */
struct sieve {
	const uint8_t *bits;
	uint32_t mask, factor;
	unsigned shift;
};

/*
 * The tests of one mask, in an open hash at most half full. Most identifiers
 * are strangers, which the sieve turns away: it has eight bits a slot, for
 * the next three bits of the hash.
 */
struct group {
	struct sieve sieve;
	uint32_t last;        /* slot */
	uint32_t *slots;      /* the sieve's bits stand behind them */
};

/*
 * Standard identifiers are few: what becomes of each is worked out at the
 * start. Extended ones are tested, those of a plain OR list by groups.
 */
struct evcan_filters {
	struct evcan_filter *list;
	size_t n;
	enum evcan_filter_join join;
	struct sieve sieves[2];        /* of standard frames, of extended */
	uint8_t std_pass[STD_IDS / 8]; /* the first one's bits: yes or no */
	bool ext_known;       /* all extended frames share ext_pass */
	bool ext_pass;
	struct test *tests;   /* compared one by one */
	size_t n_tests;
	struct group *groups;
	size_t n_groups;
};

/* What a filter means, plainly. */
static bool
filter_match(const struct evcan_filter *filter, uint32_t id, bool ext)
{
	const bool format = filter->format == EVCAN_FILTER_ANY ||
	    ext == (filter->format == EVCAN_FILTER_EXT);

	return (format && ((id ^ filter->can_id) & filter->can_mask) == 0) !=
	    filter->inverted;
}

static bool
list_match(const struct evcan_filters *filters, uint32_t id, bool ext)
{
	const bool any = filters->join == EVCAN_FILTER_OR;

	for (size_t i = 0; i < filters->n; i++) {
		if (filter_match(&filters->list[i], id, ext) == any)
			return any;
	}
	return !any;
}

/* ---- matching ---- */

static uint32_t
sieve_place(const struct sieve *sieve, uint32_t id)
{
	return (id & sieve->mask) * sieve->factor >> sieve->shift;
}

static bool
sieve_has(const struct sieve *sieve, uint32_t id)
{
	const uint32_t place = sieve_place(sieve, id);

	return sieve->bits[place / 8] >> place % 8 & 1;
}

static bool
group_has(const struct group *group, uint32_t id)
{
	uint32_t slot = sieve_place(&group->sieve, id) / 8;

	if (!sieve_has(&group->sieve, id))
		return false;
	id &= group->sieve.mask;
	for (; group->slots[slot] != FREE; slot = (slot + 1) & group->last) {
		if (group->slots[slot] == id)
			return true;
	}
	return false;
}

static bool
ext_match(const struct evcan_filters *filters, uint32_t id)
{
	const bool any = filters->join == EVCAN_FILTER_OR;

	if (filters->ext_known)
		return filters->ext_pass;
	for (size_t i = 0; i < filters->n_tests; i++) {
		const struct test *const test = &filters->tests[i];

		if ((((id & test->mask) == test->id) != test->inverted) ==
		    any)
			return any;
	}
	for (size_t i = 0; i < filters->n_groups; i++) {
		if (group_has(&filters->groups[i], id))
			return true;
	}
	return !any;
}

static inline bool
match(const struct evcan_filters *filters, const struct evcan_frame *frame)
{
	const bool ext = frame->flags & EVCAN_FRAME_EXT;
	bool maybe;

	if (frame->flags & EVCAN_FRAME_ERR)
		return true;
	/* One look, and no branch, for both formats: a branch that the
	 * processor guesses wrong costs more than all of this. */
	maybe = sieve_has(&filters->sieves[ext], frame->id);
	return (maybe & ext) ? ext_match(filters, frame->id) : maybe;
}

bool
evcan_filters_match(const struct evcan_filters *filters,
    const struct evcan_frame *frame)
{
	return filters == NULL || match(filters, frame);
}

size_t
evcan_filters_apply(const struct evcan_filters *filters,
    struct evcan_frame *frames, size_t n)
{
	size_t kept = 0, i;

	if (filters == NULL || filters->n == 0)
		return n;
	while (kept < n && match(filters, &frames[kept]))
		kept++;
	for (i = kept + 1; i < n; i++) {
		if (match(filters, &frames[i]))
			frames[kept++] = frames[i];
	}
	return kept;
}

size_t
evcan_filters_list(const struct evcan_filters *filters,
    const struct evcan_filter **list, enum evcan_filter_join *join)
{
	if (list != NULL)
		*list = filters ? filters->list : NULL;
	if (join != NULL)
		*join = filters ? filters->join : EVCAN_FILTER_OR;
	return filters ? filters->n : 0;
}

/* ---- compiling ---- */

static int
check(const struct evcan_filter *filters, size_t n, struct evcan_error *err)
{
	if (n > MAX_FILTERS)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%zu filters are too many: at most %u", n, MAX_FILTERS);
	for (size_t i = 0; i < n; i++) {
		const struct evcan_filter *const f = &filters[i];

		if (f->can_id > EVCAN_MAX_EXT_ID ||
		    f->can_mask > EVCAN_MAX_EXT_ID)
			return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
			    "filter %zu: %s 0x%x is over 29 bits, 0x1fffffff",
			    i + 1, f->can_id > EVCAN_MAX_EXT_ID ?
			    "identifier" : "mask",
			    (unsigned)(f->can_id > EVCAN_MAX_EXT_ID ?
			    f->can_id : f->can_mask));
		if (f->format > EVCAN_FILTER_EXT)
			return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
			    "filter %zu: format %u is none of any, standard"
			    " and extended", i + 1, f->format);
	}
	return 0;
}

/* Whether the filter names just one standard identifier. */
static bool
is_exact_std(const struct evcan_filter *f)
{
	return !f->inverted && f->format != EVCAN_FILTER_EXT &&
	    (f->can_mask & EVCAN_MAX_STD_ID) == EVCAN_MAX_STD_ID;
}

static void
pass_std(struct evcan_filters *filters, uint32_t id)
{
	filters->std_pass[id / 8] |= (uint8_t)(1u << id % 8);
}

static void
compile_std(struct evcan_filters *filters)
{
	if (filters->join == EVCAN_FILTER_AND || filters->n == 0) {
		for (uint32_t id = 0; id < STD_IDS; id++) {
			if (filters->n == 0 || list_match(filters, id, false))
				pass_std(filters, id);
		}
		return;
	}
	for (size_t i = 0; i < filters->n; i++) {
		const struct evcan_filter *const f = &filters->list[i];

		if (is_exact_std(f)) {
			if ((f->can_id & f->can_mask) < STD_IDS)
				pass_std(filters, f->can_id &
				    EVCAN_MAX_STD_ID);
			continue;
		}
		for (uint32_t id = 0; id < STD_IDS; id++) {
			if (filter_match(f, id, false))
				pass_std(filters, id);
		}
	}
}

static int
compare_tests(const void *a, const void *b)
{
	const struct test *const x = a, *const y = b;

	if (x->inverted != y->inverted)
		return x->inverted - y->inverted;
	if (x->mask != y->mask)
		return x->mask < y->mask ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

/* The tests that extended frames need, sorted, each once. A filter that all
 * of them pass, or none, is left out, or decides for all. */
static void
collect_tests(struct evcan_filters *filters)
{
	const bool any = filters->join == EVCAN_FILTER_OR;
	struct test *const tests = filters->tests;
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < filters->n; i++) {
		const struct evcan_filter *const f = &filters->list[i];
		const bool never = f->format == EVCAN_FILTER_STD;

		if (never || f->can_mask == 0) {
			if ((never == f->inverted) == any)
				filters->ext_known = true;
			continue;
		}
		tests[n++] = (struct test){f->can_mask,
		    f->can_id & f->can_mask, f->inverted};
	}
	if (n == 0)
		filters->ext_known = true;
	if (filters->ext_known) {
		/* Decided by one filter, or by there being no test. */
		filters->ext_pass = filters->n == 0 ||
		    list_match(filters, 0, true);
		return;
	}
	qsort(tests, n, sizeof(*tests), compare_tests);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || compare_tests(&tests[kept - 1], &tests[i]))
			tests[kept++] = tests[i];
	}
	filters->n_tests = kept;
}

static void
fill_group(struct group *group, uint8_t *bits, const struct test *tests,
    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint32_t place = sieve_place(&group->sieve,
		    tests[i].id);
		uint32_t slot = place / 8;

		bits[slot] |= (uint8_t)(1u << place % 8);
		while (group->slots[slot] != FREE)
			slot = (slot + 1) & group->last;
		group->slots[slot] = tests[i].id;
	}
}

static int
make_group(struct group *group, const struct test *tests, size_t n)
{
	unsigned log = 3;
	size_t size;
	uint8_t *bits;

	while ((size_t)1 << log < 2 * n)
		log++;
	size = (size_t)1 << log;
	group->slots = malloc(size * (sizeof(*group->slots) + 1));
	if (group->slots == NULL)
		return -1;
	memset(group->slots, 0xff, size * sizeof(*group->slots));
	bits = (uint8_t *)(group->slots + size);
	memset(bits, 0, size);
	group->last = (uint32_t)(size - 1);
	group->sieve.bits = bits;
	group->sieve.mask = tests->mask;
	group->sieve.factor = 0x9e3779b1u;
	group->sieve.shift = 32 - 3 - log;
	fill_group(group, bits, tests, n);
	return 0;
}

/* The end of the run of tests of one mask. */
static size_t
run_end(const struct evcan_filters *filters, size_t from)
{
	const struct test *const tests = filters->tests;
	size_t to = from + 1;

	while (to < filters->n_tests && tests[to].mask == tests[from].mask &&
	    tests[to].inverted == tests[from].inverted)
		to++;
	return to;
}

/* Runs of enough tests, or the only run, become groups, the others stay in
 * the list. */
static int
make_groups(struct evcan_filters *filters)
{
	struct test *const tests = filters->tests;
	size_t kept = 0, from, to;

	/* One more: the only run may be short. */
	filters->groups = calloc(filters->n_tests / MIN_GROUP + 1,
	    sizeof(*filters->groups));
	if (filters->groups == NULL)
		return -1;
	for (from = 0; from < filters->n_tests; from = to) {
		to = run_end(filters, from);
		if (tests[from].inverted || (to - from < MIN_GROUP &&
		    to - from < filters->n_tests)) {
			memmove(tests + kept, tests + from,
			    (to - from) * sizeof(*tests));
			kept += to - from;
			continue;
		}
		if (make_group(&filters->groups[filters->n_groups],
		    tests + from, to - from) < 0)
			return -1;
		filters->n_groups++;
	}
	filters->n_tests = kept;
	return 0;
}

/* Needs what the others made. */
static void
make_sieves(struct evcan_filters *filters)
{
	static const uint8_t maybe[] = {0xff};
	struct sieve *const ext = &filters->sieves[1];

	filters->sieves[0].bits = filters->std_pass;
	filters->sieves[0].mask = EVCAN_MAX_STD_ID;
	filters->sieves[0].factor = 1;
	if (filters->n_groups == 1 && filters->n_tests == 0)
		*ext = filters->groups[0].sieve;
	else
		ext->bits = maybe;
}

static int
compile(struct evcan_filters *filters)
{
	compile_std(filters);
	collect_tests(filters);
	if (filters->join == EVCAN_FILTER_OR && make_groups(filters) < 0)
		return -1;
	make_sieves(filters);
	return 0;
}

struct evcan_filters *
evcan_filters_new(const struct evcan_filter *list, size_t n,
    enum evcan_filter_join join, struct evcan_error *err)
{
	struct evcan_filters *filters;

	if (check(list, n, err) < 0)
		return NULL;
	if ((filters = calloc(1, sizeof(*filters))) == NULL)
		goto fail;
	filters->join = join;
	filters->list = calloc(n + 1, sizeof(*filters->list));
	filters->tests = calloc(n + 1, sizeof(*filters->tests));
	if (filters->list == NULL || filters->tests == NULL)
		goto fail;
	if (n > 0)
		memcpy(filters->list, list, n * sizeof(*list));
	filters->n = n;
	if (compile(filters) < 0)
		goto fail;
	return filters;
fail:
	evcan_filters_free(filters);
	evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
	    "out of memory for %zu filters", n);
	return NULL;
}

void
evcan_filters_free(struct evcan_filters *filters)
{
	if (filters == NULL)
		return;
	for (size_t i = 0; i < filters->n_groups; i++)
		free(filters->groups[i].slots);
	free(filters->groups);
	free(filters->tests);
	free(filters->list);
	free(filters);
}
