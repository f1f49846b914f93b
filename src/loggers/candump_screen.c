/* SPDX-License-Identifier: BSD-3-Clause */
/* candump_screen.c - a frame as candump shows it: id [length] bytes */
#include "candump_line.h"

#include "text.h"

/*
 *   can0  123   [3]  11 22 33
 *   can0  RX B -  12345678  [12]  00 11 ..   '.."..'
 *   can0  123   [4]  remote request
 *
 * Two digits in the brackets mean FD; braces around one are a raw DLC. RX or
 * TX, BRS and ESI are there with -x; what follows the bytes (text with -a,
 * ERRORFRAME) tells nothing new. The frame goes into the log's form, which
 * is read in one place only.
 */

struct cursor {
	const char *p, *eol;
};

static void
skip_blanks(struct cursor *in)
{
	while (in->p < in->eol && (*in->p == ' ' || *in->p == '\t'))
		in->p++;
}

static bool
take(struct cursor *in, const char *word)
{
	const size_t len = strlen(word);

	if ((size_t)(in->eol - in->p) < len || memcmp(in->p, word, len) != 0)
		return false;
	in->p += len;
	skip_blanks(in);
	return true;
}

static bool
is_hex(const struct cursor *in, size_t at)
{
	return at < (size_t)(in->eol - in->p) &&
	    evcan_hex_value_[(unsigned char)in->p[at]] < 16;
}

/* "RX - -" and the like, or nothing. @return the flags as in `##F`, or -1 */
static int
get_extra(struct cursor *in, uint8_t *dir)
{
	int flags = 4;

	*dir = EVCAN_DIR_RX;
	if (take(in, "TX "))
		*dir = EVCAN_DIR_TX;
	else if (!take(in, "RX "))
		return flags;
	if (take(in, "B "))
		flags |= 1;
	else if (!take(in, "- "))
		return -1;
	if (take(in, "E "))
		flags |= 2;
	else if (!take(in, "- "))
		return -1;
	return flags;
}

struct size {
	unsigned len;
	bool fd;
	char raw;      /* a raw DLC's digit, or 0 */
};

/* "[8]", "[08]" or "{B}" */
static bool
get_size(struct cursor *in, struct size *size)
{
	const bool raw = in->p < in->eol && *in->p == '{';

	memset(size, 0, sizeof(*size));
	if (in->eol - in->p < 3 || (!raw && *in->p != '['))
		return false;
	in->p++;
	if (raw) {
		size->raw = *in->p++;
		size->len = 8;
		return take(in, "}");
	}
	for (; in->p < in->eol && *in->p >= '0' && *in->p <= '9' &&
	    size->len < 10; in->p++) {
		size->fd = size->len > 0 || in->p[-1] != '[';
		size->len = size->len * 10 + (unsigned)(*in->p - '0');
	}
	return size->len <= (size->fd ? EVCAN_MAX_DATA : 8) &&
	    in->p[-1] != '[' && take(in, "]");
}

/* Behind the bytes there may be what they spell, or ERRORFRAME. */
static bool
at_end(const struct cursor *in)
{
	struct cursor rest = *in;

	skip_blanks(&rest);
	return rest.p == rest.eol || *rest.p == '\'' ||
	    (take(&rest, "ERRORFRAME") && at_end(&rest));
}

/* Both: @return the end of the log's form, or NULL */
static char *
put_bytes(struct cursor *in, unsigned len, char *out)
{
	for (; len > 0; len--) {
		if (!is_hex(in, 0) || !is_hex(in, 1))
			return NULL;
		*out++ = *in->p++;
		*out++ = *in->p++;
		if (in->p < in->eol && *in->p != ' ')
			return NULL;
		skip_blanks(in);
	}
	return out;
}

static char *
put_data(struct cursor *in, const struct size *size, char *out)
{
	if (take(in, "remote request")) {
		if (size->fd)
			return NULL;
		*out++ = 'R';
		*out++ = (char)('0' + size->len);
	} else if ((out = put_bytes(in, size->len, out)) == NULL)
		return NULL;
	if (size->raw != 0) {
		*out++ = '_';
		*out++ = size->raw;
	}
	return at_end(in) ? out : NULL;
}

bool
evcan_candump_screen_(const char *p, const char *eol,
    struct evcan_frame *frame)
{
	struct cursor in = { p, eol };
	char text[EVCAN_TEXT_FRAME_MAX], *out = text;
	const char *why, *at;
	uint8_t dir;
	const int flags = get_extra(&in, &dir);
	struct size size;

	for (; is_hex(&in, 0) && out - text < 8; in.p++)
		*out++ = *in.p;
	if (flags < 0 || in.p == eol || *in.p != ' ')
		return false;
	skip_blanks(&in);
	if (!get_size(&in, &size))
		return false;
	*out++ = '#';
	if (size.fd) {
		*out++ = '#';
		*out++ = (char)('0' + flags);
	}
	out = put_data(&in, &size, out);
	if (out == NULL || evcan_text_get_frame_(text, out, frame, &why,
	    &at) != out)
		return false;
	frame->dir = dir;
	return true;
}
