/* SPDX-License-Identifier: BSD-3-Clause */
/* test_vector.c - Vector's channels opened, and what their frames say, on a
 * double of their library */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define INTERFACE "vector"
#include "double_fixture.h"

#define WORDS(...) (const char *const []){ __VA_ARGS__, NULL }

static void
all_is_closed_again(void)
{
	assert_int_equal(calls("xlClosePort"), calls("xlOpenPort"));
	assert_int_equal(calls("xlCloseDriver"), calls("xlOpenDriver"));
}

static void
channel_is_left_as_it_is(void **state)
{
	struct evcan_bus *bus = open_now("0");

	(void)state;
	assert_int_equal(noted("version"), 3);
	assert_int_equal(noted("queue"), 16384);
	assert_int_equal(noted("wanted"), 0);
	assert_int_equal(noted("receipts"), 0);
	assert_int_equal(calls("xlCanSetChannelBitrate"), 0);
	assert_int_equal(calls("xlCanSetChannelOutput"), 0);
	assert_string_equal(evcan_bus_channel_info(bus),
	    "VN1630A Channel 1, S/N 12345, library 25.20.14");
	assert_int_equal(evcan_bus_protocol(bus), EVCAN_PROTOCOL_CAN_20);
	end(bus);
	assert_int_equal(calls("xlDeactivateChannel"), 1);
	all_is_closed_again();
}

static const struct {
	const char *options, *call;
	long version, queue, output;
	long rate, tseg1, tseg2, sjw, sam, data_rate, data_tseg1, data_sjw;
} openings[] = {
	{ "bitrate=250000", "xlCanSetChannelBitrate", 3, 16384, 1, 250000,
	    12, 3, 3, 1, 0, 0, 0 },
	{ "bitrate=125000,rx_queue_size=100", "xlCanSetChannelBitrate", 3,
	    128, 1, 125000, 12, 3, 3, 1, 0, 0, 0 },
	{ "timing=f_clock=16000000 brp=2 tseg1=12 tseg2=3 sjw=2 "
	    "nof_samples=3", "xlCanSetChannelParams", 3, 16384, 1, 500000, 12,
	    3, 2, 3, 0, 0, 0 },
	{ "timing=f_clock=8000000 btr0=0x41 btr1=0x1c",
	    "xlCanSetChannelParamsC200", 3, 16384, 1, 250000, 13, 2, 2, 1, 0,
	    0, 0 },
	/* Another clock: the same bits from 16 MHz. */
	{ "timing=f_clock=80000000 brp=10 tseg1=13 tseg2=2 sjw=1",
	    "xlCanSetChannelParams", 3, 16384, 1, 500000, 13, 2, 1, 1, 0, 0,
	    0 },
	{ "fd=true", "xlCanFdSetConfiguration", 4, 524288, 1, 500000, 6, 3,
	    2, 1, 500000, 6, 2 },
	{ "fd=true,bitrate=1000000,data_bitrate=4000000,rx_queue_size=16384",
	    "xlCanFdSetConfiguration", 4, 16384, 1, 1000000, 6, 3, 2, 1,
	    4000000, 6, 2 },
	{ "fd=true,data_bitrate=5000000,tseg1_abr=15,tseg2_abr=4,sjw_abr=4,"
	    "tseg1_dbr=11,tseg2_dbr=4,sjw_dbr=3", "xlCanFdSetConfiguration",
	    4, 524288, 1, 500000, 15, 4, 4, 1, 5000000, 11, 3 },
	{ "fd=true,data_bitrate=5000000,tseg1Abr=15,tseg2Abr=4,sjwAbr=4,"
	    "tseg1Dbr=11,tseg2Dbr=4,sjwDbr=3", "xlCanFdSetConfiguration", 4,
	    524288, 1, 500000, 15, 4, 4, 1, 5000000, 11, 3 },
	{ "timing=f_clock=80000000 nom_brp=2 nom_tseg1=63 nom_tseg2=16 "
	    "nom_sjw=16 data_brp=2 data_tseg1=15 data_tseg2=4 data_sjw=4",
	    "xlCanFdSetConfiguration", 4, 524288, 1, 500000, 63, 16, 16, 1,
	    2000000, 15, 4 },
	{ "bitrate=500000,listen_only=true", "xlCanSetChannelBitrate", 3,
	    16384, 0, 500000, 12, 3, 3, 1, 0, 0, 0 },
	{ "bitrate=500000,state=PASSIVE", "xlCanSetChannelBitrate", 3, 16384,
	    0, 500000, 12, 3, 3, 1, 0, 0, 0 },
};

static void
options_reach_the_library(void **state)
{
	static const char *const names[] = { "rate", "tseg1", "tseg2", "sjw",
		"sam", "data_rate", "data_tseg1", "data_sjw" };

	(void)state;
	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		const long *wanted = &openings[i].rate;
		struct evcan_bus *bus;

		print_message("%s\n", openings[i].options);
		control("reset");
		bus = open_with("0,", openings[i].options);
		assert_int_equal(calls(openings[i].call), 1);
		assert_int_equal(noted("version"), openings[i].version);
		assert_int_equal(noted("queue"), openings[i].queue);
		assert_int_equal(noted("wanted"), 1);
		assert_int_equal(noted("output"), openings[i].output);
		for (int n = 0; n < 8; n++)
			assert_int_equal(noted(names[n]), wanted[n]);
		assert_int_equal(evcan_bus_protocol(bus),
		    openings[i].version == 4 ? EVCAN_PROTOCOL_CAN_FD :
		    EVCAN_PROTOCOL_CAN_20);
		end(bus);
	}
}

static void
channels_have_three_numbers(void **state)
{
	static const struct {
		const char *spec, *info;
	} cases[] = {
		{ "1", "VN1630A Channel 2, S/N 12345," },
		{ "1,serial=100", "Virtual Channel 2, S/N 100," },
		{ "1,serial=12345,app_name=nobody",
		    "VN1630A Channel 2, S/N 12345," },
		{ "2,app_name=", "Virtual Channel 1, S/N 100," },
		{ "0,channel_index=3", "Virtual Channel 2, S/N 100," },
		{ "0,channel_index=2,serial=100",
		    "Virtual Channel 1, S/N 100," },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_bus *bus = open_now(cases[i].spec);

		assert_ptr_equal(strstr(evcan_bus_channel_info(bus),
		    cases[i].info), evcan_bus_channel_info(bus));
		end(bus);
	}
}

static void
refusals_are_explained(void **state)
{
	static const struct refusal cases[] = {
		{ "reset", "0,app_name=nobody", { "XL_ERR_ERROR",
		    "Vector Hardware Config" }, 255 },
		{ "reset", "2", { "channel 2", "XL_ERR_HW_NOT_PRESENT" },
		    129 },
		{ "reset", "3", { "CANalyzer has no device" }, 0 },
		{ "reset", "0,serial=77", { "no device", "77" }, 0 },
		{ "reset", "5,serial=100", { "100", "no channel 5" }, 0 },
		{ "reset", "9,app_name=", { "no channel 9", "detect" }, 0 },
		{ "reset", "0,channel_index=0,serial=100", { "12345", "100" },
		    0 },
		{ "reset", "1,serial=100,fd=true", { "Virtual Channel 2",
		    "no CAN FD" }, 0 },
		{ "reset", "0,rx_queue_size=40000", { "40000", "32768" }, 0 },
		{ "reset", "0 1", { "several buses" }, 0 },
		{ "reset", "0,app_name=a name of thirty-two characters..",
		    { "thirty-two", "31 characters" }, 0 },
		{ "set vector_bosch 1", "0,fd=true", { "ISO 11898-1",
		    "9.7" }, 0 },
		{ "set vector_version 8", "0,fd=true", { "xlOpenPort",
		    "too old", "vector.com" }, 160 },
		{ "set vector_version 5", "0,fd=true", { "xlOpenPort" },
		    160 },
		{ "set vector_version 4", "0", { "version is 4.20",
		    "5.7 or newer", "vector.com" }, 0 },
		{ "fail xlOpenDriver 201", "0", { "xlOpenDriver",
		    "XL_ERR_CANNOT_OPEN_DRIVER" }, 201 },
		{ "fail xlGetDriverConfig 255", "0", { "xlGetDriverConfig" },
		    255 },
		{ "fail xlOpenPort 202", "0", { "xlOpenPort",
		    "not set to CAN" }, 202 },
		{ "fail xlCanSetChannelBitrate 777", "0,bitrate=500000",
		    { "xlCanSetChannelBitrate", "777" }, 777 },
		{ "fail xlCanSetChannelOutput 158", "0,bitrate=500000",
		    { "xlCanSetChannelOutput", "no right" }, 158 },
		{ "fail xlCanSetChannelMode 112", "0,receive_own_messages="
		    "true", { "receive_own_messages" }, 112 },
		{ "fail xlActivateChannel 120", "0", { "xlActivateChannel" },
		    120 },
		{ "unplug 0", "0", { "channel 0", "XL_ERR_HW_NOT_PRESENT" },
		    129 },
	};

	(void)state;
	check_refusals(cases, sizeof(cases) / sizeof(cases[0]),
	    EVCAN_ERR_INIT);
	/* Nobody who does not want receipts needs that right. */
	control("fail xlCanSetChannelMode 112");
	end(open_now("0"));
}

/* What the driver knows itself is no matter of the library. */
static void
impossible_bits_are_invalid(void **state)
{
	static const struct refusal cases[] = {
		{ "reset", "0,fd=true,data_bitrate=5000000", { "5000000",
		    "tseg1_dbr" }, 0 },
		{ "reset", "0,fd=true,bitrate=300000", { "300000",
		    "tseg1_abr" }, 0 },
		{ "reset", "0,fd=true,timing=f_clock=8000000 btr0=0 "
		    "btr1=0x1c", { "nom_" }, 0 },
		{ "reset", "0,timing=f_clock=24000000 brp=1 tseg1=16 tseg2=8 "
		    "sjw=1", { "24000000", "16000000", "8000000" }, 0 },
		{ "reset", "0,timing=f_clock=60000000 nom_brp=10 nom_tseg1=14 "
		    "nom_tseg2=5 nom_sjw=1 data_brp=1 data_tseg1=14 "
		    "data_tseg2=5 data_sjw=1", { "60000000", "80000000" },
		    0 },
		{ "reset", "0,bitrate=2000000", { "2000000", "fd=true" }, 0 },
	};

	(void)state;
	check_refusals(cases, sizeof(cases) / sizeof(cases[0]),
	    EVCAN_ERR_INVALID);
	assert_int_equal(calls("xlOpenDriver"), 0);
}

/* A version that says nothing is none that is too old. */
static void
version_may_be_unknown(void **state)
{
	struct evcan_bus *bus;

	(void)state;
	control("set vector_version 0");
	bus = open_now("0");
	assert_string_equal(evcan_bus_channel_info(bus),
	    "VN1630A Channel 1, S/N 12345");
	end(bus);
	/* The device is not touched before. */
	control("set vector_version 4");
	assert_int_equal(refused("0,bitrate=500000").code, EVCAN_ERR_INIT);
	assert_int_equal(calls("xlOpenPort"), 1);
	all_is_closed_again();
}

static char logged[400];

static void
on_log(enum evcan_log_level level, const char *area, const char *text,
    void *arg)
{
	(void)arg;
	if (level == EVCAN_LOG_WARNING && strcmp(area, "vector") == 0)
		snprintf(logged, sizeof(logged), "%s", text);
}

static void
other_clock_is_told(void **state)
{
	static const struct {
		const char *timing, *words[3];
	} cases[] = {
		{ "0,timing=f_clock=80000000 brp=10 tseg1=13 tseg2=2 sjw=1",
		    { "80 MHz", "timing with f_clock=16000000", NULL } },
		{ "0,timing=f_clock=40000000 nom_brp=1 nom_tseg1=63 "
		    "nom_tseg2=16 nom_sjw=16 data_brp=1 data_tseg1=15 "
		    "data_tseg2=4 data_sjw=4",
		    { "40 MHz", "timing with f_clock=80000000", NULL } },
		{ "0,timing=f_clock=16000000 brp=2 tseg1=12 tseg2=3 sjw=2",
		    { NULL } },
	};

	(void)state;
	evcan_set_log_cb(on_log, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		logged[0] = '\0';
		end(open_now(cases[i].timing));
		assert_int_equal(logged[0] == '\0',
		    cases[i].words[0] == NULL);
		for (int w = 0; cases[i].words[w] != NULL; w++)
			assert_non_null(strstr(logged, cases[i].words[w]));
	}
	evcan_set_log_cb(NULL, NULL);
}

static void
differs(const char *spec, const char *const *words)
{
	struct evcan_error err = refused(spec);

	says(&err, words, SIZE_MAX);
	assert_int_equal(err.vendor, 0);
}

static void
first_one_sets_it_up(void **state)
{
	struct evcan_bus *a = open_now("0,bitrate=250000"), *b;
	struct evcan_frame frame;

	(void)state;
	differs("0,bitrate=500000", WORDS("another program", "250000"));
	differs("0,bitrate=250000,listen_only=true",
	    WORDS("another program", "listen only"));
	differs("0,bitrate=250000,fd=true", WORDS("classic CAN"));
	differs("0,timing=f_clock=16000000 brp=4 tseg1=8 tseg2=7 sjw=1",
	    WORDS("sampled at 81 %"));
	/* 1/256 and 2 % are as good as equal. */
	b = open_now("0,bitrate=250900");
	assert_non_null(strstr(evcan_bus_channel_info(b),
	    "set up by another program"));
	end(b);
	b = open_now("0,timing=f_clock=16000000 brp=4 tseg1=12 tseg2=3 "
	    "sjw=1");
	assert_int_equal(calls("xlCanSetChannelOutput"), 1);
	send_one(a, 0x123);
	frame = receive(b);
	assert_int_equal(frame.dir, EVCAN_DIR_RX);
	assert_true(evcan_bus_set_mode(b, EVCAN_MODE_LISTEN_ONLY) < 0);
	end(b);
	end(a);
	/* Then it is the next one's turn. */
	a = open_now("0,fd=true,data_bitrate=2000000");
	b = open_now("0,fd=true,data_bitrate=2000000");
	differs("0,fd=true,data_bitrate=4000000", WORDS("CAN FD"));
	differs("0,bitrate=500000", WORDS("CAN FD"));
	end(a);
	end(b);
	all_is_closed_again();
}

static void
library_lacks_a_function(void **state)
{
	static const char *const words[] = { "xlOpenDriver", "vector.com" };
	struct evcan_error err;

	(void)state;
	use_library("empty");
	err = refused("0");
	assert_int_equal(err.code, EVCAN_ERR_NOT_IMPLEMENTED);
	says(&err, words, 2);
}

struct finding {
	int n;
	struct evcan_options *last;
};

static void
on_found(const struct evcan_detected *found, void *arg)
{
	struct finding *finding = arg;

	assert_int_equal(found->channel[0], '0' + finding->n % 2);
	assert_non_null(strstr(found->description, finding->n < 2 ?
	    "S/N 12345, On board CAN" : "S/N 100, Virtual CAN"));
	assert_true((strstr(found->description, "CAN FD") != NULL) ==
	    (finding->n != 3));
	finding->n++;
	evcan_options_free(finding->last);
	finding->last = evcan_options_copy(found->options);
}

static void
found_channels_can_be_opened(void **state)
{
	const char *names[] = { "vector", NULL };
	struct finding finding = { 0, NULL };
	struct evcan_bus *bus;

	(void)state;
	need_double();
	setenv("EVCAN_LIB_VECTOR", library, 1);
	assert_int_equal(evcan_detect(names, -1, on_found, &finding, NULL),
	    4);
	all_is_closed_again();
	bus = evcan_bus_new(NULL, finding.last, NULL);
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	assert_non_null(strstr(evcan_bus_channel_info(bus),
	    "Virtual Channel 2, S/N 100"));
	end(bus);
	evcan_options_free(finding.last);
	finding = (struct finding){ 0, NULL };
	control("fail xlOpenDriver 201");
	assert_int_equal(evcan_detect(names, -1, on_found, &finding, NULL),
	    0);
	setenv("EVCAN_LIB_VECTOR", "/nowhere/lib.so", 1);
	assert_int_equal(evcan_detect(names, -1, on_found, &finding, NULL),
	    0);
	unsetenv("EVCAN_LIB_VECTOR");
	assert_int_equal(finding.n, 0);
}

/* What comes */

static void
times_are_close(void **state)
{
	int16_t (*reset_clock)(int32_t port);
	struct evcan_bus *a = open_now("0"), *b = open_now("1");
	struct evcan_frame frame;

	(void)state;
	*(void **)&reset_clock = double_symbol("xlResetClock");
	for (int i = 0; i < 50; i++) {
		int64_t sent = evcan_now_unix();

		/* Other programs may set the device's clock to 0. */
		if (i == 25)
			reset_clock(0);
		send_one(a, 1);
		frame = receive(b);
		assert_int_equal(frame.clock, EVCAN_CLOCK_HARDWARE);
		assert_true(frame.time_ns > sent - 1 * MS);
		assert_true(frame.time_ns <= evcan_now_unix());
	}
}

static void
times_go_without_sync_time(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;
	int64_t sent;

	(void)state;
	control("fail xlGetSyncTime 117 -1");
	a = open_now("0");
	b = open_now("1");
	assert_int_equal(calls("xlGetChannelTime"), 2);
	sent = evcan_now_unix();
	send_one(a, 1);
	frame = receive(b);
	assert_true(frame.time_ns > sent - 1 * MS);
	assert_true(frame.time_ns <= evcan_now_unix());
}

static void
error_frames_have_details(void **state)
{
	static const struct {
		int number;
		bool sending;
		uint32_t id;
		uint8_t data2, data3;
	} cases[] = {
		{ 1, false, 0x88, 0x01, 0 }, { 2, false, 0x88, 0x02, 0 },
		{ 3, false, 0x88, 0x04, 0 }, { 4, false, 0x80, 0, 0 },
		{ 5, false, 0x88, 0, 0x08 }, { 6, false, 0xa0, 0, 0 },
		{ 7, true, 0xa0, 0, 0 }, { 8, false, 0x88, 0x20, 0 },
		{ 9, true, 0x80, 0, 0 }, { 200, false, 0x80, 0, 0 },
		{ 1, true, 0x88, 0x81, 0 },
	};
	struct evcan_bus *bus = open_now("0,fd=true");
	struct evcan_frame frame;
	char text[40];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "set vector_error %d",
		    cases[i].number);
		control(text);
		snprintf(text, sizeof(text), "set vector_tx_error %d",
		    cases[i].sending);
		control(text);
		control("error 0");
		frame = receive(bus);
		assert_int_equal(frame.flags, EVCAN_FRAME_ERR);
		assert_int_equal(frame.id, cases[i].id);
		assert_int_equal(frame.data[2], cases[i].data2);
		assert_int_equal(frame.data[3], cases[i].data3);
		assert_int_equal(evcan_frame_check(&frame, NULL), 0);
	}
	end(bus);
	/* Classic: that there was one, no more. */
	bus = open_now("0");
	control("error 0");
	frame = receive(bus);
	assert_int_equal(frame.flags, EVCAN_FRAME_ERR);
	assert_int_equal(frame.id, 0x80);
	assert_int_equal(frame.len, 8);
}

static void
some_frames_cannot_be_sent(void **state)
{
	struct evcan_bus *bus = open_now("0,fd=true");
	struct evcan_frame frame = frame_of(1, 0, 8);

	(void)state;
	frame.dlc = 12;
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_INVALID);
	frame = frame_of(0x80, EVCAN_FRAME_ERR, 8);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_INVALID);
	assert_int_equal(calls("xlCanTransmitEx"), 0);
}

/* Though all is read at once: it is before the event that tells it. */
static void
loss_has_its_turn(void **state)
{
	static const char *const specs[] = { "0", "0,fd=true" };
	static const char *const reads[] = { "xlReceive", "xlCanReceive" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct evcan_bus *bus = watch(specs[i]);
		struct evcan_bus *a = open_now("1");

		forget_seen();
		UNTIL(calls(reads[i]) > 0);
		control("hang xlCanFlushTransmitQueue");
		assert_int_equal(evcan_bus_flush_tx_buffer(bus),
		    EVCAN_ERR_TIMEOUT);
		for (uint32_t id = 0; id < 6; id++)
			send_one(a, id);
		end(a);
		control("set vector_lost_in 4");
		control("release");
		UNTIL(seen.n == 6);
		assert_int_equal(seen.lost, 1);
		assert_int_equal(seen.n_at_loss, 3);
		end(bus);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(channel_is_left_as_it_is),
		TEST(options_reach_the_library),
		TEST(channels_have_three_numbers),
		TEST(refusals_are_explained),
		TEST(impossible_bits_are_invalid),
		TEST(version_may_be_unknown), TEST(other_clock_is_told),
		TEST(first_one_sets_it_up),
		TEST(library_lacks_a_function),
		TEST(found_channels_can_be_opened),
		TEST(times_are_close),
		TEST(times_go_without_sync_time),
		TEST(error_frames_have_details),
		TEST(some_frames_cannot_be_sent),
		TEST(loss_has_its_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
