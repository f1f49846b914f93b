/* SPDX-License-Identifier: BSD-3-Clause */
/* sqlite_fixture.h - a database in a folder of its own, written and read;
 * behind cmocka.h */
#ifndef SQLITE_FIXTURE_H
#define SQLITE_FIXTURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/frame.h>
#include <evcan/log.h>
#include <evcan/options.h>

#define T 1483389946197000000
#define MAX 2048

static const struct evcan_format *sqlite;
static char dir[] = "/tmp/evcan-sqlite-XXXXXX";
static char path[64];

/* The database by its own library. @return the first value as text */
static inline const char *
sql(const char *text)
{
	static char result[400];
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	while (text != NULL && *text != '\0') {
		if (sqlite3_prepare_v2(db, text, -1, &statement, &text) !=
		    SQLITE_OK)
			fail_msg("%s", sqlite3_errmsg(db));
		if (sqlite3_step(statement) == SQLITE_ROW)
			snprintf(result, sizeof(result), "%s",
			    (const char *)sqlite3_column_text(statement, 0));
		sqlite3_finalize(statement);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return result;
}

static inline bool
exists(const char *suffix)
{
	char name[100];

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	return access(name, F_OK) == 0;
}

static inline int
fresh(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s/log.db", dir);
	for (int i = 0; i < 3; i++) {
		static const char *const suffixes[] = { "", "-wal", "-shm" };
		char name[100];

		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
	return 0;
}

/* A writer by the table's hooks, as core uses them. */
struct writer {
	void *state;
	struct evcan_options *options;
	struct evcan_buffer out;
	struct evcan_encode info;
	struct evcan_error err;
};

/* @param columns or table: "name=value", or NULL */
static inline int
writer_open(struct writer *w, const char *option, bool append)
{
	memset(w, 0, sizeof(*w));
	w->options = evcan_options_new();
	if (option != NULL)
		assert_int_equal(evcan_options_set_pair(w->options, option,
		    NULL, NULL), 0);
	w->state = calloc(1, sqlite->write_size);
	assert_int_equal(evcan_options_fill(w->options,
	    sqlite->write_options, w->state, &w->err), 0);
	return sqlite->open(w->state, path, append, &w->err);
}

static inline int64_t
writer_store(struct writer *w, const struct evcan_frame *frames, size_t n)
{
	int64_t r;

	w->out.len = 0;
	assert_int_equal(sqlite->encode(w->state, frames, n, &w->out,
	    &w->info), 0);
	evcan_error_clear(&w->err);
	r = sqlite->store(w->state, w->out.data, w->out.len, &w->err);
	assert_true(r < 0 || (size_t)r == w->out.len);
	return r;
}

static inline int
writer_close(struct writer *w)
{
	int r = sqlite->close(w->state, &w->err);

	sqlite->write_done(w->state);
	free(w->state);
	free(w->out.data);
	evcan_options_free(w->options);
	return r;
}

static inline void
write_db(const char *option, bool append, const struct evcan_frame *frames,
    size_t n, struct evcan_encode *info)
{
	struct writer w;

	if (writer_open(&w, option, append) < 0)
		fail_msg("%s", w.err.text);
	assert_true(writer_store(&w, frames, n) >= 0);
	if (info != NULL)
		*info = w.info;
	assert_int_equal(writer_close(&w), 0);
	assert_false(exists("-wal"));
	assert_false(exists("-shm"));
}

struct got {
	struct evcan_frame frames[MAX];
	size_t n;
	unsigned errors;
	char error[600];
	struct evcan_log_read_stats stats;
};

/* @param batch frames a call */
static inline void
read_db(const char *option, size_t batch, struct got *got)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	struct evcan_log_reader *reader;
	int r;

	memset(got, 0, offsetof(struct got, frames));
	memset(got->frames, 0xa5, sizeof(got->frames));
	got->n = got->errors = 0;
	got->error[0] = '\0';
	if (option != NULL)
		evcan_options_set_pair(options, option, NULL, NULL);
	reader = evcan_log_reader_new(path, options, &err);
	evcan_options_free(options);
	if (reader == NULL) {
		got->errors = 1;
		snprintf(got->error, sizeof(got->error), "%s", err.text);
		return;
	}
	assert_string_equal(evcan_log_reader_format(reader), "sqlite");
	while ((r = evcan_log_reader_read(reader, got->frames + got->n,
	    MAX - got->n < batch ? MAX - got->n : batch)) != 0) {
		if (r < 0 && got->errors++ == 0)
			snprintf(got->error, sizeof(got->error), "%s",
			    evcan_log_reader_error(reader)->text);
		got->n += r > 0 ? (size_t)r : 0;
		assert_true(got->errors < MAX && got->n < MAX);
	}
	evcan_log_reader_get_stats(reader, &got->stats);
	evcan_log_reader_free(reader);
}

static inline void
make(struct evcan_frame *frame, uint32_t id, unsigned flags, unsigned len)
{
	uint8_t data[64];

	for (unsigned i = 0; i < 64; i++)
		data[i] = (uint8_t)(i * 37 + len);
	if ((flags & EVCAN_FRAME_RTR) != 0)
		assert_int_equal(evcan_frame_init_remote(frame, id, flags,
		    len), 0);
	else
		assert_int_equal(evcan_frame_init(frame, id, flags, data,
		    len), 0);
	frame->time_ns = T;
	frame->clock = EVCAN_CLOCK_KERNEL;
}

/* Kinds of all sorts, on three channels. */
static inline size_t
corpus(struct evcan_frame *frames, size_t n)
{
	static const struct {
		uint32_t id;
		unsigned flags, len;
	} kinds[] = {
		{ 0x123, 0, 8 }, { 0x7ff, 0, 0 }, { 0, 0, 3 },
		{ 0x123, EVCAN_FRAME_EXT, 8 },
		{ 0x1fffffff, EVCAN_FRAME_EXT, 1 },
		{ 0x123, EVCAN_FRAME_RTR, 8 },
		{ 0x18daf110, EVCAN_FRAME_EXT | EVCAN_FRAME_RTR, 0 },
		{ 0x88, EVCAN_FRAME_ERR, 8 },
		{ 0x10, EVCAN_FRAME_FD, 0 },
		{ 0x11, EVCAN_FRAME_FD | EVCAN_FRAME_BRS, 64 },
		{ 0x12345, EVCAN_FRAME_EXT | EVCAN_FRAME_FD |
		    EVCAN_FRAME_BRS | EVCAN_FRAME_ESI, 12 }
	};

	for (size_t i = 0; i < n; i++) {
		struct evcan_frame *frame = &frames[i];

		make(frame, kinds[i % 11].id, kinds[i % 11].flags,
		    kinds[i % 11].len);
		if (i % 22 == 11)
			frame->dlc = 15;
		frame->dir = (uint8_t)(i % 3);
		frame->time_ns += (int64_t)i * 1234567;
		if (i % 4 > 0)
			frame->channel = (uint16_t)evcan_channel_intern(
			    i % 4 == 1 ? "can0" : i % 4 == 2 ? "can1" :
			    "the \"third\" one's");
	}
	return n;
}

static inline int
setup(void **state)
{
	(void)state;
	sqlite = evcan_format_find("sqlite");
	return sqlite != NULL && mkdtemp(dir) != NULL ? 0 : -1;
}

static inline int
teardown(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

#endif
