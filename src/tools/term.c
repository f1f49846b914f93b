/* SPDX-License-Identifier: BSD-3-Clause */
/* term.c - terminals: width, colours, a status line */
#include "tool.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char status[512];    /* what is to stand there, "" for nothing */
static bool shown;          /* and whether it does */

void
term_lock(void)
{
	pthread_mutex_lock(&lock);
}

bool
term_trylock(void)
{
	return pthread_mutex_trylock(&lock) == 0;
}

void
term_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

bool
term_is(int fd)
{
	const char *kind = getenv("TERM");

	return isatty(fd) && kind && *kind && strcmp(kind, "dumb") != 0;
}

bool
term_colour(int fd)
{
	const char *no = getenv("NO_COLOR");

	return term_is(fd) && !(no && *no);
}

int
term_width(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

/* Without waiting: a status line is worth nothing late. */
static void
put(const char *text, size_t len)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) &&
	    write(STDERR_FILENO, text, len) > 0)
		shown = true;
}

void
status_show(const char *text)
{
	int width;

	if (!term_is(STDERR_FILENO))
		return;
	width = term_width(STDERR_FILENO) - 1;
	if (width > 400)
		width = 400;
	if (!term_trylock())
		return;
	snprintf(status, sizeof(status), "\r%.*s\033[K", width, text);
	status_again();
	term_unlock();
}

void
status_again(void)
{
	if (status[0])
		put(status, strlen(status));
}

void
status_wipe(void)
{
	if (status_take())
		put(STATUS_WIPE, strlen(STATUS_WIPE));
	shown = false;
}

bool
status_take(void)
{
	bool was = shown;

	shown = false;
	return was;
}

void
status_end(void)
{
	term_lock();
	status_wipe();
	status[0] = '\0';
	term_unlock();
}

const char *
human(double value, char *buf, size_t size)
{
	static const char units[] = " kMGTP";
	size_t unit = 0;

	while (value >= 9999.5 && unit + 2 < sizeof(units)) {
		value /= 1000;
		unit++;
	}
	if (unit == 0)
		snprintf(buf, size, "%.0f", value);
	else
		snprintf(buf, size, "%.1f%c", value, units[unit]);
	return buf;
}
