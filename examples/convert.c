/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * convert.c - any log, written in another format.
 *
 *	convert IN OUT [NAME=VALUE ...]
 *
 * A reader knows the format by what is in the file, a writer by the suffix of
 * its name; the options are the writer's. Frames go over in batches, lines of
 * text stay in their places, and a fault in the log is told and passed over.
 * The end tells what was lost: a format that has no place for an attribute
 * (direction, channel, ...) counts it by name. No event loop here: reading
 * and writing wait for the disk.
 */
#include <inttypes.h>
#include <stdio.h>

#include <evcan/evcan.h>

struct conversion {
	struct evcan_log_reader *reader;
	struct evcan_log_writer *writer;
	uint64_t texts_lost;
	int failed;
};

static void
fail(struct conversion *c, const struct evcan_error *err)
{
	fprintf(stderr, "convert: %s\n", err->text);
	c->failed = 1;
}

/* A line of text in the log, between the frames before and behind it. */
static void
on_event(struct evcan_log_reader *reader, int64_t time_ns, const char *text,
    void *arg)
{
	struct conversion *c = arg;

	(void)reader;
	if (evcan_log_writer_event_at(c->writer, time_ns, text) < 0)
		c->texts_lost++;   /* the format has none */
}

/* Without a loop, this comes before evcan_log_writer_close() returns. */
static void
report(struct evcan_log_writer *writer, const struct evcan_error *err,
    void *arg)
{
	struct conversion *c = arg;
	struct evcan_log_write_stats written;
	struct evcan_log_read_stats read;
	const char *name;
	uint64_t count;

	if (err)
		fail(c, err);
	evcan_log_reader_get_stats(c->reader, &read);
	evcan_log_writer_get_stats(writer, &written);
	printf("%s to %s: %" PRIu64 " frames, %" PRIu64 " lines of text\n"
	    "faults %" PRIu64 ", not frames %" PRIu64 ", gaps %" PRIu64 "\n"
	    "lost: frames %" PRIu64 ", lines of text %" PRIu64,
	    evcan_log_reader_format(c->reader),
	    evcan_log_writer_format(writer), written.written, read.events,
	    read.errors, read.skipped, read.gaps, written.unfit,
	    c->texts_lost);
	for (size_t i = 0; (name = evcan_log_writer_lost(writer, i,
	    &count)) != NULL; i++)
		printf(", %s %" PRIu64, name, count);
	printf("\n");
}

static void
copy(struct conversion *c)
{
	struct evcan_frame frames[1024];
	int n;

	evcan_log_reader_set_event_cb(c->reader, on_event, c);
	while ((n = evcan_log_reader_read(c->reader, frames, 1024)) != 0) {
		if (n < 0)
			fail(c, evcan_log_reader_error(c->reader));
		else if (evcan_log_writer_write(c->writer, frames,
		    (size_t)n) < n)
			break;      /* closing tells why */
		if (n < 0 && n != EVCAN_ERR_SYNTAX)
			break;      /* else reading goes on behind it */
	}
	evcan_log_writer_close(c->writer, report, c);
}

int
main(int argc, char **argv)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	struct conversion c = { 0 };

	if (argc < 3)
		evcan_error_set(&err, EVCAN_ERR_INVALID, 0,
		    "usage: convert IN OUT [NAME=VALUE ...]");
	for (int i = 3; i < argc && err.code == 0; i++)
		evcan_options_set_pair(options, argv[i], argv[i], &err);
	if (err.code == 0)
		c.reader = evcan_log_reader_new(argv[1], NULL, &err);
	if (c.reader)
		c.writer = evcan_log_writer_new(NULL, argv[2], options, &err);
	if (c.writer)
		copy(&c);
	else
		fail(&c, &err);
	evcan_log_writer_free(c.writer);
	evcan_log_reader_free(c.reader);
	evcan_options_free(options);
	return c.failed;
}
