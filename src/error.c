/* SPDX-License-Identifier: BSD-3-Clause */
/* error.c - errors, their texts, and the log call-back */
#include <evcan/error.h>

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <evcan/driver.h>

/* By the negated code. */
static const struct {
	const char *name;
	enum evcan_error_class class;
} codes[] = {
	[-EVCAN_OK] = {"no error", EVCAN_CLASS_NONE},
	[-EVCAN_ERR_NOT_IMPLEMENTED] = {"not implemented",
	    EVCAN_CLASS_INTERFACE_NOT_IMPLEMENTED},
	[-EVCAN_ERR_INIT] = {"initialization", EVCAN_CLASS_INITIALIZATION},
	[-EVCAN_ERR_OPERATION] = {"operation", EVCAN_CLASS_OPERATION},
	[-EVCAN_ERR_TIMEOUT] = {"timeout", EVCAN_CLASS_TIMEOUT},
	[-EVCAN_ERR_INVALID] = {"invalid value", EVCAN_CLASS_VALUE},
	[-EVCAN_ERR_NOMEM] = {"out of memory", EVCAN_CLASS_OPERATION},
	[-EVCAN_ERR_FULL] = {"full", EVCAN_CLASS_OPERATION},
	[-EVCAN_ERR_STATE] = {"wrong state", EVCAN_CLASS_OPERATION},
	[-EVCAN_ERR_BUSY] = {"busy", EVCAN_CLASS_OPERATION},
	[-EVCAN_ERR_UNSUPPORTED] = {"unsupported", EVCAN_CLASS_OPERATION},
	[-EVCAN_ERR_SYNTAX] = {"syntax", EVCAN_CLASS_VALUE},
	[-EVCAN_ERR_NOT_FOUND] = {"not found", EVCAN_CLASS_VALUE},
	[-EVCAN_ERR_GONE] = {"gone", EVCAN_CLASS_OPERATION},
	[-EVCAN_ERR_CANCELED] = {"canceled", EVCAN_CLASS_OPERATION},
};

#define CODES ((int)(sizeof(codes) / sizeof(codes[0])))

enum evcan_error_class
evcan_error_class(int code)
{
	if (code >= 0)
		return EVCAN_CLASS_NONE;
	return code > -CODES ? codes[-code].class : EVCAN_CLASS_OPERATION;
}

const char *
evcan_error_name(int code)
{
	if (code >= 0)
		return codes[0].name;
	return code > -CODES ? codes[-code].name : "unknown error";
}

void
evcan_error_clear(struct evcan_error *err)
{
	if (err == NULL)
		return;
	err->code = 0;
	err->system = 0;
	err->vendor = 0;
	err->text[0] = '\0';
}

/* ---- text for people, whatever it was made of ---- */

/* Bytes of the printable UTF-8 character at p, which ends in a NUL; 0 if
 * there is none: a control character or a broken sequence. */
static size_t
character(const unsigned char *p)
{
	static const uint32_t least[] = {0, 0, 0xa0, 0x800, 0x10000};
	size_t n;
	uint32_t v;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	n = p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 :
	    p[0] < 0xf8 ? 4 : 0;
	if (n == 0)
		return 0;
	v = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (p[i] & 0x3f);
	}
	/* Over-long ones, controls of Latin-1, surrogates, too large. */
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		return 0;
	return n;
}

static void
clean(char *text)
{
	size_t n;

	while (*text != '\0') {
		n = character((const unsigned char *)text);
		if (n == 0)
			*text = '?';
		text += n ? n : 1;
	}
}

/* Ends a text at a character's border with dots; size is that of its room. */
static void
cut(char *text, size_t size)
{
	size_t end = size - sizeof("...");

	while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
		end--;
	memcpy(text + end, "...", sizeof("..."));
}

static void
format(char *text, size_t size, const char *fmt, va_list ap)
{
	const int n = vsnprintf(text, size, fmt, ap);

	if (n < 0)
		snprintf(text, size, "%s", "a text that cannot be shown");
	else if ((size_t)n >= size)
		cut(text, size);
	clean(text);
}

int
evcan_error_set(struct evcan_error *err, int code, int system,
    const char *fmt, ...)
{
	const int saved = errno;
	char tail[128] = "";
	va_list ap;

	if (err == NULL || err->code != 0)
		return code;
	/* What the system says is kept whole, the sentence gives way. */
	if (system != 0)
		snprintf(tail, sizeof(tail), ": %s%s", strerror(system),
		    system == EMFILE ? " (raise the limit: ulimit -n)" : "");
	va_start(ap, fmt);
	format(err->text, sizeof(err->text) - strlen(tail), fmt, ap);
	va_end(ap);
	memcpy(err->text + strlen(err->text), tail, strlen(tail) + 1);
	err->code = code;
	err->system = system;
	err->vendor = 0;
	errno = saved;
	return code;
}

/* ---- the log ---- */

static const struct {
	const char *name;
	enum evcan_log_level level;
} levels[] = {
	{"critical", EVCAN_LOG_CRITICAL},
	{"error", EVCAN_LOG_ERROR},
	{"warning", EVCAN_LOG_WARNING},
	{"info", EVCAN_LOG_INFO},
	{"debug", EVCAN_LOG_DEBUG},
	{"subdebug", EVCAN_LOG_SUBDEBUG},
};

static evcan_log_cb log_cb;
static void *log_arg;
static atomic_int log_level = EVCAN_LOG_WARNING;
/* The lowest level that goes anywhere: none while nobody listens. */
static atomic_int told_from = INT_MAX;

static void
update_told_from(void)
{
	atomic_store(&told_from,
	    log_cb != NULL ? atomic_load(&log_level) : INT_MAX);
}

void
evcan_set_log_cb(evcan_log_cb cb, void *arg)
{
	log_cb = cb;
	log_arg = arg;
	update_told_from();
}

void
evcan_set_log_level(enum evcan_log_level level)
{
	atomic_store(&log_level, (int)level);
	update_told_from();
}

enum evcan_log_level
evcan_get_log_level(void)
{
	return (enum evcan_log_level)atomic_load(&log_level);
}

/* Independent of the locale, unlike strcasecmp(). */
static bool
same_word(const char *text, const char *lower)
{
	for (; *lower != '\0'; text++, lower++) {
		const char c = *text;

		if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != *lower)
			return false;
	}
	return *text == '\0';
}

int
evcan_set_logging_level(const char *name)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (same_word(name, levels[i].name)) {
			evcan_set_log_level(levels[i].level);
			return 0;
		}
	}
	return EVCAN_ERR_INVALID;
}

void
evcan_log(enum evcan_log_level level, const char *area, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if ((int)level <
	    atomic_load_explicit(&told_from, memory_order_relaxed))
		return;
	va_start(ap, fmt);
	format(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_cb(level, area, text, log_arg);
}
