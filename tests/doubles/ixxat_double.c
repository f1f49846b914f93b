/* SPDX-License-Identifier: BSD-3-Clause */
/* ixxat_double.c - a double of IXXAT's VCI 3 (vcinpl) or VCI 4 (vcinpl2)
 *
 * VCI says which: 3, unless ixxat4_double.c includes this. Two devices,
 * HW100001 and HW200002, of two controllers each; all are on one bus.
 * Switches: "set devices N"; "set denied 1": another program holds the
 * controllers; "set gone_code CODE": what calls on an unplugged device say;
 * "set features BITS"; "set first_tick N": of the clock; "set major N": of
 * its version; "set guid 1": the second device's identifier is no text. */
#include "double_bus.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ixxat_double_abi.h"

#define EXPORTED __attribute__((visibility("default")))
#define CONTROLLERS 4            /* of all devices */
#define PATTERNS 2048

struct pattern {
	uint32_t code, mask;
};

static struct controller {
	bool owned, ready, started;
	uint8_t op, ex;
	unsigned pending;        /* posted, and not on the bus */
	bool filtering;
	struct pattern accept[2], list[2][PATTERNS];
	size_t n_list[2];
} controllers[CONTROLLERS];

enum kind { LIST, DEVICE, CONTROL, CHANNEL, SCHEDULER };

struct job {
	bool used, running, done;
	CANCYCLICTXMSG message;
	unsigned left;           /* 0: no end */
	uint64_t due_ns;
};

struct object {
	struct object *next;
	enum kind kind;
	int at;                  /* a list's place, a device, a controller */
	/* Channels */
	struct double_node *node;
	bool active, overrun, ovr_next;
	unsigned rx, tx;
	uint32_t round;          /* of the clock, told so far */
	bool has_round, has_held;
	struct double_frame held;
	/* Schedulers */
	pthread_t thread;
	pthread_cond_t changed;
	bool stop, on;
	struct job jobs[JOBS];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct object *objects;
static bool initialized;
static char notes[16384];

static void __attribute__((format(printf, 1, 2)))
note(const char *fmt, ...)
{
	size_t len = strlen(notes);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(notes + len, sizeof(notes) - len, fmt, ap);
	va_end(ap);
}

/* The calls that were made since the last time, a line each. */
EXPORTED void
evcan_ixxat_double_notes(char *text, size_t size)
{
	pthread_mutex_lock(&lock);
	snprintf(text, size, "%s", notes);
	notes[0] = '\0';
	pthread_mutex_unlock(&lock);
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t
ticks_at(uint64_t ns)
{
	static uint64_t power_up;

	if (power_up == 0)
		power_up = now_ns() - 1000000000;
	return (uint64_t)double_setting("first_tick", 0) +
	    (ns - power_up) / 1000 * (TSC_CLOCK / 1000) / TSC_DIVISOR / 1000;
}

/* Under the lock. NULL: not one of ours */
static struct object *
find(HANDLE handle, enum kind kind)
{
	struct object *object = objects;

	while (object != NULL && object != handle)
		object = object->next;
	return object != NULL && object->kind == kind ? object : NULL;
}

static struct object *
make(enum kind kind, int at, HANDLE *handle)
{
	struct object *object = calloc(1, sizeof(*object));

	if (object == NULL)
		abort();
	object->kind = kind;
	object->at = at;
	object->next = objects;
	objects = object;
	*handle = object;
	return object;
}

static void
drop(struct object *object)
{
	struct object **at = &objects;

	while (*at != object)
		at = &(*at)->next;
	*at = object->next;
	free(object);
}

/* At the head of each call on a handle: fails, or leaves the lock held. */
static HRESULT
begin(const char *name, HANDLE handle, enum kind kind, struct object **out)
{
	long code;
	int at;

	if (double_enter(name, &code))
		return (HRESULT)code;
	pthread_mutex_lock(&lock);
	*out = find(handle, kind);
	if (*out == NULL) {
		pthread_mutex_unlock(&lock);
		return E(INVHANDLE);
	}
	at = kind == DEVICE ? (*out)->at * 2 : (*out)->at;
	if (kind != LIST && double_unplugged(at)) {
		pthread_mutex_unlock(&lock);
		return (HRESULT)double_setting("gone_code",
		    (long)(0xe0010000u | DISCONNECTED));
	}
	return 0;
}

static HRESULT
done(HRESULT r)
{
	pthread_mutex_unlock(&lock);
	return r;
}

#define BEGIN(handle, kind) \
	struct object *o; \
	HRESULT r_ = begin(__func__, handle, kind, &o); \
	if (r_ != 0) \
		return r_

/* Closing works, whatever became of the device. */
static struct object *
begin_close(const char *name, HANDLE handle, enum kind kind, HRESULT *r)
{
	struct object *o;
	long code;

	*r = 0;
	if (double_enter(name, &code))
		*r = (HRESULT)code;
	pthread_mutex_lock(&lock);
	o = find(handle, kind);
	if (o == NULL && *r == 0)
		*r = E(INVHANDLE);
	if (o == NULL)
		pthread_mutex_unlock(&lock);
	else
		note("%s\n", name);
	return o;
}

/* Messages that are no frames of the bus: the tag holds type and byte. */

static uint64_t
tag_of(int type, int byte)
{
	return (uint64_t)1 << 32 | (uint64_t)type << 8 | (uint64_t)byte;
}

static void
tell_channels(int at, int type, int byte)
{
	const struct double_frame frame = { .tag = tag_of(type, byte) };

	for (struct object *o = objects; o != NULL; o = o->next) {
		if (o->kind == CHANNEL && o->at == at && o->node != NULL)
			double_give(o->node, &frame);
	}
}

static uint32_t
status_of(int at)
{
	static const uint32_t bits[] = { 0, 4, 4, 8 };

	return bits[double_state(at)] |
	    (uint32_t)double_setting("line_status", 0);
}

static void
on_change(int at)
{
	pthread_mutex_lock(&lock);
	if (at < CONTROLLERS && controllers[at].started)
		tell_channels(at, STATUS, (int)status_of(at));
	pthread_mutex_unlock(&lock);
}

/* The library and its devices */

EXPORTED HRESULT
vciInitialize(void)
{
	long code;

	if (double_enter("vciInitialize", &code))
		return (HRESULT)code;
	pthread_mutex_lock(&lock);
	if (!initialized) {
		double_init(CONTROLLERS);
		double_on_change(on_change);
	}
	initialized = true;
	ticks_at(now_ns());
	note("vciInitialize\n");
	return done(0);
}

#if VCI == 4
EXPORTED HRESULT
vciGetVersion(uint32_t *major, uint32_t *minor, uint32_t *revision,
    uint32_t *build)
#else
EXPORTED HRESULT
vciGetVersion(uint32_t *major, uint32_t *minor)
#endif
{
	long code;

	if (double_enter("vciGetVersion", &code))
		return (HRESULT)code;
	*major = (uint32_t)double_setting("major", VCI);
	*minor = *major == 0 ? 0 : 5;
#if VCI == 4
	*revision = *build = 0;
#endif
	pthread_mutex_lock(&lock);
	return done(initialized ? 0 : E(NOT_INITIALIZED));
}

EXPORTED void
#if VCI == 4
vciFormatErrorA(HRESULT error, char *text, uint32_t size)
#else
vciFormatError(HRESULT error, char *text, uint32_t size)
#endif
{
	snprintf(text, size, "error %lX", (unsigned long)(uint32_t)error);
}

EXPORTED HRESULT
vciEnumDeviceOpen(HANDLE *list)
{
	long code;

	if (double_enter("vciEnumDeviceOpen", &code))
		return (HRESULT)code;
	pthread_mutex_lock(&lock);
	if (!initialized)
		return done(E(NOT_INITIALIZED));
	make(LIST, 0, list);
	return done(0);
}

EXPORTED HRESULT
vciEnumDeviceClose(HANDLE list)
{
	HRESULT r;
	struct object *o = begin_close(__func__, list, LIST, &r);

	if (o == NULL)
		return r;
	drop(o);
	return done(r);
}

EXPORTED HRESULT
vciEnumDeviceNext(HANDLE list, VCIDEVICEINFO *info)
{
	BEGIN(list, LIST);
	while (o->at < 2 && double_unplugged(o->at * 2))
		o->at++;
	if (o->at >= (int)double_setting("devices", 2))
		return done(E(NO_MORE_ITEMS));
	memset(info, 0, sizeof(*info));
	info->object_id = 0x1122334400000000u + (unsigned)o->at;
	memcpy(info->hwid, o->at == 0 ? "HW100001" : "HW200002", 8);
	if (o->at == 1 && double_setting("guid", 0) != 0)
		memcpy(info->hwid, "\x01\0\xab" "456789abcdef\xff", 16);
	strcpy(info->description, "USB-to-CAN");
	strcpy(info->manufacturer, "HMS");
	o->at++;
	return done(0);
}

EXPORTED HRESULT
vciDeviceOpen(const uint64_t *id, HANDLE *device)
{
	long code;
	int at = (int)(*id - 0x1122334400000000u);

	if (double_enter("vciDeviceOpen", &code))
		return (HRESULT)code;
	if (at < 0 || at > 1 || double_unplugged(at * 2))
		return E(INVALIDARG);
	pthread_mutex_lock(&lock);
	note("vciDeviceOpen %d\n", at);
	make(DEVICE, at, device);
	return done(0);
}

EXPORTED HRESULT
vciDeviceClose(HANDLE device)
{
	HRESULT r;
	struct object *o = begin_close(__func__, device, DEVICE, &r);

	if (o == NULL)
		return r;
	drop(o);
	return done(r);
}

EXPORTED HRESULT
vciDeviceGetCaps(HANDLE device, VCIDEVICECAPS *caps)
{
	BEGIN(device, DEVICE);
	(void)o;
	memset(caps, 0, sizeof(*caps));
	caps->n = 3;
	caps->type[0] = 0x105;
	caps->type[1] = 0x203;       /* a LIN controller between them */
	caps->type[2] = 0x105;
	return done(0);
}

/* Controllers */

EXPORTED HRESULT
canControlOpen(HANDLE device, uint32_t can, HANDLE *control)
{
	struct controller *c;

	BEGIN(device, DEVICE);
	if (can > 1)
		return done(E(INVALIDARG));
	c = &controllers[o->at * 2 + (int)can];
	if (c->owned || double_setting("denied", 0))
		return done(E(ACCESSDENIED));
	c->owned = true;
	note("canControlOpen %u\n", (unsigned)can);
	make(CONTROL, o->at * 2 + (int)can, control);
	return done(0);
}

static void
stop(int at)
{
	if (!controllers[at].started)
		return;
	controllers[at].started = false;
	tell_channels(at, INFO, STOP);
}

EXPORTED HRESULT
canControlClose(HANDLE control)
{
	HRESULT r;
	struct object *o = begin_close(__func__, control, CONTROL, &r);

	if (o == NULL)
		return r;
	stop(o->at);
	controllers[o->at].owned = false;
	drop(o);
	return done(r);
}

static void
fill_caps(CANCAPABILITIES *caps)
{
	memset(caps, 0, sizeof(*caps));
	caps->features = (uint32_t)double_setting("features", FEATURES);
	caps->clock = CMS_CLOCK;
	caps->tsc_divisor = TSC_DIVISOR;
	caps->cms_divisor = CMS_DIVISOR;
	caps->cms_max = CMS_MAX;
#if VCI == 4
	caps->tsc_clock = TSC_CLOCK;
	caps->cms_clock = CMS_CLOCK;
#endif
}

EXPORTED HRESULT
canControlGetCaps(HANDLE control, CANCAPABILITIES *caps)
{
	BEGIN(control, CONTROL);
	(void)o;
	fill_caps(caps);
	return done(0);
}

static void
fill_line(int at, CANLINESTATUS *line)
{
	memset(line, 0, sizeof(*line));
	line->op = controllers[at].op;
	line->status = status_of(at);
}

static HRESULT
init_control(struct object *o, uint8_t op, uint8_t ex, bool filtering)
{
	struct controller *c = &controllers[o->at];

	stop(o->at);
	c->op = op;
	c->ex = ex;
	c->filtering = filtering;
	c->ready = true;
	c->pending = 0;
	memset(c->accept, 0, sizeof(c->accept));
	c->n_list[0] = c->n_list[1] = 0;
	return done(op & 3 ? 0 : E(INVALIDARG));
}

#if VCI == 4
EXPORTED HRESULT
canControlInitialize(HANDLE control, uint8_t op, uint8_t ex, uint8_t standard,
    uint8_t extended, uint32_t standard_ids, uint32_t extended_ids,
    const CANBTP *sdr, const CANBTP *fdr)
{
	BEGIN(control, CONTROL);
	note("canControlInitialize %d op %d ex %d filters %d %d %u %u "
	    "sdr %u %u %u %u %u %u fdr %u %u %u %u %u %u\n", o->at, op, ex,
	    standard, extended, (unsigned)standard_ids,
	    (unsigned)extended_ids, (unsigned)sdr->mode, (unsigned)sdr->bps,
	    sdr->ts1, sdr->ts2, sdr->sjw, sdr->tdo, (unsigned)fdr->mode,
	    (unsigned)fdr->bps, fdr->ts1, fdr->ts2, fdr->sjw, fdr->tdo);
	if (!(sdr->mode & 1) && (sdr->bps < 5000 || sdr->bps > 1000000))
		return done(E(INVALIDARG));
	return init_control(o, op, ex, standard == 3);
}
#else
EXPORTED HRESULT
canControlInitialize(HANDLE control, uint8_t op, uint8_t btr0, uint8_t btr1)
{
	BEGIN(control, CONTROL);
	note("canControlInitialize %d op %d btr %02X %02X\n", o->at, op, btr0,
	    btr1);
	return init_control(o, op, 0, true);
}
#endif

EXPORTED HRESULT
canControlReset(HANDLE control)
{
	BEGIN(control, CONTROL);
	note("canControlReset %d\n", o->at);
	stop(o->at);
	controllers[o->at].ready = false;
	return done(0);
}

EXPORTED HRESULT
canControlStart(HANDLE control, int32_t start)
{
	struct controller *c;

	BEGIN(control, CONTROL);
	c = &controllers[o->at];
	note("canControlStart %d %d\n", o->at, (int)start);
	if (start && !c->ready)
		return done(E(INVALID_STATE));
	if (!start)
		stop(o->at);
	if (start && !c->started) {
		c->started = true;
		tell_channels(o->at, INFO, START);
		tell_channels(o->at, STATUS, (int)status_of(o->at));
	}
	return done(0);
}

EXPORTED HRESULT
canControlSetAccFilter(HANDLE control, int32_t ext, uint32_t code,
    uint32_t mask)
{
	BEGIN(control, CONTROL);
	note("canControlSetAccFilter %d %d %X %X\n", o->at, (int)ext,
	    (unsigned)code, (unsigned)mask);
	if (controllers[o->at].started)
		return done(E(INVALID_STATE));
	controllers[o->at].accept[ext != 0] = (struct pattern){ code, mask };
	return done(0);
}

EXPORTED HRESULT
canControlAddFilterIds(HANDLE control, int32_t ext, uint32_t code,
    uint32_t mask)
{
	struct controller *c;

	BEGIN(control, CONTROL);
	c = &controllers[o->at];
	ext = ext != 0;
	note("canControlAddFilterIds %d %d %X %X\n", o->at, (int)ext,
	    (unsigned)code, (unsigned)mask);
	if (c->started)
		return done(E(INVALID_STATE));
	if (c->n_list[ext] == PATTERNS)
		return done(E(FULL));
	c->list[ext][c->n_list[ext]++] = (struct pattern){ code, mask };
	return done(0);
}

static bool
matches(const struct pattern *pattern, uint32_t word)
{
	return ((word ^ pattern->code) & pattern->mask) == 0;
}

static bool
accepts(const struct controller *c, const struct double_frame *f)
{
	bool ext = f->flags & DOUBLE_EXT;
	uint32_t word = f->id << 1 | !!(f->flags & DOUBLE_RTR);

	if (f->flags & DOUBLE_ERR)
		return c->op & 4;
	if (!(c->op & (ext ? 2 : 1)) ||
	    ((f->flags & DOUBLE_FD) && !(c->ex & 1)))
		return false;
	if (!c->filtering || matches(&c->accept[ext], word))
		return true;
	for (size_t i = 0; i < c->n_list[ext]; i++) {
		if (matches(&c->list[ext][i], word))
			return true;
	}
	return false;
}

/* Channels */

EXPORTED HRESULT
canChannelOpen(HANDLE device, uint32_t can, int32_t exclusive,
    HANDLE *channel)
{
	BEGIN(device, DEVICE);
	if (can > 1)
		return done(E(INVALIDARG));
	note("canChannelOpen %d %d\n", o->at * 2 + (int)can, (int)exclusive);
	make(CHANNEL, o->at * 2 + (int)can, channel);
	return done(0);
}

EXPORTED HRESULT
canChannelClose(HANDLE channel)
{
	HRESULT r;
	struct object *o = begin_close(__func__, channel, CHANNEL, &r);

	if (o == NULL)
		return r;
	if (o->node != NULL)
		double_leave(o->node);
	drop(o);
	return done(r);
}

EXPORTED HRESULT
canChannelGetCaps(HANDLE channel, CANCAPABILITIES *caps)
{
	BEGIN(channel, CHANNEL);
	(void)o;
	fill_caps(caps);
	return done(0);
}

EXPORTED HRESULT
canChannelGetStatus(HANDLE channel, CANCHANSTATUS *status)
{
	BEGIN(channel, CHANNEL);
	memset(status, 0, sizeof(*status));
	fill_line(o->at, &status->line);
	status->active = o->active;
	status->overrun = o->overrun;
	return done(0);
}

#if VCI == 4
EXPORTED HRESULT
canChannelInitialize(HANDLE channel, uint16_t rx, uint16_t rx_enough,
    uint16_t tx, uint16_t tx_enough, uint32_t filter_size, uint8_t filter)
{
#else
EXPORTED HRESULT
canChannelInitialize(HANDLE channel, uint16_t rx, uint16_t rx_enough,
    uint16_t tx, uint16_t tx_enough)
{
	const uint32_t filter_size = 0;
	const uint8_t filter = 2;
#endif
	BEGIN(channel, CHANNEL);
	note("canChannelInitialize %u %u %u %u %u %u\n", rx, rx_enough, tx,
	    tx_enough, (unsigned)filter_size, filter);
	if (rx == 0 || tx == 0 || filter == 0)
		return done(E(INVALIDARG));
	o->rx = rx;
	o->tx = tx;
	o->active = false;
	return done(0);
}

EXPORTED HRESULT
canChannelActivate(HANDLE channel, int32_t on)
{
	BEGIN(channel, CHANNEL);
	note("canChannelActivate %d\n", (int)on);
	if (o->rx == 0)
		return done(E(INVALID_STATE));
	if (o->node == NULL)
		o->node = double_join(o->at, o->rx, false);
	o->active = on;
	return done(o->node == NULL ? E(DISCONNECTED) : 0);
}

#define SCHEDULED ((uint64_t)1 << 33)    /* tag: by whom, and whether srr */

/* @return false: this channel does not see it */
static bool
fill_message(struct object *o, struct double_frame *f, CANMSG *m)
{
	const struct controller *c = &controllers[o->at];

	memset(m, 0, sizeof(*m));
	m->time = (uint32_t)ticks_at(f->time_ns);
	if (f->tag & (uint64_t)1 << 32) {
		m->type = (uint8_t)(f->tag >> 8);
		m->id = 0xffffffff;
		m->data[0] = (uint8_t)f->tag;
		return true;
	}
	if (!c->started)
		return false;
	if ((f->tag & SCHEDULED) && (int)(f->tag >> 16 & 0xff) == o->at) {
		if (!(f->tag & 1 << 24))
			return false;
		f->flags |= DOUBLE_ECHO;
	}
	if (!accepts(c, f))
		return false;
	if (f->flags & DOUBLE_ERR) {
		m->type = ERROR;
		m->id = 0xffffffff;
		m->data[0] = (uint8_t)double_setting("error_code", 1);
		return true;
	}
	fill_frame(f, m);
	return true;
}

/* The clock went round before this message. */
static bool
is_new_round(struct object *o, const struct double_frame *f, CANMSG *m)
{
	uint32_t round = (uint32_t)(ticks_at(f->time_ns) >> 32);
	uint32_t missed = round - o->round;

	o->round = round;
	if (!o->has_round || missed == 0) {
		o->has_round = true;
		return false;
	}
	memset(m, 0, sizeof(*m));
	m->type = TIMEOVR;
	m->id = missed;
	return true;
}

/* The lock is let go while it waits: nobody closes a channel that is read. */
static HRESULT
take(struct object *o, int ms, CANMSG *message)
{
	struct double_node *node = o->node;
	uint64_t end = now_ns() + (uint64_t)ms * 1000000, now;
	struct double_frame frame;
	int r;

	if (!o->active)
		return done(E(INVALID_STATE));
	for (;;) {
		pthread_mutex_unlock(&lock);
		now = now_ns();
		r = o->has_held ? 1 : double_take(node, &frame, now < end ?
		    (int)((end - now + 999999) / 1000000) : 0);
		pthread_mutex_lock(&lock);
		if (o->has_held)
			frame = o->held;
		o->has_held = false;
		if (r < 0)
			return done((HRESULT)double_setting("gone_code",
			    (long)(0xe0010000u | DISCONNECTED)));
		if (r == 0)
			return done(ms > 0 ? E(TIMEOUT) : E(RXQUEUE_EMPTY));
		if (double_lost(node) > 0)
			o->overrun = o->ovr_next = true;
		if (is_new_round(o, &frame, message)) {
			o->has_held = true;
			o->held = frame;
		} else if (!fill_message(o, &frame, message)) {
			continue;
		}
		message->flags |= o->ovr_next ? OVR : 0;
		o->ovr_next = false;
		return done(0);
	}
}

EXPORTED HRESULT
canChannelPeekMessage(HANDLE channel, CANMSG *message)
{
	BEGIN(channel, CHANNEL);
	return take(o, 0, message);
}

EXPORTED HRESULT
canChannelReadMessage(HANDLE channel, uint32_t ms, CANMSG *message)
{
	BEGIN(channel, CHANNEL);
	return take(o, (int)ms, message);
}

EXPORTED HRESULT
canChannelPostMessage(HANDLE channel, CANMSG *m)
{
	struct controller *c;
	struct double_frame frame;

	BEGIN(channel, CHANNEL);
	c = &controllers[o->at];
	if (!o->active)
		return done(E(INVALID_STATE));
	if (c->pending >= o->tx)
		return done(E(TXQUEUE_FULL));
	if (m->type != DATA || ((m->flags2 & LONG) && !(c->ex & 1)))
		return done(E(INVALIDARG));
	fill_double(m->id, m->flags2, m->flags, m->data, &frame);
	if (!c->started || (c->op & 8) ||
	    !double_put(o->node, &frame, m->flags & SRR))
		c->pending++;            /* it stays in the fifo */
	return done(0);
}

#include "ixxat_double_scheduler.h"
