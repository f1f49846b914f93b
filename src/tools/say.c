/* SPDX-License-Identifier: BSD-3-Clause */
/* say.c - messages: one line each on standard error */
#include "tool.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static atomic_bool live;
static _Atomic uint64_t unseen;
static char last[1000];     /* text, so that nothing is said twice */

static bool
has_room(void)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT);
}

static void
put(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

/* Workers of the library may log too: hence the lock. */
static void
show(const char *line, size_t len)
{
	if (!live) {
		term_lock();
	} else if (!term_trylock()) {
		unseen++;
		return;
	}
	if (live && !has_room()) {
		unseen++;
	} else {
		status_wipe();
		put(line, len);
		status_again();
	}
	term_unlock();
}

/* One line, whole: what would break it becomes a blank. */
static void
put_line(const char *text)
{
	char line[1200];
	int n;

	n = snprintf(line, sizeof(line), "evcan%s%s: %s\n",
	    command_now() ? " " : "", command_now() ? command_now()->name : "",
	    text);
	if (n >= (int)sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	for (int i = 0; i < n - 1; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 127)
			line[i] = ' ';
	show(line, (size_t)n);
}

void
say_news(const char *what, const char *text)
{
	bool known = false;

	if (term_trylock()) {
		known = strcmp(text, last) == 0;
		term_unlock();
	}
	if (!known)
		say("%s: %s", what, text);
}

static void
vsay(const char *fmt, va_list ap, const char *after)
{
	char text[1000];
	int n;

	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (after && n >= 0 && n < (int)sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, "%s", after);
	put_line(text);
}

void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(fmt, ap, NULL);
	va_end(ap);
}

int
fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(fmt, ap, NULL);
	va_end(ap);
	return STATUS_FAILED;
}

int
usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(fmt, ap, " (see --help)");
	va_end(ap);
	return STATUS_USAGE;
}

int
fail_error(const struct evcan_error *err)
{
	say("%s", err->text[0] ? err->text : evcan_error_name(err->code));
	if (err->system)
		return STATUS_FAILED;
	switch (evcan_error_class(err->code)) {
	case EVCAN_CLASS_VALUE:
	case EVCAN_CLASS_INTERFACE_NOT_IMPLEMENTED:
		return STATUS_USAGE;
	default:
		return STATUS_FAILED;
	}
}

void
say_live(bool on)
{
	live = on;
	if (!on && unseen) {
		uint64_t n = unseen;

		unseen = 0;
		say("%llu messages could not be shown in time",
		    (unsigned long long)n);
	}
}

static void
log_line(enum evcan_log_level level, const char *area, const char *text,
    void *arg)
{
	const char *word = level >= EVCAN_LOG_CRITICAL ? "critical" :
	    level >= EVCAN_LOG_ERROR ? "error" :
	    level >= EVCAN_LOG_WARNING ? "warning" :
	    level >= EVCAN_LOG_INFO ? "info" : "debug";

	(void)arg;
	say("%s: %s: %s", word, area, text);
	if (term_trylock()) {
		snprintf(last, sizeof(last), "%s", text);
		term_unlock();
	}
}

void
say_log(unsigned verbose)
{
	static const enum evcan_log_level levels[] = { EVCAN_LOG_WARNING,
	    EVCAN_LOG_INFO, EVCAN_LOG_DEBUG, EVCAN_LOG_SUBDEBUG };

	evcan_set_log_level(levels[verbose < 3 ? verbose : 3]);
	evcan_set_log_cb(log_line, NULL);
}

int
finish_stdout(int status)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno == EPIPE)     /* the reader has seen enough */
		return status;
	return fail("cannot write to standard output: %s",
	    strerror(errno ? errno : EIO));
}
