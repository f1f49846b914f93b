/* SPDX-License-Identifier: BSD-3-Clause */
/* print_frames.c - frames told on stdin, as evcan prints and judges them */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/error.h>
#include <evcan/frame.h>

/*
 * A line is: time_ns id flags dir dlc len data channel, divided by blanks,
 * with data in hex and - for none. For each it writes "ok" or "bad" (what
 * evcan_frame_check() says), a tab, and evcan_frame_print()'s line.
 */
static int
read_frame(const char *line, struct evcan_frame *frame)
{
	char hex[2 * EVCAN_MAX_DATA + 1], channel[128];
	unsigned id, flags, dir, dlc, len, value;
	int r;

	memset(frame, 0, sizeof(*frame));
	if (sscanf(line, "%" SCNd64 " %x %x %u %u %u %128s %127[^\n]",
	    &frame->time_ns, &id, &flags, &dir, &dlc, &len, hex, channel)
	    != 8)
		return -1;
	frame->id = id;
	frame->flags = (uint16_t)flags;
	frame->dir = (uint8_t)dir;
	frame->dlc = (uint8_t)dlc;
	frame->len = (uint8_t)len;
	for (size_t i = 0; hex[0] != '-' && hex[2 * i] != '\0'; i++) {
		if (sscanf(hex + 2 * i, "%2x", &value) != 1)
			return -1;
		frame->data[i] = (uint8_t)value;
	}
	if (strcmp(channel, "-") == 0)
		return 0;
	r = evcan_channel_intern(channel);
	frame->channel = (uint16_t)(r < 0 ? 0 : r);
	return r < 0 ? r : 0;
}

int
main(void)
{
	struct evcan_frame frame;
	char line[512], text[EVCAN_TEXT_MAX];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (read_frame(line, &frame) < 0) {
			fprintf(stderr, "not understood: %s", line);
			return 1;
		}
		if (evcan_frame_print(&frame, text, sizeof(text)) < 0)
			return 1;
		printf("%s\t%s\n",
		    evcan_frame_check(&frame, NULL) == 0 ? "ok" : "bad",
		    text);
	}
	return 0;
}
