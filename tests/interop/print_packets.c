/* SPDX-License-Identifier: BSD-3-Clause */
/* print_packets.c - for test_pcap_tshark.py: writes captures, prints logs */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/frame.h>
#include <evcan/listener.h>
#include <evcan/log.h>
#include <evcan/options.h>

#define START 1483389946123456789

static int
fail(const struct evcan_error *err)
{
	fprintf(stderr, "%s\n", err->text);
	return 1;
}

static void
print_event(struct evcan_log_reader *reader, int64_t time_ns,
    const char *text, void *arg)
{
	(void)reader;
	(void)arg;
	printf("event %" PRId64 " %s\n", time_ns, text);
}

static void
print(const struct evcan_frame *frame)
{
	static const char letters[] = "xRE" "Fbe";
	const char *name = evcan_channel_name(frame->channel);

	printf("%" PRId64 " %s ", frame->time_ns, *name != '\0' ? name : "-");
	for (unsigned bit = 0; bit < 6; bit++)
		if ((frame->flags & 1 << bit) != 0)
			printf("%c", letters[bit]);
	printf(". %s %x %u ", frame->dir == EVCAN_DIR_RX ? "Rx" : "Tx",
	    (unsigned)frame->id, frame->dlc);
	for (unsigned i = 0; i < frame->len; i++)
		printf("%02x", frame->data[i]);
	printf(".\n");
}

static int
read_log(const char *path)
{
	struct evcan_log_read_stats stats;
	struct evcan_error err = { 0 };
	struct evcan_log_reader *reader;
	struct evcan_frame frames[16];
	int n;

	reader = evcan_log_reader_new(path, NULL, &err);
	if (reader == NULL)
		return fail(&err);
	evcan_log_reader_set_event_cb(reader, print_event, NULL);
	while ((n = evcan_log_reader_read(reader, frames, 16)) > 0)
		for (int i = 0; i < n; i++)
			print(&frames[i]);
	if (n < 0)
		return fail(evcan_log_reader_error(reader));
	evcan_log_reader_get_stats(reader, &stats);
	if (stats.gaps > 0)
		printf("lost %" PRIu64 "\n", stats.lost);
	evcan_log_reader_free(reader);
	return 0;
}

/* The i-th of a mixture in which every kind of frame comes. */
static void
make(struct evcan_frame *frame, unsigned i)
{
	static const unsigned flags[] = {
		0, EVCAN_FRAME_EXT, EVCAN_FRAME_RTR,
		EVCAN_FRAME_RTR | EVCAN_FRAME_EXT, EVCAN_FRAME_ERR,
		EVCAN_FRAME_FD, EVCAN_FRAME_FD | EVCAN_FRAME_BRS,
		EVCAN_FRAME_FD | EVCAN_FRAME_ESI | EVCAN_FRAME_EXT,
		EVCAN_FRAME_FD | EVCAN_FRAME_BRS | EVCAN_FRAME_ESI
	};
	const unsigned kind = flags[i % (sizeof(flags) / sizeof(flags[0]))];
	char name[8];

	memset(frame, 0, sizeof(*frame));
	snprintf(name, sizeof(name), "can%u", i % 4);
	frame->channel = (uint16_t)evcan_channel_intern(name);
	frame->flags = (uint16_t)kind;
	frame->id = i * 2654435761u & ((kind & EVCAN_FRAME_EXT) != 0 ?
	    EVCAN_MAX_EXT_ID : EVCAN_MAX_STD_ID);
	frame->dlc = (uint8_t)((kind & EVCAN_FRAME_FD) != 0 ? i % 16 : i % 9);
	if ((kind & EVCAN_FRAME_ERR) != 0) {
		frame->dlc = 8;
		frame->id = 1u << i % 9;
	}
	if ((kind & EVCAN_FRAME_RTR) == 0)
		frame->len = evcan_dlc2len(frame->dlc);
	for (unsigned b = 0; b < frame->len; b++)
		frame->data[b] = (uint8_t)(i * 7 + b * 13);
	frame->dir = i % 3 == 0 ? EVCAN_DIR_TX : EVCAN_DIR_RX;
	frame->clock = EVCAN_CLOCK_KERNEL;
	frame->time_ns = START + (int64_t)i * 1000000007;
}

/* @param marks also a hole, lines of text and frames without a channel */
static int
write_log(const char *path, bool marks, bool append)
{
	const struct evcan_gap gap = { 5, EVCAN_LOSS_KERNEL, START };
	struct evcan_options *options = evcan_options_new();
	struct evcan_log_writer *writer;
	struct evcan_error err = { 0 };
	struct evcan_frame frame;

	evcan_options_set(options, "append", append ? "true" : "false", NULL);
	writer = evcan_log_writer_new(NULL, path, options, &err);
	evcan_options_free(options);
	if (writer == NULL)
		return fail(&err);
	for (unsigned i = 0; i < 500; i++) {
		if (marks && i == 100)
			evcan_listener_feed_gap(
			    evcan_log_writer_listener(writer), NULL, &gap);
		if (marks && (i == 0 || i == 200))
			evcan_log_writer_event_at(writer, START + i,
			    i == 0 ? "engine starts" : "oil is hot");
		make(&frame, i);
		if (marks && i % 4 == 3)
			frame.channel = EVCAN_CHANNEL_NONE;
		if (evcan_log_writer_write(writer, &frame, 1) != 1)
			return fail(evcan_log_writer_error(writer));
	}
	if (marks)
		evcan_log_writer_event_at(writer, START, "engine stops");
	evcan_log_writer_free(writer);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc == 3 ? argv[1] : "";

	if (strcmp(what, "read") == 0)
		return read_log(argv[2]);
	if (strcmp(what, "write") == 0 || strcmp(what, "append") == 0)
		return write_log(argv[2], false, what[0] == 'a');
	if (strcmp(what, "marks") == 0)
		return write_log(argv[2], true, false);
	fprintf(stderr, "print_packets read|write|append|marks FILE\n");
	return 2;
}
