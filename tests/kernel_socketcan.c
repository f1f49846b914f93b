/* SPDX-License-Identifier: BSD-3-Clause */
/* kernel_socketcan.c - socketcan when links come and go, and buffers fill
 *
 * Adds, changes and removes interfaces, so it is run as root where nothing
 * can be harmed: by tests/vm/guest/socketcan_links.sh. Public API only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include <evcan/bus.h>
#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/filter.h>
#include <evcan/frame.h>

#include "may_skip.h"

#define SOON 10000     /* ms; an emulated machine is slow */

/* What was said */

static char said[20][300];
static size_t n_said;

static void
on_log(enum evcan_log_level level, const char *area, const char *text,
    void *arg)
{
	(void)level;
	(void)area;
	(void)arg;
	snprintf(said[n_said++ % 20], sizeof(said[0]), "%s", text);
}

static bool
was_said(const char *part)
{
	for (size_t i = 0; i < 20; i++) {
		if (strstr(said[i], part) != NULL)
			return true;
	}
	return false;
}

/* Links */

static void
ip(const char *what)
{
	char command[200];

	snprintf(command, sizeof(command), "ip link %s", what);
	if (system(command) != 0)
		fail_msg("%s failed", command);
}

static int
add_link(void **state)
{
	(void)state;
	ip("add dev vk0 type vcan");
	ip("set vk0 mtu 72 up");
	memset(said, 0, sizeof(said));
	return 0;
}

static int
del_link(void **state)
{
	(void)state;
	return system("ip link del vk0 2>/dev/null") < 0 ? -1 : 0;
}

/* Buses */

static struct evcan_bus *
open_spec(struct event_base *base, const char *spec)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus = evcan_bus_new_spec(base, spec, &err);

	if (bus == NULL || evcan_bus_open(bus, &err) < 0)
		fail_msg("%s: %s", spec, err.text);
	return bus;
}

/* Opening must fail with these words. */
static void
check_refused(const char *spec, int code, const char *words)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus = evcan_bus_new_spec(NULL, spec, &err);

	if (bus != NULL)
		assert_int_equal(evcan_bus_open(bus, &err), code);
	if (strstr(err.text, words) == NULL)
		fail_msg("%s: said \"%s\", not \"%s\"", spec, err.text,
		    words);
	evcan_bus_free(bus);
}

static struct evcan_frame
numbered(uint32_t number)
{
	struct evcan_frame frame;

	evcan_frame_init(&frame, 0x100, 0, &number, sizeof(number));
	return frame;
}

static uint32_t
number_of(const struct evcan_frame *frame)
{
	uint32_t number;

	memcpy(&number, frame->data, sizeof(number));
	return number;
}

static void
send_numbers(const char *spec, uint32_t from, uint32_t n)
{
	struct evcan_bus *bus = open_spec(NULL, spec);

	for (uint32_t i = from; i < from + n; i++) {
		struct evcan_frame frame = numbered(i);

		assert_int_equal(evcan_bus_send_wait(bus, &frame, SOON), 0);
	}
	evcan_bus_free(bus);
}

struct watcher {
	struct event_base *base;
	struct evcan_bus *bus;
	uint32_t frames, errors;
	size_t events[EVCAN_BUS_WRITABLE + 1];
	enum evcan_bus_state state;
	uint64_t lost;
	int error;
	bool frame_after_error;
};

static void
on_frames(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	struct watcher *w = arg;

	(void)bus;
	for (size_t i = 0; i < n; i++) {
		if (frames[i].flags & EVCAN_FRAME_ERR) {
			w->errors++;
			continue;
		}
		if (w->events[EVCAN_BUS_ERROR] == 0)
			assert_int_equal(number_of(&frames[i]), w->frames);
		w->frames++;
	}
}

static void
on_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	struct watcher *w = arg;

	(void)bus;
	w->events[event]++;
	if (event == EVCAN_BUS_STATE)
		w->state = info->state;
	if (event == EVCAN_BUS_ERROR)
		w->error = info->error->code;
	if (event == EVCAN_BUS_GAP)
		w->lost += info->lost;
}

static void
watch_spec(struct watcher *w, const char *spec)
{
	memset(w, 0, sizeof(*w));
	w->base = event_base_new();
	w->bus = open_spec(w->base, spec);
	evcan_bus_set_cb(w->bus, on_frames, on_event, w);
}

static void
unwatch(struct watcher *w)
{
	evcan_bus_free(w->bus);
	event_base_free(w->base);
}

static void
turn(struct watcher *w, int ms)
{
	struct timeval limit = { 0, ms * 1000 };

	event_base_loopexit(w->base, &limit);
	event_base_dispatch(w->base);
}

#define WAIT_FOR(w, condition) do { \
		for (int i_ = 0; i_ < SOON / 10 && !(condition); i_++) \
			turn(w, 10); \
		assert_true(condition); \
	} while (0)

/* Opening */

static void
errors_say_what_helps(void **state)
{
	(void)state;
	check_refused("socketcan:vk7", EVCAN_ERR_INIT, "vk0");
	check_refused("socketcan:lo", EVCAN_ERR_INIT,
	    "not a CAN interface");
	check_refused("socketcan:", EVCAN_ERR_INVALID, "channel");
	check_refused("socketcan:vk0,receive_buffer=0", 0,
	    "receive_buffer");
	ip("set vk0 down");
	check_refused("socketcan:vk0", EVCAN_ERR_INIT, "ip link set vk0 up");
	ip("set vk0 mtu 16 up");
	check_refused("socketcan:vk0,fd=true", EVCAN_ERR_INIT,
	    "ip link set vk0 mtu 72 up");
}

static void
a_bitrate_has_no_effect(void **state)
{
	(void)state;
	evcan_bus_free(open_spec(NULL, "socketcan:vk0,bitrate=250000"));
	assert_true(was_said("250000 has no effect"));
}

/* In a process of its own, that may not exceed net.core.rmem_max. */
static void
a_capped_buffer_is_told(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(1);
		evcan_bus_free(open_spec(NULL, "socketcan:vk0"));
		_exit(was_said("net.core.rmem_max") ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	evcan_bus_free(open_spec(NULL, "socketcan:vk0"));
	assert_false(was_said("net.core.rmem_max"));
}

/* Down and up */

static void
frames_wait_while_the_link_is_down(void **state)
{
	struct watcher w, peer;
	struct evcan_frame frame;

	(void)state;
	watch_spec(&w, "socketcan:vk0,tx_queue_size=8");
	watch_spec(&peer, "socketcan:vk0");
	ip("set vk0 down");
	WAIT_FOR(&w, w.state == EVCAN_STATE_STOPPED);
	for (uint32_t i = 0; i < 8; i++) {
		frame = numbered(i);
		assert_int_equal(evcan_bus_send(w.bus, &frame, 1), 1);
	}
	frame = numbered(8);
	assert_int_equal(evcan_bus_send(w.bus, &frame, 1), EVCAN_ERR_FULL);
	turn(&w, 50);
	assert_int_equal(w.events[EVCAN_BUS_WRITABLE], 0);
	ip("set vk0 up");
	WAIT_FOR(&w, w.events[EVCAN_BUS_WRITABLE] == 1);
	WAIT_FOR(&w, w.state == EVCAN_STATE_ACTIVE);
	assert_int_equal(evcan_bus_send(w.bus, &frame, 1), 1);
	WAIT_FOR(&peer, peer.frames == 9);
	assert_int_equal(w.events[EVCAN_BUS_ERROR], 0);
	assert_int_equal(peer.events[EVCAN_BUS_ERROR], 0);
	assert_int_equal(peer.state, EVCAN_STATE_ACTIVE);
	unwatch(&w);
	unwatch(&peer);
}

static void
flapping_ends_in_the_true_state(void **state)
{
	struct watcher w;

	(void)state;
	watch_spec(&w, "socketcan:vk0");
	for (int i = 0; i < 20; i++) {
		ip("set vk0 down");
		if (i % 3 == 0)
			turn(&w, 5);
		ip("set vk0 up");
	}
	turn(&w, 50);
	assert_int_equal(evcan_bus_get_state(w.bus), EVCAN_STATE_ACTIVE);
	send_numbers("socketcan:vk0", 0, 3);
	WAIT_FOR(&w, w.frames == 3);
	unwatch(&w);
}

/* Removed and back */

static void
a_removed_link_comes_back(void **state)
{
	const struct evcan_filter filter = { 0x100, 0x7ff, EVCAN_FILTER_STD,
	    false };
	struct watcher w;
	struct evcan_bus *peer;
	struct evcan_frame frame = numbered(0);

	(void)state;
	watch_spec(&w, "socketcan:vk0,reopen_interval=0.02");
	assert_int_equal(evcan_bus_set_filters(w.bus, &filter, 1,
	    EVCAN_FILTER_OR, NULL), 0);
	turn(&w, 10);
	for (int round = 1; round <= 3; round++) {
		/* What came before is delivered before the end is told. */
		w.frames = 0;
		w.events[EVCAN_BUS_ERROR] = 0;
		send_numbers("socketcan:vk0", 0, 500);
		ip("del vk0");
		WAIT_FOR(&w, w.events[EVCAN_BUS_ERROR] == 1);
		assert_int_equal(w.frames, 500);
		assert_int_equal(w.error, EVCAN_ERR_GONE);
		assert_int_equal(w.state, EVCAN_STATE_STOPPED);
		assert_int_equal(evcan_bus_send(w.bus, &frame, 1),
		    EVCAN_ERR_GONE);
		ip("add dev vk0 type vcan");
		turn(&w, 50);
		ip("set vk0 mtu 72 up");
		WAIT_FOR(&w, w.events[EVCAN_BUS_OPENED] ==
		    (size_t)round + 1);
		WAIT_FOR(&w, w.state == EVCAN_STATE_ACTIVE);
		assert_int_equal(w.events[EVCAN_BUS_ERROR], 1);
	}
	peer = open_spec(NULL, "socketcan:vk0");
	frame.id = 0x101;
	evcan_bus_send_wait(peer, &frame, SOON);
	frame.id = 0x100;
	evcan_bus_send_wait(peer, &frame, SOON);
	WAIT_FOR(&w, w.frames > 500);
	turn(&w, 20);
	assert_int_equal(w.frames, 501);
	evcan_bus_free(peer);
	unwatch(&w);
}

/* Nobody reads this bus: its end must be told all the same. */
static void
removal_is_told_without_a_reader(void **state)
{
	struct watcher w;

	(void)state;
	watch_spec(&w, "socketcan:vk0");
	evcan_bus_set_cb(w.bus, NULL, on_event, &w);
	send_numbers("socketcan:vk0", 0, 10);
	turn(&w, 20);
	ip("del vk0");
	WAIT_FOR(&w, w.events[EVCAN_BUS_ERROR] == 1);
	assert_int_equal(w.error, EVCAN_ERR_GONE);
	unwatch(&w);
}

/* States */

static void
inject(struct evcan_bus *bus, uint32_t class, uint8_t status)
{
	struct evcan_frame frame = { .id = class, .flags = EVCAN_FRAME_ERR,
	    .len = 8, .dlc = 8 };

	frame.data[1] = status;
	assert_int_equal(evcan_bus_send_wait(bus, &frame, SOON), 0);
}

static void
error_frames_tell_states(void **state)
{
	static const struct {
		uint32_t class;
		uint8_t status;
		enum evcan_bus_state state;
	} steps[] = {
		{ 0x004, 0x08, EVCAN_STATE_WARNING },
		{ 0x204, 0x10, EVCAN_STATE_PASSIVE },
		{ 0x004, 0x04, EVCAN_STATE_WARNING },
		{ 0x004, 0x40, EVCAN_STATE_ACTIVE },
		{ 0x040, 0x00, EVCAN_STATE_BUS_OFF },
		{ 0x100, 0x00, EVCAN_STATE_ACTIVE },
	};
	struct watcher w;
	struct evcan_bus *peer = open_spec(NULL, "socketcan:vk0");

	(void)state;
	watch_spec(&w, "socketcan:vk0");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		inject(peer, steps[i].class, steps[i].status);
		WAIT_FOR(&w, w.errors == i + 1);
		WAIT_FOR(&w, w.state == steps[i].state);
		assert_int_equal(w.events[EVCAN_BUS_STATE], i + 1);
	}
	inject(peer, 0x004, 0x01);   /* the controller overran */
	WAIT_FOR(&w, w.lost == 1);
	unwatch(&w);
	watch_spec(&w, "socketcan:vk0,error_mask=0x40");
	inject(peer, 0x004, 0x10);
	inject(peer, 0x040, 0x00);
	WAIT_FOR(&w, w.errors == 1);
	assert_int_equal(w.state, EVCAN_STATE_BUS_OFF);
	unwatch(&w);
	evcan_bus_free(peer);
}

static void
joined_filters_pass_error_frames(void **state)
{
	const struct evcan_filter filters[] = {
		{ 0x100, 0x700, EVCAN_FILTER_STD, false },
		{ 0x101, 0x7ff, EVCAN_FILTER_STD, true }
	};
	struct watcher w;
	struct evcan_bus *peer = open_spec(NULL, "socketcan:vk0");
	struct evcan_frame frame = numbered(0);

	(void)state;
	watch_spec(&w, "socketcan:vk0");
	evcan_bus_set_filters(w.bus, filters, 2, EVCAN_FILTER_AND, NULL);
	inject(peer, 0x040, 0);
	frame.id = 0x101;
	evcan_bus_send_wait(peer, &frame, SOON);
	frame.id = 0x102;
	evcan_bus_send_wait(peer, &frame, SOON);
	WAIT_FOR(&w, w.frames == 1);
	assert_int_equal(w.errors, 1);
	unwatch(&w);
	evcan_bus_free(peer);
}

/* Overflow */

static uint64_t
lost_so_far(const struct evcan_bus *bus)
{
	struct evcan_bus_stats stats;

	evcan_bus_get_stats(bus, &stats);
	return stats.lost_kernel;
}

/* Reads up to `most` frames. Each jump in their numbers must be told by the
 * time it is seen. */
static void
read_numbers(struct evcan_bus *bus, uint32_t most, uint32_t *next,
    uint64_t *lost)
{
	struct evcan_frame frame;
	uint64_t told;

	while (most-- > 0 && evcan_bus_recv(bus, &frame, 1) == 1) {
		told = lost_so_far(bus);
		assert_int_equal(number_of(&frame) - *next, told - *lost);
		*lost = told;
		*next = number_of(&frame) + 1;
	}
}

static void
overflow_is_counted_exactly(void **state)
{
	struct evcan_bus *bus = open_spec(NULL,
	    "socketcan:vk0,receive_buffer=100");
	uint32_t next = 0;
	uint64_t lost = 0;

	(void)state;
	send_numbers("socketcan:vk0", 0, 300);
	read_numbers(bus, 50, &next, &lost);
	assert_int_equal(next, 50);
	send_numbers("socketcan:vk0", 300, 20);
	read_numbers(bus, 1000, &next, &lost);
	assert_int_equal(next, 320);
	assert_true(lost > 0 && lost <= 200);   /* it held 100 and more */
	/* Now the last ones are lost: no later frame tells of them. */
	send_numbers("socketcan:vk0", 320, 300);
	read_numbers(bus, 1000, &next, &lost);
	assert_true(next >= 420);
	while (evcan_bus_recv(bus, &(struct evcan_frame){ 0 }, 1) > 0)
		;
	assert_int_equal(next + (lost_so_far(bus) - lost), 620);
	send_numbers("socketcan:vk0", 620, 1);
	lost = lost_so_far(bus);
	next = 620;
	read_numbers(bus, 1, &next, &lost);
	assert_int_equal(next, 621);
	evcan_bus_free(bus);
}

/* The buffer's size is in frames, also in frames of CAN FD. */
static void
the_buffer_holds_what_it_says(void **state)
{
	struct evcan_bus *bus = open_spec(NULL,
	    "socketcan:vk0,fd=true,receive_buffer=20000");
	struct evcan_bus *peer = open_spec(NULL, "socketcan:vk0,fd=true");
	static struct evcan_frame frames[20000];
	uint8_t data[64] = { 0 };
	int n, got = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		evcan_frame_init(&frames[0], 1, i % 2 ? EVCAN_FRAME_FD : 0,
		    data, i % 2 ? 64 : 8);
		assert_int_equal(evcan_bus_send_wait(peer, &frames[0], SOON),
		    0);
	}
	while ((n = evcan_bus_recv(bus, frames, 20000)) > 0)
		got += n;
	assert_int_equal(got, 20000);
	assert_int_equal(lost_so_far(bus), 0);
	evcan_bus_free(bus);
	evcan_bus_free(peer);
}

/* All interfaces */

static void
any_serves_all_interfaces(void **state)
{
	struct evcan_bus *any, *peer;
	struct evcan_frame frame = numbered(0), got;

	(void)state;
	any = open_spec(NULL, "socketcan:any");
	assert_int_equal(evcan_bus_send(any, &frame, 1), EVCAN_ERR_INVALID);
	ip("add dev vk1 type vcan");
	ip("set vk1 up");
	peer = open_spec(NULL, "socketcan:vk1");
	for (int round = 0; round < 2; round++) {
		evcan_bus_send_wait(peer, &frame, SOON);
		assert_int_equal(evcan_bus_recv_wait(any, &got, 1, SOON), 1);
		assert_string_equal(evcan_channel_name(got.channel), "vk1");
		assert_int_equal(evcan_bus_send_wait(any, &got, SOON), 0);
		assert_int_equal(evcan_bus_recv_wait(peer, &got, 1, SOON), 1);
		evcan_bus_free(peer);
		/* The same name, another interface. */
		ip("del vk1");
		ip("add dev vk1 type vcan");
		ip("set vk1 up");
		evcan_bus_process(any);
		peer = open_spec(NULL, "socketcan:vk1");
	}
	send_numbers("socketcan:vk0", 0, 1);
	assert_int_equal(evcan_bus_recv_wait(any, &got, 1, SOON), 1);
	assert_string_equal(evcan_channel_name(got.channel), "vk0");
	evcan_bus_free(peer);
	evcan_bus_free(any);
	ip("del vk1");
}

/* Cards, if there are any */

static void
cards_have_bit_rates(void **state)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;

	(void)state;
	if (access("/sys/class/net/can0", F_OK) < 0)
		may_skip("no card can0; see tests/vm/vm -k");
	ip("set can0 down");
	check_refused("socketcan:can0", EVCAN_ERR_INIT, "bitrate");
	ip("set can0 up type can bitrate 500000");
	bus = open_spec(NULL, "socketcan:can0,bitrate=250000");
	assert_true(was_said("type can bitrate 250000"));
	assert_int_equal(evcan_bus_reset(bus, &err), EVCAN_ERR_STATE);
	assert_non_null(strstr(err.text, "not bus-off"));
	assert_int_equal(evcan_bus_set_mode(bus, EVCAN_MODE_LISTEN_ONLY),
	    EVCAN_ERR_UNSUPPORTED);
	evcan_bus_free(bus);
	check_refused("socketcan:can0,fd=true", EVCAN_ERR_INIT, "fd on");
	check_refused("socketcan:can0,state=PASSIVE", EVCAN_ERR_INIT,
	    "listen-only on");
	ip("set can0 down");
	ip("set can0 up type can listen-only on");
	evcan_bus_free(open_spec(NULL, "socketcan:can0,state=PASSIVE"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, add_link, del_link)
		TEST(errors_say_what_helps), TEST(a_bitrate_has_no_effect),
		TEST(a_capped_buffer_is_told),
		TEST(frames_wait_while_the_link_is_down),
		TEST(flapping_ends_in_the_true_state),
		TEST(a_removed_link_comes_back),
		TEST(removal_is_told_without_a_reader),
		TEST(error_frames_tell_states),
		TEST(joined_filters_pass_error_frames),
		TEST(overflow_is_counted_exactly),
		TEST(the_buffer_holds_what_it_says),
		TEST(any_serves_all_interfaces), TEST(cards_have_bit_rates),
	};

	evcan_set_log_cb(on_log, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
