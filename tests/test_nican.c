/* SPDX-License-Identifier: BSD-3-Clause */
/* test_nican.c - NI-CAN's options, filters and frames, on a double */
#include "nican_fixture.h"

/* Opening */

static const struct {
	const char *options;
	long log, read_queue, write_queue, baud, listen;
} openings[] = {
	{ "", 1, 1024, 64, NONE, NONE },
	{ ",bitrate=250000", 1, 1024, 64, 250000, NONE },
	{ ",bitrate=33333,log_errors=false", 0, 1024, 64, 33333, NONE },
	/* NI-CAN has no number for that one: registers, as `evcan timing`. */
	{ ",bitrate=123457", 1, 1024, 64, 0x80001944, NONE },
	{ ",state=PASSIVE", 1, 1024, 64, NONE, 1 },
	{ ",read_queue=7,write_queue=9", 1, 7, 9, NONE, NONE },
	{ ",timing=f_clock=8000000 btr0=0x03 btr1=0x1c", 1, 1024, 64,
	    0x80001c03, NONE },
	{ ",timing=f_clock=8000000 brp=2 tseg1=11 tseg2=4 sjw=3 "
	    "nof_samples=3", 1, 1024, 64, 0x8000ba81, NONE },
	{ ",timing=f_clock=16000000 brp=2 tseg1=13 tseg2=2 sjw=1", 1, 1024,
	    64, 0x80001c00, NONE },
};

static void
options_reach_the_library(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		struct evcan_bus *bus;

		print_message("%s\n", openings[i].options);
		bus = open_with("CAN1", openings[i].options);
		assert_int_equal(attribute(1, NICAN_START_ON_OPEN), 1);
		assert_int_equal(attribute(1, NICAN_LOG_COMM_ERRS),
		    openings[i].log);
		assert_int_equal(attribute(1, NICAN_READ_Q_LEN),
		    openings[i].read_queue);
		assert_int_equal(attribute(1, NICAN_WRITE_Q_LEN),
		    openings[i].write_queue);
		assert_int_equal(attribute(1, NICAN_BAUD_RATE),
		    openings[i].baud);
		assert_int_equal(attribute(1, NICAN_LISTEN_ONLY),
		    openings[i].listen);
		assert_int_equal(attribute(1, NICAN_COMP_STD), 0);
		assert_int_equal(attribute(1, NICAN_MASK_STD), 0);
		assert_int_equal(attribute(1, NICAN_COMP_XTD), NICAN_EXT);
		assert_int_equal(attribute(1, NICAN_MASK_XTD), 0);
		assert_string_equal(evcan_bus_channel_info(bus),
		    "NI-CAN 2.7: CAN1");
		end(bus);
	}
	assert_int_equal(calls("ncCloseObject"), calls("ncOpenObject"));
}

static void
refusals_are_explained(void **state)
{
	static const struct refusal cases[] = {
		{ "reset", "CAN7", { "CAN7", "CanErrBadIntfName" },
		    (int32_t)0xbff62023 },
		{ "set nican_old 1", "CAN7", { "0x80010003",
		    "CanErrBadIntfName" }, (int32_t)0x80010003 },
		{ "fail ncConfig 0xBFF62124", "CAN0", { "ncConfig",
		    "CanErrBadBaudRate" }, (int32_t)0xbff62124 },
		{ "set nican_version 102", "CAN0", { "version is 1.2 and must "
		    "be 1.3 or newer", "NI-CAN package" }, 0 },
		{ "set nican_series 1", "CAN0,state=PASSIVE", { "ncConfig",
		    "CanErrNotSupported" }, (int32_t)0xbff6200a },
		{ "set nican_busy 1", "CAN0,bitrate=100000", { "ncConfig",
		    "somebody" }, (int32_t)0xbff62006 },
		{ "fail ncOpenObject 0xBFF62103", "CAN0", { "ncOpenObject",
		    "CanErrFirmwareNoResponse" }, (int32_t)0xbff62103 },
		{ "fail ncOpenObject 0xBFF62777", "CAN0", { "unknown",
		    "the double's text of BFF62777" }, (int32_t)0xbff62777 },
		{ "unplug 0", "CAN0", { "CAN0", "no such interface" },
		    (int32_t)0xbff62023 },
		{ "reset", "vcan0", { "\"vcan0\"", "CAN1" }, 0 },
		{ "reset", "CAN", { "\"CAN\"" }, 0 },
		{ "reset", "CAN12345", { "\"CAN12345\"" }, 0 },
		{ "reset", "CAN0::STD5", { "\"CAN0::STD5\"" }, 0 },
	};
	static const struct refusal impossible[] = {
		{ "reset", "CAN0,timing=f_clock=80000000 nom_brp=2 "
		    "nom_tseg1=63 nom_tseg2=16 nom_sjw=16 data_brp=2 "
		    "data_tseg1=15 data_tseg2=4 data_sjw=4", { "CAN FD" },
		    0 },
		{ "reset", "CAN0,bitrate=2000000", { "2000000" }, 0 },
		{ "reset", "CAN0,bitrate=765432", { "765432" }, 0 },
	};

	(void)state;
	check_refusals(cases, sizeof(cases) / sizeof(cases[0]),
	    EVCAN_ERR_INIT);
	check_refusals(impossible, 3, EVCAN_ERR_INVALID);
}

/* Of 1.x: an interface tells the version, and statuses have other codes. */
static void
older_libraries_work(void **state)
{
	static const char *const words[] = { "version is 1.2" };
	const struct evcan_filter one = { 1, 0x7ff, EVCAN_FILTER_STD, false };
	struct evcan_bus *a, *b = make(NULL, "CAN1");
	struct evcan_frame frame = frame_of(2, 0, 4);
	struct evcan_error err;

	(void)state;
	evcan_bus_set_filters(b, &one, 1, EVCAN_FILTER_OR, NULL);
	assert_int_equal(evcan_bus_open(b, NULL), 0);
	assert_string_equal(evcan_bus_channel_info(b), "NI-CAN 1.4: CAN1");
	/* It sets nothing while it is open, so it is opened anew. */
	evcan_bus_set_filters(b, NULL, 0, EVCAN_FILTER_OR, NULL);
	assert_int_equal(calls("ncConfig"), 2);
	a = open_now("CAN0");
	send_frame(a, &frame);
	frame = expect(b, 2);
	end(a);
	control("set nican_version 102");
	err = refused("CAN0");
	assert_int_equal(err.code, EVCAN_ERR_INIT);
	says(&err, words, 1);
	assert_int_equal(calls("ncCloseObject"), calls("ncOpenObject") - 1);
	/* One that does not tell will do. */
	control("set nican_version 0");
	a = open_now("CAN0");
	assert_string_equal(evcan_bus_channel_info(a), "NI-CAN: CAN0");
}

static void
library_lacks_a_function(void **state)
{
	static const char *const words[] = { "ncConfig", "Windows" };
	struct evcan_error err;

	(void)state;
	use_library("empty");
	err = refused("CAN0");
	assert_int_equal(err.code, EVCAN_ERR_NOT_IMPLEMENTED);
	says(&err, words, 2);
}

static void
hundred_opens(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		struct evcan_bus *bus = make(base, i % 2 ? "CAN0" : "CAN1");

		assert_int_equal(evcan_bus_open(bus, NULL), 0);
		if (i % 3 == 0)
			UNTIL(evcan_bus_is_open(bus));
		end(bus);
	}
	assert_int_equal(calls("ncCloseObject"), calls("ncOpenObject"));
	assert_int_equal(evcan_vendor_abandoned_(), 0);
}

static void
on_found(const struct evcan_detected *found, void *arg)
{
	static const char *const wanted[] = {
		"NI-CAN card 1 port 1, S/N ABC123",
		"NI-CAN card 1 port 2, S/N ABC123" };
	int *n = arg;

	assert_true(*n < 2);
	assert_string_equal(found->description, wanted[*n]);
	assert_string_equal(found->channel, *n == 0 ? "CAN0" : "CAN1");
	++*n;
}

static void
detects_ports(void **state)
{
	const char *names[] = { "nican", NULL };
	int n = 0;

	(void)state;
	need_double();
	setenv("EVCAN_LIB_NICAN", library, 1);
	assert_int_equal(evcan_detect(names, -1, on_found, &n, NULL), 2);
	assert_int_equal(n, 2);
	control("set nican_lin 1");
	n = 0;
	assert_int_equal(evcan_detect(names, -1, on_found, &n, NULL), 1);
	control("fail ncGetHardwareInfo 0xBFF62004 -1");
	assert_int_equal(evcan_detect(names, -1, on_found, &n, NULL), 0);
	unsetenv("EVCAN_LIB_NICAN");
	assert_int_equal(evcan_detect(names, -1, on_found, &n, NULL), 0);
}

/* Frames */

static void
times_are_close(void **state)
{
	struct evcan_bus *a = open_now("CAN0"), *b = open_now("CAN1");

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct evcan_frame frame = frame_of(1, 0, 4);
		int64_t sent = evcan_now_unix(), received;

		send_frame(a, &frame);
		frame = receive(b);
		received = evcan_now_unix();
		assert_int_equal(frame.clock, EVCAN_CLOCK_HARDWARE);
		/* The double's clocks are read one after the other. */
		assert_true(frame.time_ns > sent - MS);
		assert_true(frame.time_ns < received + MS);
	}
}

/* A card's clock that was set long ago. */
static void
times_are_of_now(void **state)
{
	struct evcan_bus *a = open_now("CAN0"), *b = open_now("CAN1");
	static const char *const sets[] = { "set nican_ahead_ms 90000",
		"set nican_ahead_ms -90000", "set nican_ahead_ms 20" };

	(void)state;
	for (int i = 0; i < 30; i++) {
		struct evcan_frame frame = frame_of(1, 0, 4);
		int64_t sent = evcan_now_unix();

		if (i % 10 == 0)
			control(sets[i / 10]);
		send_frame(a, &frame);
		frame = receive(b);
		assert_int_equal(frame.clock, EVCAN_CLOCK_HARDWARE);
		assert_true(frame.time_ns > sent - 20 * MS);
		assert_true(frame.time_ns < evcan_now_unix() + MS);
	}
}

/* Sends identifiers, and has them received up to the last. */
static void
expect_ids(struct evcan_bus *a, struct evcan_bus *b, uint32_t from,
    uint32_t to)
{
	struct evcan_frame frame;

	for (uint32_t id = 0x100; id < 0x140; id++) {
		frame = frame_of(id, 0, 4);
		send_frame(a, &frame);
	}
	for (uint32_t id = from; id < to; id++)
		frame = expect(b, id);
	expect_nothing(b);
}

static void
filters_go_to_the_device(void **state)
{
	const struct evcan_filter wide = { 0x120, 0x7f0, EVCAN_FILTER_STD,
		false }, narrow = { 0x124, 0x7fc, EVCAN_FILTER_STD, false },
	    other = { 0x12345678, 0x1fffffff, EVCAN_FILTER_EXT, false };
	struct evcan_bus *a = open_now("CAN0"), *b = make(NULL, "CAN1");
	struct evcan_bus_stats stats;

	(void)state;
	evcan_bus_set_filters(b, &wide, 1, EVCAN_FILTER_OR, NULL);
	assert_int_equal(evcan_bus_open(b, NULL), 0);
	assert_int_equal(attribute(1, NICAN_COMP_STD), 0x120);
	assert_int_equal(attribute(1, NICAN_MASK_STD), 0x7f0);
	assert_int_equal(attribute(1, NICAN_MASK_XTD), 0x1fffffff);
	expect_ids(a, b, 0x120, 0x130);
	evcan_bus_get_stats(b, &stats);
	assert_int_equal(stats.filtered, 0);
	/* The device's own are wide enough for that. */
	evcan_bus_set_filters(b, &narrow, 1, EVCAN_FILTER_OR, NULL);
	expect_ids(a, b, 0x124, 0x128);
	assert_int_equal(calls("ncAction"), 0);
	evcan_bus_get_stats(b, &stats);
	assert_int_equal(stats.filtered, 12);
	/* Not for this: it stops for a moment. */
	evcan_bus_set_filters(b, NULL, 0, EVCAN_FILTER_OR, NULL);
	assert_int_equal(calls("ncAction"), 2);
	assert_int_equal(calls("ncConfig"), 2);
	assert_int_equal(attribute(1, NICAN_MASK_STD), 0);
	assert_int_equal(attribute(1, NICAN_MASK_XTD), 0);
	expect_ids(a, b, 0x100, 0x140);
	evcan_bus_set_filters(b, &wide, 1, EVCAN_FILTER_OR, NULL);
	expect_ids(a, b, 0x120, 0x130);
	assert_int_equal(calls("ncAction"), 2);
	end(b);
	b = make(NULL, "CAN1");
	evcan_bus_set_filters(b, &other, 1, EVCAN_FILTER_OR, NULL);
	assert_int_equal(evcan_bus_open(b, NULL), 0);
	assert_int_equal(attribute(1, NICAN_COMP_XTD), 0x32345678);
	assert_int_equal(attribute(1, NICAN_MASK_XTD), 0x1fffffff);
	assert_int_equal(attribute(1, NICAN_MASK_STD), 0x7ff);
}

/* What the new ones let through must pass the device, too. */
static void
other_filters_stop_the_device(void **state)
{
	static const struct {
		struct evcan_filter first, then;
		bool again;
	} cases[] = {
		{ { 0x120, 0x7f0, EVCAN_FILTER_STD, false },
		    { 0x130, 0x7f0, EVCAN_FILTER_STD, false }, true },
		{ { 0x120, 0x7fc, EVCAN_FILTER_STD, false },
		    { 0x120, 0x7f0, EVCAN_FILTER_STD, false }, true },
		{ { 0x120, 0x7f0, EVCAN_FILTER_STD, false },
		    { 0x120, 0x7fc, EVCAN_FILTER_STD, false }, false },
		{ { 0x120, 0x1fffffff, EVCAN_FILTER_EXT, false },
		    { 0x120, 0x7ff, EVCAN_FILTER_STD, false }, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_bus *bus = make(NULL, "CAN0");
		long before;

		evcan_bus_set_filters(bus, &cases[i].first, 1,
		    EVCAN_FILTER_OR, NULL);
		assert_int_equal(evcan_bus_open(bus, NULL), 0);
		before = calls("ncAction");
		evcan_bus_set_filters(bus, &cases[i].then, 1,
		    EVCAN_FILTER_OR, NULL);
		assert_int_equal(calls("ncAction") - before,
		    cases[i].again ? 2 : 0);
		if (cases[i].again) {
			assert_int_equal(attribute(0, NICAN_MASK_STD), 0);
			assert_int_equal(attribute(0, NICAN_MASK_XTD), 0);
		}
		end(bus);
	}
}

/* What came before it stopped is not lost; and if it cannot be set, it is
 * opened anew. */
static void
other_filters_lose_little(void **state)
{
	const struct evcan_filter one = { 1, 0x7ff, EVCAN_FILTER_STD, false };

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		struct evcan_bus *a = open_now("CAN0"), *b = make(NULL,
		    "CAN1");
		struct evcan_frame frame = frame_of(1, 0, 4);
		long before;

		evcan_bus_set_filters(b, &one, 1, EVCAN_FILTER_OR, NULL);
		assert_int_equal(evcan_bus_open(b, NULL), 0);
		before = calls("ncAction");
		control(turn == 0 ? "hang ncAction" :
		    "fail ncSetAttribute 0xBFF62005");
		evcan_bus_set_filters(b, NULL, 0, EVCAN_FILTER_OR, NULL);
		UNTIL(calls("ncAction") > before);
		for (int i = 0; turn == 0 && i < 20; i++)
			send_frame(a, &frame);
		UNTIL(turn == 1 || calls("ncWrite") == 20);
		control("release");
		for (int i = 0; turn == 0 && i < 20; i++)
			frame = expect(b, 1);
		UNTIL(attribute(1, NICAN_MASK_STD) == 0);
		/* Its thread is through with it. */
		send_frame(b, &frame);
		frame = expect(a, 1);
		frame = frame_of(2, 0, 4);
		send_frame(a, &frame);
		frame = expect(b, 2);
		assert_int_equal(calls("ncConfig"), turn == 0 ? 2 : 5);
		end(a);
		end(b);
	}
}

static void
sent_is_what_is_on_the_bus(void **state)
{
	struct evcan_bus *bus = watch("CAN0");
	struct evcan_frame frame = frame_of(0x1abcde, EVCAN_FRAME_EXT, 4);
	struct outcome outcome = { 0 };

	(void)state;
	control("set nican_hold 1");
	for (int i = 0; i < 100; i++)
		assert_int_equal(evcan_bus_send_cb(bus, &frame, 20000,
		    on_outcome, &outcome), 0);
	UNTIL(calls("ncWrite") == EVCAN_NICAN_PENDING_);
	run_for(20);
	assert_int_equal(outcome.told, 0);
	control("set nican_hold 0");
	UNTIL(outcome.told == 100);
	assert_int_equal(outcome.result, EVCAN_SENT);
	assert_int_equal(calls("ncWrite"), 100);
	assert_int_equal(seen.n, 0);
	end(bus);
	bus = open_now("CAN0,receive_own_messages=true");
	send_frame(bus, &frame);
	frame = receive(bus);
	assert_true(frame.flags & EVCAN_FRAME_ECHO);
	assert_int_equal(frame.dir, EVCAN_DIR_TX);
	assert_int_equal(frame.id, 0x1abcde);
}

static void
errors_have_details(void **state)
{
	static const struct {
		const char *set;
		uint32_t id;
		int place, bits;
	} cases[] = {
		{ "set nican_error 0x3FF6200B", 0x80, 0, 0 },
		{ "set nican_error 0x3FF6202B", 0x88, 2, 0x04 },
		{ "set nican_error 0x3FF6204B", 0x88, 2, 0x02 },
		{ "set nican_error 0x3FF6206B", 0xa0, 2, 0 },
		{ "set nican_error 0x3FF6208B", 0x88, 2, 0x10 },
		{ "set nican_error 0x3FF620AB", 0x88, 2, 0x08 },
		{ "set nican_error 0x3FF620CB", 0x88, 3, 0x08 },
		{ "set nican_error 0x3FF620EB", 0x80, 0, 0 },
		{ "set nican_error 0xBFF6204B", 0xc8, 2, 0x02 },
		{ "set nican_error 0x4001000B", 0x88, 2, 0x04 },
		{ "set nican_error 0x4006000B", 0x88, 3, 0x08 },
		{ "set nican_error 0x8003000B", 0xe0, 2, 0 },
	};
	struct evcan_bus *bus = open_now("CAN0"), *deaf;
	struct evcan_frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const uint8_t zero[8];
		uint8_t wanted[8] = { 0 };

		control(cases[i].set);
		control("error 0");
		frame = receive(bus);
		assert_int_equal(frame.flags, EVCAN_FRAME_ERR);
		assert_int_equal(frame.id, cases[i].id);
		wanted[cases[i].place] = (uint8_t)cases[i].bits;
		assert_memory_equal(frame.data, wanted, sizeof(zero));
		assert_int_equal(evcan_frame_check(&frame, NULL), 0);
	}
	deaf = open_now("CAN1,log_errors=false");
	control("error 1");
	frame = frame_of(0x77, 0, 4);
	send_frame(bus, &frame);
	frame = expect(deaf, 0x77);
	/* Nor are events frames: here the start trigger. */
	control("set nican_type 4");
	send_frame(bus, &frame);
	expect_nothing(deaf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(options_reach_the_library), TEST(refusals_are_explained),
		TEST(library_lacks_a_function), TEST(hundred_opens),
		TEST(detects_ports), TEST(times_are_close),
		TEST(times_are_of_now),
		TEST(filters_go_to_the_device),
		TEST(other_filters_stop_the_device),
		TEST(other_filters_lose_little),
		{ "older_libraries_work", older_libraries_work, setup,
		    teardown, "nican_old" },
		TEST(sent_is_what_is_on_the_bus), TEST(errors_have_details),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
