/* SPDX-License-Identifier: BSD-3-Clause */
/* print_timing.c - answers questions about bit timing, one line each
 *
 *   print_timing <questions
 *
 * A question is a word and numbers (see the table below); `error` answers
 * what cannot be. Timing is written as its fields in their order, divided by
 * slashes; floating point with all its digits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/bit_timing.h>
#include <evcan/error.h>

#define PARTS_MAX 16

/* A question's numbers, in two forms. */
struct question {
	unsigned long n[PARTS_MAX];
	double real[PARTS_MAX];
};

static struct evcan_bit_timing
classic(const unsigned long *n)
{
	const struct evcan_bit_timing t = {
		.f_clock = (uint32_t)n[0], .brp = (uint16_t)n[1],
		.tseg1 = (uint8_t)n[2], .tseg2 = (uint8_t)n[3],
		.sjw = (uint8_t)n[4], .nof_samples = (uint8_t)n[5],
	};

	return t;
}

static struct evcan_bit_timing_fd
flexible(const unsigned long *n)
{
	const struct evcan_bit_timing_fd t = {
		.f_clock = (uint32_t)n[0], .nom_brp = (uint16_t)n[1],
		.nom_tseg1 = (uint16_t)n[2], .nom_tseg2 = (uint16_t)n[3],
		.nom_sjw = (uint16_t)n[4], .data_brp = (uint16_t)n[5],
		.data_tseg1 = (uint16_t)n[6], .data_tseg2 = (uint16_t)n[7],
		.data_sjw = (uint16_t)n[8],
	};

	return t;
}

static void
put(const struct evcan_bit_timing *t)
{
	printf("%lu/%u/%u/%u/%u/%u", (unsigned long)t->f_clock, t->brp,
	    t->tseg1, t->tseg2, t->sjw, t->nof_samples);
}

static void
put_fd(const struct evcan_bit_timing_fd *t)
{
	printf("%lu/%u/%u/%u/%u/%u/%u/%u/%u", (unsigned long)t->f_clock,
	    t->nom_brp, t->nom_tseg1, t->nom_tseg2, t->nom_sjw, t->data_brp,
	    t->data_tseg1, t->data_tseg2, t->data_sjw);
}

static int
values(const struct question *q)
{
	const struct evcan_timing any = { .classic = classic(q->n) };
	const struct evcan_bit_timing *t = &any.classic;
	char text[EVCAN_TIMING_TEXT_MAX];

	if ((q->n[6] ? evcan_bit_timing_check_strict :
	    evcan_bit_timing_check)(t, NULL) < 0)
		return -1;
	evcan_timing_print(&any, text, sizeof(text));
	printf("%lu %lu %llu %.17g %04x %.17g %s",
	    (unsigned long)evcan_bit_timing_bitrate(t),
	    (unsigned long)evcan_bit_timing_nbt(t),
	    (unsigned long long)evcan_bit_timing_tq(t),
	    evcan_bit_timing_sample_point(t), evcan_bit_timing_btr(t),
	    evcan_bit_timing_oscillator_tolerance(t, q->real[7], q->real[8]),
	    text);
	return 0;
}

static int
values_fd(const struct question *q)
{
	const struct evcan_timing any = { .fd = true,
	    .flexible = flexible(q->n) };
	const struct evcan_bit_timing_fd *t = &any.flexible;
	char text[EVCAN_TIMING_TEXT_MAX];

	if ((q->n[9] ? evcan_bit_timing_fd_check_strict :
	    evcan_bit_timing_fd_check)(t, NULL) < 0)
		return -1;
	evcan_timing_print(&any, text, sizeof(text));
	printf("%lu %lu %lu %lu %llu %llu %.17g %.17g %.17g %s",
	    (unsigned long)evcan_bit_timing_fd_nominal(t),
	    (unsigned long)evcan_bit_timing_fd_data(t),
	    (unsigned long)evcan_bit_timing_fd_nbt(t),
	    (unsigned long)evcan_bit_timing_fd_dbt(t),
	    (unsigned long long)evcan_bit_timing_fd_nom_tq(t),
	    (unsigned long long)evcan_bit_timing_fd_data_tq(t),
	    evcan_bit_timing_fd_nom_sample_point(t),
	    evcan_bit_timing_fd_data_sample_point(t),
	    evcan_bit_timing_fd_oscillator_tolerance(t, q->real[10],
	    q->real[11]), text);
	return 0;
}

static int
registers(const struct question *q)
{
	struct evcan_bit_timing t;
	const int r = evcan_bit_timing_from_btr(&t, (uint32_t)q->n[0],
	    (unsigned)q->n[1], (unsigned)q->n[2], NULL);

	if (r == 0)
		put(&t);
	return r;
}

static int
segments(const struct question *q)
{
	struct evcan_bit_timing t = classic(q->n);
	const int r = evcan_bit_timing_from_bitrate_and_segments(&t,
	    (uint32_t)q->n[7], q->n[6] != 0, NULL);

	if (r == 0)
		put(&t);
	return r;
}

static int
segments_fd(const struct question *q)
{
	struct evcan_bit_timing_fd t = flexible(q->n);
	const int r = evcan_bit_timing_fd_from_bitrate_and_segments(&t,
	    (uint32_t)q->n[10], (uint32_t)q->n[11], q->n[9] != 0, NULL);

	if (r == 0)
		put_fd(&t);
	return r;
}

static int
all(const struct question *q)
{
	struct evcan_bit_timing list[64];
	const int n = evcan_bit_timing_iterate_from_sample_point(list, 64,
	    (uint32_t)q->n[0], (uint32_t)q->n[1], q->real[2], NULL);

	for (int i = 0; i < n; i++) {
		put(&list[i]);
		putchar(' ');
	}
	return n;
}

static int
all_fd(const struct question *q)
{
	static struct evcan_bit_timing_fd list[65536];
	const int n = evcan_bit_timing_fd_iterate_from_sample_point(list,
	    65536, (uint32_t)q->n[0], (uint32_t)q->n[1], q->real[2],
	    (uint32_t)q->n[3], q->real[4], NULL);

	for (int i = 0; i < n; i++) {
		put_fd(&list[i]);
		putchar(' ');
	}
	return n;
}

static int
best(const struct question *q)
{
	struct evcan_bit_timing t;
	const int r = evcan_bit_timing_from_sample_point(&t,
	    (uint32_t)q->n[0], (uint32_t)q->n[1], q->real[2], NULL);

	if (r == 0)
		put(&t);
	return r;
}

static int
best_fd(const struct question *q)
{
	struct evcan_bit_timing_fd t;
	const int r = evcan_bit_timing_fd_from_sample_point(&t,
	    (uint32_t)q->n[0], (uint32_t)q->n[1], q->real[2],
	    (uint32_t)q->n[3], q->real[4], NULL);

	if (r == 0)
		put_fd(&t);
	return r;
}

static int
adjust(const struct question *q)
{
	const uint32_t clocks[] = { (uint32_t)q->n[6], (uint32_t)q->n[7] };
	struct evcan_timing t = { .classic = classic(q->n) };
	const int r = evcan_timing_adjust_clock(&t, clocks, 2, NULL);

	if (r >= 0)
		put(&t.classic);
	return r;
}

static int
adjust_fd(const struct question *q)
{
	const uint32_t clocks[] = { (uint32_t)q->n[9], (uint32_t)q->n[10] };
	struct evcan_timing t = { .fd = true, .flexible = flexible(q->n) };
	const int r = evcan_timing_adjust_clock(&t, clocks, 2, NULL);

	if (r >= 0)
		put_fd(&t.flexible);
	return r;
}

static const struct {
	const char *word;
	int (*answer)(const struct question *q);
} questions[] = {
	{ "values", values },           /* timing strict delay length */
	{ "values_fd", values_fd },
	{ "registers", registers },     /* f_clock btr0 btr1 */
	{ "segments", segments },       /* timing strict bitrate */
	{ "segments_fd", segments_fd }, /* timing strict bitrate bitrate */
	{ "all", all },                 /* f_clock bitrate sample_point */
	{ "all_fd", all_fd },           /* f_clock, two of each */
	{ "best", best },
	{ "best_fd", best_fd },
	{ "adjust", adjust },           /* timing f_clock f_clock */
	{ "adjust_fd", adjust_fd }
};

static int
answer(char *line)
{
	struct question q;
	char *rest = line, *word = strsep(&rest, " \n"), *part;
	size_t n = 0;

	memset(&q, 0, sizeof(q));
	while ((part = strsep(&rest, " \n")) != NULL && n < PARTS_MAX) {
		q.n[n] = strtoul(part, NULL, 10);
		q.real[n++] = strtod(part, NULL);
	}
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		if (strcmp(questions[i].word, word) == 0) {
			puts(questions[i].answer(&q) < 0 ? "error" : "");
			return 0;
		}
	fprintf(stderr, "unknown question: %s\n", word);
	return -1;
}

int
main(void)
{
	char line[1000];

	while (fgets(line, sizeof(line), stdin) != NULL)
		if (answer(line) < 0)
			return 2;
	return 0;
}
