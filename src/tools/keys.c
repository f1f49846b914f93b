/* SPDX-License-Identifier: BSD-3-Clause */
/* keys.c - single keys from a terminal, while a loop runs */
#include "tool.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static bool raw;

/* Also when the process ends in another way. */
static void
restore(void)
{
	if (raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	raw = false;
}

/* A process in the background must not touch the terminal: it would be
 * stopped. */
static void
take(void)
{
	struct termios mine;

	if (raw || tcgetpgrp(STDIN_FILENO) != getpgrp() ||
	    tcgetattr(STDIN_FILENO, &before) < 0)
		return;
	mine = before;
	mine.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	mine.c_cc[VMIN] = 1;
	mine.c_cc[VTIME] = 0;
	raw = tcsetattr(STDIN_FILENO, TCSANOW, &mine) == 0;
}

static void
pressed(evutil_socket_t fd, short what, void *arg)
{
	struct keys *keys = arg;
	char text[64];
	ssize_t n = read((int)fd, text, sizeof(text));

	(void)what;
	if (n <= 0) {
		event_del(keys->event);
		return;
	}
	for (ssize_t i = 0; i < n && text[i] != '\033'; i++)
		keys->cb(keys->arg, text[i]);
}

/* Back from the background: the shell had the terminal meanwhile. */
static void
continued(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	(void)arg;
	raw = false;
	take();
}

bool
keys_start(struct keys *keys, struct event_base *base)
{
	if (!isatty(STDIN_FILENO))
		return false;
	keys->event = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST,
	    pressed, keys);
	keys->back = evsignal_new(base, SIGCONT, continued, keys);
	if (!keys->event || !keys->back ||
	    event_add(keys->event, NULL) < 0 ||
	    event_add(keys->back, NULL) < 0)
		return false;
	take();
	atexit(restore);
	return raw;
}

void
keys_end(struct keys *keys)
{
	if (keys->event)
		event_free(keys->event);
	if (keys->back)
		event_free(keys->back);
	keys->event = keys->back = NULL;
	restore();
}
