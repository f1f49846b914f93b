/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_driver.c - one suite that every driver passes
 *
 * usage: conform_driver [SPEC_A SPEC_B] [--fd] [--later] [--dlc-8] [--no-esi]
 *     [--paced]
 *
 * What one bus sends the other one receives. --fd: both carry CAN FD.
 * What a driver cannot do, it must not do: --later: a thread opens, so that a
 * loop is told when it has; --dlc-8: classic frames with a DLC over 8 are
 * refused; --no-esi: frames come without ESI, which the sending controller
 * says by itself. --paced: emulated hardware, which overruns when it is
 * flooded, knows no DLC over 8 and (QEMU's SJA1000) takes a remote frame's
 * DLC for data bytes that it then never gets. Public API only. */
#include "conform_driver.h"

#include <poll.h>
#include <time.h>

#include "leaks.h"

/* What a device's clock may be away from the system's. */
#define CLOCKS_NS (50LL * MS)

const char *conform_a = "virtual:conform", *conform_b = "virtual:conform";
bool conform_fd, conform_later, conform_dlc_8, conform_no_esi, conform_paced;
const struct evcan_driver *conform_driver;

static int fds_before;
static int64_t sent_ns;   /* when the last frame began its way, Unix */

/* Helpers */

static int
setup(void **state)
{
	(void)state;
	fds_before = count_fds();
	return 0;
}

static int
teardown(void **state)
{
	int now = count_fds();

	(void)state;
	if (now != fds_before)
		print_error("file descriptors left open: %d\n",
		    now - fds_before);
	return now == fds_before ? 0 : -1;
}

void
conform_sleep(int ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * MS };

	nanosleep(&t, NULL);
}

/* Some deliver their own messages unless they are told not to. */
static const char *
no_own_messages(const char *extra)
{
	const struct evcan_option *row = conform_driver->options == NULL ?
	    NULL : evcan_option_find(conform_driver->options,
	    "receive_own_messages");
	bool on = row != NULL && row->fallback != NULL &&
	    strcmp(row->fallback, "true") == 0;

	return on && strstr(extra, row->name) == NULL ?
	    ",receive_own_messages=false" : "";
}

struct evcan_bus *
conform_make(struct event_base *base, const char *spec, const char *extra)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	char text[500];

	snprintf(text, sizeof(text), "%s,ignore_config=true%s%s%s", spec,
	    conform_fd ? ",fd=true" : "", no_own_messages(extra), extra);
	bus = evcan_bus_new_spec(base, text, &err);
	if (bus == NULL)
		fail_msg("%s: %s", text, err.text);
	return bus;
}

void
conform_wait_open(struct evcan_bus *bus)
{
	struct event_base *base = evcan_bus_base(bus);
	int64_t end = evcan_now_monotonic() + (int64_t)SOON * MS;

	while (base != NULL && !evcan_bus_is_open(bus)) {
		if (evcan_now_monotonic() > end)
			fail_msg("%s does not open: %s", evcan_bus_name(bus),
			    evcan_bus_error(bus)->text);
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		conform_sleep(1);
	}
}

struct evcan_bus *
conform_open(struct event_base *base, const char *spec, const char *extra)
{
	struct evcan_bus *bus = conform_make(base, spec, extra);
	struct evcan_error err = { 0 };

	if (evcan_bus_open(bus, &err) < 0)
		fail_msg("%s: %s", spec, err.text);
	assert_int_equal(evcan_bus_is_open(bus), base == NULL ||
	    !conform_later);
	conform_wait_open(bus);
	return bus;
}

struct evcan_frame
conform_frame(uint32_t id, unsigned flags, const void *data, size_t len)
{
	struct evcan_frame frame;

	assert_int_equal(evcan_frame_init(&frame, id, flags, data, len), 0);
	return frame;
}

struct evcan_frame
conform_numbered(uint32_t number)
{
	return conform_frame(0x100, 0, &number, sizeof(number));
}

uint32_t
conform_number(const struct evcan_frame *frame)
{
	uint32_t number;

	memcpy(&number, frame->data, sizeof(number));
	return number;
}

bool
conform_is_error(const struct evcan_frame *frame)
{
	return frame->flags & EVCAN_FRAME_ERR;
}

bool
conform_next(struct evcan_bus *bus, struct evcan_frame *frame, int timeout_ms)
{
	int n;

	do
		n = evcan_bus_recv_wait(bus, frame, 1, timeout_ms);
	while (n == 1 && conform_is_error(frame));
	assert_true(n >= 0);
	return n == 1;
}

void
conform_send(struct evcan_bus *bus, const struct evcan_frame *frame)
{
	int r;

	sent_ns = evcan_now_unix();
	r = evcan_bus_send_wait(bus, frame, SOON);
	if (r < 0)
		fail_msg("send: %s (%s)", evcan_error_name(r),
		    evcan_bus_error(bus)->text);
	if (conform_paced)
		conform_sleep(2);
}

void
conform_same(const struct evcan_frame *got, const struct evcan_frame *sent)
{
	char a[EVCAN_TEXT_MAX], b[EVCAN_TEXT_MAX];
	struct evcan_frame want = *sent;

	if (conform_no_esi)
		want.flags &= (uint16_t)~EVCAN_FRAME_ESI;
	if (evcan_frame_equal(got, &want, -1, EVCAN_EQUAL_ANY_CHANNEL |
	    EVCAN_EQUAL_ANY_DIRECTION))
		return;
	evcan_frame_format(got, a, sizeof(a));
	evcan_frame_format(&want, b, sizeof(b));
	fail_msg("received %s, sent %s", a, b);
}

/* A driver of this process has delivered when send returns; where a thread
 * sends, it may get its turn late. */
int
conform_settle_ms(void)
{
	if (conform_paced)
		return 50;
	return conform_later ? 100 : 10;
}

void
conform_quiet(struct evcan_bus *bus)
{
	struct evcan_frame frame;

	while (conform_next(bus, &frame, 2 * conform_settle_ms()))
		;
}

void
conform_received(struct evcan_bus *to, const struct evcan_frame *sent)
{
	struct evcan_frame got;

	if (!conform_next(to, &got, SOON))
		fail_msg("frame %X did not come", (unsigned)sent->id);
	conform_same(&got, sent);
	assert_int_equal(evcan_frame_check(&got, NULL), 0);
	assert_true(got.channel != EVCAN_CHANNEL_NONE);
	assert_false(got.flags & EVCAN_FRAME_ECHO);
	assert_true(got.clock != EVCAN_CLOCK_NONE);
	assert_true(got.time_ns > sent_ns - CLOCKS_NS);
	assert_true(got.time_ns < evcan_now_unix() + CLOCKS_NS);
}

/* Options and opening */

static void
rows_are_complete(void **state)
{
	struct evcan_options *none = evcan_options_new();
	const struct evcan_option *row = conform_driver->options;
	struct evcan_error err = { 0 };
	void *values = calloc(1, conform_driver->state_size + 1);

	(void)state;
	assert_non_null(conform_driver->summary);
	for (; row != NULL && row->name != NULL; row++) {
		if (row->help == NULL || strlen(row->help) < 5)
			fail_msg("option %s has no help", row->name);
		assert_null(evcan_option_find(evcan_bus_options(),
		    row->name));
		assert_true(row->offset < conform_driver->state_size);
		assert_false(row->flags & EVCAN_OPTION_REQUIRED);
	}
	if (conform_driver->options != NULL &&
	    evcan_options_fill(none, conform_driver->options, values,
	    &err) < 0)
		fail_msg("defaults: %s", err.text);
	evcan_options_free(none);
	free(values);
}

static void
unknown_option_is_refused(void **state)
{
	struct evcan_error err = { 0 };
	char spec[400];

	(void)state;
	snprintf(spec, sizeof(spec), "%s,no_such_option=1", conform_a);
	assert_null(evcan_bus_new_spec(NULL, spec, &err));
	assert_int_equal(err.code, EVCAN_ERR_INVALID);
	assert_non_null(strstr(err.text, "no_such_option"));
}

static void
missing_device_is_one_error(void **state)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	char spec[100];

	(void)state;
	if (strcmp(conform_driver->name, "virtual") == 0)
		skip();   /* every channel is there */
	snprintf(spec, sizeof(spec), "%s:nosuchdev0", conform_driver->name);
	bus = evcan_bus_new_spec(NULL, spec, &err);
	assert_non_null(bus);
	assert_true(evcan_bus_open(bus, &err) < 0);
	assert_int_equal(err.code, EVCAN_ERR_INIT);
	assert_non_null(strstr(err.text, "nosuchdev0"));
	assert_null(strchr(err.text, '\n'));
	assert_false(evcan_bus_is_open(bus));
	assert_true(evcan_bus_open(bus, NULL) < 0);
	evcan_bus_free(bus);
}

static void
not_open_is_a_state_error(void **state)
{
	struct evcan_bus *bus = conform_make(NULL, conform_a, "");
	struct evcan_frame frame = conform_numbered(1);

	(void)state;
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_STATE);
	assert_int_equal(evcan_bus_recv(bus, &frame, 1), EVCAN_ERR_STATE);
	assert_int_equal(evcan_bus_close(bus), EVCAN_ERR_STATE);
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	assert_int_equal(evcan_bus_open(bus, NULL), EVCAN_ERR_STATE);
	assert_int_equal(evcan_bus_close(bus), 0);
	assert_int_equal(evcan_bus_send(bus, &frame, 1), EVCAN_ERR_STATE);
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	evcan_bus_free(bus);
}

static void
freed_before_opened(void **state)
{
	struct event_base *base = event_base_new();

	(void)state;
	evcan_bus_free(conform_make(NULL, conform_a, ""));
	evcan_bus_free(conform_make(base, conform_a, ""));
	evcan_bus_free(conform_open(base, conform_a, ""));
	event_base_free(base);
}

static void
on_found(const struct evcan_detected *found, void *arg)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus = evcan_bus_new(NULL, found->options, &err);

	++*(int *)arg;
	if (bus == NULL)
		fail_msg("detected %s: %s", found->channel, err.text);
	assert_string_equal(found->interface, conform_driver->name);
	assert_string_equal(evcan_bus_channel(bus), found->channel);
	evcan_bus_free(bus);
}

static void
detect_never_fails(void **state)
{
	const char *names[2] = { conform_driver->name, NULL };
	struct evcan_error err = { 0 };
	int found = 0, n;

	(void)state;
	n = evcan_detect(names, -1, on_found, &found, &err);
	assert_int_equal(n, found);
}

/* Frames */

static void
both_ways(const struct evcan_frame *frame)
{
	struct evcan_bus *a = conform_open(NULL, conform_a, "");
	struct evcan_bus *b = conform_open(NULL, conform_b, "");

	conform_send(a, frame);
	conform_received(b, frame);
	conform_send(b, frame);
	conform_received(a, frame);
	evcan_bus_free(a);
	evcan_bus_free(b);
}

/* Whether the driver says that it cannot send that. */
static bool
is_refused(const struct evcan_frame *frame)
{
	struct evcan_bus *a = conform_open(NULL, conform_a, "");
	int r = evcan_bus_send(a, frame, 1);

	if (r < 0) {
		assert_int_equal(r, EVCAN_ERR_INVALID);
		assert_true(evcan_bus_error(a)->text[0] != '\0');
	}
	evcan_bus_free(a);
	return r < 0;
}

static void
classic_frames_pass(void **state)
{
	static const uint8_t bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 0xff };
	struct evcan_frame frame;

	(void)state;
	for (size_t len = 0; len <= 8; len++) {
		frame = conform_frame(0x123, 0, bytes, len);
		both_ways(&frame);
	}
	frame = conform_frame(0x7ff, 0, bytes, 8);
	both_ways(&frame);
	frame = conform_frame(0, EVCAN_FRAME_EXT, bytes, 8);
	both_ways(&frame);
	frame = conform_frame(0x1fffffff, EVCAN_FRAME_EXT, bytes, 3);
	both_ways(&frame);
	assert_int_equal(evcan_frame_init_remote(&frame, 0x321, 0, 0), 0);
	both_ways(&frame);
	if (conform_paced)
		return;   /* see usage */
	assert_int_equal(evcan_frame_init_remote(&frame, 0x12345678,
	    EVCAN_FRAME_EXT, 5), 0);
	both_ways(&frame);
	/* Eight bytes under a DLC over 8. */
	frame = conform_frame(0x456, 0, bytes, 8);
	for (frame.dlc = 9; frame.dlc <= 15; frame.dlc += 3) {
		assert_int_equal(is_refused(&frame), conform_dlc_8);
		if (!conform_dlc_8)
			both_ways(&frame);
	}
}

static void
fd_frames_pass_or_are_refused(void **state)
{
	static const uint8_t lengths[] = { 0, 1, 8, 12, 16, 20, 24, 32, 48,
	    64 };
	uint8_t bytes[64];
	struct evcan_frame frame;

	(void)state;
	for (int i = 0; i < 64; i++)
		bytes[i] = (uint8_t)(i * 5);
	if (!conform_fd) {
		frame = conform_frame(0x123, EVCAN_FRAME_FD, bytes, 12);
		if (!is_refused(&frame))
			both_ways(&frame);
		return;
	}
	for (size_t i = 0; i < sizeof(lengths); i++) {
		frame = conform_frame(0x123, EVCAN_FRAME_FD |
		    (i % 2 ? EVCAN_FRAME_BRS : 0) |
		    (i % 3 ? 0 : EVCAN_FRAME_ESI) |
		    (i % 4 ? EVCAN_FRAME_EXT : 0), bytes, lengths[i]);
		both_ways(&frame);
	}
}

static void
wrong_frames_are_refused(void **state)
{
	struct evcan_bus *a = conform_open(NULL, conform_a, "");
	struct evcan_frame frame = conform_numbered(1);

	(void)state;
	frame.id = 0x800;
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	frame.id = 0x20000000;
	frame.flags = EVCAN_FRAME_EXT;
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	frame = conform_numbered(1);
	frame.len = 9;
	assert_int_equal(evcan_bus_send(a, &frame, 1), EVCAN_ERR_INVALID);
	evcan_bus_free(a);
}

/* At most `window` frames are on their way at a time. */
static void
order_is_kept(void **state)
{
	const uint32_t total = 10000, window = conform_paced ? 2 : 64;
	struct evcan_bus *a = conform_open(NULL, conform_a, "");
	struct evcan_bus *b = conform_open(NULL, conform_b, "");
	struct evcan_bus_stats stats;
	struct evcan_frame frame;
	uint32_t sent = 0, got = 0;

	(void)state;
	while (got < total) {
		while (sent < total && sent - got < window) {
			frame = conform_numbered(sent);
			assert_int_equal(evcan_bus_send_wait(a, &frame, SOON),
			    0);
			sent++;
		}
		if (!conform_next(b, &frame, SOON))
			fail_msg("frame %u did not come", (unsigned)got);
		assert_int_equal(conform_number(&frame), got);
		got++;
	}
	evcan_bus_get_stats(a, &stats);
	assert_int_equal(stats.sent, total);
	assert_int_equal(stats.sent_bytes, total * 4);
	assert_int_equal(stats.send_failed + stats.send_refused, 0);
	evcan_bus_get_stats(b, &stats);
	assert_int_equal(stats.received - stats.error_frames, total);
	assert_int_equal(stats.lost_kernel + stats.lost_queue, 0);
	evcan_bus_free(a);
	evcan_bus_free(b);
}

/* Other loops */

static void
waiting_ends_in_time(void **state)
{
	struct evcan_bus *b = conform_open(NULL, conform_b, "");
	struct evcan_frame frame;
	int64_t start;

	(void)state;
	conform_quiet(b);
	start = evcan_now_monotonic();
	assert_int_equal(evcan_bus_recv_wait(b, &frame, 1, 50), 0);
	assert_true(evcan_now_monotonic() - start >= 50 * MS);
	assert_true(evcan_now_monotonic() - start < (int64_t)SOON * MS);
	start = evcan_now_monotonic();
	assert_int_equal(evcan_bus_recv_wait(b, &frame, 1, 0), 0);
	assert_true(evcan_now_monotonic() - start < 1000LL * MS);
	evcan_bus_free(b);
}

static void
poll_sees_the_bus(void **state)
{
	const uint32_t total = conform_paced ? 3 : 100;
	struct evcan_bus *a = conform_open(NULL, conform_a, "");
	struct evcan_bus *b = conform_open(NULL, conform_b, "");
	struct pollfd pfd = { .fd = evcan_bus_fd(b), .events = POLLIN };
	struct evcan_frame frame;
	uint32_t got = 0;
	int n;

	(void)state;
	assert_true(pfd.fd >= 0);
	conform_quiet(b);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	for (uint32_t i = 0; i < total; i++) {
		frame = conform_numbered(i);
		conform_send(a, &frame);
	}
	while (got < total) {
		int wait = evcan_bus_timeout(b);

		n = poll(&pfd, 1, wait < 0 || wait > SOON ? SOON : wait);
		assert_true(n == 1 || wait >= 0);
		evcan_bus_process(b);
		while ((n = evcan_bus_recv(b, &frame, 1)) > 0) {
			if (conform_is_error(&frame))
				continue;
			assert_int_equal(conform_number(&frame), got);
			got++;
		}
		assert_int_equal(n, 0);
	}
	assert_int_equal(evcan_bus_fd(b), pfd.fd);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	evcan_bus_free(a);
	evcan_bus_free(b);
}

static bool
understand(int argc, char **argv)
{
	static const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{ "--fd", &conform_fd }, { "--later", &conform_later },
		{ "--dlc-8", &conform_dlc_8 }, { "--no-esi", &conform_no_esi },
		{ "--paced", &conform_paced },
	};
	const size_t n = sizeof(flags) / sizeof(flags[0]);
	int specs = 0;

	for (int i = 1; i < argc; i++) {
		size_t f = 0;

		while (f < n && strcmp(argv[i], flags[f].name) != 0)
			f++;
		if (f < n)
			*flags[f].flag = true;
		else if (argv[i][0] == '-' || specs > 1)
			return false;
		else if (specs++ == 0)
			conform_a = conform_b = argv[i];
		else
			conform_b = argv[i];
	}
	return true;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(rows_are_complete), TEST(unknown_option_is_refused),
		TEST(missing_device_is_one_error),
		TEST(not_open_is_a_state_error), TEST(freed_before_opened),
		TEST(detect_never_fails), TEST(classic_frames_pass),
		TEST(fd_frames_pass_or_are_refused),
		TEST(wrong_frames_are_refused), TEST(order_is_kept),
		TEST(conform_filters_are_exact),
		TEST(conform_many_filters_work),
		TEST(conform_a_loop_calls_back),
		TEST(conform_freed_in_frame_callback),
		TEST(conform_freed_in_event_callback),
		TEST(conform_outcomes_are_told_once),
		TEST(conform_freed_in_outcome_callback),
		TEST(conform_full_queue_waits),
		TEST(conform_peer_may_vanish),
		TEST(conform_own_messages_are_an_option),
		TEST(waiting_ends_in_time), TEST(poll_sees_the_bus),
	};
	struct evcan_bus *bus;
	struct evcan_error err = { 0 };

	if (!understand(argc, argv)) {
		fprintf(stderr, "usage: see conform_driver.c\n");
		return 2;
	}
	bus = evcan_bus_new_spec(NULL, conform_a, &err);
	if (bus == NULL) {
		fprintf(stderr, "%s\n", err.text);
		return 2;
	}
	conform_driver = evcan_driver_find(evcan_bus_interface(bus));
	evcan_bus_free(bus);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
