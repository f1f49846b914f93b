/* SPDX-License-Identifier: BSD-3-Clause */
/* json.c - JSON documents whose values know their line and column */
#include "json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <evcan/error.h>

/* The scanner below runs over text that jansson has accepted, so it need not
 * check what it steps over. */

static const char *
skip_blanks(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* From an opening quote past the closing one. */
static const char *
skip_string(const char *p)
{
	for (p++; *p != '"'; p++) {
		if (*p == '\\')
			p++;
	}
	return p + 1;
}

static const char *
skip_value(const char *p)
{
	size_t depth = 0;

	do {
		p = skip_blanks(p);
		if (*p == '"') {
			p = skip_string(p);
		} else if (*p == '{' || *p == '[') {
			depth++;
			p++;
		} else if (*p == '}' || *p == ']') {
			depth--;
			p++;
		} else if (*p == ',' || *p == ':') {
			p++;
		} else {
			p += strcspn(p, " \t\r\n,:]}");
		}
	} while (depth > 0);
	return p;
}

/* Whether the quoted characters from p to end say this key. */
static bool
is_key(const char *p, const char *end, const char *key)
{
	size_t len = (size_t)(end - p);
	json_t *decoded;
	bool same;

	if (memchr(p, '\\', len) == NULL)
		return strlen(key) == len - 2 &&
		    memcmp(p + 1, key, len - 2) == 0;
	decoded = json_loadb(p, len, JSON_DECODE_ANY, NULL);
	same = decoded != NULL && strcmp(json_string_value(decoded), key) == 0;
	json_decref(decoded);
	return same;
}

/* Finds the step's place in the object or array that starts at p. */
static void
find_step(struct evcan_json_at_ *at, const char *p)
{
	const char *end;
	bool found = false;

	for (size_t i = 0; !found; i++) {
		p = skip_blanks(p + 1);         /* past { [ or , */
		at->key_at = p;
		if (at->key != NULL) {
			end = skip_string(p);
			found = is_key(p, end, at->key);
			p = skip_blanks(skip_blanks(end) + 1);
		} else {
			found = i == at->index;
		}
		at->value_at = p;
		p = skip_blanks(skip_value(p));
	}
}

static const char *
find(const struct evcan_json_ *doc, struct evcan_json_at_ *at)
{
	if (at == NULL)
		return skip_blanks(doc->text);
	if (at->value_at == NULL)
		find_step(at, find(doc, at->up));
	return at->value_at;
}

static void
line_and_column(const char *text, const char *p, size_t *line, size_t *column)
{
	const char *start = text, *newline;

	*line = 1;
	while ((newline = memchr(start, '\n', (size_t)(p - start))) != NULL) {
		start = newline + 1;
		++*line;
	}
	*column = 1;
	for (; start < p; start++) {
		if ((*start & 0xc0) != 0x80)    /* characters, not bytes */
			++*column;
	}
}

static size_t
put_text(char *buf, size_t size, size_t used, const char *text)
{
	size_t n = strlen(text);

	if (used + 1 >= size)
		return used;
	if (n > size - used - 1)
		n = size - used - 1;
	memcpy(buf + used, text, n);
	buf[used + n] = '\0';
	return used + n;
}

static bool
is_plain(const char *key)
{
	return *key != '\0' && key[strspn(key, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

/* A key that is no plain word is quoted as JSON does it, in brackets. */
static size_t
put_path(char *buf, size_t size, size_t used, const struct evcan_json_at_ *at)
{
	char number[32], *quoted = NULL;
	json_t *key;

	if (at->up != NULL)
		used = put_path(buf, size, used, at->up);
	if (at->key == NULL) {
		snprintf(number, sizeof(number), "[%zu]", at->index);
		return put_text(buf, size, used, number);
	}
	if (is_plain(at->key)) {
		if (at->up != NULL)
			used = put_text(buf, size, used, ".");
		return put_text(buf, size, used, at->key);
	}
	key = json_string(at->key);
	if (key != NULL)
		quoted = json_dumps(key, JSON_ENCODE_ANY);
	json_decref(key);
	used = put_text(buf, size, used, "[");
	used = put_text(buf, size, used, quoted != NULL ? quoted : "?");
	free(quoted);
	return put_text(buf, size, used, "]");
}

void
evcan_json_where_(const struct evcan_json_ *doc, struct evcan_json_at_ *at,
    enum evcan_json_end_ end, char *buf, size_t size)
{
	const char *p = find(doc, at);
	size_t line, column, used;
	char numbers[64];

	if (at != NULL && end == EVCAN_JSON_KEY_)
		p = at->key_at;
	line_and_column(doc->text, p, &line, &column);
	snprintf(numbers, sizeof(numbers), ":%zu:%zu", line, column);
	buf[0] = '\0';
	used = put_text(buf, size, 0, doc->name);
	used = put_text(buf, size, used, numbers);
	if (at != NULL) {
		used = put_text(buf, size, used, ": ");
		put_path(buf, size, used, at);
	}
}

int
evcan_json_error_(const struct evcan_json_ *doc, struct evcan_json_at_ *at,
    enum evcan_json_end_ end, struct evcan_error *err, const char *fmt, ...)
{
	char where[256], text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	evcan_json_where_(doc, at, end, where, sizeof(where));
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0, "%s: %s", where,
	    text);
}

size_t
evcan_json_raw_(const struct evcan_json_ *doc, struct evcan_json_at_ *at,
    const char **raw)
{
	*raw = find(doc, at);
	return (size_t)(skip_value(*raw) - *raw);
}

const char *
evcan_json_type_(const json_t *value)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",
		[JSON_STRING] = "text", [JSON_INTEGER] = "a number",
		[JSON_REAL] = "a number", [JSON_TRUE] = "true",
		[JSON_FALSE] = "false", [JSON_NULL] = "null"
	};

	return names[json_typeof(value)];
}

/* jansson tells where the offending token ends; people look for where it
 * begins. */
static int
syntax_error(const struct evcan_json_ *doc, size_t len,
    const json_error_t *fault, struct evcan_error *err)
{
	size_t at = fault->position < 0 ? 0 : (size_t)fault->position;
	const char *near = strstr(fault->text, " near '");
	size_t line, column, n;

	if (json_error_code(fault) == json_error_out_of_memory)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "%s: out of memory", doc->name);
	if (at > len)
		at = len;
	if (near != NULL) {
		near += strlen(" near '");
		n = strlen(near) - 1;
		if (n <= at && memcmp(doc->text + at - n, near, n) == 0)
			at -= n;
	}
	line_and_column(doc->text, doc->text + at, &line, &column);
	return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0, "%s:%zu:%zu: %s",
	    doc->name, line, column, fault->text);
}

/* jansson overlooks some zero bytes, which would end the text for the
 * scanner. */
static int
zero_byte(const struct evcan_json_ *doc, const char *p,
    struct evcan_error *err)
{
	size_t line, column;

	line_and_column(doc->text, p, &line, &column);
	return evcan_error_set(err, EVCAN_ERR_SYNTAX, 0,
	    "%s:%zu:%zu: a zero byte: JSON is text", doc->name, line, column);
}

int
evcan_json_parse_(struct evcan_json_ *doc, const char *text, size_t len,
    const char *name, struct evcan_error *err)
{
	json_error_t fault;
	const char *zero;
	int r;

	memset(doc, 0, sizeof(*doc));
	if (len > EVCAN_JSON_MAX)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "%s: longer than a document may be (%zu MiB)", name,
		    EVCAN_JSON_MAX >> 20);
	doc->name = strdup(name);
	doc->text = malloc(len + 1);
	if (doc->name == NULL || doc->text == NULL) {
		evcan_json_clear_(doc);
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "%s: out of memory", name);
	}
	if (len > 0)
		memcpy(doc->text, text, len);
	doc->text[len] = '\0';
	zero = memchr(doc->text, '\0', len);
	if (zero == NULL)
		doc->root = json_loadb(doc->text, len, JSON_REJECT_DUPLICATES,
		    &fault);
	if (doc->root != NULL)
		return 0;
	r = zero != NULL ? zero_byte(doc, zero, err) :
	    syntax_error(doc, len, &fault, err);
	evcan_json_clear_(doc);
	return r;
}

/* Reads all of fd, but not more than one byte over the limit.
 * @return bytes, or -1 with errno */
static ssize_t
read_all(int fd, char **ret)
{
	size_t size = 0, len = 0;
	char *text = NULL, *grown;
	ssize_t n;

	do {
		if (len == size) {
			size = size == 0 ? 4096 : size * 2;
			grown = realloc(text, size);
			if (grown == NULL)
				goto fail;
			text = grown;
		}
		n = read(fd, text + len, size - len);
		if (n < 0 && errno != EINTR)
			goto fail;
		if (n > 0)
			len += (size_t)n;
	} while (n != 0 && len <= EVCAN_JSON_MAX);
	*ret = text;
	return (ssize_t)len;
fail:
	free(text);
	return -1;
}

int
evcan_json_load_(struct evcan_json_ *doc, const char *path,
    struct evcan_error *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	const char *name = is_stdin ? "standard input" : path;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	ssize_t len = -1;
	int saved, r;

	memset(doc, 0, sizeof(*doc));
	if (fd >= 0)
		len = read_all(fd, &text);
	saved = errno;
	if (fd >= 0 && !is_stdin)
		close(fd);
	if (len < 0)
		return evcan_error_set(err, saved == ENOENT ?
		    EVCAN_ERR_NOT_FOUND : EVCAN_ERR_INIT, saved,
		    "%s: cannot be read", name);
	r = evcan_json_parse_(doc, text, (size_t)len, name, err);
	free(text);
	return r;
}

void
evcan_json_clear_(struct evcan_json_ *doc)
{
	json_decref(doc->root);
	free(doc->text);
	free(doc->name);
	memset(doc, 0, sizeof(*doc));
}
