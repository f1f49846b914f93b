/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_cyclic_watch.c - subscriptions: told of changes and of silence
 *
 * What is told is written down: a frame as the one byte of it that the tests
 * set, silence as a dot. */
#include "conform_cyclic.h"

#include <evcan/notifier.h>
#include <evcan/subscription.h>

#define ID 0x200
#define LAST 0x201       /* sent behind others, to know that they came */

struct watched {
	struct evcan_subscription *sub;
	char told[40];
	size_t n;
	bool free_it;
};

static struct evcan_notifier *notifier;
static struct watched last;

static void
on_told(struct evcan_subscription *sub, enum evcan_subscription_event event,
    const struct evcan_frame *frame, void *arg)
{
	struct watched *w = arg;

	assert_ptr_equal(sub, w->sub);
	assert_int_equal(event == EVCAN_SUBSCRIPTION_SILENT, frame == NULL);
	assert_true(w->n + 1 < sizeof(w->told));
	w->told[w->n++] = frame == NULL ? '.' :
	    (char)frame->data[cy.fd ? 40 : 0];
	if (frame != NULL) {
		assert_int_equal(evcan_frame_check(frame, NULL), 0);
		assert_int_equal(frame->channel,
		    evcan_bus_channel_index(cy.b));
		assert_true(frame->clock != EVCAN_CLOCK_NONE);
		assert_true(frame->time_ns > 0);
	}
	if (w->free_it) {
		evcan_subscription_free(sub);
		w->sub = NULL;
	}
	event_base_loopbreak(cy.base);
}

static struct evcan_subscription_config
config_of(uint32_t id, uint8_t mask)
{
	struct evcan_subscription_config config = {
		.id = id, .flags = cy.fd ? EVCAN_FRAME_FD : 0,
		.offload = cy.offload
	};

	config.mask[cy.fd ? 40 : 0] = mask;
	return config;
}

static void
watch(struct watched *w, const struct evcan_subscription_config *config)
{
	struct evcan_error err = { 0 };

	memset(w, 0, sizeof(*w));
	w->sub = evcan_subscription_new(notifier, cy.b, config, on_told, w,
	    &err);
	if (w->sub == NULL)
		fail_msg("no subscription: %s", err.text);
}

static void
begin(void)
{
	struct evcan_subscription_config config = config_of(LAST, 0);

	notifier = evcan_notifier_new(cy.base);
	assert_int_equal(evcan_notifier_add_bus(notifier, cy.b), 0);
	watch(&last, &config);
}

static void
end(void)
{
	evcan_subscription_free(last.sub);
	evcan_notifier_free(notifier);
}

static void
send_frame(const struct evcan_frame *frame)
{
	assert_int_equal(evcan_bus_send(cy.a, frame, 1), 1);
	if (cy.paced)
		conform_run(5);
}

static void
send_byte(uint32_t id, char byte, size_t len)
{
	struct evcan_frame frame = conform_versioned(id, 0);

	frame.data[cy.fd ? 40 : 0] = (uint8_t)byte;
	frame.len = (uint8_t)len;
	frame.dlc = evcan_len2dlc(len);
	send_frame(&frame);
}

static size_t
whole(void)
{
	return cy.fd ? 64 : 8;
}

/* Each byte is a frame. */
static void
send_bytes(const char *bytes)
{
	for (; *bytes != '\0'; bytes++)
		send_byte(ID, *bytes, whole());
}

static void
wait_told(struct watched *w, size_t n)
{
	int64_t until = evcan_now_monotonic() + SOON * MS;

	while (w->n < n && evcan_now_monotonic() < until)
		conform_run(100);
	if (w->n < n)
		fail_msg("told \"%s\", not %zu things", w->told, n);
}

/* What was sent has come. */
static void
settle(void)
{
	size_t n = last.n;

	last.n = 0;
	send_byte(LAST, 'Z', whole());
	wait_told(&last, 1);
	last.n = n;
	conform_run(5);
}

static void
check_told(const struct watched *w, const char *text)
{
	assert_int_equal(w->n, strlen(text));
	assert_string_equal(w->told, text);
}

void
conform_changes_are_told(void **state)
{
	struct evcan_subscription_config config = config_of(ID, 0x0f);
	struct evcan_subscription_stats stats;
	struct watched w;

	(void)state;
	begin();
	watch(&w, &config);
	send_bytes("AAaQBBRbA");     /* a, Q: as A under the mask */
	settle();
	check_told(&w, "ABA");
	evcan_subscription_get_stats(w.sub, &stats);
	assert_int_equal(stats.told, 3);
	assert_int_equal(stats.silences, 0);
	assert_int_equal(stats.offloaded, cy.has_device &&
	    cy.offload != EVCAN_OFFLOAD_NEVER);
	evcan_subscription_free(w.sub);
	send_bytes("XY");
	settle();
	check_told(&w, "ABA");
	end();
}

void
conform_each_frame_is_told(void **state)
{
	struct evcan_subscription_config config = config_of(ID, 0);
	struct watched w;

	(void)state;
	begin();
	watch(&w, &config);
	send_bytes("AAABB");
	settle();
	check_told(&w, "AAABB");
	evcan_subscription_free(w.sub);
	end();
}

void
conform_lengths_are_told(void **state)
{
	struct evcan_subscription_config config = config_of(ID, 0xff);
	struct watched with, without;
	size_t less = cy.fd ? 48 : 5;

	(void)state;
	begin();
	watch(&without, &config);
	config.check_dlc = true;
	watch(&with, &config);
	send_byte(ID, 'A', whole());
	send_byte(ID, 'A', less);
	send_byte(ID, 'A', less);
	send_byte(ID, 'B', less);
	send_byte(ID, 'B', whole());
	settle();
	check_told(&with, "AABB");
	check_told(&without, "AB");
	evcan_subscription_free(with.sub);
	evcan_subscription_free(without.sub);
	end();
}

void
conform_a_throttle_keeps_the_newest(void **state)
{
	struct evcan_subscription_config config = config_of(ID, 0xff);
	int64_t start;
	struct watched w;

	(void)state;
	begin();
	config.throttle_ns = 2000 * MS;
	watch(&w, &config);
	start = evcan_now_monotonic();
	send_bytes("ABCD");
	settle();
	check_told(&w, "A");
	wait_told(&w, 2);
	check_told(&w, "AD");
	assert_true(evcan_now_monotonic() - start >= config.throttle_ns);
	send_bytes("D");
	settle();
	check_told(&w, "AD");
	evcan_subscription_free(w.sub);
	end();
}

void
conform_silence_is_told_once(void **state)
{
	struct evcan_subscription_config config = config_of(ID, 0xff);
	struct watched w, resumed;

	(void)state;
	begin();
	config.timeout_ns = 200 * MS;
	watch(&w, &config);
	config.announce_resume = true;
	watch(&resumed, &config);
	conform_run(300);
	check_told(&w, "");
	send_bytes("A");
	wait_told(&w, 2);
	wait_told(&resumed, 2);
	conform_run(500);
	check_told(&w, "A.");
	check_told(&resumed, "A.");
	send_bytes("A");
	wait_told(&w, 3);
	wait_told(&resumed, 4);
	conform_run(500);
	check_told(&w, "A..");
	check_told(&resumed, "A.A.");
	evcan_subscription_free(w.sub);
	evcan_subscription_free(resumed.sub);
	end();
}

void
conform_silence_from_the_start(void **state)
{
	struct evcan_subscription_config config = config_of(ID, 0xff);
	int64_t start;
	struct watched w;

	(void)state;
	begin();
	config.timeout_ns = 200 * MS;
	config.from_start = true;
	start = evcan_now_monotonic();
	watch(&w, &config);
	wait_told(&w, 1);
	assert_true(evcan_now_monotonic() - start >= config.timeout_ns);
	send_bytes("A");
	wait_told(&w, 3);
	check_told(&w, ".A.");
	evcan_subscription_free(w.sub);
	end();
}

void
conform_other_frames_do_not_count(void **state)
{
	struct evcan_subscription_config config = config_of(ID, 0);
	struct evcan_frame other;
	struct watched w, ext;

	(void)state;
	begin();
	watch(&w, &config);
	config.flags |= EVCAN_FRAME_EXT;
	watch(&ext, &config);
	send_byte(ID + 2, 'X', whole());
	other = conform_versioned(ID, 0);
	other.flags |= EVCAN_FRAME_EXT;
	other.data[cy.fd ? 40 : 0] = 'E';
	send_frame(&other);
	if (!cy.paced) {
		assert_int_equal(evcan_frame_init_remote(&other, ID, 0, 0), 0);
		send_frame(&other);
	}
	if (cy.fd) {
		assert_int_equal(evcan_frame_init(&other, ID, 0, "c", 1), 0);
		send_frame(&other);
	}
	send_bytes("A");
	settle();
	check_told(&w, "A");
	check_told(&ext, "E");
	evcan_subscription_free(w.sub);
	evcan_subscription_free(ext.sub);
	end();
}

void
conform_subscriptions_of_one_identifier(void **state)
{
	struct evcan_subscription_config config = config_of(ID, 0xff);
	struct watched fine, coarse;

	(void)state;
	begin();
	watch(&fine, &config);
	config = config_of(ID, 0x40);
	watch(&coarse, &config);
	send_bytes("AB1");
	settle();
	check_told(&fine, "AB1");
	check_told(&coarse, "A1");
	evcan_subscription_free(fine.sub);
	send_bytes("2C");
	settle();
	check_told(&fine, "AB1");
	check_told(&coarse, "A1C");
	evcan_subscription_free(coarse.sub);
	end();
}

void
conform_freed_in_its_callback(void **state)
{
	struct evcan_subscription_config config = config_of(ID, 0xff);
	struct watched w;

	(void)state;
	begin();
	watch(&w, &config);
	w.free_it = true;
	send_bytes("ABC");
	settle();
	check_told(&w, "A");
	assert_null(w.sub);
	end();
}
