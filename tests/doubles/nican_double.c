/* SPDX-License-Identifier: BSD-3-Clause */
/* nican_double.c - an NI-CAN without hardware: interfaces CAN0 and CAN1
 *
 * Switches of "set": "nican_hold 1" (what is written stays in the write queue
 * until it is 0), "nican_series 1" (older hardware: no counters, no
 * listen-only), "nican_old 1" (statuses of before 1.5), "nican_error STATUS"
 * (of the next communication errors), "nican_type T" (frame type of the
 * next data frames: events that are no frames), "nican_untimed 1" (frames
 * have no time), "nican_ahead_ms N" (the card's clock is), "nican_busy 1"
 * (somebody else has both open), "nican_version N" (two digits for the minor
 * one; 0: not told), "nican_lin 1" (the second port is of LIN).
 * evcan_nican_attribute() tells what was configured, 0xFFFFFFFF: it was not.
 * OLD, of nican_old_double.c: a version 1.4. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "double_bus.h"

#ifndef OLD
#define OLD 0
#endif
#define VERSION (OLD ? 104 : 207)
#define API __attribute__((visibility("default")))
#define HANDLES 16
#define ATTRIBUTES 32
#define OUT 512

/* Codes, as they are since 2.0. */
enum { TIMEOUT = 0x001, BAD_INTERFACE = 0x023, BAD_PARAM = 0x004,
	BAD_HANDLE = 0x024, BAD_VALUE = 0x005, ALREADY_OPEN = 0x006,
	OVERFLOW_WRITE = 0x008, OVERFLOW_READ = 0x068, OLD_DATA = 0x009,
	NOT_SUPPORTED = 0x00a, COMM = 0x00b, NO_CONFIG = 0x033,
	BAD_OPCODE = 0x104, BAD_SIZE = 0x105, OVERLAP = 0x111,
	NOT_STARTED = 0x112, NO_QUEUE = 0x117, DISCONNECTED = 0x121,
	NOT_STOPPED = 0x007, CONFIG_ONLY = 0x017, LISTENS = 0x122,
	BAD_BAUD = 0x124 };

#define SOFTWARE_VERSION 0x80000003u
#define START_ON_OPEN 0x80000006u
#define BAUD_RATE 0x80000007u
#define STATUS 0x8000000au
#define READ_Q 0x80000013u
#define WRITE_Q 0x80000014u
#define COMP_STD 0x80010001u
#define MASK_STD 0x80010002u
#define COMP_XTD 0x80010003u
#define MASK_XTD 0x80010004u
#define LOG_ERRORS 0x8001000au
#define LISTEN_ONLY 0x80010010u
#define RX_COUNTER 0x80010011u
#define TX_COUNTER 0x80010012u

struct frame_in {
	uint32_t time[2], id;
	uint8_t type, len, data[8];
} __attribute__((packed));
_Static_assert(sizeof(struct frame_in) == 22, "of ncRead");

struct frame_out {
	uint32_t id;
	uint8_t remote, len, data[8];
} __attribute__((packed));
_Static_assert(sizeof(struct frame_out) == 14, "of ncWrite");

static struct interface {
	int opens;
	struct {
		uint32_t id, value;
	} attributes[ATTRIBUTES];
	int n_attributes;
} interfaces[2];

static struct object {
	struct double_node *node;      /* NULL: closed */
	int number;                    /* of the interface */
	uint32_t handle;
	bool running, overflowed;
	uint64_t stopped_ns;           /* deaf from then on */
	atomic_bool waiting;
	bool peeked;
	struct double_frame peek;
	struct double_frame out[OUT];
	uint32_t n_out;
} objects[HANDLES];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t handles_given;

/* Statuses */

/* Those of before 2.0: the low five bits, and a qualifier over them. */
static int32_t
status_of(unsigned code, bool warning)
{
	uint32_t high = warning ? 0x3ff62000u : 0xbff62000u;

	if (double_setting("nican_old", OLD) == 0)
		return (int32_t)(high | code);
	high = warning ? 0x40000000u : 0x80000000u;
	if (code < 0x100)
		code = (code & 0x1f) | (code >> 5) << 16;
	return (int32_t)(high | code);
}

static int32_t
bad(unsigned code)
{
	return status_of(code, false);
}

#if !OLD
API void
ncStatusToString(int32_t status, uint32_t size, char *text)
{
	snprintf(text, size, "the double's text of %08lX",
	    (unsigned long)(uint32_t)status);
}
#endif

/* Configuring */

static int
number_of(const char *name)
{
	if (strcmp(name, "CAN0") == 0)
		return 0;
	return strcmp(name, "CAN1") == 0 ? 1 : -1;
}

static uint32_t
attribute(int number, uint32_t id, uint32_t fallback)
{
	const struct interface *i = &interfaces[number];
	uint32_t value = fallback;

	pthread_mutex_lock(&lock);
	for (int k = 0; k < i->n_attributes; k++) {
		if (i->attributes[k].id == id)
			value = i->attributes[k].value;
	}
	pthread_mutex_unlock(&lock);
	return value;
}

API long
evcan_nican_attribute(int number, uint32_t id)
{
	return (long)attribute(number, id, UINT32_MAX);
}

static unsigned
check_attribute(uint32_t id, uint32_t value)
{
	switch (id) {
	case START_ON_OPEN: case LOG_ERRORS:
		return value > 1 ? BAD_VALUE : 0;
	case READ_Q: case WRITE_Q:
		return value > 65535 ? BAD_VALUE : 0;
	case COMP_STD: case MASK_STD:
		return value > 0x7ff ? BAD_VALUE : 0;
	case COMP_XTD:
		return !(value & 0x20000000) || value > 0x3fffffff ?
		    BAD_VALUE : 0;
	case MASK_XTD:
		return value > 0x1fffffff ? BAD_VALUE : 0;
	case BAUD_RATE:
		return value == 0 || (value > 1000000 &&
		    (value & 0xffff0000) != 0x80000000) ? BAD_BAUD : 0;
	case LISTEN_ONLY:
		return double_setting("nican_series", 2) < 2 ? NOT_SUPPORTED :
		    value > 1 ? BAD_VALUE : 0;
	default:
		return BAD_OPCODE;
	}
}

/* Only the same again while it is open. */
static bool
differs(const struct interface *i, uint32_t n, const uint32_t *ids,
    const uint32_t *values)
{
	if (i->opens == 0 && double_setting("nican_busy", 0) == 0)
		return false;
	for (uint32_t k = 0; k < n; k++) {
		if ((int)k >= i->n_attributes ||
		    i->attributes[k].id != ids[k] ||
		    i->attributes[k].value != values[k])
			return true;
	}
	return (int)n != i->n_attributes;
}

API int32_t
ncConfig(const char *name, uint32_t n, const uint32_t *ids,
    const uint32_t *values)
{
	int number = number_of(name);
	struct interface *i = &interfaces[number < 0 ? 0 : number];
	unsigned code;
	long fail;

	if (double_enter("ncConfig", &fail))
		return (int32_t)fail;
	if (number < 0 || double_unplugged(number))
		return bad(BAD_INTERFACE);
	for (uint32_t k = 0; k < n; k++) {
		code = check_attribute(ids[k], values[k]);
		if (code != 0)
			return bad(code);
	}
	pthread_mutex_lock(&lock);
	code = differs(i, n, ids, values) ? ALREADY_OPEN :
	    n > ATTRIBUTES ? BAD_PARAM : 0;
	if (code == 0) {
		for (uint32_t k = 0; k < n; k++) {
			i->attributes[k].id = ids[k];
			i->attributes[k].value = values[k];
		}
		i->n_attributes = (int)n;
	}
	pthread_mutex_unlock(&lock);
	return code != 0 ? bad(code) : 0;
}

/* Opening */

static struct object *
new_object(int number, struct double_node *node)
{
	struct object *o = objects;

	pthread_mutex_lock(&lock);
	while (o < objects + HANDLES && o->node != NULL)
		o++;
	if (o < objects + HANDLES) {
		memset(o, 0, sizeof(*o));
		o->node = node;
		o->number = number;
		/* An old handle is never a new one's. */
		o->handle = ++handles_given * HANDLES +
		    (uint32_t)(o - objects);
		interfaces[number].opens++;
	}
	pthread_mutex_unlock(&lock);
	return o < objects + HANDLES ? o : NULL;
}

API int32_t
ncOpenObject(const char *name, uint32_t *handle)
{
	int number = number_of(name);
	struct double_node *node;
	struct object *o;
	long fail;

	if (double_enter("ncOpenObject", &fail))
		return (int32_t)fail;
	if (number < 0)
		return bad(BAD_INTERFACE);
	if (attribute(number, START_ON_OPEN, 2) == 2)
		return bad(NO_CONFIG);
	double_init(2);
	node = double_join(number, attribute(number, READ_Q, 150), false);
	if (node == NULL)
		return bad(BAD_INTERFACE);
	o = new_object(number, node);
	if (o == NULL) {
		double_leave(node);
		return bad(0x100);
	}
	o->running = attribute(number, START_ON_OPEN, 0) != 0;
	*handle = o->handle;
	return 0;
}

/* @return the object, or NULL with the status to return */
static struct object *
enter(const char *name, uint32_t handle, int32_t *status)
{
	struct object *o = &objects[handle % HANDLES];
	long fail;
	bool known;

	if (double_enter(name, &fail)) {
		*status = (int32_t)fail;
		return NULL;
	}
	pthread_mutex_lock(&lock);
	known = o->node != NULL && o->handle == handle;
	pthread_mutex_unlock(&lock);
	*status = bad(known ? DISCONNECTED : BAD_HANDLE);
	return known && !double_unplugged(o->number) ? o : NULL;
}

API int32_t
ncCloseObject(uint32_t handle)
{
	struct object *o = &objects[handle % HANDLES];
	struct double_node *node = NULL;
	long fail;

	if (double_enter("ncCloseObject", &fail))
		return (int32_t)fail;
	pthread_mutex_lock(&lock);
	if (o->node != NULL && o->handle == handle) {
		node = o->node;
		o->node = NULL;
		interfaces[o->number].opens--;
	}
	pthread_mutex_unlock(&lock);
	if (node == NULL)
		return bad(BAD_HANDLE);
	double_leave(node);
	return 0;
}

/* The write queue */

static void
send_queue(struct object *o)
{
	if (double_setting("nican_hold", 0) != 0 || !o->running)
		return;
	for (uint32_t i = 0; i < o->n_out; i++)
		double_put(o->node, &o->out[i], false);
	o->n_out = 0;
}

static bool
is_off(const struct object *o)
{
	return double_state(o->number) == DOUBLE_OFF;
}

API int32_t
ncWrite(uint32_t handle, uint32_t size, const void *data)
{
	int32_t status;
	struct object *o = enter("ncWrite", handle, &status);
	struct frame_out frame;
	struct double_frame *out;

	if (o == NULL)
		return status;
	if (size != sizeof(frame) && size != 16)
		return bad(BAD_SIZE);
	if (!o->running)
		return bad(NOT_STARTED);
	if (attribute(o->number, LISTEN_ONLY, 0) != 0)
		return bad(LISTENS);
	if (is_off(o))
		return bad(COMM);
	memcpy(&frame, data, sizeof(frame));
	if (frame.len > 8 || frame.remote > 1 || frame.id > 0x3fffffff ||
	    (!(frame.id & 0x20000000) && frame.id > 0x7ff))
		return bad(BAD_PARAM);
	send_queue(o);
	if (o->n_out >= attribute(o->number, WRITE_Q, 1) || o->n_out == OUT)
		return bad(OVERFLOW_WRITE);
	out = &o->out[o->n_out++];
	memset(out, 0, sizeof(*out));
	out->id = frame.id & 0x1fffffff;
	out->flags = (frame.id & 0x20000000 ? DOUBLE_EXT : 0) |
	    (frame.remote ? DOUBLE_RTR : 0);
	out->len = frame.len;
	memcpy(out->data, frame.data, 8);
	send_queue(o);
	return 0;
}

/* Receiving */

static bool
passes(const struct object *o, const struct double_frame *frame)
{
	bool ext = frame->flags & DOUBLE_EXT;
	uint32_t comp = attribute(o->number, ext ? COMP_XTD : COMP_STD, 0);
	uint32_t mask = attribute(o->number, ext ? MASK_XTD : MASK_STD, 0);

	if (!o->running && frame->time_ns > o->stopped_ns)
		return false;
	if (frame->flags & DOUBLE_ERR)
		return attribute(o->number, LOG_ERRORS, 0) != 0;
	return ((frame->id ^ comp) & mask) == 0;
}

/* Has the next frame that passes in `peek`, if there is one soon.
 * @return 1, 0, -1: unplugged */
static int
peek(struct object *o, int timeout_ms)
{
	int r = 1;

	while (!o->peeked && r == 1) {
		r = double_take(o->node, &o->peek, timeout_ms);
		o->peeked = r == 1 && passes(o, &o->peek);
	}
	return r;
}

/* An error of the interface that nobody asked about. @return 0: none */
static int32_t
background(struct object *o)
{
	if (is_off(o))
		return bad(COMM);
	o->overflowed = o->overflowed || double_lost(o->node) > 0;
	return o->overflowed ? bad(OVERFLOW_READ) : 0;
}

static int32_t
wait_for(struct object *o, uint32_t wanted, uint32_t timeout_ms,
    uint32_t *state)
{
	int32_t status = background(o);
	int r = 0;

	if (status != 0)
		return status;
	send_queue(o);
	*state = o->n_out == 0 ? 2 : 0;
	if (*state & wanted)
		timeout_ms = 0;
	r = peek(o, (int)timeout_ms);
	if (r < 0)
		return bad(DISCONNECTED);
	*state |= r == 1 ? 1 : 0;
	status = background(o);
	if (status != 0)
		return status;
	if (!(*state & wanted))
		return bad(TIMEOUT);
	return double_state(o->number) == DOUBLE_PASSIVE ?
	    status_of(COMM, true) : 0;
}

API int32_t
ncWaitForState(uint32_t handle, uint32_t wanted, uint32_t timeout_ms,
    uint32_t *state)
{
	int32_t status;
	struct object *o = enter("ncWaitForState", handle, &status);

	if (o == NULL)
		return status;
	if (atomic_exchange(&o->waiting, true))
		return bad(OVERLAP);
	status = wait_for(o, wanted, timeout_ms, state);
	atomic_store(&o->waiting, false);
	return status;
}

static uint64_t
filetime_of(uint64_t monotonic_ns)
{
	struct timespec real, mono;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	return 116444736000000000u + ((uint64_t)(real.tv_sec - mono.tv_sec) *
	    1000000000 + (uint64_t)(real.tv_nsec - mono.tv_nsec) +
	    monotonic_ns) / 100;
}

static void
hand_out(const struct double_frame *from, struct frame_in *to)
{
	uint64_t time = double_setting("nican_untimed", 0) != 0 ? 0 :
	    filetime_of(from->time_ns) +
	    (uint64_t)double_setting("nican_ahead_ms", 0) * 10000;

	memset(to, 0, sizeof(*to));
	to->time[0] = (uint32_t)time;
	to->time[1] = (uint32_t)(time >> 32);
	if (from->flags & DOUBLE_ERR) {
		to->type = 2;
		to->id = (uint32_t)double_setting("nican_error",
		    status_of(0x02b, true));
		return;
	}
	to->id = from->id | (from->flags & DOUBLE_EXT ? 0x20000000 : 0);
	to->type = from->flags & DOUBLE_RTR ? 1 :
	    (uint8_t)double_setting("nican_type", 0);
	to->len = (uint8_t)from->len;
	if (!(from->flags & DOUBLE_RTR))
		memcpy(to->data, from->data, 8);
}

API int32_t
ncReadMult(uint32_t handle, uint32_t size, void *data, uint32_t *actual)
{
	int32_t status;
	struct object *o = enter("ncReadMult", handle, &status);
	struct frame_in frame;
	uint32_t n = 0;

	if (o == NULL)
		return status;
	*actual = 0;
	if (size < sizeof(frame))
		return bad(BAD_SIZE);
	if (attribute(o->number, READ_Q, 150) == 0)
		return bad(NO_QUEUE);
	status = background(o);
	o->overflowed = false;
	if (status == bad(OVERFLOW_READ))
		return status;
	send_queue(o);
	while (size - n >= sizeof(frame) && peek(o, 0) == 1) {
		hand_out(&o->peek, &frame);
		o->peeked = false;
		memcpy((char *)data + n, &frame, sizeof(frame));
		n += sizeof(frame);
	}
	*actual = n;
	return n > 0 ? 0 : status_of(OLD_DATA, true);
}

/* State */

static void
run(struct object *o, bool on)
{
	struct timespec ts;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	if (!on && o->running)
		o->stopped_ns = now;
	/* The harsher of what may become of frames that nobody has read. */
	if (on && !o->running) {
		double_flush(o->node);
		o->peeked = false;
	}
	o->running = on;
}

API int32_t
ncAction(uint32_t handle, uint32_t opcode, uint32_t parameter)
{
	int32_t status;
	struct object *o = enter("ncAction", handle, &status);

	(void)parameter;
	if (o == NULL)
		return status;
	if (opcode < 0x80000001 || opcode > 0x80000003)
		return bad(BAD_OPCODE);
	run(o, opcode == 0x80000001);
	if (opcode == 0x80000003) {
		double_flush(o->node);
		o->n_out = 0;
		o->peeked = o->overflowed = false;
	}
	return 0;
}

static uint32_t
version(void)
{
	return (uint32_t)double_setting("nican_version", VERSION);
}

API int32_t
ncSetAttribute(uint32_t handle, uint32_t id, uint32_t size, const void *value)
{
	int32_t status;
	struct object *o = enter("ncSetAttribute", handle, &status);
	struct interface *i;
	uint32_t v;
	int k = 0;

	if (o == NULL)
		return status;
	if (size != 4)
		return bad(BAD_SIZE);
	if (OLD)
		return bad(CONFIG_ONLY);
	if (o->running)
		return bad(NOT_STOPPED);
	memcpy(&v, value, sizeof(v));
	if (check_attribute(id, v) != 0)
		return bad(check_attribute(id, v));
	i = &interfaces[o->number];
	pthread_mutex_lock(&lock);
	while (k < i->n_attributes && i->attributes[k].id != id)
		k++;
	if (k < ATTRIBUTES) {
		i->attributes[k].id = id;
		i->attributes[k].value = v;
		i->n_attributes += k == i->n_attributes;
	}
	pthread_mutex_unlock(&lock);
	return k < ATTRIBUTES ? 0 : bad(BAD_PARAM);
}

API int32_t
ncGetAttribute(uint32_t handle, uint32_t id, uint32_t size, void *value)
{
	static const uint32_t counts[] = { 0, 100, 130, 255 };
	int32_t status;
	struct object *o = enter("ncGetAttribute", handle, &status);
	enum double_state state;
	uint32_t v;

	if (o == NULL)
		return status;
	state = double_state(o->number);
	if (size != 4)
		return bad(BAD_SIZE);
	if (id == SOFTWARE_VERSION)
		v = version() / 100 << 24 | version() % 100 << 16;
	else if (id == STATUS)
		v = (uint32_t)(state == DOUBLE_ACTIVE ? 0 :
		    status_of(COMM, state != DOUBLE_OFF));
	else if (id != RX_COUNTER && id != TX_COUNTER)
		return bad(BAD_OPCODE);
	else if (double_setting("nican_series", 2) < 2)
		return bad(NOT_SUPPORTED);
	else
		v = id == TX_COUNTER ? counts[state] : 0;
	memcpy(value, &v, sizeof(v));
	return 0;
}

#if !OLD
/* One card with two ports. */
API int32_t
ncGetHardwareInfo(uint32_t card, uint32_t port, uint32_t id, uint32_t size,
    void *value)
{
	uint32_t v;
	long fail;

	if (double_enter("ncGetHardwareInfo", &fail))
		return (int32_t)fail;
	if (card != 1 || port < 1 || port > 2 || size != 4)
		return bad(BAD_PARAM);
	switch (id) {
	case 0x80020002:
		v = 1;
		break;
	case 0x80020003:
		v = 0xabc123;
		break;
	case 0x80020006:
		v = 2;
		break;
	case 0x80020007:
		v = port == 2 && double_setting("nican_lin", 0) != 0 ? 5 : 0;
		break;
	case 0x80020008:
		v = port - 1;
		break;
	case 0x80020009:
		v = version() / 100;
		break;
	case 0x8002000a:
		v = version() % 100;
		break;
	default:
		return bad(0x131);
	}
	memcpy(value, &v, sizeof(v));
	return 0;
}
#endif
