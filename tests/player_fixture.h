/* SPDX-License-Identifier: BSD-3-Clause */
/* player_fixture.h - what tests of the player share */
#ifndef PLAYER_FIXTURE_H
#define PLAYER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include <evcan/evcan.h>
#include <evcan/driver.h>
#include <evcan/player.h>

#include "bus_fixture.h"

#define MS 1000000
#define MAX_SEEN 4096

static struct event_base *base;
static struct evcan_bus *bus, *peer;
static struct evcan_frame seen[MAX_SEEN];
static int64_t seen_at[MAX_SEEN];
static size_t n_seen;
static int64_t started;
static int done;
static struct evcan_error done_error;
static char path[] = "/tmp/test_player.XXXXXX.log";

static inline void
on_frames(struct evcan_bus *from, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	int64_t now = evcan_now_monotonic();

	(void)from;
	(void)arg;
	for (size_t i = 0; i < n; i++, n_seen++) {
		if (n_seen >= MAX_SEEN)
			continue;
		seen[n_seen] = frames[i];
		seen_at[n_seen] = now;
	}
}

static inline void
on_done(struct evcan_player *player, const struct evcan_error *err, void *arg)
{
	(void)player;
	(void)arg;
	done++;
	if (err != NULL)
		done_error = *err;
}

static inline int
setup(void **state)
{
	int fd;

	(void)state;
	base = event_base_new();
	bus = open_bus(base, "virtual:player");
	peer = open_bus(base, "virtual:player,rx_queue_size=200000");
	evcan_bus_set_cb(peer, on_frames, NULL, NULL);
	n_seen = 0;
	done = 0;
	evcan_error_clear(&done_error);
	strcpy(path, "/tmp/test_player.XXXXXX.log");
	fd = mkstemps(path, 4);
	if (fd >= 0)
		close(fd);
	return fd < 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	evcan_bus_free(bus);
	evcan_bus_free(peer);
	event_base_free(base);
	unlink(path);
	return 0;
}

static inline void
write_log(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static inline struct evcan_player *
make(const char *const *pairs)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	struct evcan_player *player;

	for (; pairs != NULL && *pairs != NULL; pairs++)
		assert_int_equal(evcan_options_set_pair(options, *pairs, NULL,
		    &err), 0);
	player = evcan_player_new(bus, path, options, &err);
	evcan_options_free(options);
	if (player == NULL)
		fail_msg("%s", err.text);
	return player;
}

static inline void
run_ms(int ms)
{
	int64_t end = evcan_now_monotonic() + (int64_t)ms * MS;

	while (evcan_now_monotonic() < end) {
		const struct timeval tv = { 0, 1000 };

		event_base_loopexit(base, &tv);
		event_base_dispatch(base);
	}
}

/* Until it is done, then a little for what is on its way. */
static inline void
run_to_end(void)
{
	for (int i = 0; i < 10000 && done == 0; i++)
		run_ms(1);
	run_ms(5);
	assert_int_equal(done, 1);
}

static inline void
play(const char *const *pairs, struct evcan_player_stats *stats)
{
	struct evcan_player *player = make(pairs);

	started = evcan_now_monotonic();
	assert_int_equal(evcan_player_start(player, on_done, NULL), 0);
	assert_int_equal(evcan_player_start(player, on_done, NULL),
	    EVCAN_ERR_STATE);
	run_to_end();
	assert_false(evcan_player_playing(player));
	evcan_player_get_stats(player, stats);
	evcan_player_free(player);
}

/* Never early; how late depends on the machine's load. */
static inline void
expect_at(size_t i, int ms)
{
	assert_in_range(seen_at[i] - started, (int64_t)ms * MS,
	    (int64_t)(ms + 5000) * MS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
