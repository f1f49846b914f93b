/* SPDX-License-Identifier: BSD-3-Clause */
/* printer.c - a line of text for people for each frame, as python-can's
 * Printer writes it */
#include <evcan/format.h>

#include <stdio.h>
#include <string.h>

#include <evcan/listener.h>

#define ATTRIBUTES "echo hops clock nanoseconds dlc"
enum attribute {
	LOST_ECHO,
	LOST_HOPS,
	LOST_CLOCK,
	LOST_NANOSECONDS,
	LOST_DLC
};

/* The line shows lengths, not codes. */
static bool
shows_dlc(const struct evcan_frame *frame)
{
	if ((frame->flags & EVCAN_FRAME_FD) != 0)
		return frame->dlc == evcan_len2dlc(frame->len);
	return frame->dlc <= 8;
}

struct writer {
	bool describe_errors;
};

/* Appends what an error frame means. @return the line's new length */
static int
describe(const struct evcan_frame *frame, char *line, int len)
{
	char text[EVCAN_TEXT_MAX];

	if (!(frame->flags & EVCAN_FRAME_ERR) ||
	    evcan_frame_describe_error(frame, text, sizeof(text)) <= 0)
		return len;
	return len + sprintf(line + len, "    (%s)", text);
}

/* A line, what an error frame means, and the newline. */
#define MOST_OF_A_LINE (2 * EVCAN_TEXT_MAX + 16)

static int
encode(void *state, const struct evcan_frame *frames, size_t n,
    struct evcan_buffer *out, struct evcan_encode *info)
{
	const struct writer *writer = state;

	for (size_t i = 0; i < n; i++) {
		const struct evcan_frame *frame = &frames[i];
		char *p = (char *)evcan_buffer_reserve(out, MOST_OF_A_LINE);
		int len;

		if (p == NULL)
			return 0;   /* core sees out->failed */
		len = evcan_frame_print(frame, p, EVCAN_TEXT_MAX);
		if (len < 0) {
			info->unfit++;
			continue;
		}
		if (writer->describe_errors)
			len = describe(frame, p, len);
		p[len] = '\n';
		evcan_buffer_commit(out, (size_t)len + 1);
		info->lost[LOST_ECHO] +=
		    (frame->flags & EVCAN_FRAME_ECHO) != 0;
		info->lost[LOST_HOPS] += frame->hops != 0;
		info->lost[LOST_CLOCK] += frame->clock != EVCAN_CLOCK_KERNEL;
		info->lost[LOST_NANOSECONDS] += frame->time_ns % 1000 != 0;
		info->lost[LOST_DLC] += !shows_dlc(frame);
	}
	return 0;
}

static const char *const loss_names[] = {
	[EVCAN_LOSS_KERNEL] = "kernel",
	[EVCAN_LOSS_QUEUE] = "queue",
	[EVCAN_LOSS_DEVICE] = "device"
};

/* "-- 12 frames of can0 lost (kernel) --" */
static int
encode_gap(void *state, const char *channel, const struct evcan_gap *gap,
    struct evcan_buffer *out)
{
	const size_t count = sizeof(loss_names) / sizeof(loss_names[0]);
	const unsigned where = (unsigned)gap->where;
	char line[256];

	(void)state;
	snprintf(line, sizeof(line), "-- %llu frame%s%s%.127s lost (%s) --\n",
	    (unsigned long long)gap->lost, gap->lost == 1 ? "" : "s",
	    *channel != '\0' ? " of " : "", channel,
	    where < count ? loss_names[where] : "?");
	evcan_buffer_append(out, line, strlen(line));
	return 0;
}

static int
encode_event(void *state, int64_t time_ns, const char *text,
    struct evcan_buffer *out)
{
	(void)state;
	(void)time_ns;
	evcan_buffer_append(out, "-- ", 3);
	for (; *text != '\0'; text++) {
		const char c = *text == '\n' || *text == '\r' ? ' ' : *text;

		evcan_buffer_append(out, &c, 1);
	}
	evcan_buffer_append(out, " --\n", 4);
	return 0;
}

static const struct evcan_option write_options[] = {
	{ "describe_errors", NULL, EVCAN_OPTION_BOOL, "false", 0, 0, NULL,
	    "say behind an error frame what it means", 0,
	    offsetof(struct writer, describe_errors) },
	{ .name = NULL }
};

const struct evcan_format evcan_format_printer_ = {
	.name = "printer",
	.summary = "text for people, as python-can's Printer; not read",
	.suffixes = ".txt",
	.attributes = ATTRIBUTES,
	.flags = EVCAN_FORMAT_TEXT,
	.write_options = write_options,
	.write_size = sizeof(struct writer),
	.encode = encode,
	.encode_gap = encode_gap,
	.encode_event = encode_event
};
