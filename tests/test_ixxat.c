/* SPDX-License-Identifier: BSD-3-Clause */
/* test_ixxat.c - the ixxat driver: options, frames, filters */
#include "ixxat_fixture.h"

/* Opening */

static void
the_order_of_calls(void **state)
{
	static const char *const order[] = { "vciInitialize\n",
		"vciDeviceOpen 0\n", "canChannelOpen 1 0\n",
		"canChannelInitialize 1024 1 16 1 0 2\n",
		"canChannelActivate 1\n", "canControlOpen 1\n",
		"canControlInitialize 1 op 7 ", "canControlStart 1 1\n",
		"canChannelClose\n", "canControlStart 1 0\n",
		"canControlReset 1\n", "canControlClose\n",
		"vciDeviceClose\n", NULL };
	struct evcan_bus *bus = begin("1");
	const char *at;

	(void)state;
	assert_string_equal(evcan_bus_channel_info(bus),
	    vci == 4 ? "IXXAT USB-to-CAN HW100001, CAN 1, VCI 4.5" :
	    "IXXAT USB-to-CAN HW100001, CAN 1, VCI 3.5");
	end(bus);
	at = get_notes();
	for (size_t i = 0; order[i] != NULL; i++) {
		at = strstr(at, order[i]);
		if (at == NULL)
			fail_msg("no %s in its place:\n%s", order[i], notes);
	}
}

struct option_case {
	const char *extra, *vci3, *vci4;
};

static const struct option_case option_cases[] = {
	{ "", "op 7 btr 00 1C\n", "op 7 ex 0 filters 2 2 0 0 sdr 0 500000 14 "
	    "2 1 0 fdr 0 0 0 0 0 0\n" },
	{ ",bitrate=5000", "btr 3F 7F\n", "sdr 0 5000 17 8 1 0" },
	{ ",bitrate=800000", "btr 00 16\n", "sdr 0 800000 8 2 1 0" },
	{ ",bitrate=1000000", "btr 00 14\n", "sdr 0 1000000 6 2 1 0" },
	{ ",bitrate=83333", NULL, "sdr 0 83333 14 2 1 0" },
	{ ",bitrate=40000", "btr 18 05\n", "sdr 0 40000 14 2 1 0" },
	/* What `evcan timing` says for 8 MHz and an SJA1000. */
	{ ",bitrate=123457", "btr 44 19\n", "sdr 0 123457 14 2 1 0" },
	{ ",bitrate=5208", "btr FF 6F\n", "sdr 0 5208 14 2 1 0" },
	{ ",state=PASSIVE", "op 15 ", "op 15 " },
	{ ",extended=false", "op 5 ", "op 5 " },
	{ ",rx_fifo_size=77,tx_fifo_size=9", "Initialize 77 1 9 1 ",
	    "Initialize 77 1 9 1 " },
	{ ",rxFifoSize=78,txFifoSize=8", "Initialize 78 1 8 1 ",
	    "Initialize 78 1 8 1 " },
	{ ",UniqueHardwareId=HW200002", "vciDeviceOpen 1\n",
	    "vciDeviceOpen 1\n" },
	/* 250 kbit/s at 87.5 %: registers of 8 MHz, and of 80 MHz. */
	{ ",timing=f_clock=8000000 brp=2 tseg1=13 tseg2=2 sjw=2",
	    "btr 41 1C\n", "sdr 1 20 13 2 2 0" },
	{ ",timing=f_clock=8000000 brp=2 tseg1=13 tseg2=2 sjw=1 nof_samples=3",
	    "btr 01 9C\n", "sdr 3 20 13 2 1 0" },
	{ ",tseg1_abr=16,tseg2_abr=4,sjw_abr=2", NULL,
	    "sdr 0 500000 16 4 2 0" },
	{ ",fd=true", NULL, "op 7 ex 3 filters 2 2 0 0 sdr 0 500000 6400 1600 "
	    "1600 0 fdr 0 2000000 1600 400 400 1600\n" },
	{ ",fd=true", NULL, "canChannelInitialize 1024 1 128 1 0 2\n" },
	{ ",fd=true,data_bitrate=8000000", NULL,
	    "fdr 0 8000000 400 100 100 250\n" },
	{ ",fd=true,data_bitrate=3000000", NULL,
	    "fdr 0 3000000 1600 400 400 1600\n" },
	{ ",fd=true,ssp_dbr=1500", NULL,
	    "fdr 0 2000000 1600 400 400 1500\n" },
	{ ",fd=true,tseg1_dbr=15,tseg2_dbr=4,sjw_dbr=4", NULL,
	    "fdr 0 2000000 15 4 4 15\n" },
	/* The second sample point is in cycles of 80 MHz. */
	{ ",fd=true,timing=f_clock=80000000 nom_brp=2 nom_tseg1=63 "
	    "nom_tseg2=16 nom_sjw=16 data_brp=2 data_tseg1=15 data_tseg2=4 "
	    "data_sjw=4", NULL, "sdr 1 2 63 16 16 0 fdr 1 2 15 4 4 32\n" },
};

static void
options_reach_the_library(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(option_cases) / sizeof(option_cases[0]);
	    i++) {
		const struct option_case *c = &option_cases[i];
		const char *wanted = vci == 4 ? c->vci4 : c->vci3;

		if (wanted == NULL)
			continue;
		end(open_with("0", c->extra));
		get_notes();
		has_noted(wanted);
	}
}

/* Refused at once, or when its thread has asked the device. */
static void
refuses_with(int code, const char *spec, const char *words)
{
	struct evcan_bus *bus = make(base, spec);
	struct evcan_error err = { 0 };

	forget_seen();
	evcan_bus_set_cb(bus, on_frames, on_event, NULL);
	if (evcan_bus_open(bus, &err) == 0) {
		UNTIL(seen.events[EVCAN_BUS_ERROR] > 0);
		err = seen.first;
	}
	says(&err, &words, 1);
	assert_int_equal(err.code, code);
	assert_false(evcan_bus_is_open(bus));
	end(bus);
}

static void
refuses(const char *spec, const char *words)
{
	refuses_with(EVCAN_ERR_INIT, spec, words);
}

static void
bits_that_cannot_be(void **state)
{
	(void)state;
	refuses_with(EVCAN_ERR_INVALID, "0,sjw_dbr=3",
	    "sjw_dbr, tseg1_dbr and tseg2_dbr");
	refuses_with(EVCAN_ERR_INVALID, "0,timing=f_clock=80000000 nom_brp=2 "
	    "nom_tseg1=63 nom_tseg2=16 nom_sjw=16 data_brp=2 data_tseg1=15 "
	    "data_tseg2=4 data_sjw=4", "timing is of CAN FD");
	if (vci == 4) {
		refuses("0,bitrate=5000000", "VCI_E_INVALIDARG");
		return;
	}
	refuses_with(EVCAN_ERR_INVALID, "0,bitrate=2000000",
	    "bitrate 2000000 cannot be had: it must be 5000 to 1000000");
	refuses_with(EVCAN_ERR_INVALID, "0,bitrate=4900", "4900");
	refuses_with(EVCAN_ERR_INVALID, "0,bitrate=765432", "765432");
	refuses_with(EVCAN_ERR_INVALID, "0,timing=f_clock=24000000 brp=1 "
	    "tseg1=16 tseg2=5 sjw=1", "8 MHz");
	refuses_with(EVCAN_ERR_INVALID,
	    "0,tseg1_abr=16,tseg2_abr=4,sjw_abr=2", "VCI 4");
}

static void
what_cannot_be_is_refused(void **state)
{
	(void)state;
	refuses("x", "\"x\"");
	refuses("-1", "\"-1\"");
	refuses("2", "HW100001 has 2 CAN controllers");
	refuses("0,unique_hardware_id=HW9", "unique_hardware_id HW9");
	control("set features 0x82");
	refuses("0,state=PASSIVE", "no listen-only mode");
	if (vci == 4) {
		refuses("0,fd=true", "no CAN FD");
	} else {
		refuses("0,fd=true", "VCI 4");
	}
	control("set major 2");
	refuses("0", vci == 4 ? "version is 2.5 and must be 4.0" :
	    "version is 2.5 and must be 3.0");
	if (vci == 4) {
		control("set major 3");
		refuses("0", "version is 3.5 and must be 4.0");
	}
	control("reset");
	control("set devices 0");
	refuses("0", "no device");
	control("reset");
	control("fail vciDeviceOpen 0xe001000a -1");
	refuses("0", "VCI_E_ACCESSDENIED");
	assert_int_equal(seen.first.vendor, (int32_t)0xe001000a);
	control("reset");
	control("fail canChannelActivate 0xe0010009");
	refuses("0", "activating the channel");
	control("fail canControlInitialize 0xe0010004");
	refuses("0", "VCI_E_INVALIDARG");
	control("fail canControlStart 0xe0010fff");
	refuses("0", "unknown");
	end(begin("0"));
	/* Those that do not tell their version, and newer ones, will do. */
	control("set major 0");
	end(begin("0"));
	control("reset");
	control("fail vciGetVersion 0xe0010002 -1");
	end(begin("0"));
	control("reset");
	control("set major 9");
	end(begin("0"));
}

static void
a_library_that_is_none(void **state)
{
	static const struct {
		const char *library, *words;
	} cases[] = {
		{ "", "hms-networks.com" },
		{ ",library=/no/such", "/no/such" },
		{ ",library=libm.so.6", "lacks the function vciInitialize" }
	};
	char spec[100];

	(void)state;
	unsetenv("EVCAN_LIB_IXXAT");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_error err = { 0 };
		struct evcan_bus *bus;

		snprintf(spec, sizeof(spec), "ixxat:0,ignore_config=true%s",
		    cases[i].library);
		bus = evcan_bus_new_spec(base, spec, &err);
		assert_non_null(bus);
		assert_int_equal(evcan_bus_open(bus, &err),
		    EVCAN_ERR_NOT_IMPLEMENTED);
		if (strstr(err.text, cases[i].words) == NULL)
			fail_msg("\"%s\" lacks \"%s\"", err.text,
			    cases[i].words);
		end(bus);
	}
}

static void
open_found(const struct evcan_detected *found)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus = evcan_bus_new(base, found->options, &err);

	if (bus == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(evcan_bus_open(keep(bus), NULL), 0);
	UNTIL(evcan_bus_is_open(bus));
	end(bus);
}

static void
on_detected(const struct evcan_detected *found, void *arg)
{
	assert_non_null(strstr(found->description, "USB-to-CAN HW"));
	open_found(found);
	++*(int *)arg;
}

/* It can be opened by that, too. */
static void
on_guid(const struct evcan_detected *found, void *arg)
{
	if (strstr(found->description, "HW100001") != NULL)
		return;
	assert_non_null(strstr(found->description,
	    "USB-to-CAN 0100AB343536373839616263646566FF"));
	open_found(found);
	++*(int *)arg;
}

static void
what_is_there_is_found(void **state)
{
	static const char *const names[] = { "ixxat", NULL };
	int n = 0;

	(void)state;
	need_double();
	unsetenv("EVCAN_LIB_IXXAT");
	assert_int_equal(evcan_detect(names, -1, on_detected, &n, NULL), 0);
	setenv("EVCAN_LIB_IXXAT", library, 1);
	assert_int_equal(evcan_detect(names, -1, on_detected, &n, NULL), 4);
	assert_int_equal(n, 4);
	control("set guid 1");
	assert_int_equal(evcan_detect(names, -1, on_guid, &n, NULL), 4);
	assert_int_equal(n, 6);
	control("reset");
	control("set devices 0");
	assert_int_equal(evcan_detect(names, -1, on_detected, &n, NULL), 0);
	control("reset");
	control("fail vciInitialize 0xe0010009 -1");
	assert_int_equal(evcan_detect(names, -1, on_detected, &n, NULL), 0);
	unsetenv("EVCAN_LIB_IXXAT");
}

/* Frames */

static void
own_messages(void **state)
{
	struct evcan_bus *a = watch("0,receive_own_messages=true");
	struct evcan_bus *b = begin("1");

	(void)state;
	send_one(a, 0x123);
	UNTIL(seen.n == 1);
	assert_int_equal(seen.frames[0].id, 0x123);
	assert_int_equal(seen.frames[0].dir, EVCAN_DIR_TX);
	assert_true(seen.frames[0].flags & EVCAN_FRAME_ECHO);
	send_one(b, 0x124);
	UNTIL(seen.n == 2);
	assert_int_equal(seen.frames[1].dir, EVCAN_DIR_RX);
	assert_false(seen.frames[1].flags & EVCAN_FRAME_ECHO);
	end(a);
	end(b);
}

/* The clock goes round in the midst of it. */
static void
times_are_of_the_device(void **state)
{
	const int64_t hz = vci == 4 ? 80000000 / 7 : 16000000 / 27;
	char command[60];
	struct evcan_bus *a, *b;
	int64_t before = 0, sent[40];

	(void)state;
	/* It began a second before it was asked first, in an earlier test. */
	a = begin("0");
	end(a);
	snprintf(command, sizeof(command), "set first_tick %lld",
	    0x100000000LL - hz);
	control(command);
	a = watch("0");
	b = begin("1");
	for (size_t i = 0; i < 40; i++) {
		sent[i] = evcan_now_unix();
		send_one(b, (uint32_t)i);
		UNTIL(seen.n == i + 1);
		run_for(10);
	}
	for (size_t i = 0; i < 40; i++) {
		const struct evcan_frame *frame = &seen.frames[i];

		assert_int_equal(frame->clock, EVCAN_CLOCK_HARDWARE);
		assert_true(frame->time_ns > before);
		assert_true(frame->time_ns > sent[i] - 5 * MS);
		assert_true(frame->time_ns < sent[i] + SOON);
		before = frame->time_ns;
	}
	end(a);
	end(b);
}

static struct vci_message4
message_of(unsigned type, uint32_t time, uint8_t byte)
{
	struct vci_message4 message;

	memset(&message, 0, sizeof(message));
	message.info = type;
	message.time = time;
	message.data[0] = byte;
	return message;
}

/* A counter of 1 kHz, whose reader was away for long. */
static void
the_round_of_the_clock_is_found(void **state)
{
	struct evcan_ixxat_port_ port;
	struct vci_message4 message = message_of(VCI_DATA, 0xfffffff0, 0);
	struct evcan_frame frame;
	int64_t first, now = evcan_now_unix();

	(void)state;
	memset(&port, 0, sizeof(port));
	port.version = &evcan_ixxat_v4_;
	port.caps.tick_clock = 1000000;
	port.caps.tick_divisor = 1000;
	assert_true(evcan_ixxat_frame_(&port, &message, &frame));
	first = frame.time_ns;
	assert_true(first >= now && first < now + SOON);
	message.time = 4;
	assert_true(evcan_ixxat_frame_(&port, &message, &frame));
	assert_true(frame.time_ns <= first + 20 * MS);
	assert_int_equal(port.ticks, 0x200000004ull);
	/* Three rounds later, and a little more. */
	port.ticked_ns -= 3 * 0x100000000ll * MS;
	message.time = 1000;
	assert_true(evcan_ixxat_frame_(&port, &message, &frame));
	assert_int_equal(port.ticks, 0x5000003e8ull);
	/* One that was older comes later: it goes back a little. */
	message.time = 990;
	assert_true(evcan_ixxat_frame_(&port, &message, &frame));
	assert_int_equal(port.ticks, 0x5000003deull);
	message = message_of(VCI_TIMERST, 0, 0);
	assert_false(evcan_ixxat_frame_(&port, &message, &frame));
	assert_int_equal(port.ticks, 0x100000000ull);
	/* A device that does not tell its clock. */
	port.caps.tick_divisor = 0;
	message = message_of(VCI_DATA, 0, 0);
	assert_true(evcan_ixxat_frame_(&port, &message, &frame));
	assert_int_equal(frame.clock, EVCAN_CLOCK_HOST);
}

static void
error_frames_are_told(void **state)
{
	static const struct {
		int code;
		uint32_t id;
		uint8_t what, where;
	} cases[] = {
		{ 1, 0x88, 4, 0 }, { 2, 0x88, 2, 0 }, { 3, 0xa8, 0, 0x19 },
		{ 4, 0x88, 1, 0 }, { 6, 0x88, 0, 8 }, { 9, 0x80, 0, 0 }
	};
	struct evcan_bus *a = watch("0");
	struct evcan_bus_stats stats;
	char command[40];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct evcan_frame *frame = &seen.frames[i];

		snprintf(command, sizeof(command), "set error_code %d",
		    cases[i].code);
		control(command);
		control("error 0");
		UNTIL(seen.n == i + 1);
		assert_int_equal(frame->flags, EVCAN_FRAME_ERR);
		assert_int_equal(frame->id, cases[i].id);
		assert_int_equal(frame->len, 8);
		assert_int_equal(frame->data[2], cases[i].what);
		assert_int_equal(frame->data[3], cases[i].where);
	}
	/* VCI 3 says 7 for what it has no number for. */
	control("set error_code 7");
	control("error 0");
	UNTIL(seen.n == 7);
	assert_int_equal(seen.frames[6].id, vci == 4 ? 0x88 : 0x80);
	evcan_bus_get_stats(a, &stats);
	assert_int_equal(stats.error_frames, 7);
	end(a);
}

static void
states_are_told(void **state)
{
	struct evcan_bus *a = watch("0");

	(void)state;
	assert_int_equal(evcan_bus_get_state(a), EVCAN_STATE_ACTIVE);
	control("state 0 warning");
	UNTIL(evcan_bus_get_state(a) == EVCAN_STATE_WARNING);
	control("state 0 off");
	UNTIL(evcan_bus_get_state(a) == EVCAN_STATE_BUS_OFF);
	assert_int_equal(seen.events[EVCAN_BUS_STATE], 2);
	control("state 0 active");
	assert_int_equal(evcan_bus_reset(a, NULL), 0);
	UNTIL(evcan_bus_get_state(a) == EVCAN_STATE_ACTIVE);
	get_notes();
	has_noted("canControlReset 0\n");
	/* Not in a message: it is looked after every half second. */
	control("set line_status 0x24");
	UNTIL(evcan_bus_get_state(a) == EVCAN_STATE_WARNING);
	UNTIL(seen.events[EVCAN_BUS_ERROR] > 0);
	assert_non_null(strstr(seen.first.text, "coupling"));
	end(a);
}

static void
a_full_fifo_waits(void **state)
{
	struct evcan_bus *a = watch("0,tx_fifo_size=8");
	struct evcan_bus *b = begin("1");

	(void)state;
	evcan_bus_set_cb(b, on_frames, on_event, NULL);
	control("state 0 off");
	for (uint32_t i = 0; i < 100; i++)
		send_one(a, i);
	UNTIL(calls("canChannelPostMessage") > 20);
	assert_int_equal(seen.n, 0);
	assert_int_equal(evcan_bus_flush_tx_buffer(a), 0);
	run_for(50);
	control("state 0 active");
	assert_int_equal(evcan_bus_reset(a, NULL), 0);
	send_one(a, 0x555);
	UNTIL(seen.n == 1);
	assert_int_equal(seen.frames[0].id, 0x555);
	/* A frame that the library does not like is told, once. */
	control("fail canChannelPostMessage 0xe0010004");
	send_one(a, 0x556);
	UNTIL(seen.events[EVCAN_BUS_ERROR] > 0);
	assert_int_equal(seen.first.vendor, (int32_t)0xe0010004);
	end(a);
	end(b);
}

static void
lost_frames_are_told(void **state)
{
	struct evcan_bus *a = watch("0,rx_fifo_size=16");
	struct evcan_bus_stats stats;
	struct evcan_bus *b;

	(void)state;
	control("hang canChannelReadMessage");
	run_for(50);
	b = begin("1");
	for (uint32_t i = 0; i < 200; i++)
		send_one(b, i);
	UNTIL(calls("canChannelPostMessage") >= 200);
	control("release");
	UNTIL(seen.lost > 0);
	UNTIL(seen.n >= 16);
	evcan_bus_get_stats(a, &stats);
	assert_int_equal(stats.lost_device, seen.lost);
	assert_true(seen.n < 200);
	end(a);
	end(b);
}

static void
what_cannot_be_sent(void **state)
{
	struct evcan_bus *a = begin("0,extended=false");
	struct evcan_frame frame = frame_of(0x12345678, EVCAN_FRAME_EXT, 1);

	(void)state;
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	assert_non_null(strstr(evcan_bus_error(a)->text, "extended"));
	frame = frame_of(0x123, EVCAN_FRAME_FD, 12);
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	assert_non_null(strstr(evcan_bus_error(a)->text, "option fd"));
	end(a);
}

/* Filters */

static void
filters_are_set_when_it_opens(void **state)
{
	struct evcan_bus *b = begin("1");
	struct evcan_bus *a = watch("0,can_filters=123:7FF 18DA0000:"
	    "1FFF0000");
	const struct evcan_filter other = { 0x200, 0x7ff, EVCAN_FILTER_STD,
		false };
	struct evcan_bus_stats stats;

	(void)state;
	UNTIL(calls("canControlAddFilterIds") == 3);
	UNTIL(calls("canControlStart") >= 4);
	run_for(50);
	get_notes();
	has_noted("canControlSetAccFilter 0 0 80000000 FFFFFFFF\n");
	has_noted("canControlSetAccFilter 0 1 80000000 FFFFFFFF\n");
	has_noted("canControlAddFilterIds 0 0 246 FFE\n");
	has_noted("canControlAddFilterIds 0 1 246 FFE\n");
	has_noted("canControlAddFilterIds 0 1 31B40000 3FFE0000\n");
	if (vci == 4)
		has_noted("filters 3 3 2048 2048");
	send_one(b, 0x124);
	send_one(b, 0x123);
	send_one(b, 0x18da1234);
	send_one(b, 0x10000123);
	send_one(b, 0x10000124);
	UNTIL(seen.n == 3);
	assert_int_equal(seen.frames[0].id, 0x123);
	assert_int_equal(seen.frames[1].id, 0x18da1234);
	assert_int_equal(seen.frames[2].id, 0x10000123);
	evcan_bus_get_stats(a, &stats);
	assert_int_equal(stats.filtered, 0);     /* not here */
	/* Others are set later: the controller opens, and core filters. */
	assert_int_equal(evcan_bus_set_filters(a, &other, 1, EVCAN_FILTER_OR,
	    NULL), 0);
	UNTIL(calls("canControlStart") >= 6);
	run_for(50);
	send_one(b, 0x123);
	send_one(b, 0x200);
	UNTIL(seen.n == 4);
	assert_int_equal(seen.frames[3].id, 0x200);
	evcan_bus_get_stats(a, &stats);
	assert_int_equal(stats.filtered, 1);
	end(a);
	end(b);
}

/* Nothing may keep an echo from coming back. */
static void
confirmations_pass_filters(void **state)
{
	struct evcan_bus *a = watch("0,can_filters=123:7FF");
	struct evcan_bus *b = begin("1");

	(void)state;
	run_for(50);
	assert_int_equal(outcome_of(a, 0x321), EVCAN_SENT);
	assert_int_equal(seen.n, 0);
	send_one(b, 0x321);
	send_one(b, 0x123);
	UNTIL(seen.n == 1);
	run_for(20);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.frames[0].id, 0x123);
	end(a);
	end(b);
}

static void
filters_that_the_controller_refuses(void **state)
{
	struct evcan_bus *a, *b = begin("1");
	struct evcan_bus_stats stats;

	(void)state;
	control("fail canControlAddFilterIds 0xe0010014 1");
	a = watch("0,can_filters=123:7FF");
	run_for(50);
	get_notes();
	has_noted("canControlSetAccFilter 0 0 0 0\n");
	has_noted("canControlSetAccFilter 0 1 0 0\n");
	send_one(b, 0x124);
	send_one(b, 0x123);
	UNTIL(seen.n == 1);
	evcan_bus_get_stats(a, &stats);
	assert_int_equal(stats.filtered, 1);
	end(a);
	/* Inverted ones it does not know. */
	a = watch("0,can_filters=123~7FF");
	run_for(50);
	assert_null(strstr(get_notes(), "SetAccFilter"));
	send_one(b, 0x123);
	send_one(b, 0x124);
	UNTIL(seen.n == 2);
	assert_int_equal(seen.frames[1].id, 0x124);
	end(a);
	end(b);
}

static void
codes_have_names(void **state)
{
	struct evcan_error err = { 0 };

	(void)state;
	assert_string_equal(evcan_ixxat_code_(0), "OK");
	assert_string_equal(evcan_ixxat_code_(VCI_E(0x13)), "TXQUEUE_FULL");
	assert_string_equal(evcan_ixxat_code_(VCI_E(0x1a)),
	    "WRONG_FLASHFWVERSION");
	assert_string_equal(evcan_ixxat_code_(VCI_E(0x1b)), "unknown");
	assert_string_equal(evcan_ixxat_code_(-1), "unknown");
	assert_int_equal(evcan_ixxat_error_(&err, EVCAN_ERR_BUSY, VCI_E(0xa),
	    "x"), EVCAN_ERR_BUSY);
	assert_string_equal(err.text,
	    "x: another program holds it (VCI_E_ACCESSDENIED, E001000A)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(the_order_of_calls), BOTH(options_reach_the_library),
		BOTH(what_cannot_be_is_refused),
		BOTH(bits_that_cannot_be), BOTH(a_library_that_is_none),
		BOTH(what_is_there_is_found), BOTH(own_messages),
		BOTH(times_are_of_the_device), BOTH(error_frames_are_told),
		BOTH(states_are_told), BOTH(a_full_fifo_waits),
		BOTH(lost_frames_are_told), BOTH(what_cannot_be_sent),
		BOTH(filters_are_set_when_it_opens),
		BOTH(confirmations_pass_filters),
		BOTH(filters_that_the_controller_refuses),
		cmocka_unit_test(the_round_of_the_clock_is_found),
		cmocka_unit_test(codes_have_names)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
