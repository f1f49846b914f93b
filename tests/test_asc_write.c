/* SPDX-License-Identifier: BSD-3-Clause */
/* test_asc_write.c - Vector ASC written: bytes, options, what is lost */
#include "asc_fixture.h"

static const char *const utc_only[] = { "tz=utc", NULL };

#define T0 (1483389946 * SEC + 13000000)
#define HEAD "date Mon Jan 2 08:45:46.013 pm 2017\r\n" \
	"base hex  timestamps absolute\r\n" \
	"internal events logged\r\n" \
	"// version 18.2.0\r\n" \
	"Begin Triggerblock Mon Jan 2 08:45:46.013 pm 2017\r\n" \
	"   0.000000 Start of measurement\r\n"
#define BLANKS_33 "                                 "

static void
test_bytes(void **state)
{
	const struct evcan_gap gap = { .lost = 3, .where =
	    EVCAN_LOSS_KERNEL };
	struct evcan_frame frames[] = {
		make("3CE#95EBDA3C", "can0", T0 + 456000),
		make("1E9636C8#", "can1", T0 + 12 * SEC),
		make("00000001#R5", "can1", T0 + 12345 * SEC),
		make("7ff##0", "can1", T0 + 12345 * SEC),
		make("12345678##3000102030405060708090A0B", "vcan3",
		    T0 + 12345 * SEC),
		make("20000080#0000000000000000", "can0", T0 + 12345 * SEC),
		make("20000088#0000040200000000", "can0", T0 + 12345 * SEC),
		make("123#0011223344556677_F", NULL, T0 + 12345 * SEC)
	};
	static const char expected[] = HEAD
	    "   0.000456 1  3CE             Rx   d 4 95 EB DA 3C\r\n"
	    "  12.000000 2  1E9636C8x       Tx   d 0\r\n"
	    "12345.000000 2  1x              TxRq r 5\r\n"
	    "12345.000000 CANFD   2 Rx        7ff  " BLANKS_33
	    "0 0 0  0        0    0     1000        0        0        0"
	    "        0        0\r\n"
	    "// evcan channel 4 = vcan3\r\n"
	    "12345.000000 CANFD   4 Rx   12345678x " BLANKS_33
	    "1 1 9 12 00 01 02 03 04 05 06 07 08 09 0A 0B        0    0     "
	    "7000        0        0        0        0        0\r\n"
	    "12345.000000 1  ErrorFrame\r\n"
	    "12345.000000 1  ErrorFrame ECC: 10100010\r\n"
	    "12345.000000 1  123             Rx   d F 00 11 22 33 44 55 66 77"
	    "\r\n// evcan lost 3 frames on can1 (kernel)\r\n"
	    "// evcan event 12346.000000 hello  world\r\n"
	    "End TriggerBlock\r\n";
	struct encoder e;
	struct result r;
	char *upper;

	(void)state;
	frames[1].dir = EVCAN_DIR_TX;
	frames[2].dir = EVCAN_DIR_TXRQ;
	encoder_begin(&e, utc_only, NULL);
	asc->encode(e.state, frames, 8, &e.out, &e.info);
	asc->encode_gap(e.state, "can1", &gap, &e.out);
	asc->encode_event(e.state, T0 + 12346 * SEC, "hello\r\nworld",
	    &e.out);
	finish_and_read(&e, utc_only, &r);
	evcan_buffer_append(&e.out, "", 1);
	upper = strstr((char *)e.out.data, "7FF");
	assert_non_null(upper);
	memcpy(upper, "7ff", 3);
	assert_string_equal((char *)e.out.data, expected);
	assert_int_equal(r.n, 8);
	for (size_t i = 0; i < 7; i++)
		assert_memory_equal(&r.frames[i], &frames[i],
		    offsetof(struct evcan_frame, data));
	/* The last had no channel, and comes back with one. */
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(e.info.lost[i],
		    (int)i == lost_index("channel"));
	assert_int_equal(r.out.gaps, 1);
	assert_int_equal(r.out.lost, 3);
	assert_string_equal(r.event, "hello  world");
	assert_int_equal(r.event_ns, T0 + 12346 * SEC);
	encoder_end(&e);
}

static void
test_options(void **state)
{
	static const char *const options[] = { "tz=+02:00", "digits=9",
	    "timestamps_format=relative", "base=dec", "channel=7",
	    "channels=left=9", NULL };
	static const char *const back[] = { "tz=+02:00", NULL };
	struct evcan_frame frames[] = {
		make("3CE#95EB0A", NULL, T0 + 1),
		make("1E9636C8#R3", "left", T0 + 3),
		make("012##00A", "left", T0 + 2 * SEC)
	};
	struct encoder e;
	struct result r;

	(void)state;
	encoder_begin(&e, options, NULL);
	asc->encode(e.state, frames, 3, &e.out, &e.info);
	finish_and_read(&e, back, &r);
	evcan_buffer_append(&e.out, "", 1);
	assert_non_null(strstr((char *)e.out.data, "10:45:46.013 pm 2017\r\n"
	    "base dec  timestamps relative\r\n"));
	assert_non_null(strstr((char *)e.out.data, "   0.000000001 7  974    "
	    "         Rx   d 3 149 235  10\r\n// evcan channel 9 = left\r\n"
	    "   0.000000002 9  513160904x      Rx   r 3\r\n"
	    "   1.999999997 CANFD   9 Rx         12"));
	assert_int_equal(r.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(r.frames[i].time_ns, frames[i].time_ns);
	assert_string_equal(show(&r.frames[1]), "left Rx 1E9636C8#R3");
	assert_string_equal(show(&r.frames[2]), "left Rx 012##00A");
	encoder_end(&e);
}

static void
test_relative_log(void **state)
{
	struct evcan_frame frames[] = {
		make("3CE#95", "can0", 5000000),
		make("3CE#95", "can0", 7 * SEC)
	};
	struct encoder e;
	struct result r;

	(void)state;
	frames[0].clock = frames[1].clock = EVCAN_CLOCK_RELATIVE;
	encoder_begin(&e, NULL, NULL);
	asc->encode(e.state, frames, 2, &e.out, &e.info);
	finish_and_read(&e, NULL, &r);
	assert_memory_equal(e.out.data, "base hex  timestamps", 20);
	assert_int_equal(r.n, 2);
	assert_memory_equal(r.frames, frames, 32);
	assert_int_equal(r.frames[1].time_ns, 7 * SEC);
	assert_int_equal(r.frames[1].clock, EVCAN_CLOCK_RELATIVE);
	encoder_end(&e);
	/* A line of text alone, and nothing at all, are logs, too */
	encoder_begin(&e, utc_only, NULL);
	asc->encode_event(e.state, T0 + 5000, "text", &e.out);
	finish_and_read(&e, utc_only, &r);
	assert_int_equal(r.events, 1);
	assert_int_equal(r.event_ns, T0 + 5000);
	assert_string_equal(r.event, "text");
	encoder_end(&e);
	encoder_begin(&e, NULL, NULL);
	finish_and_read(&e, NULL, &r);
	assert_true(asc->bid(e.out.data, e.out.len) > 50);
	assert_int_equal(r.n, 0);
	encoder_end(&e);
}

static void
test_lost(void **state)
{
	static const char *const names[] = { "nanoseconds", "time", "echo",
	    "hops", "clock", "dlc", "error", "direction" };
	struct evcan_frame frames[] = {
		make("123#11", "can0", T0 + 999),
		make("123#11", "can0", T0 - 1),
		make("123#11", "can0", T0),
		make("123#11", "can0", T0),
		make("123#11", "can0", T0),
		make("123##011", "can0", T0),
		make("20000004#0001000000000000", "can0", T0),
		make("20000080#0000000000000000", "can0", T0)
	};
	struct encoder e;
	struct result r;

	(void)state;
	frames[2].flags |= EVCAN_FRAME_ECHO;
	frames[3].hops = 1;
	frames[4].clock = EVCAN_CLOCK_HOST;
	frames[5].dlc = 5;
	frames[7].dir = EVCAN_DIR_TX;
	encoder_begin(&e, utc_only, NULL);
	for (size_t i = 0; i < 8; i++) {
		struct evcan_encode info = { 0 };
		uint64_t sum = 0;

		asc->encode(e.state, &frames[i], 1, &e.out, &info);
		for (size_t k = 0; k < 16; k++)
			sum += info.lost[k];
		assert_int_equal(sum, 1);
		assert_int_equal(info.lost[lost_index(names[i])], 1);
		assert_int_equal(info.unfit, 0);
	}
	finish_and_read(&e, utc_only, &r);
	assert_int_equal(r.n, 8);
	assert_int_equal(r.frames[0].time_ns, T0);
	assert_int_equal(r.frames[1].time_ns, T0);
	encoder_end(&e);
}

/* More channels than a byte has numbers. */
static void
test_many_channels(void **state)
{
	const size_t limit = 255;
	struct encoder e;
	char name[20];

	(void)state;
	encoder_begin(&e, utc_only, NULL);
	for (size_t i = 0; i < limit + 2; i++) {
		struct evcan_frame frame;

		snprintf(name, sizeof(name), "many%zu", i);
		frame = make("123#11", name, T0);
		asc->encode(e.state, &frame, 1, &e.out, &e.info);
	}
	assert_int_equal(e.info.lost[lost_index("channel")], 2);
	encoder_end(&e);
}

/* Writes a frame, then appends another. */
static void
append(const char *head, int64_t ns, uint8_t clock, struct result *r)
{
	struct evcan_frame frame = make("222#22", "vcan9", ns);
	struct evcan_past past = { (const uint8_t *)head, strlen(head),
	    strlen(head) };
	struct encoder e;
	struct evcan_buffer all = { 0 };

	frame.clock = clock;
	encoder_begin(&e, utc_only, &past);
	asc->encode(e.state, &frame, 1, &e.out, &e.info);
	assert_int_equal(asc->finish(e.state, &e.out), 0);
	evcan_buffer_append(&all, head, strlen(head));
	evcan_buffer_append(&all, e.out.data, e.out.len);
	read_bytes(all.data, all.len, SIZE_MAX / 2, utc_only, r);
	assert_int_equal(r->errors + r->out.skipped, 0);
	assert_int_equal(r->n, 2);
	assert_int_equal(r->frames[1].time_ns, ns);
	assert_int_equal(r->frames[1].clock, clock);
	assert_string_equal(show(&r->frames[1]), "vcan9 Rx 222#22");
	/* It goes on under the first header, or begins anew */
	evcan_buffer_append(&e.out, "", 1);
	r->events = strstr((char *)e.out.data, "base ") == NULL;
	free(all.data);
	encoder_end(&e);
}

static void
test_append(void **state)
{
	static const char dated[] = HEAD
	    "   1.000000 1  123             Rx   d 1 11\r\n"
	    "End TriggerBlock\r\n";
	static const char dec[] = "date Mon Jan 2 08:45:46.013 pm 2017\n"
	    "base dec  timestamps absolute\n"
	    "   5.000000 1  123             Rx   d 1 11\n";
	static const char gaps[] = "date Mon Jan 2 08:45:46.013 pm 2017\n"
	    "base hex  timestamps relative\n"
	    "   5.000000 1  123             Rx   d 1 11\n";
	static const char none[] = "base hex  timestamps absolute\n"
	    "   5.000000 1  123             Rx   d 1 11\n";
	struct result r;

	(void)state;
	append(dated, T0 + 2 * SEC, EVCAN_CLOCK_KERNEL, &r);
	assert_true(r.events);
	/* Earlier than the last one, but not than the start */
	append(dated, T0 + SEC / 2, EVCAN_CLOCK_KERNEL, &r);
	assert_true(r.events);
	append(dec, T0 + SEC / 2, EVCAN_CLOCK_KERNEL, &r);
	assert_true(r.events);
	append(dated, T0 - 2 * SEC, EVCAN_CLOCK_KERNEL, &r);
	assert_false(r.events);
	append(dated, 2 * SEC, EVCAN_CLOCK_RELATIVE, &r);
	assert_false(r.events);
	append(gaps, T0 + 2 * SEC, EVCAN_CLOCK_KERNEL, &r);
	assert_false(r.events);
	append(none, T0 + 2 * SEC, EVCAN_CLOCK_KERNEL, &r);
	assert_false(r.events);
}

/* Local time with its summer time: every start comes back, in the hour that
 * the clock shows twice, too. */
static void
test_berlin(void **state)
{
	static const int64_t starts[] = { 1717236000, 1704067200, 1711846799,
	    1711846800, 1729983600, 1729987199, 1729987200, 1729990799,
	    1729990800, 1729994400 };
	const char *before = getenv("TZ");
	char *kept = before != NULL ? strdup(before) : NULL;

	(void)state;
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct evcan_frame frame = make("123#11", "can0",
		    starts[i] * SEC + 123456000);
		struct encoder e;
		struct result r;

		encoder_begin(&e, NULL, NULL);
		asc->encode(e.state, &frame, 1, &e.out, &e.info);
		finish_and_read(&e, NULL, &r);
		assert_int_equal(r.n, 1);
		assert_int_equal(r.frames[0].time_ns, frame.time_ns);
		assert_int_equal(r.frames[0].clock, EVCAN_CLOCK_KERNEL);
		encoder_end(&e);
	}
	if (kept != NULL)
		setenv("TZ", kept, 1);
	else
		unsetenv("TZ");
	tzset();
	free(kept);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_relative_log),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_many_channels),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_berlin),
	};

	asc = evcan_format_find("asc");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
