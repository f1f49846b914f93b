/* SPDX-License-Identifier: BSD-3-Clause */
/* log_registry.c - the formats there are, and the buffer they write into */
#include "log_registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log_rotate.h"
#include "plugin.h"

#define EVCAN_FORMAT(name) \
	extern const struct evcan_format evcan_format_##name##_;
#include "loggers/list.h"
#undef EVCAN_FORMAT

#define EVCAN_FORMAT(name) &evcan_format_##name##_,
static const struct evcan_format *const formats[] = {
#include "loggers/list.h"
	NULL
};
#undef EVCAN_FORMAT

#define COUNT (sizeof(formats) / sizeof(formats[0]) - 1)

static const struct evcan_option reader_rows[] = {
	{ .name = "format", .type = EVCAN_OPTION_TEXT,
	  .help = "name of the log's format; else its content tells",
	  .offset = offsetof(struct evcan_log_reader_options_, format) },
	{ .name = "start", .type = EVCAN_OPTION_TEXT,
	  .help = "when a log without a date began: 2026-11-20T10:15:30 "
	      "(local; or with Z, +02:00) or Unix seconds",
	  .offset = offsetof(struct evcan_log_reader_options_, start) },
	{ .name = NULL }
};

static const struct evcan_option writer_rows[] = {
	{ .name = "format", .type = EVCAN_OPTION_TEXT,
	  .help = "name of the log's format; else the suffix tells",
	  .offset = offsetof(struct evcan_log_writer_options_, format) },
	{ .name = "append", .type = EVCAN_OPTION_BOOL, .fallback = "false",
	  .help = "write after what the file holds instead of emptying it",
	  .offset = offsetof(struct evcan_log_writer_options_, append) },
	{ .name = "queue_size", .type = EVCAN_OPTION_INT,
	  .fallback = "65536", .min = 1, .max = 16777216,
	  .help = "frames that wait for the file at least before new ones "
	      "are not taken",
	  .offset = offsetof(struct evcan_log_writer_options_, queue_size) },
	{ .name = "flush_interval", .type = EVCAN_OPTION_REAL,
	  .fallback = "1", .min = 0, .max = 3600,
	  .help = "seconds after which a frame is in the file at the latest",
	  .offset = offsetof(struct evcan_log_writer_options_,
	      flush_interval) },
	{ .name = "close_timeout", .type = EVCAN_OPTION_REAL,
	  .fallback = "5", .min = 0, .max = 86400,
	  .help = "seconds that closing waits for a file that takes nothing",
	  .offset = offsetof(struct evcan_log_writer_options_,
	      close_timeout) },
	{ .name = "gzip", .type = EVCAN_OPTION_CHOICE, .fallback = "auto",
	  .choices = "auto on off on=true off=false",
	  .help = "compress the log; auto: if its name ends in .gz",
	  .offset = offsetof(struct evcan_log_writer_options_, gzip) },
	{ .name = "gzip_level", .type = EVCAN_OPTION_INT, .fallback = "1",
	  .min = 0, .max = 9,
	  .help = "how hard gzip tries, from 0 (stores) to 9 (slowest)",
	  .offset = offsetof(struct evcan_log_writer_options_, gzip_level) },
	{ .name = "rotate_size", .aliases = "max_bytes",
	  .type = EVCAN_OPTION_INT, .fallback = "0",
	  .min = 0, .max = 9007199254740992,
	  .help = "bytes after which a file is renamed and a new one begun; "
	      "0: never",
	  .offset = offsetof(struct evcan_log_writer_options_,
	      rotate_size) },
	{ .name = "rotate_time", .type = EVCAN_OPTION_REAL, .fallback = "0",
	  .min = 0, .max = 31622400,
	  .help = "seconds after which a file is renamed and a new one "
	      "begun; 0: never",
	  .offset = offsetof(struct evcan_log_writer_options_,
	      rotate_time) },
	{ .name = "rotate_name", .type = EVCAN_OPTION_TEXT,
	  .fallback = EVCAN_LOG_ROTATE_NAME,
	  .help = "new name of a file that ended, of {stem}, {time}, "
	      "{count} and {suffix}",
	  .offset = offsetof(struct evcan_log_writer_options_,
	      rotate_name) },
	{ .name = NULL }
};

const struct evcan_option *
evcan_log_reader_options(void)
{
	return reader_rows;
}

const struct evcan_option *
evcan_log_writer_options(void)
{
	return writer_rows;
}

const struct evcan_format *
evcan_format_at(size_t i)
{
	return i < COUNT ? formats[i] : evcan_plugin_format_(i - COUNT);
}

const struct evcan_format *
evcan_format_find(const char *name)
{
	const struct evcan_format *format;

	for (size_t i = 0; (format = evcan_format_at(i)) != NULL; i++)
		if (strcasecmp(format->name, name) == 0)
			return format;
	return NULL;
}

/* Whether a blank separated list has this word of len bytes. */
static bool
has_word(const char *list, const char *word, size_t len)
{
	while (*list != '\0') {
		size_t n = strcspn(list, " ");

		if (n == len && strncasecmp(list, word, n) == 0)
			return true;
		list += n;
		list += strspn(list, " ");
	}
	return false;
}

static bool
able(const struct evcan_format *format, bool writing)
{
	return writing ? format->encode != NULL : format->decode != NULL;
}

bool
evcan_log_name_is_gzip_(const char *name)
{
	const size_t len = strlen(name);

	return len > 3 && strcasecmp(name + len - 3, ".gz") == 0;
}

/* A .gz at the end stands for how it is written, not for what. */
const struct evcan_format *
evcan_format_for_name(const char *path, bool writing)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path, *dot;
	const char *end = name + strlen(name);
	const struct evcan_format *format, *found = NULL;

	if (evcan_log_name_is_gzip_(name))
		end -= 3;
	for (dot = end - 1; dot > name && *dot != '.';)
		dot--;
	if (dot < name || *dot != '.')
		return NULL;
	for (size_t i = 0; (format = evcan_format_at(i)) != NULL; i++) {
		if (!able(format, writing) ||
		    !has_word(format->suffixes, dot, (size_t)(end - dot)))
			continue;
		/* Of several, the one that is written is the usual one. */
		if (found == NULL || found->encode == NULL)
			found = format;
	}
	return found;
}

const char *
evcan_log_formats_(char buf[EVCAN_LOG_FORMATS_MAX], bool writing)
{
	const size_t size = EVCAN_LOG_FORMATS_MAX - EVCAN_PLUGIN_REFUSED_MAX;
	const struct evcan_format *format;
	size_t len = 0;
	int n;

	buf[0] = '\0';
	for (size_t i = 0; (format = evcan_format_at(i)) != NULL; i++) {
		const char *name = format->name;
		const char *suffix = format->suffixes;
		const int first = (int)strcspn(suffix, " ");
		/* Most are called by their suffix. */
		const bool told = (int)strlen(name) == first - 1 &&
		    strncmp(name, suffix + 1, strlen(name)) == 0;

		if (!able(format, writing))
			continue;
		n = snprintf(buf + len, size - len,
		    told ? "%s%s" : "%s%s (%.*s)", len > 0 ? ", " : "",
		    name, first, suffix);
		if (n < 0 || (size_t)n >= size - len) {
			buf[len] = '\0';   /* whole words only */
			break;
		}
		len += (size_t)n;
	}
	evcan_plugin_refused_(buf + len);
	return buf;
}

const struct evcan_format *
evcan_log_format_named_(const char *format, const char *name, bool writing,
    struct evcan_error *err)
{
	const struct evcan_format *found = evcan_format_find(format);
	char list[EVCAN_LOG_FORMATS_MAX];

	if (found != NULL && able(found, writing))
		return found;
	evcan_error_set(err, EVCAN_ERR_INVALID, 0,
	    "%.200s: %s \"%.40s\"; there are: %s", name,
	    found == NULL ? "there is no log format" :
	    writing ? "evcan cannot write the log format" :
	    "evcan cannot read the log format", format,
	    evcan_log_formats_(list, writing));
	return NULL;
}

void *
evcan_log_state_new_(const struct evcan_options *options,
    const struct evcan_option *rows, size_t size, struct evcan_error *err)
{
	void *state = calloc(1, size > 0 ? size : 1);

	if (state == NULL) {
		evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "out of memory for a log's state");
		return NULL;
	}
	if (rows != NULL &&
	    evcan_options_fill(options, rows, state, err) < 0) {
		free(state);
		return NULL;
	}
	return state;
}

uint8_t *
evcan_buffer_reserve(struct evcan_buffer *buffer, size_t n)
{
	size_t size = buffer->size > 0 ? buffer->size : 4096;
	uint8_t *data;

	if (buffer->failed)
		return NULL;
	if (buffer->data != NULL && buffer->size - buffer->len >= n)
		return buffer->data + buffer->len;
	if (n > SIZE_MAX / 4 || buffer->len > SIZE_MAX / 4)
		goto fail;
	while (size - buffer->len < n)
		size *= 2;
	data = realloc(buffer->data, size);
	if (data == NULL)
		goto fail;
	buffer->data = data;
	buffer->size = size;
	return data + buffer->len;
fail:
	buffer->failed = true;
	return NULL;
}

void
evcan_buffer_commit(struct evcan_buffer *buffer, size_t n)
{
	buffer->len += n;
}

void
evcan_buffer_append(struct evcan_buffer *buffer, const void *data, size_t n)
{
	uint8_t *to = evcan_buffer_reserve(buffer, n);

	if (to == NULL || n == 0)
		return;
	memcpy(to, data, n);
	buffer->len += n;
}
