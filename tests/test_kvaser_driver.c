/* SPDX-License-Identifier: BSD-3-Clause */
/* test_kvaser_driver.c - what is Kvaser's own, against a double of CANlib */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <time.h>

#include <cmocka.h>
#include <event2/event.h>

#include <evcan/evcan.h>

#include "may_skip.h"
#include "vendor.h"

#define MS ((int64_t)1000000)

static char library[400];
static void (*control)(const char *command);
static long (*calls)(const char *name);
static long (*last)(const char *name);
static struct event_base *base;
static int threads_before, fds_before;

/* What a watched bus told. */
static int events[EVCAN_BUS_WRITABLE + 1];
static struct evcan_error error;
static enum evcan_bus_state state_told;
static struct evcan_frame got[64];
static size_t n_got;
static uint64_t lost;
static size_t got_at_loss;

static int
count_in(const char *folder)
{
	DIR *dir = opendir(folder);
	int n = 0;

	while (dir != NULL && readdir(dir) != NULL)
		n++;
	if (dir != NULL)
		closedir(dir);
	return n;
}

static int
setup(void **state)
{
	(void)state;
	if (control == NULL)
		return 0;
	control("reset");
	evcan_vendor_hang_ns_ = 5000 * MS;
	memset(events, 0, sizeof(events));
	memset(&error, 0, sizeof(error));
	n_got = got_at_loss = 0;
	lost = 0;
	base = event_base_new();
	threads_before = count_in("/proc/self/task");
	fds_before = count_in("/proc/self/fd");
	return 0;
}

static int
teardown(void **state)
{
	int64_t end = evcan_now_monotonic() + 5000 * MS;
	struct timespec nap = { 0, 1000000 };
	int fds;

	(void)state;
	if (control == NULL)
		return 0;
	control("reset");
	while ((count_in("/proc/self/task") > threads_before ||
	    count_in("/proc/self/fd") > fds_before) &&
	    evcan_now_monotonic() < end)
		nanosleep(&nap, NULL);
	fds = count_in("/proc/self/fd");
	if (fds != fds_before)
		print_error("fds: %d, %d before\n", fds, fds_before);
	event_base_free(base);
	return fds == fds_before ? 0 : -1;
}

static struct evcan_bus *
make(struct event_base *loop, const char *spec)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	char text[600];

	if (control == NULL)
		may_skip("EVCAN_DOUBLES does not name the doubles' folder");
	snprintf(text, sizeof(text), "kvaser:%s,ignore_config=true,"
	    "library=%s", spec, library);
	bus = evcan_bus_new_spec(loop, text, &err);
	if (bus == NULL)
		fail_msg("%s: %s", spec, err.text);
	return bus;
}

static struct evcan_bus *
open_now(const char *spec)
{
	struct evcan_bus *bus = make(NULL, spec);
	struct evcan_error err = { 0 };

	if (evcan_bus_open(bus, &err) < 0)
		fail_msg("%s: %s", spec, err.text);
	return bus;
}

static void
on_frames(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	(void)bus;
	(void)arg;
	for (size_t i = 0; i < n; i++, n_got++) {
		if (n_got < 64)
			got[n_got] = frames[i];
	}
}

static void
on_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	(void)bus;
	(void)arg;
	events[event]++;
	if (info->error != NULL)
		error = *info->error;
	if (event == EVCAN_BUS_STATE)
		state_told = info->state;
	if (event == EVCAN_BUS_GAP) {
		lost += info->lost;
		got_at_loss = n_got;
	}
}

#define await(condition) do { \
	int64_t end_ = evcan_now_monotonic() + 10000 * MS; \
	struct timespec nap_ = { 0, 200000 }; \
	while (!(condition)) { \
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK); \
		if (evcan_now_monotonic() > end_) \
			fail_msg("never: %s", #condition); \
		nanosleep(&nap_, NULL); \
	} \
} while (0)

static struct evcan_bus *
open_watched(const char *spec)
{
	struct evcan_bus *bus = make(base, spec);

	evcan_bus_set_cb(bus, on_frames, on_event, NULL);
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	await(events[EVCAN_BUS_OPENED] == 1);
	return bus;
}

static struct evcan_frame
frame_of(uint32_t id, unsigned flags, const char *data)
{
	struct evcan_frame frame;

	assert_int_equal(evcan_frame_init(&frame, id, flags, data,
	    strlen(data)), 0);
	return frame;
}

/* Opening */

static void
defaults_reach_the_library(void **state)
{
	struct evcan_bus *bus = open_now("1");

	(void)state;
	assert_int_equal(last("flags"), 0x20 | 0x200);
	assert_int_equal(last("scale"), 10);
	assert_int_equal(last("frequency"), -2);     /* 500K */
	assert_int_equal(last("output"), 4);
	assert_string_equal(evcan_bus_channel_info(bus),
	    "Kvaser Double, S/N 12345 (#2)");
	assert_int_equal(evcan_bus_protocol(bus), EVCAN_PROTOCOL_CAN_20);
	evcan_bus_free(bus);
	assert_int_equal(calls("canClose"), calls("canOpenChannel"));
}

static const struct {
	const char *options;
	int flags;
	long frequency, tseg1, data_frequency, data_tseg1;
	int output;
} openings[] = {
	{ "bitrate=1000000", 0x220, -1, 0, 0, 0, 4 },
	{ "bitrate=83000", 0x220, -8, 0, 0, 0, 4 },
	{ "bitrate=62500", 0x220, -6, 0, 0, 0, 4 },
	{ "bitrate=10000", 0x220, -9, 0, 0, 0, 4 },
	{ "bitrate=800000", 0x220, 800000, 5, 0, 0, 4 },
	{ "bitrate=33333", 0x220, 33333, 11, 0, 0, 4 },
	{ "bitrate=250000;tseg1=13;tseg2=2;sjw=2;no_samp=3", 0x220, 250000,
	    13, 0, 0, 4 },
	{ "timing=f_clock=8000000 btr0=0x00 btr1=0x1c", 0x220, 500000, 13, 0,
	    0, 4 },
	{ "fd=true", 0x620, -1000, 0, -1000, 0, 4 },
	{ "fd=true;data_bitrate=2000000", 0x620, -1000, 0, -1002, 0, 4 },
	{ "fd=true;data_bitrate=8000000;bitrate=1000000", 0x620, -1001, 0,
	    -1004, 0, 4 },
	{ "fd=true;fd_non_iso=true;data_bitrate=5000000", 0xa20, -1000, 0,
	    5000000, 7, 4 },
	{ "timing=f_clock=80000000 nom_brp=2 nom_tseg1=63 nom_tseg2=16 "
	    "nom_sjw=16 data_brp=2 data_tseg1=15 data_tseg2=4 data_sjw=4",
	    0x620, 500000, 63, 2000000, 15, 4 },
	{ "driver_mode=false", 0x220, -2, 0, 0, 0, 1 },
	{ "state=PASSIVE", 0x220, -2, 0, 0, 0, 1 },
	{ "accept_virtual=false;exclusive=true", 0x208, -2, 0, 0, 0, 4 },
	{ "override_exclusive=true;single_handle=true", 0x260, -2, 0, 0, 0,
	    4 },
};

static void
options_reach_the_library(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		char spec[300] = "0,";
		struct evcan_bus *bus;

		strcat(spec, openings[i].options);
		for (char *at = spec; *at != '\0'; at++)
			*at = *at == ';' ? ',' : *at;
		print_message("%s\n", spec);
		bus = open_now(spec);
		assert_int_equal(last("flags"), openings[i].flags);
		assert_int_equal(last("frequency"), openings[i].frequency);
		assert_int_equal(last("tseg1"), openings[i].tseg1);
		assert_int_equal(last("output"), openings[i].output);
		if (openings[i].data_frequency != 0) {
			assert_int_equal(last("data_frequency"),
			    openings[i].data_frequency);
			assert_int_equal(last("data_tseg1"),
			    openings[i].data_tseg1);
		}
		evcan_bus_free(bus);
	}
}

static void
second_handle_has_no_say(void **state)
{
	struct evcan_bus *a = open_now("0,bitrate=250000");
	struct evcan_bus *b = open_now("0,bitrate=1000000");
	struct evcan_frame frame = frame_of(0x123, 0, "hi"), other;

	(void)state;
	assert_int_equal(last("frequency"), -3);
	assert_non_null(strstr(evcan_bus_channel_info(b), "somebody else"));
	assert_null(strstr(evcan_bus_channel_info(a), "somebody else"));
	assert_int_equal(evcan_bus_send_wait(a, &frame, 1000), 0);
	assert_int_equal(evcan_bus_recv_wait(b, &other, 1, 5000), 1);
	assert_int_equal(other.dir, EVCAN_DIR_RX);
	evcan_bus_free(a);
	evcan_bus_free(b);
	a = open_now("0,no_init_access=true");
	assert_int_equal(last("flags"), 0x320);
	evcan_bus_free(a);
}

static void
refusals_are_explained(void **state)
{
	static const struct {
		const char *misdeed, *spec, *words[3];
		long vendor;
	} cases[] = {
		{ "reset", "7", { "channel 7", "canERR_NOTFOUND" }, -3 },
		{ "fail canOpenChannel -5", "0", { "canERR_NOCHANNELS",
		    "exclusively" }, -5 },
		{ "fail canSetBusParams -1", "0", { "canSetBusParams",
		    "canERR_PARAM" }, -1 },
		{ "fail canSetBusParamsFd -19", "0,fd=true",
		    { "canSetBusParamsFd", "canERR_NOT_SUPPORTED" }, -19 },
		{ "fail canBusOn -15", "0", { "canBusOn", "canERR_HARDWARE" },
		    -15 },
		{ "fail canSetBusOutputControl -77", "0",
		    { "canSetBusOutputControl", "-77" }, -77 },
		{ "unplug 0", "0", { "channel 0", "canERR_NOTFOUND" }, -3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_bus *bus = make(NULL, cases[i].spec);
		struct evcan_error err = { 0 };

		control(cases[i].misdeed);
		assert_int_equal(evcan_bus_open(bus, &err), EVCAN_ERR_INIT);
		for (int w = 0; cases[i].words[w] != NULL; w++) {
			if (strstr(err.text, cases[i].words[w]) == NULL)
				fail_msg("%s: %s", cases[i].words[w],
				    err.text);
		}
		assert_int_equal(evcan_bus_error(bus)->vendor,
		    cases[i].vendor);
		assert_int_equal(err.vendor, cases[i].vendor);
		evcan_bus_free(bus);
	}
}

static void
library_lacks_a_function(void **state)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	char spec[600], *end;

	(void)state;
	evcan_bus_free(make(NULL, "0"));     /* skips without doubles */
	snprintf(spec, sizeof(spec), "kvaser:0,ignore_config=true,library=%s",
	    library);
	end = strstr(spec, "kvaser_double.so");
	strcpy(end, "empty_double.so");
	bus = evcan_bus_new_spec(NULL, spec, &err);
	assert_non_null(bus);
	assert_int_equal(evcan_bus_open(bus, &err),
	    EVCAN_ERR_NOT_IMPLEMENTED);
	assert_non_null(strstr(err.text, "canInitializeLibrary"));
	assert_non_null(strstr(err.text, "linuxcan"));
	evcan_bus_free(bus);
}

static void
hundred_opens(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		struct evcan_bus *bus = make(base, i % 2 ? "0,fd=true" : "1");

		assert_int_equal(evcan_bus_open(bus, NULL), 0);
		if (i % 3 == 0)
			await(evcan_bus_is_open(bus));
		evcan_bus_free(bus);
	}
	assert_int_equal(calls("canClose"), calls("canOpenChannel"));
	assert_int_equal(evcan_vendor_abandoned_(), 0);
}

static void
on_found(const struct evcan_detected *found, void *arg)
{
	int *n = arg;

	assert_int_equal(found->channel[0], '0' + *n);
	assert_non_null(strstr(found->description, "S/N 12345"));
	++*n;
}

static void
detects_channels(void **state)
{
	const char *names[] = { "kvaser", NULL };
	int n = 0;

	(void)state;
	evcan_bus_free(make(NULL, "0"));
	setenv("EVCAN_LIB_KVASER", library, 1);
	assert_int_equal(evcan_detect(names, -1, on_found, &n, NULL), 2);
	control("fail canGetNumberOfChannels -15");
	n = 0;
	assert_int_equal(evcan_detect(names, -1, on_found, &n, NULL), 0);
	setenv("EVCAN_LIB_KVASER", "/nowhere/lib.so", 1);
	assert_int_equal(evcan_detect(names, -1, on_found, &n, NULL), 0);
	unsetenv("EVCAN_LIB_KVASER");
}

/* Frames */

static void
times_are_close(void **state)
{
	struct evcan_bus *a = open_now("0"), *b = open_now("1");

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct evcan_frame frame = frame_of(1, 0, "x");
		struct timespec nap = { 0, 1000000 };
		int64_t sent = evcan_now_unix(), received;

		assert_int_equal(evcan_bus_send_wait(a, &frame, 1000), 0);
		assert_int_equal(evcan_bus_recv_wait(b, &frame, 1, 5000), 1);
		received = evcan_now_unix();
		assert_int_equal(frame.clock, EVCAN_CLOCK_HARDWARE);
		/* 10 us is the device's grain. */
		assert_true(frame.time_ns > sent - 20000);
		assert_true(frame.time_ns <= received);
		nanosleep(&nap, NULL);
	}
	evcan_bus_free(a);
	evcan_bus_free(b);
}

static void
filters_go_to_the_device(void **state)
{
	const struct evcan_filter one = { 0x120, 0x7f0, EVCAN_FILTER_STD,
		false };
	struct evcan_bus *a = open_now("0"), *b = open_now("1");
	struct evcan_bus_stats stats;
	struct evcan_frame frame;

	(void)state;
	assert_int_equal(evcan_bus_set_filters(b, &one, 1, EVCAN_FILTER_OR,
	    NULL), 0);
	assert_int_equal(calls("canAccept"), 6);
	for (uint32_t id = 0x100; id < 0x140; id++) {
		frame = frame_of(id, 0, "x");
		assert_int_equal(evcan_bus_send_wait(a, &frame, 1000), 0);
	}
	for (uint32_t id = 0x120; id < 0x130; id++) {
		assert_int_equal(evcan_bus_recv_wait(b, &frame, 1, 5000), 1);
		assert_int_equal(frame.id, id);
	}
	evcan_bus_get_stats(b, &stats);
	assert_int_equal(stats.filtered, 0);
	/* Software alone when the library cannot. */
	control("fail canAccept -32 -1");
	assert_int_equal(evcan_bus_set_filters(b, NULL, 0, EVCAN_FILTER_OR,
	    NULL), 0);
	evcan_bus_free(a);
	evcan_bus_free(b);
}

static int outcome;

static void
on_sent(struct evcan_bus *bus, const struct evcan_frame *frame, int result,
    void *arg)
{
	(void)bus;
	(void)frame;
	(void)arg;
	outcome = result;
}

static void
echo_is_asked_for_when_needed(void **state)
{
	struct evcan_bus *bus = open_watched("0");
	struct evcan_frame frame = frame_of(0x1abcde, EVCAN_FRAME_EXT, "e");
	struct evcan_bus_stats stats;

	(void)state;
	evcan_bus_send(bus, &frame, 1);
	await(calls("canWrite") == 1);
	evcan_bus_get_stats(bus, &stats);
	assert_int_equal(stats.confirmed, 0);
	outcome = -99;
	assert_int_equal(evcan_bus_send_cb(bus, &frame, 1000, on_sent, NULL),
	    0);
	assert_int_equal(last("txack"), 1);
	await(outcome != -99);
	assert_int_equal(outcome, EVCAN_SENT);
	assert_int_equal(n_got, 0);
	evcan_bus_free(bus);
	bus = open_now("0,receive_own_messages=true");
	assert_int_equal(evcan_bus_send_wait(bus, &frame, 1000), 0);
	assert_int_equal(evcan_bus_recv_wait(bus, &frame, 1, 5000), 1);
	assert_true(frame.flags & EVCAN_FRAME_ECHO);
	assert_int_equal(frame.dir, EVCAN_DIR_TX);
	evcan_bus_free(bus);
}

static void
error_frames_have_details(void **state)
{
	static const struct {
		const char *set;
		uint32_t id;
		int place, bits;
	} cases[] = {
		{ "set kvaser_error 0", 0x80, 0, 0 },
		{ "set kvaser_error 0x800", 0x88, 2, 0x04 },
		{ "set kvaser_error 0x1000", 0x88, 2, 0x02 },
		{ "set kvaser_error 0x2000", 0x88, 3, 0x08 },
		{ "set kvaser_error 0x4000", 0x88, 2, 0x08 },
		{ "set kvaser_error 0x8000", 0x88, 2, 0x10 },
	};
	struct evcan_bus *bus = open_now("0");
	struct evcan_frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		control(cases[i].set);
		control("error 0");
		assert_int_equal(evcan_bus_recv_wait(bus, &frame, 1, 5000), 1);
		assert_int_equal(frame.flags, EVCAN_FRAME_ERR);
		assert_int_equal(frame.id, cases[i].id);
		assert_int_equal(frame.len, 8);
		assert_int_equal(frame.data[cases[i].place], cases[i].bits);
		assert_int_equal(evcan_frame_check(&frame, NULL), 0);
	}
	evcan_bus_free(bus);
}

static void
states_are_told(void **state)
{
	struct evcan_bus *bus = open_watched("0");
	struct evcan_frame frame = frame_of(1, 0, "x");
	struct evcan_error err = { 0 };

	(void)state;
	control("state 0 warning");
	await(events[EVCAN_BUS_STATE] == 1);
	assert_int_equal(state_told, EVCAN_STATE_WARNING);
	control("state 0 passive");
	/* An error frame is a reason to look at once. */
	control("error 0");
	await(events[EVCAN_BUS_STATE] == 2);
	assert_int_equal(state_told, EVCAN_STATE_PASSIVE);
	control("state 0 off");
	await(events[EVCAN_BUS_STATE] == 3);
	assert_int_equal(evcan_bus_get_state(bus), EVCAN_STATE_BUS_OFF);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	control("state 0 active");
	if (evcan_bus_reset(bus, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(calls("canBusOff"), 1);
	await(events[EVCAN_BUS_STATE] == 4);
	assert_int_equal(state_told, EVCAN_STATE_ACTIVE);
	control("fail canBusOff -15");
	assert_true(evcan_bus_reset(bus, &err) < 0);
	evcan_bus_free(bus);
}

static void
mode_can_change(void **state)
{
	struct evcan_bus *bus = open_now("0");
	struct evcan_frame frame = frame_of(1, 0, "x");

	(void)state;
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY), 0);
	assert_int_equal(last("output"), 1);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_INVALID);
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_NORMAL), 0);
	assert_int_equal(last("output"), 4);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), 1);
	evcan_bus_free(bus);
	bus = open_now("0,driver_mode=false");
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_INVALID);
	assert_non_null(strstr(evcan_bus_error(bus)->text, "driver_mode"));
	evcan_bus_free(bus);
}

static void
overrun_is_a_loss(void **state)
{
	struct evcan_bus *bus, *a;
	struct evcan_frame frame = frame_of(1, 0, "x");

	(void)state;
	evcan_bus_free(make(NULL, "0"));
	control("set kvaser_queue 10");
	bus = open_watched("0");
	a = open_now("1");
	/* Its reader sleeps in a call while 30 frames come. */
	control("hang kvFlashLeds");
	assert_int_equal(evcan_bus_identify(bus, true), EVCAN_ERR_TIMEOUT);
	for (int i = 0; i < 30; i++)
		assert_int_equal(evcan_bus_send_wait(a, &frame, 1000), 0);
	await(calls("canWrite") == 30);
	control("release");
	await(n_got >= 10);
	assert_int_equal(n_got, 10);
	assert_true(lost >= 1);
	assert_int_equal(got_at_loss, 0);
	evcan_bus_free(bus);
	evcan_bus_free(a);
}

static void
full_device_is_waited_for(void **state)
{
	struct evcan_bus *a, *b;
	struct evcan_frame frame;
	int n = 0;

	(void)state;
	evcan_bus_free(make(NULL, "0"));
	control("set kvaser_tx 5");
	a = open_watched("0");
	b = open_now("1");
	for (uint32_t i = 0; i < 20; i++) {
		frame = frame_of(0x100 + i, 0, "x");
		assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	}
	while (n < 5 && evcan_bus_recv_wait(b, &frame, 1, 5000) == 1)
		assert_int_equal(frame.id, 0x100 + n++);
	assert_int_equal(evcan_bus_recv_wait(b, &frame, 1, 50), 0);
	control("set kvaser_tx -1");
	while (n < 20 && evcan_bus_recv_wait(b, &frame, 1, 5000) == 1)
		assert_int_equal(frame.id, 0x100 + n++);
	assert_int_equal(n, 20);
	/* What waits can be dropped, here and in the device. */
	control("set kvaser_tx 0");
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	assert_int_equal(evcan_bus_flush_tx_buffer(a), 0);
	assert_int_equal(last("flushed"), 1);
	control("set kvaser_tx -1");
	assert_int_equal(evcan_bus_recv_wait(b, &frame, 1, 50), 0);
	/* Refused for good: told, with the vendor's code. */
	control("fail canWrite -19");
	assert_int_equal(evcan_bus_send(a, &frame, 1), 1);
	await(events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(error.vendor, -19);
	assert_non_null(strstr(error.text, "canERR_NOT_SUPPORTED"));
	evcan_bus_free(a);
	evcan_bus_free(b);
}

static void
lights_and_load(void **state)
{
	struct evcan_bus *bus = open_watched("0");
	struct evcan_bus_stats stats;

	(void)state;
	assert_int_equal(evcan_bus_identify(bus, true), 0);
	assert_int_equal(last("flash"), 0);
	assert_int_equal(last("flash_ms"), 30000);
	assert_int_equal(evcan_bus_identify(bus, false), 0);
	assert_int_equal(last("flash"), 1);
	control("fail kvFlashLeds -32");
	assert_int_equal(evcan_bus_identify(bus, true),
	    EVCAN_ERR_UNSUPPORTED);
	control("set kvaser_load 4321");
	do {
		event_base_loop(base, EVLOOP_ONCE);
		evcan_bus_get_stats(bus, &stats);
	} while (stats.bus_load == 0);
	assert_int_equal(stats.bus_load, 4321);
	evcan_bus_free(bus);
}

/* Trouble */

static void
unplugged_and_back(void **state)
{
	struct evcan_bus *bus = open_watched("0,reopen_interval=0.02");
	struct evcan_bus *b = open_now("1");
	struct evcan_frame frame = frame_of(1, 0, "x");

	(void)state;
	for (int i = 0; i < 100; i++) {
		evcan_bus_send(bus, &frame, 1);
		evcan_bus_send(b, &frame, 1);
	}
	control("unplug 0");
	await(events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(error.code, EVCAN_ERR_GONE);
	assert_int_equal(error.vendor, -15);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_GONE);
	control("plug 0");
	await(events[EVCAN_BUS_OPENED] == 2);
	n_got = 0;
	assert_int_equal(evcan_bus_send_wait(b, &frame, 1000), 0);
	await(n_got >= 1);
	evcan_bus_free(bus);
	evcan_bus_free(b);
}

static void
hanging_call_is_told(void **state)
{
	static const char *const names[] = { "canReadStatus", "canWrite",
		"canRead" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		unsigned before = evcan_vendor_abandoned_();
		struct evcan_frame frame = frame_of(1, 0, "x");
		struct evcan_bus *bus;
		char text[60];
		int64_t began;

		memset(events, 0, sizeof(events));
		bus = open_watched("0,reopen=false");
		evcan_vendor_hang_ns_ = 100 * MS;
		snprintf(text, sizeof(text), "hang %s", names[i]);
		control(text);
		evcan_bus_send(bus, &frame, 1);
		began = evcan_now_monotonic();
		await(events[EVCAN_BUS_CLOSED] == 1);
		assert_true(evcan_now_monotonic() - began < 3000 * MS);
		assert_int_equal(error.code, EVCAN_ERR_TIMEOUT);
		assert_int_equal(evcan_vendor_abandoned_(), before + 1);
		evcan_bus_free(bus);
		evcan_vendor_hang_ns_ = 5000 * MS;
		control("release");
		await(calls("canClose") == calls("canOpenChannel"));
	}
}

static void
free_on_frame(struct evcan_bus *bus, const struct evcan_frame *frames,
    size_t n, void *arg)
{
	(void)frames;
	(void)n;
	evcan_bus_free(bus);
	*(bool *)arg = true;
}

static void
freed_in_a_callback(void **state)
{
	struct evcan_bus *b = open_now("1"), *bus = make(base, "0");
	struct evcan_frame frame = frame_of(1, 0, "x");
	bool freed = false;

	(void)state;
	evcan_bus_set_cb(bus, free_on_frame, NULL, &freed);
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	await(evcan_bus_is_open(bus));
	for (int i = 0; i < 20; i++)
		evcan_bus_send(b, &frame, 1);
	await(freed);
	evcan_bus_free(b);
}

static void
load_double(void)
{
	const char *folder = getenv("EVCAN_DOUBLES");
	void *handle;

	if (folder == NULL)
		return;
	snprintf(library, sizeof(library), "%s/kvaser_double.so", folder);
	handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return;
	}
	*(void **)&control = dlsym(handle, "evcan_double_control");
	*(void **)&calls = dlsym(handle, "evcan_double_calls");
	*(void **)&last = dlsym(handle, "evcan_kvaser_last");
}

static void *
nothing(void *arg)
{
	return arg;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(defaults_reach_the_library),
		TEST(options_reach_the_library),
		TEST(second_handle_has_no_say), TEST(refusals_are_explained),
		TEST(library_lacks_a_function), TEST(hundred_opens),
		TEST(detects_channels), TEST(times_are_close),
		TEST(filters_go_to_the_device),
		TEST(echo_is_asked_for_when_needed),
		TEST(error_frames_have_details), TEST(states_are_told),
		TEST(mode_can_change), TEST(overrun_is_a_loss),
		TEST(full_device_is_waited_for), TEST(lights_and_load),
		TEST(unplugged_and_back), TEST(hanging_call_is_told),
		TEST(freed_in_a_callback),
	};
	pthread_t thread;

	/* The first thread may bring others, of the tools that watch them. */
	pthread_create(&thread, NULL, nothing, NULL);
	pthread_join(thread, NULL);
	load_double();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
