/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * buffered_reader.c - frames kept until somebody wants them.
 *
 * python-can's BufferedReader and AsyncBufferedReader in one: a bounded
 * buffer that is a listener. It is read when it suits (get), on a call-back,
 * or one frame at a time (await): "call me with the next one".
 */
#include <stdio.h>

#include <event2/event.h>
#include <evcan/evcan.h>

struct story {
	struct event_base *base;
	struct evcan_reader *reader;
	int awaited;
};

static void
next_frame(struct evcan_reader *reader, const struct evcan_frame *frame,
    void *arg)
{
	struct story *story = arg;
	char text[EVCAN_TEXT_MAX];

	if (!frame)
		return;                 /* the reader stops */
	evcan_frame_format(frame, text, sizeof(text));
	printf("awaited %s\n", text);
	if (++story->awaited < 3)
		evcan_reader_await(reader, next_frame, story);
	else
		event_base_loopbreak(story->base);
}

static void
send_some(struct evcan_bus *bus, unsigned first, unsigned n)
{
	struct evcan_frame frame;

	for (unsigned i = first; i < first + n; i++) {
		evcan_frame_init(&frame, 0x100 + i, 0, &i, 1);
		evcan_bus_send(bus, &frame, 1);
	}
}

static struct evcan_bus *
open_bus(struct event_base *base)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;

	bus = evcan_bus_new_spec(base, "virtual:buffered", &err);
	if (!bus || evcan_bus_open(bus, &err) < 0)
		fprintf(stderr, "buffered_reader: %s\n", err.text);
	return bus;
}

int
main(void)
{
	struct story story = { .base = event_base_new() };
	struct evcan_bus *from = open_bus(story.base);
	struct evcan_bus *to = open_bus(story.base);
	struct evcan_notifier *notifier = evcan_notifier_new(story.base);
	struct evcan_frame frames[16];
	char text[EVCAN_TEXT_MAX];
	int n;

	story.reader = evcan_reader_new(64, NULL);
	if (!from || !to || !notifier || !story.reader ||
	    evcan_notifier_add_bus(notifier, to) < 0 ||
	    evcan_notifier_add_listener(notifier,
	    evcan_reader_listener(story.reader), to) < 0)
		return 1;

	/* Await: three frames, one at a time, of five that come. */
	evcan_reader_await(story.reader, next_frame, &story);
	send_some(from, 0, 5);
	event_base_dispatch(story.base);

	/* Stop the feeding; what is buffered stays and can be taken. */
	evcan_notifier_stop(notifier);
	while ((n = evcan_reader_get(story.reader, frames, 16)) > 0)
		for (int i = 0; i < n; i++) {
			evcan_frame_format(&frames[i], text, sizeof(text));
			printf("got %s\n", text);
		}
	evcan_notifier_free(notifier);
	evcan_reader_free(story.reader);
	evcan_bus_free(from);
	evcan_bus_free(to);
	event_base_free(story.base);
	return story.awaited == 3 ? 0 : 1;
}
