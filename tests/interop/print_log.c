/* SPDX-License-Identifier: BSD-3-Clause */
/* print_log.c - for test_candump_python.py: prints or copies a log */
#include <stdio.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/frame.h>
#include <evcan/log.h>
#include <evcan/options.h>

static void
print(const struct evcan_frame *frame)
{
	const unsigned flags = frame->flags;
	const bool error = (flags & EVCAN_FRAME_ERR) != 0;

	printf("%.6f %s %s%s%s ", (double)frame->time_ns / 1e9,
	    evcan_channel_name(frame->channel), error ? "E" :
	    (flags & EVCAN_FRAME_RTR) != 0 ? "R" :
	    (flags & EVCAN_FRAME_FD) != 0 ? "F" : "D",
	    (flags & EVCAN_FRAME_BRS) != 0 ? "b" : "",
	    (flags & EVCAN_FRAME_ESI) != 0 ? "e" : "");
	if (error)
		printf("- ");
	else
		printf("%x ", (unsigned)frame->id);
	printf("%s %s ", !error && (flags & EVCAN_FRAME_EXT) != 0 ? "x" : "s",
	    frame->dir == EVCAN_DIR_RX ? "Rx" : "Tx");
	if (error)
		printf("-");
	else
		for (unsigned i = 0; i < frame->len; i++)
			printf("%02x", frame->data[i]);
	printf("\n");
}

static int
fail(const struct evcan_error *err)
{
	fprintf(stderr, "%s\n", err->text);
	return 1;
}

int
main(int argc, char **argv)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_log_writer *writer = NULL;
	struct evcan_log_reader *reader;
	struct evcan_frame frames[64];
	struct evcan_error err = { 0 };
	int n;

	if (argc < 3)
		return 2;
	reader = evcan_log_reader_new(argv[2], NULL, &err);
	if (reader == NULL)
		return fail(&err);
	if (argc > 4)
		evcan_options_set(options, argv[4], "true", NULL);
	if (argc > 3)
		writer = evcan_log_writer_new(NULL, argv[3], options, &err);
	if (argc > 3 && writer == NULL)
		return fail(&err);
	while ((n = evcan_log_reader_read(reader, frames, 64)) != 0) {
		if (n < 0)
			return fail(evcan_log_reader_error(reader));
		for (int i = 0; i < n && writer == NULL; i++)
			print(&frames[i]);
		if (writer != NULL && evcan_log_writer_write(writer, frames,
		    (size_t)n) != n)
			return fail(evcan_log_writer_error(writer));
	}
	evcan_log_writer_free(writer);
	evcan_log_reader_free(reader);
	evcan_options_free(options);
	return 0;
}
