/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_subscription.c - subscriptions, whoever watches
 *
 * usage: conform_subscription [SPEC_A SPEC_B] [--device | --loop] [--fd]
 *
 * What bus B sends bus A watches: its device, or the loop (the default). The
 * kernel's broadcast manager and its equivalent are judged by the same tests.
 * --fd: both carry CAN FD. Public API only. Nothing depends on how fast the
 * machine is: what must not be told is known by what is told after it. */
#include "conform_subscription.h"

const char *conform_a = "virtual:subscribed", *conform_b =
    "virtual:subscribed";
enum evcan_offload conform_offload = EVCAN_OFFLOAD_NEVER;
bool conform_fd;

/* Data: what is a change. */

static void
test_first_and_changes(void **state)
{
	struct evcan_subscription_config config = all_of(ID);
	struct evcan_subscription_stats stats;
	struct evcan_subscription *sub;
	struct world w;

	(void)state;
	make(&w);
	sub = subscribe(&w, &config);
	for (const char *const *text = (const char *const[]){ "AA", "AA",
	    "AB", "AB", "AB", "AA", "BA", "BA", "C", NULL }; *text; text++)
		send_text(&w, *text);
	await(&w, 5);
	check_told(&w.told[0], "AA");
	check_told(&w.told[1], "AB");
	check_told(&w.told[2], "AA");
	check_told(&w.told[3], "BA");
	check_told(&w.told[4], "C");
	assert_int_equal(w.told[0].frame.id, ID);
	assert_int_equal(w.told[0].frame.channel,
	    evcan_bus_channel_index(w.bus));
	assert_ptr_equal(w.told[0].sub, sub);
	evcan_subscription_get_stats(sub, &stats);
	assert_int_equal(stats.told, 5);
	assert_int_equal(stats.silences, 0);
	evcan_subscription_free(sub);
	unmake(&w);
}

static void
test_mask(void **state)
{
	struct evcan_subscription_config config = { .id = ID };
	struct evcan_subscription *sub;
	struct world w;

	(void)state;
	make(&w);
	config.mask[1] = 0x0f;
	config.mask[7] = 0x80;
	sub = subscribe(&w, &config);
	send_text(&w, "A1aaaaaa");
	send_text(&w, "B1bbbbbb");
	send_text(&w, "BA");              /* same low bits as 1 */
	send_text(&w, "B2");
	send_text(&w, "B2bbbbb\x7f");
	send_text(&w, "B2bbbbb\x80");
	await(&w, 3);
	check_told(&w.told[0], "A1aaaaaa");
	check_told(&w.told[1], "B2");
	check_told(&w.told[2], "B2bbbbb\x80");
	evcan_subscription_free(sub);
	unmake(&w);
}

static void
test_each(void **state)
{
	struct evcan_subscription_config config = { .id = ID };
	struct evcan_subscription *sub;
	struct world w;

	(void)state;
	make(&w);
	sub = subscribe(&w, &config);
	for (int i = 0; i < 5; i++)
		send_text(&w, "same");
	send_text(&w, "");
	await(&w, 6);
	for (int i = 0; i < 5; i++)
		check_told(&w.told[i], "same");
	check_told(&w.told[5], "");
	evcan_subscription_free(sub);
	unmake(&w);
}

static void
test_length(void **state)
{
	struct evcan_subscription_config config = all_of(ID);
	struct evcan_subscription *any, *exact;
	size_t n_any = 0, n_exact = 0;
	struct world w;

	(void)state;
	make(&w);
	any = subscribe(&w, &config);
	config.check_dlc = true;
	exact = subscribe(&w, &config);
	send_frame(&w, ID, 0, "A", 1);
	send_frame(&w, ID, 0, "A\0\0", 3);
	send_frame(&w, ID, 0, "A", 1);
	send_frame(&w, ID, 0, "", 0);      /* nothing to compare */
	send_frame(&w, ID, 0, "A\0\0\0\0\0\0\0", 8);
	send_frame(&w, ID, 0, "B", 1);
	await(&w, 2 + 6);
	for (size_t i = 0; i < w.n; i++) {
		if (w.told[i].sub == any)
			assert_int_equal(w.told[i].frame.data[0],
			    "AB"[n_any++]);
		else
			assert_int_equal(w.told[i].frame.len,
			    "\1\3\1\0\10\1"[n_exact++]);
	}
	assert_int_equal(n_any, 2);
	assert_int_equal(n_exact, 6);
	evcan_subscription_free(any);
	evcan_subscription_free(exact);
	unmake(&w);
}

static void
test_whose_frames(void **state)
{
	struct evcan_subscription_config config = all_of(ID);
	struct evcan_subscription *standard, *extended;
	struct evcan_frame remote;
	struct world w;

	(void)state;
	make(&w);
	standard = subscribe(&w, &config);
	config.flags = EXT;
	extended = subscribe(&w, &config);
	send_frame(&w, ID + 1, 0, "no", 2);
	assert_int_equal(evcan_frame_init_remote(&remote, ID, 0, 0), 0);
	assert_int_equal(evcan_bus_send(w.sender, &remote, 1), 1);
	send_frame(&w, ID, EXT, "E", 1);
	send_frame(&w, ID | 0x10000, EXT, "no", 2);
	send_frame(&w, ID, 0, "S", 1);
	await(&w, 2);
	/* Each has a way of its own to the loop. */
	for (int i = 0; i < 2; i++) {
		bool ext = w.told[i].sub == extended;

		check_told(&w.told[i], ext ? "E" : "S");
		assert_int_equal(w.told[i].frame.flags & EXT, ext ? EXT : 0);
	}
	assert_ptr_not_equal(w.told[0].sub, w.told[1].sub);
	evcan_subscription_free(standard);
	evcan_subscription_free(extended);
	unmake(&w);
}

static void
test_formats(void **state)
{
	static const char data[64] = "0123456789abcdef0123";
	struct evcan_subscription_config config = all_of(ID);
	struct evcan_subscription *classic, *fd;
	size_t n = 0;
	struct world w;

	(void)state;
	if (!conform_fd)
		skip();
	make(&w);
	classic = subscribe(&w, &config);
	config.flags = EVCAN_FRAME_FD;
	fd = subscribe(&w, &config);
	send_frame(&w, ID, 0, "C", 1);
	send_frame(&w, ID, EVCAN_FRAME_FD, data, 20);
	send_frame(&w, ID, EVCAN_FRAME_FD, data, 8);    /* goes so far */
	send_frame(&w, ID, EVCAN_FRAME_FD | EVCAN_FRAME_BRS, data, 20);
	send_frame(&w, ID, EVCAN_FRAME_FD, data, 12);   /* ends in a step */
	send_frame(&w, ID, EVCAN_FRAME_FD, data, 64);
	send_frame(&w, ID, 0, "D", 1);
	await(&w, 5);
	for (size_t i = 0; i < w.n; i++) {
		if (w.told[i].sub == classic)
			continue;
		assert_true(w.told[i].frame.flags & EVCAN_FRAME_FD);
		assert_int_equal(w.told[i].frame.len, "\24\14\100"[n++]);
		assert_memory_equal(w.told[i].frame.data, data,
		    w.told[i].frame.len);
	}
	assert_int_equal(n, 3);
	evcan_subscription_free(classic);
	evcan_subscription_free(fd);
	unmake(&w);
}

/* The throttle. */

static void
test_throttle(void **state)
{
	struct evcan_subscription_config config = all_of(ID);
	struct evcan_subscription *sub;
	int64_t begin;
	struct world w;

	(void)state;
	make(&w);
	config.throttle_ns = 300 * MS;
	sub = subscribe(&w, &config);
	begin = evcan_now_monotonic();
	send_text(&w, "A");
	send_text(&w, "B");
	send_text(&w, "C");
	await(&w, 1);
	check_told(&w.told[0], "A");
	await(&w, 2);
	check_told(&w.told[1], "C");
	assert_true(w.told[1].at_ns - begin >= 300 * MS);
	/* What was held back begins a time of its own. */
	send_text(&w, "D");
	await(&w, 3);
	check_told(&w.told[2], "D");
	assert_true(w.told[2].at_ns - begin >= 600 * MS);
	evcan_subscription_free(sub);
	unmake(&w);
}

/* Compared is with the last change, not with what was told. */
static void
test_throttle_back(void **state)
{
	struct evcan_subscription_config config = all_of(ID);
	struct evcan_subscription *sub;
	struct world w;

	(void)state;
	make(&w);
	config.throttle_ns = 300 * MS;
	sub = subscribe(&w, &config);
	send_text(&w, "A");
	send_text(&w, "B");
	send_text(&w, "A");
	await(&w, 2);
	check_told(&w.told[0], "A");
	check_told(&w.told[1], "A");
	evcan_subscription_free(sub);
	unmake(&w);
}

static void
test_throttle_each(void **state)
{
	struct evcan_subscription_config config = { .id = ID };
	struct evcan_subscription *sub;
	int64_t begin;
	struct world w;

	(void)state;
	make(&w);
	config.throttle_ns = 300 * MS;
	sub = subscribe(&w, &config);
	begin = evcan_now_monotonic();
	for (int i = 0; i < 4; i++)
		send_text(&w, "same");
	await(&w, 2);
	assert_true(w.told[1].at_ns - begin >= 300 * MS);
	send_text(&w, "same");
	await(&w, 3);
	assert_true(w.told[2].at_ns - begin >= 600 * MS);
	evcan_subscription_free(sub);
	unmake(&w);
}

/* The time-out. */

static void
test_timeout(void **state)
{
	struct evcan_subscription_config config = all_of(ID);
	struct evcan_subscription *sub, *other;
	int64_t begin;
	struct world w;

	(void)state;
	make(&w);
	config.timeout_ns = 200 * MS;
	sub = subscribe(&w, &config);
	/* Another one tells when time has passed. */
	config.id++;
	config.from_start = true;
	begin = evcan_now_monotonic();
	other = subscribe(&w, &config);
	await(&w, 1);
	assert_ptr_equal(w.told[0].sub, other);
	assert_true(w.told[0].silent);
	assert_true(w.told[0].at_ns - begin >= 200 * MS);
	begin = evcan_now_monotonic();
	send_text(&w, "A");
	await(&w, 3);
	check_told(&w.told[1], "A");
	assert_ptr_equal(w.told[2].sub, sub);
	assert_true(w.told[2].silent);
	assert_true(w.told[2].at_ns - begin >= 200 * MS);
	/* Once, until a frame comes, which need not be told. */
	begin = evcan_now_monotonic();
	send_text(&w, "A");
	await(&w, 4);
	assert_true(w.told[3].silent);
	assert_true(w.told[3].at_ns - begin >= 200 * MS);
	send_text(&w, "B");
	await(&w, 5);
	check_told(&w.told[4], "B");
	evcan_subscription_free(sub);
	evcan_subscription_free(other);
	unmake(&w);
}

struct pacing {
	struct world *w;
	struct event *timer;
	int64_t last_ns, longest_ns;
	int left;
};

static void
pace(evutil_socket_t fd, short what, void *arg)
{
	struct timeval soon = { 0, 30000 };
	struct pacing *p = arg;
	int64_t now = evcan_now_monotonic();

	(void)fd;
	(void)what;
	if (p->last_ns != 0 && now - p->last_ns > p->longest_ns)
		p->longest_ns = now - p->last_ns;
	p->last_ns = now;
	send_text(p->w, --p->left > 0 ? "A" : "B");
	if (p->left > 0)
		event_add(p->timer, &soon);
}

/* Frames that are not told keep it from being silent. */
static void
test_kept_alive(void **state)
{
	struct evcan_subscription_config config = all_of(ID);
	struct pacing p = { .left = 50 };
	struct evcan_subscription *sub;
	struct world w;

	(void)state;
	make(&w);
	config.timeout_ns = 600 * MS;
	config.announce_resume = true;
	sub = subscribe(&w, &config);
	p.w = &w;
	p.timer = event_new(w.base, -1, 0, pace, &p);
	event_active(p.timer, EV_TIMEOUT, 0);
	await(&w, 2);
	event_free(p.timer);
	if (p.longest_ns < 300 * MS) {     /* else the machine slept */
		check_told(&w.told[0], "A");
		check_told(&w.told[1], "B");
	}
	evcan_subscription_free(sub);
	unmake(&w);
}

static void
test_resume(void **state)
{
	struct evcan_subscription_config config = all_of(ID);
	struct evcan_subscription *sub;
	struct world w;

	(void)state;
	make(&w);
	config.timeout_ns = 200 * MS;
	config.announce_resume = true;
	sub = subscribe(&w, &config);
	send_text(&w, "A");
	await(&w, 2);
	assert_true(w.told[1].silent);
	send_text(&w, "A");
	await(&w, 4);
	check_told(&w.told[2], "A");
	assert_true(w.told[3].silent);
	evcan_subscription_free(sub);
	unmake(&w);
}

/* Silence ends before the throttle. */
static void
test_silent_while_held(void **state)
{
	struct evcan_subscription_config config = all_of(ID);
	struct evcan_subscription *sub;
	int64_t begin;
	struct world w;

	(void)state;
	make(&w);
	config.timeout_ns = 200 * MS;
	config.throttle_ns = 800 * MS;
	sub = subscribe(&w, &config);
	begin = evcan_now_monotonic();
	send_text(&w, "A");
	send_text(&w, "B");
	await(&w, 3);
	check_told(&w.told[0], "A");
	assert_true(w.told[1].silent);
	check_told(&w.told[2], "B");
	assert_true(w.told[2].at_ns - begin >= 800 * MS);
	evcan_subscription_free(sub);
	unmake(&w);
}

/* With announce_resume a silence forgets what was held back. */
static void
test_silence_forgets(void **state)
{
	struct evcan_subscription_config config = all_of(ID);
	struct evcan_subscription *sub, *later;
	struct world w;

	(void)state;
	make(&w);
	config.timeout_ns = 200 * MS;
	config.throttle_ns = 800 * MS;
	config.announce_resume = true;
	sub = subscribe(&w, &config);
	send_text(&w, "A");
	send_text(&w, "B");
	await(&w, 2);
	check_told(&w.told[0], "A");
	assert_true(w.told[1].silent);
	/* Behind the throttle's end. */
	config = (struct evcan_subscription_config){
		.id = ID + 1, .timeout_ns = 1000 * MS, .from_start = true
	};
	later = subscribe(&w, &config);
	await(&w, 3);
	assert_ptr_equal(w.told[2].sub, later);
	evcan_subscription_free(later);
	evcan_subscription_free(sub);
	unmake(&w);
}

/* The frame that ends a silence has to wait for the throttle, too. */
static void
test_resume_in_throttle(void **state)
{
	struct evcan_subscription_config config = all_of(ID);
	struct evcan_subscription *sub;
	int64_t begin;
	struct world w;

	(void)state;
	make(&w);
	config.timeout_ns = 400 * MS;
	config.throttle_ns = 600 * MS;
	config.announce_resume = true;
	sub = subscribe(&w, &config);
	begin = evcan_now_monotonic();
	send_text(&w, "A");
	await(&w, 2);
	assert_true(w.told[1].silent);
	send_text(&w, "A");
	await(&w, 4);
	check_told(&w.told[2], "A");
	assert_true(w.told[2].at_ns - begin >= 600 * MS);
	assert_true(w.told[3].silent);
	evcan_subscription_free(sub);
	unmake(&w);
}

static int
usage(void)
{
	fprintf(stderr, "usage: conform_subscription [SPEC_A SPEC_B] "
	    "[--device | --loop] [--fd]\n");
	return 2;
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_and_changes),
		cmocka_unit_test(test_mask),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_whose_frames),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_throttle),
		cmocka_unit_test(test_throttle_back),
		cmocka_unit_test(test_throttle_each),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_kept_alive),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_silent_while_held),
		cmocka_unit_test(test_silence_forgets),
		cmocka_unit_test(test_resume_in_throttle),
		cmocka_unit_test(conform_several),
		cmocka_unit_test(conform_free_in_callback),
		cmocka_unit_test(conform_free_all_in_callback),
		cmocka_unit_test(conform_bus_freed),
		cmocka_unit_test(conform_opened_later),
		cmocka_unit_test(conform_closed_and_opened)
	};
	int specs = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--device") == 0)
			conform_offload = EVCAN_OFFLOAD_ALWAYS;
		else if (strcmp(argv[i], "--loop") == 0)
			conform_offload = EVCAN_OFFLOAD_NEVER;
		else if (strcmp(argv[i], "--fd") == 0)
			conform_fd = true;
		else if (argv[i][0] == '-' || specs == 2)
			return usage();
		else if (specs++ == 0)
			conform_a = argv[i];
		else
			conform_b = argv[i];
	}
	if (specs == 1)
		return usage();
	/* The virtual bus carries CAN FD anyway. */
	conform_fd |= specs == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
