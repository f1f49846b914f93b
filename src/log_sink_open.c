/* SPDX-License-Identifier: BSD-3-Clause */
/* log_sink_open.c - what a sink is made of, checked before it is opened */
#include "log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log_rotate.h"

/* Room that lets a text format encode a last batch without growing. */
#define OUT_SIZE (EVCAN_LOG_BLOCK * 2)

static int
find_format(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	const char *named = sink->common.format;
	char list[EVCAN_LOG_FORMATS_MAX];

	if (named != NULL)
		sink->format = evcan_log_format_named_(named, sink->name,
		    true, err);
	else
		sink->format = evcan_format_for_name(sink->name, true);
	if (sink->format != NULL)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
	    "%.200s: the name tells no log format; name it with a "
	    "suffix, or say the option format: %s", sink->name,
	    evcan_log_formats_(list, true));
}

/*
 * Options are checked before the file is touched: a mistyped option must not
 * empty a log.
 */
static int
fill_options(struct evcan_log_sink_ *sink, const struct evcan_options *given,
    struct evcan_error *err)
{
	const struct evcan_option *lists[2];

	sink->options = given != NULL ? evcan_options_copy(given) :
	    evcan_options_new();
	if (sink->options == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "%.200s: out of memory for options", sink->name);
	if (evcan_options_fill(sink->options, evcan_log_writer_options(),
	    &sink->common, err) < 0 || find_format(sink, err) < 0)
		return EVCAN_ERR_INVALID;
	lists[0] = evcan_log_writer_options();
	lists[1] = sink->format->write_options;
	return evcan_options_refuse_unknown(sink->options, lists, 2,
	    sink->format->name, err);
}

/* Formats whose file is not just bytes in a row. */
static bool
needs_path(const struct evcan_format *format)
{
	return (format->flags & EVCAN_FORMAT_PATH_ONLY) != 0 ||
	    format->open != NULL;
}

static bool
wants_gzip(const struct evcan_log_sink_ *sink)
{
	if (sink->common.gzip == EVCAN_LOG_GZIP_AUTO)
		return evcan_log_name_is_gzip_(sink->name);
	return sink->common.gzip == EVCAN_LOG_GZIP_ON;
}

static bool
wants_rotation(const struct evcan_log_sink_ *sink)
{
	return sink->common.rotate_size > 0 || sink->common.rotate_time > 0;
}

/* What goes together, and what does not. */
static int
check_options(const struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	const struct evcan_format *format = sink->format;

	if (wants_gzip(sink) && (needs_path(format) || format->header != NULL))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%.200s: the format %s cannot be written through gzip; "
		    "choose a name without .gz, or gzip=off", sink->name,
		    format->name);
	if (needs_path(format) && sink->path == NULL)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%.200s: the format %s can only be written to a file "
		    "with a path", sink->name, format->name);
	if (sink->path == NULL && wants_rotation(sink))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%.200s: rotation needs a file with a path; leave "
		    "rotate_size and rotate_time away", sink->name);
	return sink->path == NULL ? 0 : evcan_log_rotate_check_(
	    sink->common.rotate_name, sink->path, err);
}

static int
make_deflater(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	if (!wants_gzip(sink))
		return 0;
	sink->deflater = evcan_deflater_new_(EVCAN_CODEC_AUTO,
	    EVCAN_WRAP_GZIP, (int)sink->common.gzip_level, err);
	return sink->deflater != NULL ? 0 : -1;
}

/* Whoever says flush_interval means it. */
static void
set_pace(struct evcan_log_sink_ *sink)
{
	const double interval = sink->common.flush_interval;

	sink->pace.interval = interval;
	if (sink->format->pace != NULL)
		sink->format->pace(sink->state, &sink->pace);
	if (evcan_options_get(sink->options, "flush_interval") != NULL)
		sink->pace.interval = interval;
}

/* A state as it was before `begin`, copied for each file. */
static int
make_state(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	const struct evcan_format *format = sink->format;

	sink->fresh = evcan_log_state_new_(sink->options,
	    format->write_options, format->write_size, err);
	sink->state = calloc(1, format->write_size + 1);
	if (sink->fresh == NULL || sink->state == NULL ||
	    evcan_buffer_reserve(&sink->out, OUT_SIZE) == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "%.200s: out of memory for writing", sink->name);
	memcpy(sink->state, sink->fresh, format->write_size);
	set_pace(sink);
	return make_deflater(sink, err);
}

static int
open_target(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	int r;

	if (sink->has_io && sink->io.write == NULL)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%.200s: call-backs without `write` cannot be written to",
		    sink->name);
	r = evcan_log_sink_open_(sink, sink->common.append ?
	    EVCAN_LOG_OPEN_APPEND : EVCAN_LOG_OPEN_EMPTY, err);
	if (r < 0)
		return r;
	if (!sink->part.regular && wants_rotation(sink))
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%.200s: is not a regular file, so it cannot be rotated; "
		    "leave rotate_size and rotate_time away", sink->name);
	return 0;
}

/* Takes over an fd or io before anything can fail. */
static int
take_target(struct evcan_log_sink_ *sink,
    const struct evcan_log_target_ *target)
{
	const char *name = target->name != NULL ? target->name : "log";
	const char *path = target->path;

	sink->fd = target->fd;
	sink->wait = target->wait;
	if (target->io != NULL) {
		sink->io = *target->io;
		sink->has_io = true;
	}
	if (path != NULL && strcmp(path, "-") == 0) {
		sink->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		name = "standard output";
	} else if (path != NULL) {
		name = path;
		sink->path = strdup(path);
		if (sink->path == NULL)
			return -1;
	}
	sink->name = strdup(name);
	return sink->name != NULL ? 0 : -1;
}

/* All but the opening. */
static int
prepare(struct evcan_log_sink_ *sink, const struct evcan_log_target_ *target,
    const struct evcan_options *options, struct evcan_error *err)
{
	int r;

	memset(sink, 0, sizeof(*sink));
	if (take_target(sink, target) < 0)
		r = evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for a log");
	else if (sink->fd < 0 && sink->path == NULL && !sink->has_io)
		r = evcan_error_set(err, EVCAN_ERR_INIT, EBADF,
		    "%.200s: cannot be written", sink->name);
	else
		r = fill_options(sink, options, err);
	if (r == 0)
		r = check_options(sink, err);
	if (r == 0)
		r = make_state(sink, err);
	return r;
}

int
evcan_log_sink_init_(struct evcan_log_sink_ *sink,
    const struct evcan_log_target_ *target,
    const struct evcan_options *options, struct evcan_error *err)
{
	int r = prepare(sink, target, options, err);

	if (r == 0)
		r = open_target(sink, err);
	if (r < 0)
		evcan_log_sink_destroy_(sink);
	return r;
}

/* Formats look at some of their options only when a file begins. */
static int
try_begin(struct evcan_log_sink_ *sink, struct evcan_error *err)
{
	const struct evcan_format *format = sink->format;
	struct evcan_error why = { 0 };
	int r = 0;

	if (format->open == NULL && format->begin != NULL)
		r = format->begin(sink->state, NULL, &sink->out, &why);
	return evcan_log_sink_appended_(sink, 0, r, &why, err);
}

int
evcan_log_sink_check_(const char *path, const struct evcan_options *options,
    struct evcan_error *err)
{
	const struct evcan_log_target_ target = { .path = path, .fd = -1 };
	struct evcan_log_sink_ sink;
	int r = prepare(&sink, &target, options, err);

	if (r == 0)
		r = try_begin(&sink, err);
	evcan_log_sink_destroy_(&sink);
	return r;
}

void
evcan_log_sink_destroy_(struct evcan_log_sink_ *sink)
{
	if (sink->fd >= 0)
		close(sink->fd);
	if (sink->has_io && sink->io.close != NULL)
		sink->io.close(sink->io.arg);
	if (sink->has_store)
		sink->format->close(sink->state, NULL);
	if (sink->state != NULL && sink->format->write_done != NULL)
		sink->format->write_done(sink->state);
	evcan_log_ended_free_(sink->ended);
	evcan_deflater_free_(sink->deflater);
	free(sink->state);
	free(sink->fresh);
	free(sink->out.data);
	free(sink->packed.data);
	evcan_options_free(sink->options);
	free(sink->path);
	free(sink->name);
	memset(sink, 0, sizeof(*sink));
	sink->fd = -1;
}
