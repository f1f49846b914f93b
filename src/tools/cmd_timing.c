/* SPDX-License-Identifier: BSD-3-Clause */
/* cmd_timing.c - evcan timing: bit timing for a clock and a bitrate */
#include "tool.h"

#include <stdlib.h>
#include <string.h>

#define MHZ 1000000u
#define ROWS 10            /* shown without --all */
/* Of the oscillator tolerance: python-can's defaults. */
#define LOOP_DELAY_NS 250
#define LENGTH_M 10

/* brp, its step, tseg1, tseg2, sjw. What is 0 throughout is not there. */
#define LIMITS(brp, tseg1_min, tseg1_max, tseg2_min, tseg2_max, sjw) \
	{ 1, brp, 1, tseg1_min, tseg1_max, tseg2_min, tseg2_max, sjw }

static const struct controller {
	const char *name;
	struct evcan_bit_limits classic, nominal, data;
	bool strict;
} controllers[] = {
	{ "generic", LIMITS(32, 1, 16, 1, 8, 4), LIMITS(256, 2, 128, 2, 32, 32),
	  LIMITS(256, 1, 16, 2, 8, 8), true },
	{ "sja1000", LIMITS(64, 1, 16, 1, 8, 4), { 0 }, { 0 }, false },
	{ "bxcan", LIMITS(1024, 1, 16, 1, 8, 4), { 0 }, { 0 }, false },
	{ "flexcan", LIMITS(256, 4, 16, 2, 8, 4), { 0 }, { 0 }, false },
	{ "mcan", LIMITS(512, 2, 256, 2, 128, 128),
	  LIMITS(512, 2, 256, 2, 128, 128), LIMITS(32, 1, 32, 1, 16, 16),
	  false },
	{ "mcp251xfd", LIMITS(256, 2, 256, 1, 128, 128),
	  LIMITS(256, 2, 256, 1, 128, 128), LIMITS(256, 1, 32, 1, 16, 16),
	  false },
	{ "peak", LIMITS(1024, 1, 256, 1, 128, 128),
	  LIMITS(1024, 1, 256, 1, 128, 128), LIMITS(1024, 1, 32, 1, 16, 16),
	  false },
	{ "kvaser", LIMITS(8192, 1, 255, 1, 32, 16),
	  LIMITS(8192, 1, 255, 1, 32, 16), LIMITS(8192, 1, 255, 1, 32, 16),
	  false }
};

#define N_CONTROLLERS (sizeof(controllers) / sizeof(controllers[0]))

/* What is asked, and all that answers it. */
struct job {
	const struct controller *controller;
	struct evcan_bit_request request;
	unsigned nof_samples;
	struct evcan_bit_pair *pairs;
	size_t n, shown;
};

/* One bit of a solution in numbers. */
struct bit {
	struct evcan_bit_segments s;
	unsigned quanta;
	double sample_point, bitrate, error;   /* percent, bit/s, percent */
};

static bool
is_fd(const struct job *job)
{
	return job->request.data.bitrate > 0;
}

static struct bit
bit_of(const struct job *job, const struct evcan_bit_segments *s,
    uint32_t bitrate)
{
	struct bit bit = { .s = *s, .quanta = 1u + s->tseg1 + s->tseg2 };

	bit.sample_point = 100.0 * (1 + s->tseg1) / bit.quanta;
	bit.bitrate = job->request.f_clock / ((double)s->brp * bit.quanta);
	bit.error = (bit.bitrate - bitrate) / bitrate * 100;
	return bit;
}

/* The solution as the library has it. @return false: it cannot say that */
static bool
timing_of(const struct job *job, const struct evcan_bit_pair *pair,
    struct evcan_timing *timing)
{
	const struct evcan_bit_segments *a = &pair->nominal, *b = &pair->data;

	memset(timing, 0, sizeof(*timing));
	timing->fd = is_fd(job);
	if (timing->fd) {
		timing->flexible = (struct evcan_bit_timing_fd){
			job->request.f_clock, a->brp, a->tseg1, a->tseg2,
			a->sjw, b->brp, b->tseg1, b->tseg2, b->sjw };
		return evcan_bit_timing_fd_check(&timing->flexible, NULL) == 0;
	}
	if (a->tseg1 > UINT8_MAX || a->tseg2 > UINT8_MAX ||
	    a->sjw > UINT8_MAX)
		return false;
	timing->classic = (struct evcan_bit_timing){ job->request.f_clock,
		a->brp, (uint8_t)a->tseg1, (uint8_t)a->tseg2, (uint8_t)a->sjw,
		(uint8_t)job->nof_samples };
	return evcan_bit_timing_check(&timing->classic, NULL) == 0;
}

/* Percent; negative: segments that the library's timing cannot have. */
static double
tolerance(const struct evcan_timing *timing, bool sayable)
{
	if (!sayable)
		return -1;
	return timing->fd ? evcan_bit_timing_fd_oscillator_tolerance(
	    &timing->flexible, LOOP_DELAY_NS, LENGTH_M) :
	    evcan_bit_timing_oscillator_tolerance(&timing->classic,
	    LOOP_DELAY_NS, LENGTH_M);
}

/* Registers mean something with the clock that an SJA1000 has. */
static bool
has_btr(const struct job *job)
{
	return !is_fd(job) && (job->request.f_clock == 8 * MHZ ||
	    strcmp(job->controller->name, "sja1000") == 0);
}

/* A quantum as ip-link(8) takes it, in whole nanoseconds. @return 0 if the
 * kernel would make another prescaler of it */
static unsigned
link_quantum(uint32_t f_clock, uint32_t brp)
{
	const uint64_t tq = (uint64_t)brp * 1000000000 / f_clock;
	const uint64_t back = (tq * f_clock + 499999999) / 1000000000;

	return back == brp && tq <= UINT32_MAX ? (unsigned)tq : 0;
}

/* "tq 125 prop-seg 6 phase-seg1 7 phase-seg2 2 sjw 1": ip-link divides what
 * comes before the sample point once more, and sjw must fit phase-seg1. */
static int
put_link_bit(char *p, size_t size, uint32_t f_clock, const char *letter,
    const struct evcan_bit_segments *s)
{
	unsigned phase1 = s->tseg1 - s->tseg1 / 2u;

	if (phase1 < s->sjw)
		phase1 = s->sjw < s->tseg1 ? s->sjw : s->tseg1;
	return snprintf(p, size, " %stq %u %sprop-seg %u %sphase-seg1 %u "
	    "%sphase-seg2 %u %ssjw %u", letter, link_quantum(f_clock, s->brp),
	    letter, s->tseg1 - phase1, letter, phase1, letter,
	    (unsigned)s->tseg2, letter, (unsigned)s->sjw);
}

#define LINK_MAX 256

/* The whole command, or "". */
static void
put_link(char out[LINK_MAX], const struct job *job,
    const struct evcan_bit_pair *pair)
{
	const uint32_t f_clock = job->request.f_clock;
	int n;

	out[0] = '\0';
	if (link_quantum(f_clock, pair->nominal.brp) == 0 || (is_fd(job) &&
	    link_quantum(f_clock, pair->data.brp) == 0))
		return;
	n = snprintf(out, LINK_MAX, "ip link set can0 type can");
	n += put_link_bit(out + n, LINK_MAX - (size_t)n, f_clock, "",
	    &pair->nominal);
	if (is_fd(job)) {
		n += put_link_bit(out + n, LINK_MAX - (size_t)n, f_clock, "d",
		    &pair->data);
		snprintf(out + n, LINK_MAX - (size_t)n, " fd on");
	} else if (job->nof_samples == 3) {
		snprintf(out + n, LINK_MAX - (size_t)n, " triple-sampling on");
	}
}

/* "80 MHz", "83333 bit/s" with the largest unit that leaves no fraction. */
static const char *
rate_text(char out[32], uint32_t value, const char *unit)
{
	if (value % MHZ == 0)
		snprintf(out, 32, "%u M%s", value / MHZ, unit);
	else if (value % 1000 == 0)
		snprintf(out, 32, "%u k%s", value / 1000, unit);
	else
		snprintf(out, 32, "%u %s", value, unit);
	return out;
}

static void
print_head(const struct job *job)
{
	const struct evcan_bit_request *r = &job->request;
	char rate[32];

	printf("%s", rate_text(rate, r->nominal.bitrate, "bit/s"));
	printf(" at %.4g %%", r->nominal.sample_point);
	if (is_fd(job)) {
		printf(", %s", rate_text(rate, r->data.bitrate, "bit/s"));
		printf(" at %.4g %%", r->data.sample_point);
	}
	printf(", clock %s", rate_text(rate, r->f_clock, "Hz"));
	printf(", %s limits: %zu solution%s\n\n", job->controller->name,
	    job->n, job->n == 1 ? "" : "s");
	if (is_fd(job))
		puts("         nominal                        data\n"
		    "   #  brp  tq tseg1 tseg2 sjw sample   brp tq tseg1 tseg2"
		    " sjw sample  error  osc.");
	else
		printf("   #   brp  quanta  tseg1  tseg2  sjw   sample     "
		    "error    osc.%s\n", has_btr(job) ? "  BTR0 BTR1" : "");
}

/* Percent, "0" when exact. */
static const char *
error_text(char out[16], double percent)
{
	if (percent > -1e-9 && percent < 1e-9)
		snprintf(out, 16, "0");
	else
		snprintf(out, 16, "%+.3f%%", percent);
	return out;
}

static void
print_row(const struct job *job, size_t i)
{
	const struct evcan_bit_pair *pair = &job->pairs[i];
	const struct bit a = bit_of(job, &pair->nominal,
	    job->request.nominal.bitrate);
	struct evcan_timing timing;
	const bool sayable = timing_of(job, pair, &timing);
	const double osc = tolerance(&timing, sayable);
	char error[16], part[16] = "-";

	if (osc >= 0)
		snprintf(part, sizeof(part), "%.2f%%", osc);
	if (is_fd(job)) {
		const struct bit b = bit_of(job, &pair->data,
		    job->request.data.bitrate);
		const double worst = a.error * a.error > b.error * b.error ?
		    a.error : b.error;

		printf("%4zu %4u %3u %5u %5u %3u %5.1f%% %5u %2u %5u %5u %3u"
		    " %5.1f%% %6s %5s\n", i + 1, a.s.brp, a.quanta, a.s.tseg1,
		    a.s.tseg2, a.s.sjw, a.sample_point, b.s.brp, b.quanta,
		    b.s.tseg1, b.s.tseg2, b.s.sjw, b.sample_point,
		    error_text(error, worst), part);
		return;
	}
	printf("%4zu  %4u  %6u  %5u  %5u  %3u  %6.2f%%  %8s  %6s", i + 1,
	    a.s.brp, a.quanta, a.s.tseg1, a.s.tseg2, a.s.sjw, a.sample_point,
	    error_text(error, a.error), part);
	if (sayable && has_btr(job)) {
		const unsigned btr = evcan_bit_timing_btr(&timing.classic);

		printf("  0x%02X 0x%02X", btr >> 8, btr & 0xff);
	}
	putchar('\n');
}

/* What to type for one of them. */
static void
print_words(const struct job *job, size_t i)
{
	struct evcan_timing timing;
	char text[EVCAN_TIMING_TEXT_MAX], link[LINK_MAX];

	printf("\nTo have number %zu, give evcan\n  ", i + 1);
	if (timing_of(job, &job->pairs[i], &timing)) {
		evcan_timing_format(&timing, text, sizeof(text));
		printf("--timing %s\n", text);
	} else {
		puts("nothing: its --timing for classic CAN ends at brp 64, "
		    "tseg1 16, tseg2 8, sjw 4");
	}
	put_link(link, job, &job->pairs[i]);
	printf("or, where the kernel drives the controller (tseg1 is prop-seg"
	    " + phase-seg1)\n  %s\n", link[0] ? link :
	    "nothing: no whole number of nanoseconds names this quantum");
}

static void
print_json_bit(const struct job *job, const struct evcan_bit_segments *s,
    uint32_t bitrate)
{
	const struct bit bit = bit_of(job, s, bitrate);

	printf("{\"brp\": %u, \"tseg1\": %u, \"tseg2\": %u, \"sjw\": %u, "
	    "\"quanta\": %u, \"tq_ns\": %.10g, \"sample_point\": %.10g, "
	    "\"bitrate\": %.10g, \"error\": %.10g}", s->brp, s->tseg1,
	    s->tseg2, s->sjw, bit.quanta, s->brp * 1e9 /
	    job->request.f_clock, bit.sample_point, bit.bitrate, bit.error);
}

static void
print_json_row(const struct job *job, size_t i)
{
	const struct evcan_bit_pair *pair = &job->pairs[i];
	struct evcan_timing timing;
	const bool sayable = timing_of(job, pair, &timing);
	char text[EVCAN_TIMING_TEXT_MAX], link[LINK_MAX];

	fputs(i > 0 ? ",\n  {\"nominal\": " : "\n  {\"nominal\": ", stdout);
	print_json_bit(job, &pair->nominal, job->request.nominal.bitrate);
	if (is_fd(job)) {
		fputs(", \"data\": ", stdout);
		print_json_bit(job, &pair->data, job->request.data.bitrate);
	}
	if (sayable) {
		evcan_timing_format(&timing, text, sizeof(text));
		printf(", \"tolerance\": %.6g, \"timing\": ",
		    tolerance(&timing, sayable));
		json_text(stdout, text);
	}
	if (sayable && has_btr(job)) {
		const unsigned btr = evcan_bit_timing_btr(&timing.classic);

		printf(", \"btr0\": %u, \"btr1\": %u", btr >> 8, btr & 0xff);
	}
	put_link(link, job, pair);
	if (link[0]) {
		fputs(", \"ip_link\": ", stdout);
		json_text(stdout, link);
	}
	putchar('}');
}

static void
print_json(const struct job *job)
{
	const struct evcan_bit_request *r = &job->request;

	printf("{\"controller\": \"%s\", \"clock\": %u, \"bitrate\": %u, "
	    "\"sample_point\": %.10g, ", job->controller->name,
	    (unsigned)r->f_clock, (unsigned)r->nominal.bitrate,
	    r->nominal.sample_point);
	if (is_fd(job))
		printf("\"data_bitrate\": %u, \"data_sample_point\": %.10g, ",
		    (unsigned)r->data.bitrate, r->data.sample_point);
	printf("\"count\": %zu, \"solutions\": [", job->n);
	for (size_t i = 0; i < job->shown; i++)
		print_json_row(job, i);
	fputs("]}\n", stdout);
}

static void
print(const struct job *job, size_t pick)
{
	if (common.json) {
		print_json(job);
		return;
	}
	print_head(job);
	for (size_t i = 0; i < job->shown; i++)
		print_row(job, i);
	if (job->shown < job->n)
		printf("      and %zu more with --all\n", job->n - job->shown);
	print_words(job, pick - 1);
}

/* What the words of the command line say. */
struct words {
	const char *clock, *bitrate, *data_bitrate, *controller;
	const char *sample_point, *data_sample_point;
	struct list timing;
	uint64_t pick;
	bool all;
};

/* "80M", "500k", "83.333k", "1_000_000": whole Hz or bit/s. */
static int
read_rate(const char *flag, const char *text, uint32_t *to)
{
	const char *p = text;
	uint64_t value = 0, unit = 1, part = 0;

	for (; (*p >= '0' && *p <= '9') || (*p == '_' && p > text); p++)
		if (*p != '_' && value <= UINT32_MAX)
			value = value * 10 + (unsigned)(*p - '0');
	/* A millionth is the last that can become whole. */
	if (p > text && *p == '.')
		for (p++, unit = MHZ; *p >= '0' && *p <= '9' && unit > 1;
		    p++, unit /= 10)
			part += unit / 10 * (unsigned)(*p - '0');
	unit = *p == 'k' || *p == 'K' ? 1000 : *p == 'M' ? MHZ : 1;
	if (unit > 1)
		p++;
	if (p == text || *p || part * unit % MHZ != 0 || value > UINT32_MAX ||
	    value * unit + part * unit / MHZ - 1 >= UINT32_MAX)
		return usage("--%s takes a whole number up to 4294967295, as "
		    "8000000, 500k or 83.333k, not \"%s\"", flag, text);
	*to = (uint32_t)(value * unit + part * unit / MHZ);
	return 0;
}

/* Those of CiA 301 and of the kernel, unless one is given. */
static int
read_point(const char *flag, const char *text, uint32_t bitrate, double *to)
{
	char *end;

	*to = bitrate > 800000 ? 75 : bitrate > 500000 ? 80 : 87.5;
	if (!text)
		return 0;
	*to = strtod(text, &end);
	if (end == text || strcmp(end + (*end == '%'), "") != 0 ||
	    !(*to >= 50 && *to <= 100))
		return usage("--%s takes percent from 50 to 100, not \"%s\"",
		    flag, text);
	return 0;
}

static int
find_controller(struct job *job, const char *name)
{
	const char *names[N_CONTROLLERS + 1], *near;
	char list[200] = "";

	for (size_t i = 0; i < N_CONTROLLERS; i++) {
		names[i] = controllers[i].name;
		if (strcmp(name, names[i]) == 0) {
			job->controller = &controllers[i];
			return 0;
		}
		snprintf(list + strlen(list), sizeof(list) - strlen(list),
		    "%s%s", i > 0 ? ", " : "", names[i]);
	}
	names[N_CONTROLLERS] = NULL;
	near = nearest(name, names);
	if (near)
		return usage("unknown controller \"%s\"; did you mean \"%s\"?",
		    name, near);
	return usage("unknown controller \"%s\"; there are %s", name, list);
}

static int
set_limits(struct job *job)
{
	struct evcan_bit_request *r = &job->request;
	const struct controller *c = job->controller;

	r->strict = c->strict;
	r->nominal.limits = is_fd(job) ? c->nominal : c->classic;
	r->data.limits = c->data;
	if (is_fd(job) && c->data.brp_max == 0)
		return usage("the controller %s has no CAN FD", c->name);
	return 0;
}

static int
read_request(struct job *job, const struct words *words)
{
	struct evcan_bit_request *r = &job->request;
	int rc;

	if (!words->clock || !words->bitrate)
		return usage("--%s is missing", words->clock ? "bitrate" :
		    "clock");
	if ((rc = read_rate("clock", words->clock, &r->f_clock)) ||
	    (rc = read_rate("bitrate", words->bitrate, &r->nominal.bitrate)) ||
	    (words->data_bitrate && (rc = read_rate("data-bitrate",
	    words->data_bitrate, &r->data.bitrate))))
		return rc;
	if (words->data_sample_point && !words->data_bitrate)
		return usage("--data-sample-point needs --data-bitrate");
	if ((rc = read_point("sample-point", words->sample_point,
	    r->nominal.bitrate, &r->nominal.sample_point)) ||
	    (rc = read_point("data-sample-point", words->data_sample_point,
	    r->data.bitrate, &r->data.sample_point)))
		return rc;
	return set_limits(job);
}

/* All solutions, best first. */
static int
solve(struct job *job)
{
	struct evcan_error err = { 0 };
	char clock[32], rate[32], data[32] = "";
	int n = evcan_bit_timing_solve(NULL, 0, &job->request, &err);

	if (n < 0)
		return fail_error(&err);
	if (is_fd(job))
		rate_text(data, job->request.data.bitrate, "bit/s");
	if (n == 0)
		return fail("a clock of %s gives no %s%s%s, within 1/256 and "
		    "the %s limits", rate_text(clock, job->request.f_clock,
		    "Hz"), rate_text(rate, job->request.nominal.bitrate,
		    "bit/s"), is_fd(job) ? " with " : "", data,
		    job->controller->name);
	job->n = (size_t)n;
	job->pairs = calloc(job->n, sizeof(*job->pairs));
	if (!job->pairs)
		return fail("out of memory");
	evcan_bit_timing_solve(job->pairs, job->n, &job->request, &err);
	return 0;
}

/* The pairs of --timing in one text. */
static char *
join(const struct list *list)
{
	size_t room = 1;
	char *text, *p;

	for (size_t i = 0; i < list->n; i++)
		room += strlen(list->items[i]) + 1;
	text = p = malloc(room);
	for (size_t i = 0; p && i < list->n; i++)
		p += sprintf(p, "%s%s", i > 0 ? " " : "", list->items[i]);
	return text;
}

/* The one solution that --timing is. */
static void
take_timing(struct job *job, const struct evcan_timing *timing)
{
	const struct evcan_bit_timing *a = &timing->classic;
	const struct evcan_bit_timing_fd *b = &timing->flexible;
	struct evcan_bit_request *r = &job->request;
	struct evcan_bit_pair *pair = &job->pairs[0];

	if (!timing->fd) {
		r->f_clock = a->f_clock;
		r->nominal.bitrate = evcan_bit_timing_bitrate(a);
		r->nominal.sample_point = evcan_bit_timing_sample_point(a);
		job->nof_samples = a->nof_samples;
		pair->nominal = (struct evcan_bit_segments){ a->brp, a->tseg1,
			a->tseg2, a->sjw };
		return;
	}
	r->f_clock = b->f_clock;
	r->nominal.bitrate = evcan_bit_timing_fd_nominal(b);
	r->nominal.sample_point = evcan_bit_timing_fd_nom_sample_point(b);
	r->data.bitrate = evcan_bit_timing_fd_data(b);
	r->data.sample_point = evcan_bit_timing_fd_data_sample_point(b);
	pair->nominal = (struct evcan_bit_segments){ b->nom_brp, b->nom_tseg1,
		b->nom_tseg2, b->nom_sjw };
	pair->data = (struct evcan_bit_segments){ b->data_brp, b->data_tseg1,
		b->data_tseg2, b->data_sjw };
}

/* --timing: what a given one is, or becomes with another clock. */
static int
explain(struct job *job, const struct words *words)
{
	struct evcan_error err = { 0 };
	struct evcan_timing timing;
	uint32_t clock = 0;
	char *text;
	int rc;

	if (words->bitrate || words->data_bitrate || words->sample_point ||
	    words->data_sample_point)
		return usage("--timing says the bitrate already");
	if (words->clock && (rc = read_rate("clock", words->clock, &clock)))
		return rc;
	text = join(&words->timing);
	job->pairs = calloc(1, sizeof(*job->pairs));
	if (!text || !job->pairs) {
		free(text);
		return fail("out of memory");
	}
	rc = evcan_timing_parse(&timing, text, &err);
	free(text);
	if (rc == 0 && words->clock)
		rc = evcan_timing_adjust_clock(&timing, &clock, 1, &err);
	if (rc < 0)
		return fail_error(&err);
	take_timing(job, &timing);
	if (job->request.nominal.bitrate == 0)
		return fail("that is less than 1 bit/s");
	job->n = 1;
	return 0;
}

static int
timing(const struct words *words)
{
	struct job job = { .nof_samples = 1 };
	int rc = find_controller(&job, words->controller);

	if (!rc)
		rc = words->timing.n > 0 ? explain(&job, words) :
		    read_request(&job, words);
	if (!rc && words->timing.n == 0)
		rc = solve(&job);
	if (!rc && (words->pick == 0 || words->pick > job.n))
		rc = usage("--pick takes a number from 1 to %zu", job.n);
	if (!rc) {
		job.shown = words->all || job.n < ROWS ? job.n : ROWS;
		print(&job, (size_t)words->pick);
	}
	free(job.pairs);
	return rc;
}

static int
run(int argc, char **argv)
{
	static struct words words = { .controller = "generic", .pick = 1 };
	const struct flag own[] = {
		{ "clock", 'c', FLAG_TEXT, &words.clock },
		{ "bitrate", 'b', FLAG_TEXT, &words.bitrate },
		{ "data-bitrate", 0, FLAG_TEXT, &words.data_bitrate },
		{ "sample-point", 0, FLAG_TEXT, &words.sample_point },
		{ "data-sample-point", 0, FLAG_TEXT,
		  &words.data_sample_point },
		{ "controller", 0, FLAG_TEXT, &words.controller },
		{ "timing", 0, FLAG_LIST, &words.timing },
		{ "pick", 0, FLAG_NUMBER, &words.pick },
		{ "all", 'a', FLAG_BOOL, &words.all },
		{ .name = NULL }
	};
	const struct flag *const tables[] = { own };
	struct args args;
	int rc = args_read(&args, argc, argv, tables, 1);

	if (!rc && args.n > 0)
		rc = usage("takes flags only, not \"%s\"", args.words[0]);
	if (!rc)
		rc = timing(&words);
	args_free(&args);
	return rc < 0 ? STATUS_OK : rc;
}

const struct command cmd_timing = {
	.name = "timing",
	.summary = "computes bit timing for a clock and a bitrate",
	.help =
"\nusage: evcan timing --clock HZ --bitrate N [--data-bitrate N]\n"
"       evcan timing --timing K=V... [--clock HZ]\n\n"
"Prints what a controller's clock can be divided into, best first: by error of\n"
"the bitrate, distance to the sample point, prescaler; and what to type for it.\n"
"With --timing: what that timing is, or becomes with another clock.\n\n"
"  -c, --clock HZ            the controller's clock: 8M, 80M, 24000000\n"
"  -b, --bitrate N           500k, 83.333k, 1M\n"
"  --data-bitrate N          that of CAN FD data\n"
"  --sample-point P          percent (87.5, 80 above 500k, 75 above 800k)\n"
"  --data-sample-point P     the same of CAN FD data\n"
"  --controller NAME         whose limits: generic (what all can do), sja1000,\n"
"                            bxcan, flexcan, mcan, mcp251xfd, peak, kvaser\n"
"  --pick N                  which to write out (1)\n"
"  -a, --all                 all solutions, not the best ten\n"
"  --json                    one object\n\n"
"  evcan timing --clock 80M --bitrate 500k --data-bitrate 2M\n"
"  evcan timing --timing f_clock=8000000 btr0=0x00 btr1=0x1C\n",
	.run = run
};
