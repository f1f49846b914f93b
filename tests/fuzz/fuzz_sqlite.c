/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_sqlite.c - any bytes as a database: read, and appended to */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/frame.h>
#include <evcan/options.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAMES_MAX 64
/* A table may hold more rows than bytes suggest, never so many. */
#define CALLS_MAX 100000

static char path[64];

static void
require(int good)
{
	if (!good)
		abort();
}

static void
put_file(const uint8_t *data, size_t size)
{
	static const char *const beside[] = { "-wal", "-shm", "-journal" };
	char name[80];
	FILE *file;

	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, beside[i]);
		unlink(name);
	}
	file = fopen(path, "w");
	require(file != NULL && fwrite(data, 1, size, file) == size);
	fclose(file);
}

static void *
state_of(const struct evcan_option *rows, size_t size)
{
	void *state = calloc(1, size);

	require(evcan_options_fill(NULL, rows, state, NULL) == 0);
	return state;
}

/* @return frames */
static size_t
read_file(const struct evcan_format *format, size_t size)
{
	const struct evcan_file file = { .path = path, .size = size };
	const struct evcan_span span = { (const uint8_t *)"", 0, 0, true };
	static struct evcan_frame frames[FRAMES_MAX];
	void *state = state_of(format->read_options, format->read_size);
	struct evcan_decode out = { .line = 1 };
	size_t n = 0;
	int r = format->read_begin(state, &file, &out.error);

	require((r == 0) == (out.error.text[0] == '\0'));
	for (int calls = 0; r == 0; calls++) {
		int got;

		evcan_error_clear(&out.error);
		got = format->decode(state, &span, frames, FRAMES_MAX, &out);
		require(calls < CALLS_MAX && out.position <= size);
		require(got >= 0 || out.error.text[0] != '\0');
		if (got == 0)
			break;
		for (int i = 0; i < got; i++)
			require(frames[i].len <= EVCAN_MAX_DATA &&
			    frames[i].dlc <= 15 &&
			    frames[i].id <= EVCAN_MAX_EXT_ID);
		n += got > 0 ? (size_t)got : 0;
	}
	format->read_done(state);
	free(state);
	return n;
}

static void
append_to(const struct evcan_format *format)
{
	static const struct evcan_frame frame = { .id = 1 };
	void *state = state_of(format->write_options, format->write_size);
	struct evcan_error err = { 0 };
	struct evcan_buffer out = { 0 };
	struct evcan_encode info = { 0 };

	if (format->open(state, path, true, &err) == 0) {
		require(format->encode(state, &frame, 1, &out, &info) == 0);
		require(format->store(state, out.data, out.len, &err) > 0 ||
		    err.text[0] != '\0');
		format->close(state, NULL);
	} else {
		require(err.text[0] != '\0');
	}
	format->write_done(state);
	free(state);
	free(out.data);
}

static void
remove_file(void)
{
	put_file(NULL, 0);
	unlink(path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct evcan_format *format = evcan_format_find("sqlite");

	if (path[0] == '\0') {
		/* In memory where there is such a place: stores sync. */
		snprintf(path, sizeof(path), "%s/evcan-fuzz-%ld.db",
		    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
		    (long)getpid());
		atexit(remove_file);
	}
	require(format->bid(data, size) >= 0);
	put_file(data, size);
	read_file(format, size);
	append_to(format);
	return 0;
}
