/* SPDX-License-Identifier: BSD-3-Clause */
/* test_vendor_classic.c - what drivers of devices without CAN FD share */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vendor_fixture.h"

static int logged;
static char last_log[200];

static void
on_log(enum evcan_log_level level, const char *area, const char *text,
    void *arg)
{
	(void)arg;
	assert_int_equal(level, EVCAN_LOG_WARNING);
	assert_string_equal(area, "vendor");
	snprintf(last_log, sizeof(last_log), "%s", text);
	logged++;
}

/* @return what is said of the timing */
static int
timing(const char *text, uint32_t clock, struct evcan_bit_timing *bit,
    struct evcan_error *err)
{
	struct evcan_bus *bus;
	char spec[300];
	int r;

	snprintf(spec, sizeof(spec), "virtual:a,name=it,ignore_config=true,"
	    "timing=%s", text);
	bus = evcan_bus_new_spec(NULL, spec, err);
	if (bus == NULL)
		fail_msg("%s", err->text);
	logged = 0;
	evcan_set_log_cb(on_log, NULL);
	r = evcan_vendor_timing_classic_(bus, clock, bit, err);
	evcan_set_log_cb(NULL, NULL);
	evcan_bus_free(bus);
	return r;
}

static void
timing_is_for_the_clock(void **state)
{
	struct evcan_error err = { 0 };
	struct evcan_bit_timing bit;

	(void)state;
	/* As it is. */
	assert_int_equal(timing("f_clock=8000000 brp=2 tseg1=11 tseg2=4 sjw=3",
	    8000000, &bit, &err), 0);
	assert_int_equal(bit.brp, 2);
	assert_int_equal(bit.tseg1, 11);
	assert_int_equal(bit.tseg2, 4);
	assert_int_equal(bit.sjw, 3);
	assert_int_equal(logged, 0);
	/* Of another clock: the same bit, and a word about it. */
	assert_int_equal(timing("f_clock=16000000 brp=2 tseg1=13 tseg2=2 "
	    "sjw=1", 8000000, &bit, &err), 0);
	assert_int_equal(bit.f_clock, 8000000);
	assert_int_equal(evcan_bit_timing_btr(&bit), 0x001c);
	assert_int_equal(logged, 1);
	assert_string_equal(last_log,
	    "it: timing computed anew for the clock of 8 MHz");
	/* One that this clock cannot give. */
	assert_int_equal(timing("f_clock=80000000 brp=1 tseg1=15 tseg2=4 "
	    "sjw=1", 8000000, &bit, &err), EVCAN_ERR_INVALID);
	assert_true(err.text[0] != '\0');
	/* Of CAN FD. */
	evcan_error_clear(&err);
	assert_int_equal(timing("f_clock=80000000 nom_brp=2 nom_tseg1=63 "
	    "nom_tseg2=16 nom_sjw=16 data_brp=2 data_tseg1=15 data_tseg2=4 "
	    "data_sjw=4", 8000000, &bit, &err), EVCAN_ERR_INVALID);
	assert_string_equal(err.text, "it: the timing is of CAN FD, which "
	    "interface virtual does not have");
}

static void
frames_are_classic(void **state)
{
	static const struct {
		unsigned flags;
		uint8_t dlc;
		int r;
		const char *text;
	} cases[] = {
		{ 0, 8, 0, "" },
		{ EVCAN_FRAME_EXT | EVCAN_FRAME_RTR, 8, 0, "" },
		{ 0, 9, EVCAN_ERR_INVALID, "interface virtual cannot send a "
		    "DLC of 9: 8 at the most" },
		{ EVCAN_FRAME_ERR, 8, EVCAN_ERR_INVALID,
		    "interface virtual cannot send error frames" }
	};
	struct evcan_bus *bus = evcan_bus_new_spec(NULL,
	    "virtual:a,ignore_config=true", NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_frame frame = { .id = 1, .len = 8,
			.flags = (uint16_t)cases[i].flags,
			.dlc = cases[i].dlc };
		struct evcan_error err = { 0 };

		assert_int_equal(evcan_vendor_check_classic_(bus, &frame,
		    &err), cases[i].r);
		assert_string_equal(err.text, cases[i].text);
		assert_int_equal(evcan_vendor_check_classic_(bus, &frame,
		    NULL), cases[i].r);
	}
	evcan_bus_free(bus);
}

/* A bus of the device made of counters. */

static struct evcan_bus *
begin(void)
{
	struct evcan_bus *bus;

	pthread_mutex_init(&device->lock, NULL);
	pthread_cond_init(&device->changed, NULL);
	bus = make_bus(NULL, 0, "");
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	return bus;
}

static void
refused_reset_is_explained(void **state)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus = begin();

	(void)state;
	assert_int_equal(evcan_vendor_reset_(bus, 5, 5000, &err), 0);
	assert_int_equal(device->last_what, 5);
	device_lock();
	device->answer = EVCAN_ERR_OPERATION;
	device_unlock();
	assert_int_equal(evcan_vendor_reset_(bus, 5, 5000, &err),
	    EVCAN_ERR_OPERATION);
	assert_non_null(strstr(err.text, ": not reset: "));
	evcan_error_clear(&err);
	device_hang("command");
	assert_int_equal(evcan_vendor_reset_(bus, 5, 20, &err),
	    EVCAN_ERR_TIMEOUT);
	assert_non_null(strstr(err.text, ": not reset yet: "));
	device_hang(NULL);
	evcan_bus_free(bus);
}

/* A command that saves what was received before it forgets it. */

static int
saving_command(struct evcan_adapter_ *adapter, void *arg, int what,
    const void *data)
{
	struct device *d = ((struct port *)arg)->device;

	(void)what;
	(void)data;
	device_lock();
	d->give = 1000;
	device_unlock();
	evcan_adapter_save_(adapter);
	device_lock();
	d->give = d->given;
	device_unlock();
	return 0;
}

static void
saved_frames_are_given_on(void **state)
{
	struct evcan_frame frame;
	struct evcan_bus *bus;

	(void)state;
	device++;
	fake_ops.command = saving_command;
	bus = begin();
	assert_int_equal(evcan_adapter_ask_(bus, 1, NULL, 0, 5000), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(evcan_bus_recv_wait(bus, &frame, 1, 5000), 1);
		assert_int_equal(number_of(&frame), i);
	}
	evcan_bus_free(bus);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timing_is_for_the_clock),
		cmocka_unit_test(frames_are_classic),
		cmocka_unit_test(refused_reset_is_explained),
		cmocka_unit_test(saved_frames_are_given_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
