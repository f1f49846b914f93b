/* SPDX-License-Identifier: BSD-3-Clause */
/* test_csv.c - python-can's CSV, byte by byte, and what people make of it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/frame.h>
#include <evcan/listener.h>
#include <evcan/log.h>
#include <evcan/options.h>

#include "may_skip.h"

#define HEADER "timestamp,arbitration_id,extended,remote,error,dlc,data\n"
#define HEADER_ALL \
	"timestamp,arbitration_id,extended,remote,error,dlc,data," \
	"fd,brs,esi,channel,direction\n"
#define MAX 512
#define T 1483389946197000000

static const struct evcan_format *csv;

struct got {
	struct evcan_frame frames[MAX];
	size_t n;
	unsigned errors;
	struct evcan_decode out;
	char error[500];         /* the first, with its line before it */
};

static void
read_bytes(const char *text, size_t len, size_t step, struct got *got)
{
	void *state = calloc(1, csv->read_size);
	size_t at = 0, shown = step < len ? step : len;
	bool ended = false;

	memset(got, 0, sizeof(*got));
	memset(got->frames, 0xa5, sizeof(got->frames));
	got->out.line = 1;
	for (;;) {
		uint8_t *copy = malloc(shown - at + 1);
		const struct evcan_span span = { copy, shown - at, at,
		    ended };
		int r;

		memcpy(copy, text + at, shown - at);
		got->out.used = 0;
		r = csv->decode(state, &span, got->frames + got->n,
		    MAX - got->n, &got->out);
		free(copy);
		at += got->out.used;
		if (r < 0 && got->errors++ == 0)
			snprintf(got->error, sizeof(got->error),
			    "%llu: %.400s",
			    (unsigned long long)got->out.error_line,
			    got->out.error.text);
		evcan_error_clear(&got->out.error);
		if (r < 0)
			continue;
		got->n += (size_t)r;
		if (got->n == MAX)
			break;
		if (r > 0 || (got->out.used > 0 && at < shown))
			continue;
		if (ended)
			break;
		ended = shown == len;
		shown = len - shown < step ? len : shown + step;
	}
	free(state);
}

static void
read_text(const char *text, struct got *got)
{
	static struct got pieces;

	read_bytes(text, strlen(text), SIZE_MAX / 2, got);
	read_bytes(text, strlen(text), 1, &pieces);
	assert_int_equal(got->n, pieces.n);
	assert_int_equal(got->errors, pieces.errors);
	assert_int_equal(got->out.line, pieces.out.line);
	assert_string_equal(got->error, pieces.error);
	for (size_t i = 0; i < got->n; i++)
		assert_true(evcan_frame_equal(&got->frames[i],
		    &pieces.frames[i], 0, 0));
}

struct put {
	struct evcan_buffer out;
	struct evcan_encode info;
	struct evcan_error err;
	int begun;
};

/* @param past what the file holds already, or NULL */
static const char *
write_frames(const char *columns, const char *past,
    const struct evcan_frame *frames, size_t n, struct put *put)
{
	struct evcan_options *options = evcan_options_new();
	const struct evcan_past is = { (const uint8_t *)past,
	    past != NULL ? strlen(past) : 0, 1 };
	void *state = calloc(1, csv->write_size);

	memset(put, 0, sizeof(*put));
	evcan_options_set(options, "columns", columns, NULL);
	assert_int_equal(evcan_options_fill(options, csv->write_options,
	    state, NULL), 0);
	put->begun = csv->begin(state, past != NULL ? &is : NULL, &put->out,
	    &put->err);
	if (put->begun == 0)
		assert_int_equal(csv->encode(state, frames, n, &put->out,
		    &put->info), 0);
	evcan_buffer_append(&put->out, "", 1);
	assert_false(put->out.failed);
	free(state);
	evcan_options_free(options);
	return (const char *)put->out.data;
}

static void
make(struct evcan_frame *frame, uint32_t id, unsigned flags, unsigned len)
{
	uint8_t data[64];

	for (unsigned i = 0; i < 64; i++)
		data[i] = (uint8_t)(i * 37 + len);
	memset(frame, 0, sizeof(*frame));
	if ((flags & EVCAN_FRAME_RTR) != 0)
		assert_int_equal(evcan_frame_init_remote(frame, id, flags,
		    len), 0);
	else
		assert_int_equal(evcan_frame_init(frame, id, flags, data,
		    len), 0);
	frame->time_ns = T;
	frame->clock = EVCAN_CLOCK_KERNEL;
}

static void
python_bytes(void **state)
{
	static const uint8_t a[] = { 1, 2, 0xff };
	struct evcan_frame frames[5];
	struct put put;

	(void)state;
	make(&frames[0], 0x123, 0, 3);
	memcpy(frames[0].data, a, 3);
	make(&frames[1], 0x18daf110, EVCAN_FRAME_EXT, 0);
	frames[1].time_ns += 100000;
	make(&frames[2], 0x7ff, EVCAN_FRAME_RTR, 8);
	frames[2].time_ns += 500000000;
	make(&frames[3], 0x10, EVCAN_FRAME_FD | EVCAN_FRAME_BRS |
	    EVCAN_FRAME_ESI, 12);
	frames[3].time_ns += 1250000000;
	for (unsigned i = 0; i < 12; i++)
		frames[3].data[i] = (uint8_t)i;
	make(&frames[4], 0x8c, EVCAN_FRAME_ERR, 8);
	memset(frames[4].data, 0, 8);
	frames[4].time_ns += 2000000000;
	assert_string_equal(write_frames("python-can", NULL, frames, 5, &put),
	    HEADER
	    "1483389946.197,0x123,0,0,0,3,AQL/\n"
	    "1483389946.1971,0x18daf110,1,0,0,0,\n"
	    "1483389946.697,0x7ff,0,1,0,8,\n"
	    "1483389947.447,0x10,0,0,0,12,AAECAwQFBgcICQoL\n"
	    "1483389948.197,0x8c,0,0,1,8,AAAAAAAAAAA=\n");
	free(put.out.data);
}

static void
times(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;     /* as written */
		const char *other;    /* also read so; NULL: only the one */
	} cases[] = {
		{ T, "1483389946.197", "1483389946.1970000" },
		{ 1717236000000000000, "1717236000.0", "1717236000" },
		{ 1717236000123456789, "1717236000.123456789",
		    "1.717236000123456789e9" },
		{ 1717236000144116900, "1717236000.1441169",
		    "1717236000.14411690000000001" },
		{ 1717236000100000000, "1717236000.1",
		    "1717236000.09999999999" },
		{ 0, "0.0", "-0" },
		{ 1, "1e-09", "0.0000000006" },
		{ 10000, "1e-05", "1E-5" },
		{ 12345, "1.2345e-05", "0.000012345" },
		{ 99999, "9.9999e-05", "99.999e-6" },
		{ 100000, "0.0001", ".0001" },
		{ 1500000000, "1.5", "+1.5" },
		{ -1500000000, "-1.5", "-15e-1" },
		{ 9223372035999999999, "9223372035.999999999", NULL }
	};
	static struct got got;
	struct put put;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evcan_frame frame;
		char row[200];

		make(&frame, 0, 0, 0);
		frame.time_ns = cases[i].ns;
		snprintf(row, sizeof(row), HEADER "%s,0x0,0,0,0,0,\n",
		    cases[i].text);
		assert_string_equal(write_frames("python-can", NULL, &frame,
		    1, &put), row);
		free(put.out.data);
		read_text(row, &got);
		assert_int_equal(got.n, 1);
		assert_int_equal(got.frames[0].time_ns, cases[i].ns);
		assert_int_equal(got.frames[0].clock, cases[i].ns <
		    365ll * 86400 * 1000000000 ? EVCAN_CLOCK_RELATIVE :
		    EVCAN_CLOCK_KERNEL);
		if (cases[i].other == NULL)
			continue;
		snprintf(row, sizeof(row), HEADER "%s,0x0,0,0,0,0,\n",
		    cases[i].other);
		read_text(row, &got);
		assert_int_equal(got.n, 1);
		assert_int_equal(got.frames[0].time_ns, cases[i].ns);
	}
}

/* A fraction that rounds up must not leave its second behind for the rows
 * that follow. */
static void
rounded_second(void **state)
{
	static struct got got;
	char text[1024] = HEADER "7.9999999999,0x1,0,0,0,0,\n";

	(void)state;
	for (int i = 0; i < 12; i++)
		strcat(text, "7.5,0x1,0,0,0,0,\n");
	read_text(text, &got);
	assert_int_equal(got.n, 13);
	assert_int_equal(got.frames[0].time_ns, 8000000000);
	assert_int_equal(got.frames[1].time_ns, 7500000000);
}

/* One frame in every dress: 0x123, AQL/, 1483389946.197. */
static void
dresses(void **state)
{
	static const char *const texts[] = {
		HEADER "1483389946.197,0x123,0,0,0,3,AQL/\n",
		HEADER "1483389946.197,0x123,0,0,0,3,AQL/",
		"1483389946.197,0x123,0,0,0,3,AQL/\n",
		"\xef\xbb\xbf" HEADER "1483389946.197,123,0,0,0,3,AQL/\r\n",
		"timestamp,arbitration_id,extended,remote,error,dlc,data\r"
		    "1483389946.197,0x123,0,0,0,3,AQL/\r",
		"\n\n" HEADER "\n1483389946.197,0x123,0,0,0,3,AQL/\n\n",
		"\"timestamp\",\"arbitration_id\",\"extended\",\"remote\","
		    "\"error\",\"dlc\",\"data\"\n\"1483389946.197\","
		    "\"0x123\",\"0\",\"0\",\"0\",\"3\",\"AQL/\"\n",
		"Timestamp, Arbitration_ID, Extended, Remote, Error, DLC, "
		    "Data\n 1483389946.197 , 0x123 , 0, false, False, 3 , "
		    "AQL/ \n",
		"data;dlc;mine;arbitration_id;timestamp\n"
		    "AQL/;3;what you like;0x123;1483389946,197\n",
		"timestamp\tarbitration_id\tdata\n1483389946.197\t0x123\t"
		    "AQL/\n",
		"when,which,a,b,c,n,what\n"
		    "1483389946.197,0x123,0,0,0,3,AQL/\n",
		HEADER HEADER "1483389946.197,0x123,0,0,0,3,AQL/\n",
		HEADER "timestamp,arbitration_id,data\n"
		    "1483389946.197,0x123,AQL/\n"
	};
	static struct got got;
	struct evcan_frame frame;

	(void)state;
	make(&frame, 0x123, 0, 3);
	memcpy(frame.data, "\x01\x02\xff", 3);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		read_text(texts[i], &got);
		if (got.n != 1 || got.errors != 0 ||
		    !evcan_frame_equal(&frame, &got.frames[0], 0, 0) ||
		    memcmp(got.frames[0].data, frame.data, 8) != 0)
			fail_msg("text %zu: %zu frames, %s", i, got.n,
			    got.error);
		assert_int_equal(got.frames[0].flags, 0);
	}
}

static void
kinds(void **state)
{
	static struct got got;

	(void)state;
	read_text(HEADER
	    "1483389946.2,0x7ff,0,1,0,8,\n"
	    "1483389946.2,0x0,1,0,1,0,\n"          /* "an error" */
	    "1483389946.2,0x88,0,0,1,8,AAAAAAAAAAE=\n"
	    "1483389946.2,0x10,0,0,0,12,AAECAwQFBgcICQoL\n"
	    "1483389946.2,0x10,0,0,0,15,AAECAwQFBgc=\n"   /* raw DLC */
	    "1483389946.2,0x10,0,0,0,1,AQ\n"       /* no padding */
	    "0.5,0x1fffffff,1,0,0,0,\n", &got);
	assert_string_equal(got.error, "");
	assert_int_equal(got.n, 7);
	assert_int_equal(got.frames[0].flags, EVCAN_FRAME_RTR);
	assert_int_equal(got.frames[0].dlc, 8);
	assert_int_equal(got.frames[0].len, 0);
	assert_int_equal(got.frames[1].flags, EVCAN_FRAME_ERR);
	assert_int_equal(got.frames[1].id, 0x80);
	assert_int_equal(got.frames[1].len, 8);
	assert_int_equal(got.frames[2].id, 0x88);
	assert_int_equal(got.frames[2].data[7], 1);
	assert_int_equal(got.frames[3].flags, EVCAN_FRAME_FD);
	assert_int_equal(got.frames[3].dlc, 9);
	assert_int_equal(got.frames[3].data[11], 11);
	assert_int_equal(got.frames[4].flags, 0);
	assert_int_equal(got.frames[4].dlc, 15);
	assert_int_equal(got.frames[4].len, 8);
	assert_int_equal(got.frames[5].data[0], 1);
	assert_int_equal(got.frames[6].clock, EVCAN_CLOCK_RELATIVE);
	for (size_t i = 0; i < got.n; i++)
		assert_int_equal(evcan_frame_check(&got.frames[i], NULL), 0);
}

static void
faults(void **state)
{
	static const struct {
		const char *row, *error;
	} cases[] = {
		{ "1483389946.2,0x123,0,0,0,3", "2: column 27: the row has "
		    "fewer fields than there are columns" },
		{ "1483389946.2,0x123,0,0,0,3,AQL/,1", "2: column 33: the "
		    "row has more fields than there are columns" },
		{ "14x,0x123,0,0,0,3,AQL/", "2: column 1: expected a "
		    "timestamp in seconds before 2262" },
		{ "9223372037,0x123,0,0,0,3,AQL/", "2: column 1: expected a "
		    "timestamp in seconds before 2262" },
		{ "1,0x12g,0,0,0,3,AQL/", "2: column 7: expected a "
		    "hexadecimal identifier" },
		{ "1,0x20000000,1,0,0,3,AQL/", "2: column 3: the identifier "
		    "is over 29 bits, 0x1fffffff" },
		{ "1,0x800,0,0,0,3,AQL/", "2: column 1: a standard "
		    "identifier is at most 11 bits, 0x7ff" },
		{ "1,0x123,2,0,0,3,AQL/", "2: column 9: expected 0 or 1" },
		{ "1,0x123,0,0,0,65,AQL/", "2: column 15: expected a dlc of "
		    "0 to 64" },
		{ "1,0x123,0,0,0,4,AQL/", "2: column 1: dlc does not fit "
		    "the number of data bytes" },
		{ "1,0x123,0,0,0,3,AQL", "2: column 1: dlc does not fit the "
		    "number of data bytes" },
		{ "1,0x123,0,0,0,3,AQ.L", "2: column 17: expected data in "
		    "base64" },
		{ "1,0x123,0,1,0,3,AQL/", "2: column 1: a remote frame has "
		    "no data" },
		{ "1,\"0x123,0,1,0,3,AQL/", "2: column 1: quotes that do "
		    "not match, or more than 64 fields" }
	};
	static struct got got;
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), HEADER "%s\n"
		    "1483389946.197,0x123,0,0,0,3,AQL/\n", cases[i].row);
		read_text(text, &got);
		assert_int_equal(got.n, 1);
		assert_int_equal(got.errors, 1);
		assert_string_equal(got.error, cases[i].error);
	}
	/* Words between rows are no frames, and no faults. */
	read_text(HEADER "hello\n# comment\n1,0x1,0,0,0,0,\n", &got);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.errors, 0);
	assert_int_equal(got.out.skipped, 1);
}

/* Every kind of frame that the suite of formats has, and many more. */
static size_t
random_frames(struct evcan_frame *frames)
{
	static const char *const names[] = { "can0", "vcan12", "a name, \"x\"",
	    " ", "a channel that has a long name" };
	uint32_t seed = 1;

	for (size_t i = 0; i < MAX; i++) {
		struct evcan_frame *frame = &frames[i];
		unsigned flags, len;

		seed = seed * 1103515245 + 12345;
		flags = (seed >> 9 & 1 ? EVCAN_FRAME_EXT : 0) |
		    (seed >> 10 & 3 ? 0 : EVCAN_FRAME_FD);
		if ((flags & EVCAN_FRAME_FD) != 0)
			flags |= seed >> 12 & 0x30;
		else if ((seed >> 16 & 15) == 0)
			flags |= EVCAN_FRAME_RTR;
		len = (flags & EVCAN_FRAME_FD) != 0 ?
		    evcan_dlc2len(seed >> 20 & 15) : (seed >> 20) % 9;
		if (i % 5 == 0 && (flags & ~EVCAN_FRAME_EXT) == 0)
			len = 8;
		make(frame, seed >> 8 & (flags & EVCAN_FRAME_EXT ?
		    EVCAN_MAX_EXT_ID : EVCAN_MAX_STD_ID), flags, len);
		if (i % 5 == 0 && (flags & ~EVCAN_FRAME_EXT) == 0)
			frame->dlc = (uint8_t)(8 + i % 8);
		frame->dir = (uint8_t)(i % 3);
		frame->time_ns += (int64_t)i * 1234567891;
		if (i % 6 > 0)
			frame->channel = (uint16_t)evcan_channel_intern(
			    names[i % 6 - 1]);
	}
	return MAX;
}

static void
all_columns(void **state)
{
	static struct evcan_frame frames[MAX];
	static struct got got;
	const size_t n = random_frames(frames);
	struct put put;
	const char *text = write_frames("all", NULL, frames, n, &put);

	(void)state;
	assert_memory_equal(text, HEADER_ALL, strlen(HEADER_ALL));
	for (int i = 0; i < 16; i++)
		assert_int_equal(put.info.lost[i], 0);
	assert_int_equal(put.info.unfit, 0);
	for (int pass = 0; pass < 2; pass++) {
		read_bytes(text, strlen(text), pass == 0 ? SIZE_MAX / 2 : 1,
		    &got);
		assert_string_equal(got.error, "");
		assert_int_equal(got.n, n);
		for (size_t i = 0; i < n; i++) {
			assert_true(evcan_frame_equal(&frames[i],
			    &got.frames[i], 0, 0));
			assert_memory_equal(&frames[i], &got.frames[i], 24 +
			    (frames[i].flags & EVCAN_FRAME_FD ?
			    frames[i].len : 8));
		}
	}
	free(put.out.data);
}

/* What is counted as lost, and only that, does not come back. */
static void
lost_is_counted(void **state)
{
	static const char *const names =
	    "channel direction echo hops clock nanoseconds dlc fd brs esi "
	    "error";
	static struct evcan_frame frames[MAX];
	static struct got got;
	const size_t n = random_frames(frames);
	uint64_t lost[11] = { 0 };
	struct put put;
	const char *text;

	(void)state;
	assert_string_equal(csv->attributes, names);
	frames[1].flags = EVCAN_FRAME_ECHO;
	frames[1].len = frames[1].dlc = 0;
	frames[1].id = 5;
	frames[2].hops = 1;
	frames[3].clock = EVCAN_CLOCK_HARDWARE;
	frames[4].flags = EVCAN_FRAME_ERR;
	frames[4].id = frames[4].len = frames[4].dlc = 0;
	text = write_frames("python-can", NULL, frames, n, &put);
	read_bytes(text, strlen(text), SIZE_MAX / 2, &got);
	assert_int_equal(got.n, n);
	for (size_t i = 0; i < n; i++) {
		const struct evcan_frame *a = &frames[i];
		const struct evcan_frame *b = &got.frames[i];
		const unsigned gone = a->flags & (unsigned)~b->flags;
		const bool error = a->flags & EVCAN_FRAME_ERR;

		assert_int_equal(a->time_ns, b->time_ns);
		assert_true(error || a->id == b->id);
		assert_true(error || a->len == b->len);
		lost[0] += a->channel != b->channel;
		lost[1] += a->dir != b->dir;
		lost[2] += (gone & EVCAN_FRAME_ECHO) != 0;
		lost[3] += a->hops != b->hops;
		lost[4] += a->clock != b->clock;
		lost[6] += !error && a->dlc != b->dlc;
		lost[7] += (gone & EVCAN_FRAME_FD) != 0;
		lost[8] += (gone & EVCAN_FRAME_BRS) != 0;
		lost[9] += (gone & EVCAN_FRAME_ESI) != 0;
		lost[10] += error && a->id != b->id;
	}
	for (int i = 0; i < 11; i++)
		assert_int_equal(lost[i], put.info.lost[i]);
	for (int i = 0; i < 11; i++)
		assert_true(lost[i] > 0 || i == 5);
	free(put.out.data);
}

static void
unfit_and_gap(void **state)
{
	const struct evcan_gap gap = { .lost = 12 };
	struct evcan_options *options = evcan_options_new();
	void *writer = calloc(1, csv->write_size);
	struct evcan_buffer out = { 0 };
	static struct got got;
	struct evcan_frame frame;
	struct put put;

	(void)state;
	make(&frame, 0, 0, 0);
	frame.flags = EVCAN_FRAME_OVERLOAD;
	assert_string_equal(write_frames("all", NULL, &frame, 1, &put),
	    HEADER_ALL);
	assert_int_equal(put.info.unfit, 1);
	free(put.out.data);

	evcan_options_set(options, "columns", "all", NULL);
	evcan_options_fill(options, csv->write_options, writer, NULL);
	csv->begin(writer, NULL, &out, NULL);
	assert_int_equal(csv->encode_gap(writer, "can0", &gap, &out), 0);
	evcan_buffer_append(&out, "", 1);
	read_text((const char *)out.data, &got);
	assert_int_equal(got.out.gaps, 1);
	assert_int_equal(got.out.lost, 12);
	assert_int_equal(got.errors, 0);
	/* python-can's reader takes rows only. */
	out.len = 0;
	evcan_options_set(options, "columns", "python-can", NULL);
	evcan_options_fill(options, csv->write_options, writer, NULL);
	csv->begin(writer, NULL, &out, NULL);
	csv->encode_gap(writer, "can0", &gap, &out);
	assert_int_equal(out.len, strlen(HEADER));
	free(out.data);
	free(writer);
	evcan_options_free(options);
}

static void
appending(void **state)
{
	static const struct {
		const char *columns, *past, *row;
	} cases[] = {
		{ "python-can", HEADER, "1483389946.197,0x10,1,0,0,0,\n" },
		{ "all", HEADER "1,0x1,0,0,0,0,\n",
		    "1483389946.197,0x10,1,0,0,0,\n" },
		{ "all", "1,0x1,0,0,0,0,\n",
		    "1483389946.197,0x10,1,0,0,0,\n" },
		{ "python-can", HEADER_ALL,
		    "1483389946.197,0x10,1,0,0,0,,0,0,0,can0,Tx\n" },
		{ "python-can", "1,0x1,0,0,0,0,,0,0,0,can0,Tx\n",
		    "1483389946.197,0x10,1,0,0,0,,0,0,0,can0,Tx\n" },
		{ "python-can", "# remark\r\ndata;mine;channel;dlc;error;"
		    "remote;extended;arbitration_id;timestamp\r\n",
		    ";;can0;0;0;0;1;0x10;1483389946.197\n" },
		{ "python-can", "\n", HEADER
		    "1483389946.197,0x10,1,0,0,0,\n" },
		{ "all", "", "1483389946.197,0x10,1,0,0,0,,0,0,0,can0,Tx\n" },
		{ "all", "something else\n", NULL },
		{ "all", "timestamp,arbitration_id,data\n", NULL }
	};
	struct evcan_frame frame;
	struct put put;

	(void)state;
	make(&frame, 0x10, EVCAN_FRAME_EXT, 0);
	frame.channel = (uint16_t)evcan_channel_intern("can0");
	frame.dir = EVCAN_DIR_TX;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = write_frames(cases[i].columns,
		    cases[i].past, &frame, 1, &put);

		if (cases[i].row != NULL) {
			assert_int_equal(put.begun, 0);
			assert_string_equal(text, cases[i].row);
		} else {
			assert_int_equal(put.begun, EVCAN_ERR_INVALID);
			assert_non_null(strstr(put.err.text,
			    "is not appended to"));
		}
		free(put.out.data);
	}
}

static int
bid_of(const char *text)
{
	return csv->bid((const uint8_t *)text, strlen(text));
}

/* Forced to be one all the same: nothing is made up of what is not there. */
static void
no_data_column(void **state)
{
	static struct got got;

	(void)state;
	read_text("timestamp,arbitration_id,payload\n1.5,0x123,AQI=\n",
	    &got);
	assert_int_equal(got.n, 0);
	assert_int_equal(got.errors, 1);
}

static void
bids(void **state)
{
	(void)state;
	assert_int_equal(bid_of(HEADER), 100);
	assert_int_equal(bid_of("\xef\xbb\xbf" HEADER_ALL), 100);
	assert_int_equal(bid_of("data,timestamp,arbitration_id\n"), 90);
	/* Another table: its bytes would be lost. */
	assert_int_equal(bid_of("timestamp,arbitration_id,payload,label\n"
	    "1483389946.197,1A4,0102030405060708,0\n"), 0);
	assert_int_equal(bid_of("1483389946.197,0x123,0,0,0,3,AQL/\n"), 40);
	assert_int_equal(bid_of("0,3,AQL/\n1483389946.197,0x123,0,0,0,3,"
	    "AQL/\n"), 30);
	assert_int_equal(bid_of(""), 0);
	assert_int_equal(bid_of("a,b,c,d,e,f,g\n1,2,3,4,5,6,7\n"), 0);
	assert_int_equal(bid_of("Time Stamp,ID,Extended,Bus,LEN,D1\n"
	    "1,00000123,false,0,1,12,\n"), 0);
	assert_int_equal(bid_of("TimestampEpoch;BusChannel;ID;IDE;DLC;"
	    "DataLength;Dir;EDL;BRS;DataBytes\n1581670628.161550;1;123;0;0;"
	    "0;0;0;0;\n"), 0);
	assert_int_equal(bid_of("5.17698,1,1704,2,8,119,250,188,98,106,39,"
	    "140,238,1\n"), 0);
}

static void
samples(void **state)
{
	const char *dir = getenv("EVCAN_SAMPLES");
	struct evcan_log_reader *reader;
	struct evcan_log_read_stats stats;
	struct evcan_frame frames[64];
	char path[500];
	int r;

	(void)state;
	if (dir == NULL)
		may_skip("EVCAN_SAMPLES is not set");
	snprintf(path, sizeof(path), "%s/csv/gen__pythoncan41_mix.csv", dir);
	reader = evcan_log_reader_new(path, NULL, NULL);
	assert_non_null(reader);
	assert_string_equal(evcan_log_reader_format(reader), "csv");
	while ((r = evcan_log_reader_read(reader, frames, 64)) > 0)
		;
	assert_int_equal(r, 0);
	evcan_log_reader_get_stats(reader, &stats);
	assert_int_equal(stats.frames, 2000);
	assert_int_equal(stats.errors, 0);
	evcan_log_reader_free(reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(python_bytes),
		cmocka_unit_test(times),
		cmocka_unit_test(rounded_second),
		cmocka_unit_test(dresses),
		cmocka_unit_test(kinds),
		cmocka_unit_test(faults),
		cmocka_unit_test(all_columns),
		cmocka_unit_test(lost_is_counted),
		cmocka_unit_test(unfit_and_gap),
		cmocka_unit_test(appending),
		cmocka_unit_test(bids),
		cmocka_unit_test(no_data_column),
		cmocka_unit_test(samples)
	};

	csv = evcan_format_find("csv");
	if (csv == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
