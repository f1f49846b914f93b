/* SPDX-License-Identifier: BSD-3-Clause */
/* pcapng_interface.c - interfaces of a pcapng capture: names and clocks */
#include "pcapng_block.h"

#include <stdio.h>
#include <string.h>

#include <evcan/channel.h>

#include "can_packet.h"
#include "remark.h"

#define NS_PER_SEC 1000000000
/* The last second that nanoseconds in 64 bits can tell. */
#define LAST_SECOND 9223372035ll

bool
evcan_pcapng_next_option_(bool big, const uint8_t **p, const uint8_t *end,
    struct evcan_pcapng_value_ *option)
{
	const size_t left = (size_t)(end - *p);
	size_t size;

	if (left < 4)
		return false;
	option->code = evcan_pcapng_get16_(big, *p);
	option->len = evcan_pcapng_get16_(big, *p + 2);
	option->value = *p + 4;
	if (option->code == EVCAN_PCAPNG_END || option->len > left - 4)
		return false;
	size = 4 + evcan_pcapng_pad_(option->len);
	*p += size < left ? size : left;
	return true;
}

/* Names */

unsigned
evcan_pcapng_number_(const char *name, size_t len)
{
	unsigned number = 0;

	if (len < 5 || len > 8 || memcmp(name, "CAN", 3) != 0 ||
	    (name[3] != ' ' && name[3] != '-') || name[4] == '0')
		return 0;
	for (size_t i = 4; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return 0;
		number = number * 10 + (unsigned)(name[i] - '0');
	}
	return number;
}

/* can<n>. @return EVCAN_CHANNEL_NONE: the process has too many channels */
static uint16_t
numbered_channel(unsigned n)
{
	char name[24];
	int channel;

	snprintf(name, sizeof(name), "can%u", n);
	channel = evcan_channel_intern(name);
	return channel > 0 ? (uint16_t)channel : EVCAN_CHANNEL_NONE;
}

/* An empty name is how we write "no channel". */
static uint16_t
named_channel(const char *name, size_t len, unsigned index)
{
	const unsigned number = evcan_pcapng_number_(name, len);
	int channel;

	if (len == 0)
		return EVCAN_CHANNEL_NONE;
	if (number > 0)
		return numbered_channel(number - 1);
	channel = evcan_channel_intern_n(name, len);
	return channel > 0 ? (uint16_t)channel : numbered_channel(index);
}

/* What an interface's options say of its channel's name. */
struct naming {
	const char *name;    /* NULL: nothing */
	size_t len;
	bool exact;          /* from a remark of ours */
};

static void
take_name(struct naming *naming, const struct evcan_pcapng_value_ *option)
{
	const char *text = (const char *)option->value;
	struct evcan_remark_ remark;

	if (option->code == EVCAN_PCAPNG_IF_NAME && !naming->exact) {
		naming->name = text;
		naming->len = strnlen(text, option->len);
	} else if (option->code == EVCAN_PCAPNG_COMMENT &&
	    evcan_remark_get_(text, option->len, &remark) &&
	    remark.kind == EVCAN_REMARK_CHANNEL) {
		naming->name = remark.name;
		naming->len = remark.name_len;
		naming->exact = true;
	}
}

static uint16_t
get_channel(const struct naming *naming, unsigned index)
{
	int channel = 0;

	if (naming->name == NULL)
		return numbered_channel(index);
	if (naming->exact)
		channel = evcan_channel_intern_n(naming->name, naming->len);
	return channel > 0 ? (uint16_t)channel :
	    named_channel(naming->name, naming->len, index);
}

void
evcan_pcapng_get_interface_(struct evcan_pcapng_interface_ *face,
    unsigned index, bool big, int id_order, const uint8_t *p,
    uint32_t total)
{
	const uint8_t *at = p + EVCAN_PCAPNG_INTERFACE_HEAD;
	struct naming naming = { NULL, 0, false };
	struct evcan_pcapng_value_ option;

	memset(face, 0, sizeof(*face));
	face->resolution = 6;
	face->link = evcan_pcapng_get16_(big, p + 8);
	face->snaplen = evcan_pcapng_get32_(big, p + 12);
	face->is_can = evcan_packet_is_can_(face->link);
	while (evcan_pcapng_next_option_(big, &at, p + total - 4, &option)) {
		if (option.code == EVCAN_PCAPNG_IF_TSRESOL && option.len >= 1)
			face->resolution = option.value[0];
		else if (option.code == EVCAN_PCAPNG_IF_TSOFFSET &&
		    option.len >= 8)
			face->offset_s = (int64_t)evcan_pcapng_get64_(big, option.value);
		else
			take_name(&naming, &option);
	}
	if (face->is_can)
		face->channel = get_channel(&naming, index);
	face->big_ids = evcan_packet_id_is_big_(face->link, big, id_order);
	face->is_plain = face->big_ids && face->link == EVCAN_LINK_SOCKETCAN &&
	    face->resolution == 9 && face->offset_s == 0;
}

/* Time */

static uint64_t
power_of_ten(unsigned exponent)
{
	uint64_t power = 1;

	while (exponent-- > 0)
		power *= 10;
	return power;
}

/* Nanoseconds of the part below a second, in units of 10^-exponent. */
static void
split_decimal(uint64_t stamp, unsigned exponent, uint64_t *sec,
    uint64_t *ns)
{
	const uint64_t unit = exponent <= 19 ? power_of_ten(exponent) : 0;

	*sec = unit > 0 ? stamp / unit : 0;
	stamp = unit > 0 ? stamp % unit : stamp;
	if (exponent <= 9)
		*ns = stamp * power_of_ten(9 - exponent);
	else
		*ns = exponent <= 28 ? stamp / power_of_ten(exponent - 9) : 0;
}

static void
split_binary(uint64_t stamp, unsigned exponent, uint64_t *sec, uint64_t *ns)
{
	*sec = exponent < 64 ? stamp >> exponent : 0;
	if (exponent < 64)
		stamp &= ((uint64_t)1 << exponent) - 1;
	if (exponent > 32) {   /* so that the product fits */
		stamp = exponent < 96 ? stamp >> (exponent - 32) : 0;
		exponent = 32;
	}
	*ns = stamp * NS_PER_SEC >> exponent;
}

bool
evcan_pcapng_get_time_(const struct evcan_pcapng_interface_ *face, bool big,
    const uint8_t *p, int64_t *time_ns)
{
	const uint64_t stamp = (uint64_t)evcan_pcapng_get32_(big, p) << 32 |
	    evcan_pcapng_get32_(big, p + 4);
	const unsigned exponent = face->resolution & 0x7f;
	const int64_t offset = face->offset_s;
	uint64_t sec, ns;

	if ((face->resolution & 0x80) != 0)
		split_binary(stamp, exponent, &sec, &ns);
	else
		split_decimal(stamp, exponent, &sec, &ns);
	if (sec > LAST_SECOND || offset > LAST_SECOND - (int64_t)sec ||
	    offset < -LAST_SECOND)
		return false;
	*time_ns = ((int64_t)sec + offset) * NS_PER_SEC + (int64_t)ns;
	return true;
}
