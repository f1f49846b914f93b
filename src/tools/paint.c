/* SPDX-License-Identifier: BSD-3-Clause */
/* paint.c - standard output, with colours for frames on a terminal */
#include "tool.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/*
 * The writer's worker calls this with whole lines of the printer format.
 * The letters that tell a frame's kind stand in fixed columns some blanks
 * behind the identifier: S or X, Rx or Tx, E, R, F.
 */
static const char *
colour(const char *line, size_t len)
{
	static const char mark[] = "    ID: ";
	const char *end = line + len;
	const char *at = memmem(line, len, mark, sizeof(mark) - 1);

	if (!at)
		return "\033[33m";     /* an event or a gap: yellow */
	at += sizeof(mark) - 1;
	while (at < end && *at == ' ')
		at++;
	while (at < end && *at != ' ')
		at++;
	at += 4;
	if (end - at < 12)
		return NULL;
	if (at[5] == 'E')
		return "\033[31m";     /* error frame: red */
	if (at[2] == 'T')
		return "\033[32m";     /* own: green */
	if (at[9] == 'F')
		return "\033[36m";     /* FD: cyan */
	return NULL;
}

static int
put(const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Appends a line in its colour. @return characters */
static size_t
paint_line(char *out, size_t size, const char *line, size_t len, bool end)
{
	const char *code = colour(line, len);
	int n = snprintf(out, size, "%s%.*s%s%s", code ? code : "", (int)len,
	    line, code ? "\033[0m" : "", end ? "\n" : "");

	return n < 0 ? 0 : (size_t)n;
}

static int
paint(const char *p, size_t size)
{
	const char *end = p + size;
	char out[16384];
	size_t used = 0;
	int rc = 0;

	while (p < end && rc == 0) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((stop ? stop : end) - p);

		if (len > sizeof(out) / 2)
			len = sizeof(out) / 2;
		if (used + len + 32 > sizeof(out)) {
			rc = put(out, used);
			used = 0;
		}
		used += paint_line(out + used, sizeof(out) - used, p, len,
		    p + len == stop);
		p += len + (p + len == stop);
	}
	return rc < 0 ? rc : put(out, used);
}

/* A status line may be in the way: it is on the same terminal. */
static int64_t
show(const char *data, size_t size, int (*how)(const char *, size_t))
{
	int rc = 0;

	term_lock();
	if (status_take())
		rc = put(STATUS_WIPE, strlen(STATUS_WIPE));
	if (rc == 0)
		rc = how(data, size);
	status_again();
	term_unlock();
	return rc < 0 ? rc : (int64_t)size;
}

static int64_t
painted(void *arg, const void *data, size_t size)
{
	(void)arg;
	return show(data, size, paint);
}

static int64_t
plain(void *arg, const void *data, size_t size)
{
	(void)arg;
	return show(data, size, put);
}

static struct evcan_log_writer *
terminal_writer(struct event_base *base, const struct evcan_options *options,
    struct evcan_error *err)
{
	struct evcan_log_io io = { .write = plain };
	const char *format = evcan_options_get(options, "format");

	if (term_colour(STDOUT_FILENO) && format &&
	    strcmp(format, "printer") == 0)
		io.write = painted;
	return evcan_log_writer_new_io(base, &io, "standard output", options,
	    err);
}

struct evcan_log_writer *
stdout_writer(struct event_base *base, const struct evcan_options *options,
    struct evcan_error *err)
{
	struct evcan_options *own = evcan_options_copy(options);
	const char *format = evcan_options_get(options, "format");
	struct evcan_log_writer *writer = NULL;

	/* Somebody looks, or a pipe leads to somebody: soon, not each second,
	 * and error frames in words. */
	if (!own || evcan_options_set_default(own, "flush_interval", "0.05",
	    NULL) < 0 || (format && strcmp(format, "printer") == 0 &&
	    evcan_options_set_default(own, "describe_errors", "true",
	    NULL) < 0))
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0, "out of memory");
	else if (term_is(STDOUT_FILENO))
		writer = terminal_writer(base, own, err);
	else
		writer = evcan_log_writer_new(base, "-", own, err);
	evcan_options_free(own);
	return writer;
}
