/* SPDX-License-Identifier: BSD-3-Clause */
/* frame_loss.h - frames without what a format says it lost */
#ifndef FRAME_LOSS_H
#define FRAME_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <evcan/frame.h>

static void
no_channel(struct evcan_frame *frame)
{
	frame->channel = 0;
}

static void
no_direction(struct evcan_frame *frame)
{
	frame->dir = 0;
}

static void
no_echo(struct evcan_frame *frame)
{
	frame->flags &= (uint16_t)~EVCAN_FRAME_ECHO;
}

static void
no_hops(struct evcan_frame *frame)
{
	frame->hops = 0;
}

static void
no_clock(struct evcan_frame *frame)
{
	frame->clock = 0;
}

static void
no_nanoseconds(struct evcan_frame *frame)
{
	/* Towards the past, also before 1970. */
	frame->time_ns -= (frame->time_ns % 1000 + 1000) % 1000;
}

/* Of a format with tenths of milliseconds. */
static void
no_microseconds(struct evcan_frame *frame)
{
	frame->time_ns -= (frame->time_ns % 100000 + 100000) % 100000;
}

static void
no_time(struct evcan_frame *frame)
{
	frame->time_ns = 0;
}

static void
no_dlc(struct evcan_frame *frame)
{
	frame->dlc = 0;
}

static void
no_brs(struct evcan_frame *frame)
{
	frame->flags &= (uint16_t)~EVCAN_FRAME_BRS;
}

static void
no_esi(struct evcan_frame *frame)
{
	frame->flags &= (uint16_t)~EVCAN_FRAME_ESI;
}

static void
no_fd(struct evcan_frame *frame)
{
	frame->flags &= (uint16_t)~(EVCAN_FRAME_FD | EVCAN_FRAME_BRS |
	    EVCAN_FRAME_ESI);
	frame->dlc = 0;
}

static void
no_remote(struct evcan_frame *frame)
{
	frame->flags &= (uint16_t)~EVCAN_FRAME_RTR;
}

/* What kind of error it was. */
static void
no_error(struct evcan_frame *frame)
{
	if ((frame->flags & EVCAN_FRAME_ERR) == 0)
		return;
	frame->flags = EVCAN_FRAME_ERR;
	frame->id = 0;
	frame->len = frame->dlc = 0;
}

/* The names that formats may use in `attributes`. */
static const struct {
	const char *name;
	void (*drop)(struct evcan_frame *frame);
} frame_losses[] = {
	{ "channel", no_channel },
	{ "direction", no_direction },
	{ "echo", no_echo },
	{ "hops", no_hops },
	{ "clock", no_clock },
	{ "nanoseconds", no_nanoseconds },
	{ "microseconds", no_microseconds },
	{ "time", no_time },
	{ "dlc", no_dlc },
	{ "brs", no_brs },
	{ "esi", no_esi },
	{ "fd", no_fd },
	{ "remote", no_remote },
	{ "error", no_error },
};

#define FRAME_LOSSES (sizeof(frame_losses) / sizeof(frame_losses[0]))

/* @param name up to a blank or its end @return its place, -1: unknown */
static int
find_loss(const char *name)
{
	const size_t len = strcspn(name, " ");

	for (size_t i = 0; i < FRAME_LOSSES; i++)
		if (strlen(frame_losses[i].name) == len &&
		    memcmp(frame_losses[i].name, name, len) == 0)
			return (int)i;
	return -1;
}

#endif
