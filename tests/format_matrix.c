/* SPDX-License-Identifier: BSD-3-Clause */
/* format_matrix.c - prints what survives in each format, as docs/formats.md */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/frame.h>
#include <evcan/listener.h>
#include <evcan/log.h>
#include <evcan/options.h>

/*
 * Each property is written, read back and compared: the table is measured,
 * not remembered. A property that is gone without the writer having counted
 * it ends the program: that would be a silent loss.
 */

#define START 1483389946123456000

/* Formats as they are, and with options that keep more, or less. */
static const struct variant {
	const char *title, *format, *options;
} variants[] = {
	{ "candump", "candump", "" },
	{ "asc", "asc", "" },
	{ "blf", "blf", "" },
	{ "trc", "trc", "" },
	{ "csv", "csv", "" },
	{ "sqlite", "sqlite", "" },
	{ "mf4", "mf4", "" },
	{ "pcap", "pcap", "" },
	{ "pcapng", "pcapng", "" },
	{ "candump decimals=9 direction=yes", "candump",
	  "decimals=9 direction=yes" },
	{ "asc digits=9", "asc", "digits=9" },
	{ "trc version=1.1", "trc", "version=1.1" },
	{ "trc version=1.3", "trc", "version=1.3" },
	{ "csv columns=all", "csv", "columns=all" },
	{ "sqlite columns=all", "sqlite", "columns=all" },
};
#define AS_THEY_ARE 9

#define VARIANTS (sizeof(variants) / sizeof(variants[0]))

/* Properties */

static void
make_plain(struct evcan_frame *f)
{
	(void)f;
}

static void
make_micros(struct evcan_frame *f)
{
	f->time_ns += 1000;
}

static bool
same_micros(const struct evcan_frame *a, const struct evcan_frame *b)
{
	return a->time_ns / 1000 == b->time_ns / 1000;
}

static void
make_nanos(struct evcan_frame *f)
{
	f->time_ns += 123;
}

static bool
same_time(const struct evcan_frame *a, const struct evcan_frame *b)
{
	return a->time_ns == b->time_ns;
}

static void
make_backward(struct evcan_frame *f)
{
	f->time_ns -= 5000000;
}

static void
make_name(struct evcan_frame *f)
{
	f->channel = (uint16_t)evcan_channel_intern("chassis");
}

static void
make_number(struct evcan_frame *f)
{
	f->channel = (uint16_t)evcan_channel_intern("can3");
}

static bool
same_channel(const struct evcan_frame *a, const struct evcan_frame *b)
{
	return a->channel == b->channel;
}

static void
make_tx(struct evcan_frame *f)
{
	f->dir = EVCAN_DIR_TX;
}

static void
make_txrq(struct evcan_frame *f)
{
	f->dir = EVCAN_DIR_TXRQ;
}

static bool
same_dir(const struct evcan_frame *a, const struct evcan_frame *b)
{
	return a->dir == b->dir;
}

static void
make_ext(struct evcan_frame *f)
{
	f->flags |= EVCAN_FRAME_EXT;
}

static bool
same_flags(const struct evcan_frame *a, const struct evcan_frame *b)
{
	return a->flags == b->flags && a->id == b->id;
}

static void
make_remote(struct evcan_frame *f)
{
	f->flags |= EVCAN_FRAME_RTR;
	f->len = 0;
	f->dlc = 5;
}

static bool
same_remote(const struct evcan_frame *a, const struct evcan_frame *b)
{
	return same_flags(a, b) && a->dlc == b->dlc && b->len == 0;
}

static void
make_raw_dlc(struct evcan_frame *f)
{
	f->len = 8;
	f->dlc = 13;
}

static bool
same_data(const struct evcan_frame *a, const struct evcan_frame *b)
{
	return a->len == b->len && a->dlc == b->dlc &&
	    memcmp(a->data, b->data, a->len) == 0;
}

static void
make_fd(struct evcan_frame *f)
{
	f->flags |= EVCAN_FRAME_FD;
	f->len = 48;
	f->dlc = 14;
}

static bool
same_fd(const struct evcan_frame *a, const struct evcan_frame *b)
{
	return same_flags(a, b) && same_data(a, b);
}

static void
make_brs(struct evcan_frame *f)
{
	make_fd(f);
	f->flags |= EVCAN_FRAME_BRS;
}

static void
make_esi(struct evcan_frame *f)
{
	make_fd(f);
	f->flags |= EVCAN_FRAME_ESI;
}

static void
make_fd_empty(struct evcan_frame *f)
{
	f->flags |= EVCAN_FRAME_FD;
	f->len = f->dlc = 0;
}

static void
make_error(struct evcan_frame *f)
{
	f->flags = EVCAN_FRAME_ERR;
	f->id = 0x80;
	f->len = f->dlc = 8;
	memset(f->data, 0, 8);
}

/* Protocol violation, stuff error, in a data section; transmit errors. */
static void
make_error_detail(struct evcan_frame *f)
{
	make_error(f);
	f->id = 0x88;
	f->data[2] = 0x04;
	f->data[3] = 0x0a;
	f->data[6] = 17;
}

static bool
same_kind(const struct evcan_frame *a, const struct evcan_frame *b)
{
	return ((a->flags ^ b->flags) & EVCAN_FRAME_ERR) == 0;
}

static void
make_overload(struct evcan_frame *f)
{
	f->flags = EVCAN_FRAME_OVERLOAD;
	f->id = 0;
	f->len = f->dlc = 0;
}

static void
make_relative(struct evcan_frame *f)
{
	f->time_ns = 12345678000;
	f->clock = EVCAN_CLOCK_RELATIVE;
}

static bool
same_clock(const struct evcan_frame *a, const struct evcan_frame *b)
{
	return a->clock == b->clock && same_micros(a, b);
}

static const struct property {
	const char *title;
	void (*make)(struct evcan_frame *f);
	bool (*same)(const struct evcan_frame *a,
	    const struct evcan_frame *b);
} properties[] = {
	{ "time in microseconds", make_micros, same_micros },
	{ "time in nanoseconds", make_nanos, same_time },
	{ "time that goes backwards", make_backward, same_micros },
	{ "time without a date", make_relative, same_clock },
	{ "channel can3", make_number, same_channel },
	{ "channel of any name", make_name, same_channel },
	{ "direction Tx", make_tx, same_dir },
	{ "direction TxRq", make_txrq, same_dir },
	{ "extended identifier", make_ext, same_flags },
	{ "data of classic frames", make_plain, same_data },
	{ "raw DLC 9 to 15", make_raw_dlc, same_data },
	{ "remote frame, its DLC", make_remote, same_remote },
	{ "FD frame", make_fd, same_fd },
	{ "FD frame without data", make_fd_empty, same_fd },
	{ "BRS", make_brs, same_fd },
	{ "ESI", make_esi, same_fd },
	{ "error frame", make_error, same_kind },
	{ "its class and details", make_error_detail, same_fd },
	{ "overload frame", make_overload, same_flags },
};

#define PROPERTIES (sizeof(properties) / sizeof(properties[0]))

/* Writing and reading back */

static char path[] = "/tmp/evcan-matrix-XXXXXX";

static void
die(const struct variant *v, const char *what, const char *why)
{
	fprintf(stderr, "format_matrix: %s: %s: %s\n", v->title, what, why);
	unlink(path);
	exit(1);
}

static struct evcan_log_writer *
open_writer(const struct variant *v)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	struct evcan_log_writer *writer;
	char copy[100], *save = NULL;

	evcan_options_set(options, "format", v->format, NULL);
	snprintf(copy, sizeof(copy), "%s", v->options);
	for (char *p = strtok_r(copy, " ", &save); p != NULL;
	    p = strtok_r(NULL, " ", &save))
		if (evcan_options_set_pair(options, p, NULL, &err) < 0)
			die(v, "options", err.text);
	unlink(path);
	writer = evcan_log_writer_new(NULL, path, options, &err);
	evcan_options_free(options);
	if (writer == NULL)
		die(v, "writing", err.text);
	return writer;
}

/* Losses the writer has counted so far, with the first one's name. */
static uint64_t
counted(const struct evcan_log_writer *writer, const char **name)
{
	struct evcan_log_write_stats stats;
	const char *one;
	uint64_t sum, n;

	evcan_log_writer_get_stats(writer, &stats);
	sum = stats.unfit;
	*name = sum > 0 ? "unfit" : NULL;
	for (size_t i = 0;
	    (one = evcan_log_writer_lost(writer, i, &n)) != NULL; i++) {
		sum += n;
		if (n > 0 && *name == NULL)
			*name = one;
	}
	return sum;
}

static size_t
read_back(const struct variant *v, struct evcan_frame *frames, size_t max,
    struct evcan_log_read_stats *stats)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	struct evcan_log_reader *reader;
	size_t n = 0;
	int r;

	evcan_options_set(options, "format", v->format, NULL);
	reader = evcan_log_reader_new(path, options, &err);
	evcan_options_free(options);
	if (reader == NULL)
		die(v, "reading", err.text);
	while ((r = evcan_log_reader_read(reader, frames + n, max - n)) > 0)
		n += (size_t)r;
	if (r < 0)
		die(v, "reading", evcan_log_reader_error(reader)->text);
	evcan_log_reader_get_stats(reader, stats);
	evcan_log_reader_free(reader);
	return n;
}

static void
plain(struct evcan_frame *f, const struct property *p)
{
	static const uint8_t data[8] = { 1, 2, 3, 0xfe, 0xff, 0, 7, 8 };

	evcan_frame_init(f, 0x123, 0, data, 8);
	for (int i = 8; i < 64; i++)
		f->data[i] = (uint8_t)(i * 7);
	f->time_ns = START;
	f->clock = EVCAN_CLOCK_KERNEL;
	f->channel = (uint16_t)evcan_channel_intern("can0");
	if (p->make == make_relative) {
		f->time_ns = 1000000;
		f->clock = EVCAN_CLOCK_RELATIVE;
	}
}

/* "yes", "-", or "not written". */
static const char *
try(const struct variant *v, const struct property *p)
{
	struct evcan_log_writer *writer = open_writer(v);
	struct evcan_log_read_stats stats;
	struct evcan_frame sent[2], back[4];
	const char *name;
	uint64_t before, after;
	size_t n;

	plain(&sent[0], p);
	plain(&sent[1], p);
	p->make(&sent[1]);
	if (evcan_log_writer_write(writer, &sent[0], 1) != 1)
		die(v, p->title, evcan_log_writer_error(writer)->text);
	before = counted(writer, &name);
	if (evcan_log_writer_write(writer, &sent[1], 1) != 1)
		die(v, p->title, evcan_log_writer_error(writer)->text);
	after = counted(writer, &name);
	evcan_log_writer_close(writer, NULL, NULL);
	evcan_log_writer_free(writer);
	n = read_back(v, back, 4, &stats);
	if (n == 2 && p->same(&sent[1], &back[1]))
		return "yes";
	if (after == before)
		die(v, p->title, "is gone, and nobody counted it");
	return n == 1 ? "not written" : "-";
}

/* A line of text, or a marker of loss, between two frames. */
static const char *
try_mark(const struct variant *v, bool gap)
{
	struct evcan_log_writer *writer = open_writer(v);
	const struct evcan_gap hole = { .lost = 12,
	    .where = EVCAN_LOSS_QUEUE, .time_ns = START };
	struct evcan_log_read_stats stats;
	struct evcan_frame frame, back[4];
	int r = 0;

	plain(&frame, &properties[0]);
	evcan_log_writer_write(writer, &frame, 1);
	if (gap)
		evcan_listener_feed_gap(evcan_log_writer_listener(writer),
		    NULL, &hole);
	else
		r = evcan_log_writer_event_at(writer, START, "lap 3");
	evcan_log_writer_write(writer, &frame, 1);
	evcan_log_writer_close(writer, NULL, NULL);
	evcan_log_writer_free(writer);
	if (read_back(v, back, 4, &stats) != 2)
		die(v, "marks", "frames beside them are missing");
	if (gap)
		return stats.gaps == 1 && stats.lost == 12 ? "yes" : "-";
	if (r == 0 && stats.events != 1)
		die(v, "an event", "was taken and is gone");
	return r == 0 ? "yes" : "-";
}

static const char *cells[VARIANTS][PROPERTIES + 2];

static void
print_row(const char *title, size_t row, size_t from, size_t to)
{
	printf("| %s |", title);
	for (size_t i = from; i < to; i++)
		printf(" %s |", cells[i][row]);
	putchar('\n');
}

static void
print_table(size_t from, size_t to)
{
	printf("| |");
	for (size_t i = from; i < to; i++)
		printf(" %s |", variants[i].title);
	printf("\n| --- |");
	for (size_t i = from; i < to; i++)
		printf(" --- |");
	putchar('\n');
	for (size_t row = 0; row < PROPERTIES; row++)
		print_row(properties[row].title, row, from, to);
	print_row("line of text", PROPERTIES, from, to);
	print_row("marker of loss", PROPERTIES + 1, from, to);
}

int
main(void)
{
	const int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	for (size_t i = 0; i < VARIANTS; i++) {
		for (size_t row = 0; row < PROPERTIES; row++)
			cells[i][row] = try(&variants[i], &properties[row]);
		cells[i][PROPERTIES] = try_mark(&variants[i], false);
		cells[i][PROPERTIES + 1] = try_mark(&variants[i], true);
	}
	print_table(0, AS_THEY_ARE);
	putchar('\n');
	print_table(AS_THEY_ARE, VARIANTS);
	unlink(path);
	return 0;
}
