/* SPDX-License-Identifier: BSD-3-Clause */
/* error_frame.c - error frames in words */
#include <evcan/frame.h>

#include <stdio.h>
#include <string.h>

#include <evcan/error.h>

/* Error frames have SocketCAN's layout in every driver, on every system:
 * classes in the identifier, details in eight bytes of data. */

struct word {
	unsigned value;
	const char *text;
};

/* Text that grows up to the end of its buffer. */
struct text {
	char *p, *end;
};

static void
add(struct text *t, const char *s)
{
	const size_t room = (size_t)(t->end - t->p);
	const size_t n = strlen(s) < room ? strlen(s) : room;

	memcpy(t->p, s, n);
	t->p += n;
}

static void
add_number(struct text *t, const char *fmt, unsigned value)
{
	char s[48];

	snprintf(s, sizeof(s), fmt, value);
	add(t, s);
}

/* Data byte i; 0, which means nothing known, where there is none. */
static unsigned
byte(const struct evcan_frame *frame, unsigned i)
{
	return i < frame->len ? frame->data[i] : 0;
}

/* The words of the bits that are set, divided by commas. */
static void
add_bits(struct text *t, const struct word *words, unsigned bits)
{
	const char *between = "";

	for (; words->text != NULL; words++) {
		if (bits & words->value) {
			add(t, between);
			add(t, words->text);
			between = ", ";
		}
	}
}

static void
add_word(struct text *t, const struct word *words, unsigned value)
{
	while (words->text != NULL && words->value != value)
		words++;
	if (words->text != NULL)
		add(t, words->text);
	else
		add_number(t, "unknown code 0x%02x", value);
}

static void
arbitration(struct text *t, const struct evcan_frame *frame)
{
	if (byte(frame, 0) != 0)
		add_number(t, " in bit %u", byte(frame, 0));
}

static const struct word controller_bits[] = {
	{0x01, "rx overflow"},
	{0x02, "tx overflow"},
	{0x04, "rx warning"},
	{0x08, "tx warning"},
	{0x10, "rx passive"},
	{0x20, "tx passive"},
	{0x40, "active again"},
	{0x80, "unknown code 0x80"},
	{0, NULL}
};

static void
controller(struct text *t, const struct evcan_frame *frame)
{
	if (byte(frame, 1) == 0)
		return;
	add(t, " (");
	add_bits(t, controller_bits, byte(frame, 1));
	add(t, ")");
}

static const struct word protocol_bits[] = {
	{0x01, "single bit error"},
	{0x02, "frame format error"},
	{0x04, "stuff error"},
	{0x08, "dominant bit not sent"},
	{0x10, "recessive bit not sent"},
	{0x20, "overload"},
	{0x40, "active error announced"},
	{0x80, "while transmitting"},
	{0, NULL}
};

static const struct word places[] = {
	{0x02, "identifier bits 28-21"},
	{0x03, "start of frame"},
	{0x04, "SRTR bit"},
	{0x05, "IDE bit"},
	{0x06, "identifier bits 20-18"},
	{0x07, "identifier bits 17-13"},
	{0x08, "CRC sequence"},
	{0x09, "reserved bit 0"},
	{0x0a, "data"},
	{0x0b, "DLC"},
	{0x0c, "RTR bit"},
	{0x0d, "reserved bit 1"},
	{0x0e, "identifier bits 4-0"},
	{0x0f, "identifier bits 12-5"},
	{0x12, "intermission"},
	{0x18, "CRC delimiter"},
	{0x19, "ACK slot"},
	{0x1a, "end of frame"},
	{0x1b, "ACK delimiter"},
	{0, NULL}
};

static void
protocol(struct text *t, const struct evcan_frame *frame)
{
	const unsigned kinds = byte(frame, 2), place = byte(frame, 3);

	if (kinds == 0 && place == 0)
		return;
	add(t, " (");
	add_bits(t, protocol_bits, kinds);
	if (place != 0) {
		add(t, kinds != 0 ? "; in " : "in ");
		add_word(t, places, place);
	}
	add(t, ")");
}

/* Either wire's fault, in its own half of the byte. */
static const struct word wire_high[] = {
	{0x04, "CANH no wire"},
	{0x05, "CANH short to battery"},
	{0x06, "CANH short to VCC"},
	{0x07, "CANH short to ground"},
	{0, NULL}
};

static const struct word wire_low[] = {
	{0x40, "CANL no wire"},
	{0x50, "CANL short to battery"},
	{0x60, "CANL short to VCC"},
	{0x70, "CANL short to ground"},
	{0x80, "CANL short to CANH"},
	{0, NULL}
};

static void
transceiver(struct text *t, const struct evcan_frame *frame)
{
	const unsigned high = byte(frame, 4) & 0x0f;
	const unsigned low = byte(frame, 4) & 0xf0;

	if (high == 0 && low == 0)
		return;
	add(t, " (");
	if (high != 0)
		add_word(t, wire_high, high);
	if (high != 0 && low != 0)
		add(t, ", ");
	if (low != 0)
		add_word(t, wire_low, low);
	add(t, ")");
}

static void
counters(struct text *t, const struct evcan_frame *frame)
{
	add_number(t, " tx %u", byte(frame, 6));
	add_number(t, " rx %u", byte(frame, 7));
}

#define COUNTERS 0x200u

static const struct class {
	uint32_t bit;
	const char *text;
	void (*detail)(struct text *t, const struct evcan_frame *frame);
} classes[] = {
	{0x001, "transmit timeout", NULL},
	{0x002, "arbitration lost", arbitration},
	{0x004, "controller problem", controller},
	{0x008, "protocol violation", protocol},
	{0x010, "transceiver problem", transceiver},
	{0x020, "no acknowledgement", NULL},
	{0x040, "bus-off", NULL},
	{0x080, "bus error", NULL},
	{0x100, "controller restarted", NULL},
	{COUNTERS, "error counters", counters},
};

#define CLASSES (sizeof(classes) / sizeof(classes[0]))

static void
describe(struct text *t, const struct evcan_frame *frame)
{
	const char *between = "";
	uint32_t bits = frame->id;

	/* Kernels before 6.0 tell the counters without their class. */
	if (byte(frame, 6) != 0 || byte(frame, 7) != 0)
		bits |= COUNTERS;
	if (bits == 0)
		add(t, "error of no known class");
	for (size_t i = 0; i < CLASSES; i++) {
		if (!(bits & classes[i].bit))
			continue;
		add(t, between);
		add(t, classes[i].text);
		if (classes[i].detail != NULL)
			classes[i].detail(t, frame);
		between = ", ";
		bits &= ~classes[i].bit;
	}
	if (bits != 0) {
		add(t, between);
		add_number(t, "unknown class 0x%x", (unsigned)bits);
	}
}

int
evcan_frame_describe_error(const struct evcan_frame *frame, char *buf,
    size_t size)
{
	struct text t;

	if (size < EVCAN_TEXT_MAX)
		return EVCAN_ERR_FULL;
	t.p = buf;
	t.end = buf + size - 1;
	if (frame->flags & EVCAN_FRAME_ERR)
		describe(&t, frame);
	*t.p = '\0';
	return (int)(t.p - buf);
}
