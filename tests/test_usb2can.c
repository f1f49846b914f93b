/* SPDX-License-Identifier: BSD-3-Clause */
/* test_usb2can.c - the usb2can driver: opening, finding devices, frames */
#include "usb2can_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

/* Opening */

static void
options_reach_the_library(void **state)
{
	static const struct {
		const char *spec, *opened;
	} cases[] = {
		{ A, A ";500 8" },
		{ "ed-00 00.01", A ";500 8" },
		{ ",serial=ED000002", B ";500 8" },
		{ "nothing,serial=ED000002", B ";500 8" },
		{ A ",bitrate=1000000,flags=0", A ";1000 0" },
		{ A ",bitrate=125000,flags=0xc", A ";125 12" },
		{ A ",bitrate=800000", A ";800 8" },
		{ A ",state=PASSIVE", A ";500 9" },
		{ A ",state=PASSIVE,flags=1", A ";500 1" },
		/* These the library would take for 125 kbit/s. */
		{ A ",bitrate=100000", A ";0;13;2;2;20 8" },
		{ A ",bitrate=10000", A ";0;13;2;2;200 8" },
		{ A ",bitrate=83333", A ";0;13;2;2;24 8" },
		{ A ",timing=f_clock=32000000 brp=4 tseg1=13 tseg2=2 sjw=1",
		    A ";0;13;2;1;4 8" },
		{ A ",timing=f_clock=8000000 btr0=0x00 btr1=0x1c",
		    A ";0;13;2;1;4 8" },
		{ A ",backend=canal,rx_queue_size=10", A ";500 8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_bus *bus = open_now(cases[i].spec);

		assert_string_equal(opened(), cases[i].opened);
		end(bus);
	}
	assert_int_equal(calls("CanalOpen"), calls("CanalClose"));
}

static void
versions_are_told(void **state)
{
	struct evcan_bus *a = open_now(A), *b = open_now(B);

	(void)state;
	assert_string_equal(evcan_bus_channel_info(a), "USB2CAN " A
	    ", DLL 1.0.2, firmware 1.7, hardware 2.3");
	/* The library has the string of the first handle only. */
	assert_string_equal(evcan_bus_channel_info(b), "USB2CAN " B
	    ", DLL 1.0.2");
	assert_int_equal(evcan_bus_protocol(a), EVCAN_PROTOCOL_CAN_20);
	end(a);
	/* It comes back with the first handle. */
	assert_int_equal(evcan_bus_reset(b, NULL), 0);
	UNTIL(strstr(evcan_bus_channel_info(b), B ", DLL 1.0.2, firmware 1.7")
	    != NULL);
	end(b);
}

/* It is looked at before the device, and must do if it says nothing. */
static void
old_library_is_refused(void **state)
{
	static const char *const words[] = { "0.9", "1.0 or newer" };
	static const char *const good[] = { "set usb2can_version 0",
		"set usb2can_version 0x060001",
		"set usb2can_version 0x0101" };
	struct evcan_error err;

	(void)state;
	control("set usb2can_version 0x000900");
	err = refused(A);
	assert_int_equal(err.code, EVCAN_ERR_INIT);
	says(&err, words, 2);
	assert_int_equal(calls("CanalOpen"), 0);
	for (size_t i = 0; i < 3; i++) {
		control(good[i]);
		end(open_now(A));
	}
}

static void
refusals_are_explained(void **state)
{
	static const struct refusal cases[] = {
		{ "reset", "ED000009", { "not attached" }, 0 },
		{ "reset", "ED00001", { "8 letters and digits" }, 0 },
		{ "reset", "ED0000001", { "8 letters and digits" }, 0 },
		{ "reset", "", { "no USB2CAN is attached" }, 0 },
		{ "set usb2can_level 2", A, { "level 2" }, 0 },
		{ "fail CanalOpen -1", A, { "CanalOpen" }, -1 },
		{ "unplug 0", A, { "not attached" }, 0 },
	};
	static const struct refusal impossible[] = {
		{ "reset", A ",bitrate=2000000", { "1 Mbit/s" }, 0 },
		{ "reset", A ",bitrate=999", { "999 bit/s" }, 0 },
		{ "reset", A ",timing=f_clock=80000000 nom_brp=2 "
		    "nom_tseg1=63 nom_tseg2=16 nom_sjw=16 data_brp=2 "
		    "data_tseg1=15 data_tseg2=4 data_sjw=4",
		    { "CAN FD", "does not have" }, 0 },
	};
	static const char *const taken[] = { "CanalOpen of \"" A
	    ";500\", flags 0x8" }, *const raw[] = { "usb_8dev" };
	struct evcan_bus *bus = open_now(A);
	struct evcan_error err;

	(void)state;
	/* Its own is taken; the library does not say so. */
	err = refused(A);
	says(&err, taken, 1);
	err = refused(A ",backend=usb");
	assert_int_equal(err.code, EVCAN_ERR_NOT_IMPLEMENTED);
	says(&err, raw, 1);
	end(bus);
	check_refusals(cases, sizeof(cases) / sizeof(cases[0]),
	    EVCAN_ERR_INIT);
	check_refusals(impossible, 3, EVCAN_ERR_INVALID);
}

static void
library_lacks_a_function(void **state)
{
	static const char *const words[] = { "the function CanalOpen" };
	struct evcan_error err;

	(void)state;
	use_library("empty");
	err = refused(A);
	assert_int_equal(err.code, EVCAN_ERR_NOT_IMPLEMENTED);
	says(&err, words, 1);
}

/* Attached devices, in a folder like sysfs */

static void
add_device(const char *folder, const char *name, const char *vendor,
    const char *product, const char *text, const char *serial)
{
	const char *const files[][2] = { { "idVendor", vendor },
		{ "idProduct", product }, { "product", text },
		{ "serial", serial } };
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(mkdir(path, 0700), 0);
	for (size_t i = 0; i < 4 && files[i][1] != NULL; i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", folder, name,
		    files[i][0]);
		file = fopen(path, "w");
		assert_non_null(file);
		fprintf(file, "%s\n", files[i][1]);
		fclose(file);
	}
}

static void
remove_device(const char *folder, const char *name)
{
	static const char *const files[] = { "/idVendor", "/idProduct",
		"/product", "/serial", "" };
	char path[200];

	for (size_t i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "%s/%s%s", folder, name,
		    files[i]);
		remove(path);
	}
}

static bool
note_serial(const char *serial, void *arg)
{
	char *text = arg;

	strcat(text, serial);
	strcat(text, " ");
	return strlen(text) < 18;
}

static void
finds_what_is_attached(void **state)
{
	static const char *const names[] = { "1-1", "1-2", "1-3", "1-4",
		"usb1", "2-1" };
	char folder[] = "/tmp/usb2can.XXXXXX", text[100] = "";

	(void)state;
	assert_non_null(mkdtemp(folder));
	evcan_usb2can_find_(folder, note_serial, text);
	assert_string_equal(text, "");
	add_device(folder, "usb1", "1d6b", "0002", "xHCI", "0000:00:14.0");
	add_device(folder, "1-1", "0483", "1234", "USB2CAN converter", B);
	add_device(folder, "1-2", "0483", "1234", "Example", "00000001");
	add_device(folder, "1-3", "0483", "5740", "USB2CAN converter",
	    "00000002");
	add_device(folder, "1-4", "0483", "1234", "USB2CAN converter", NULL);
	evcan_usb2can_find_(folder, note_serial, text);
	assert_string_equal(text, B " ");
	add_device(folder, "2-1", "0483", "1234", "USB2CAN converter", A);
	text[0] = '\0';
	evcan_usb2can_find_(folder, note_serial, text);
	assert_non_null(strstr(text, A " "));
	assert_non_null(strstr(text, B " "));
	for (size_t i = 0; i < 6; i++)
		remove_device(folder, names[i]);
	assert_int_equal(rmdir(folder), 0);
	evcan_usb2can_find_(folder, note_serial, text);
}

static void
on_found(const struct evcan_detected *found, void *arg)
{
	(void)found;
	++*(int *)arg;
}

static void
detect_never_fails(void **state)
{
	const char *const names[] = { "usb2can", NULL };
	int n = 0;

	(void)state;
	setenv("EVCAN_LIB_USB2CAN", library, 1);
	assert_true(evcan_detect(names, -1, on_found, &n, NULL) >= 0);
	setenv("EVCAN_LIB_USB2CAN", "/nowhere/lib.so", 1);
	n = 0;
	assert_int_equal(evcan_detect(names, -1, on_found, &n, NULL), 0);
	assert_int_equal(n, 0);
	unsetenv("EVCAN_LIB_USB2CAN");
}

/* Frames */

static void
times_are_close(void **state)
{
	struct evcan_bus *a, *b;

	(void)state;
	/* The device's clock wraps meanwhile. */
	control("set usb2can_tick 0x1ffffff0");
	a = open_now(A);
	b = open_now(B);
	for (int i = 0; i < 50; i++) {
		struct evcan_frame frame = frame_of(1, 0, 1);
		struct timespec nap = { 0, 1000000 };
		int64_t sent = evcan_now_unix(), received;

		send_frame(a, &frame);
		frame = receive(b);
		received = evcan_now_unix();
		assert_int_equal(frame.clock, EVCAN_CLOCK_HARDWARE);
		/* A millisecond is the device's grain. */
		assert_true(frame.time_ns > sent - 2 * MS);
		assert_true(frame.time_ns <= received);
		nanosleep(&nap, NULL);
	}
	end(a);
	end(b);
}

static void
own_messages(void **state)
{
	struct evcan_bus *a = open_now(A ",receive_own_messages=true");
	struct evcan_frame sent = frame_of(0x1abcde, EVCAN_FRAME_EXT, 3),
	    frame;

	(void)state;
	send_frame(a, &sent);
	frame = receive(a);
	assert_true(frame.flags & EVCAN_FRAME_ECHO);
	assert_int_equal(frame.dir, EVCAN_DIR_TX);
	assert_int_equal(frame.clock, EVCAN_CLOCK_HOST);
	end(a);
	/* The device's own loop: on the bus, and received from it. */
	a = open_now(A ",flags=2");
	send_frame(a, &sent);
	frame = receive(a);
	assert_int_equal(frame.dir, EVCAN_DIR_RX);
	assert_int_equal(frame.id, 0x1abcde);
	end(a);
}

static void
frames_that_it_cannot_send(void **state)
{
	struct evcan_bus *a = open_now(A), *silent = open_now(B ",flags=9");
	struct evcan_frame frame = frame_of(1, 0, 8);

	(void)state;
	assert_int_equal(evcan_bus_send(silent, &frame, 1),
	    EVCAN_ERR_INVALID);
	assert_non_null(strstr(evcan_bus_error(silent)->text, "flags"));
	frame.dlc = 12;
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	assert_non_null(strstr(evcan_bus_error(a)->text, "DLC of 12"));
	assert_int_equal(calls("CanalSend"), 0);
	end(a);
	end(silent);
}

static void
status_messages_are_error_frames(void **state)
{
	static const struct {
		uint8_t code;
		uint32_t id;
		uint8_t data[4];
	} cases[] = {
		{ 0x01, 0x204, { 0, 0x01, 0, 0 } },
		{ 0x20, 0x288, { 0, 0, 0x04, 0 } },
		{ 0x21, 0x288, { 0, 0, 0x02, 0 } },
		{ 0x23, 0x2a0, { 0, 0, 0, 0 } },
		{ 0x24, 0x288, { 0, 0, 0x10, 0 } },
		{ 0x25, 0x288, { 0, 0, 0x08, 0 } },
		{ 0x27, 0x288, { 0, 0, 0, 0x08 } },
		{ 0x77, 0x280, { 0, 0, 0, 0 } },
		/* States, with what their frames say */
		{ 0x02, 0x204, { 0, 0x08, 0, 0 } },
		{ 0x03, 0x204, { 0, 0x20, 0, 0 } },
		{ 0x04, 0x240, { 0, 0, 0, 0 } },
		{ 0x00, 0x208, { 0, 0, 0x40, 0 } },
	};
	struct evcan_bus *bus = open_now(A);
	struct evcan_frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char set[40];

		snprintf(set, sizeof(set), "set usb2can_code %d",
		    cases[i].code);
		control(set);
		control("error 0");
		frame = receive(bus);
		assert_int_equal(frame.flags, EVCAN_FRAME_ERR);
		assert_int_equal(frame.id, cases[i].id);
		assert_int_equal(frame.len, 8);
		assert_memory_equal(frame.data, cases[i].data, 4);
		assert_int_equal(frame.data[6], 3);
		assert_int_equal(frame.data[7], 0);
		assert_int_equal(evcan_frame_check(&frame, NULL), 0);
	}
	end(bus);
	bus = open_now(A ",flags=0");
	control("error 0");
	expect_nothing(bus);
	end(bus);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CANAL_TEST(options_reach_the_library),
		CANAL_TEST(versions_are_told),
		CANAL_TEST(old_library_is_refused),
		CANAL_TEST(refusals_are_explained),
		CANAL_TEST(library_lacks_a_function),
		CANAL_TEST(finds_what_is_attached),
		CANAL_TEST(detect_never_fails),
		CANAL_TEST(times_are_close),
		CANAL_TEST(own_messages),
		CANAL_TEST(frames_that_it_cannot_send),
		CANAL_TEST(status_messages_are_error_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
