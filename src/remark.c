/* SPDX-License-Identifier: BSD-3-Clause */
/* remark.c - channel names and loss in the comments of a log */
#include "remark.h"

#include <stdio.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/listener.h>

static const char *const wheres[] = {
	[EVCAN_LOSS_KERNEL] = "kernel",
	[EVCAN_LOSS_QUEUE] = "queue",
	[EVCAN_LOSS_DEVICE] = "device"
};
#define WHERES (sizeof(wheres) / sizeof(wheres[0]))

/* Copies without the NUL; what is formatted here always fits. */
static size_t
put(char *out, const char *text)
{
	const size_t len = strlen(text);

	memcpy(out, text, len);
	return len;
}

size_t
evcan_remark_put_channel_(char *out, unsigned number, const char *name)
{
	char text[EVCAN_REMARK_MAX];

	snprintf(text, sizeof(text), "evcan channel %u = %.*s", number,
	    EVCAN_CHANNEL_NAME_MAX, name);
	return put(out, text);
}

size_t
evcan_remark_put_gap_(char *out, const char *channel,
    const struct evcan_gap *gap)
{
	const size_t where = (size_t)gap->where;
	const bool named = channel != NULL && *channel != '\0';
	char text[EVCAN_REMARK_MAX];

	snprintf(text, sizeof(text), "evcan lost %llu frame%s%s%.*s (%s)",
	    (unsigned long long)gap->lost, gap->lost == 1 ? "" : "s",
	    named ? " on " : "", EVCAN_CHANNEL_NAME_MAX,
	    named ? channel : "",
	    where < WHERES ? wheres[where] : wheres[EVCAN_LOSS_QUEUE]);
	return put(out, text);
}

/* Both take their piece from the front, or say that it is not there. */

static bool
take(const char **p, const char *end, const char *word)
{
	const size_t len = strlen(word);

	if ((size_t)(end - *p) < len || memcmp(*p, word, len) != 0)
		return false;
	*p += len;
	return true;
}

static bool
take_number(const char **p, const char *end, uint64_t max, uint64_t *value)
{
	const char *start = *p;
	uint64_t n = 0;

	for (; *p < end && **p >= '0' && **p <= '9'; ++*p) {
		const unsigned digit = (unsigned)(**p - '0');

		if (n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*value = n;
	return *p > start;
}

static bool
get_channel(const char *p, const char *end, struct evcan_remark_ *remark)
{
	uint64_t number;

	if (!take_number(&p, end, UINT32_MAX, &number) ||
	    !take(&p, end, " = ") || p == end)
		return false;
	remark->kind = EVCAN_REMARK_CHANNEL;
	remark->number = (unsigned)number;
	remark->name = p;
	remark->name_len = (size_t)(end - p);
	return true;
}

/* Cuts " (where)" off the end. */
static bool
cut_where(const char *p, const char **end)
{
	for (size_t i = 0; i < WHERES; i++) {
		const size_t len = strlen(wheres[i]) + 3;
		const char *at = *end - len;

		if ((size_t)(*end - p) < len || at[0] != ' ' ||
		    at[1] != '(' || (*end)[-1] != ')' ||
		    memcmp(at + 2, wheres[i], len - 3) != 0)
			continue;
		*end = at;
		return true;
	}
	return false;
}

static bool
get_gap(const char *p, const char *end, struct evcan_remark_ *remark)
{
	if (!take_number(&p, end, UINT64_MAX, &remark->lost) ||
	    !take(&p, end, " frame"))
		return false;
	take(&p, end, "s");
	if (!cut_where(p, &end))
		return false;
	if (p < end && (!take(&p, end, " on ") || p == end))
		return false;
	remark->kind = EVCAN_REMARK_GAP;
	remark->name = p;
	remark->name_len = (size_t)(end - p);
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
evcan_remark_get_(const char *text, size_t len, struct evcan_remark_ *remark)
{
	const char *p = text, *end = text + len;

	memset(remark, 0, sizeof(*remark));
	while (p < end && is_blank(*p))
		p++;
	while (end > p && is_blank(end[-1]))
		end--;
	if (!take(&p, end, "evcan "))
		return false;
	if (take(&p, end, "channel "))
		return get_channel(p, end, remark);
	return take(&p, end, "lost ") && get_gap(p, end, remark);
}
