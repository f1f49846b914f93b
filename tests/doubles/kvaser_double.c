/* SPDX-License-Identifier: BSD-3-Clause */
/* kvaser_double.c - a CANlib without hardware, as linuxcan behaves
 *
 * Switches of "set": "kvaser_queue N" (frames a handle's queue holds, 500),
 * "kvaser_tx N" (frames the transmit queue takes before it is full, then it
 * is full until it is set again; -1: no end), "kvaser_unheard 1" (what it
 * takes waits there for an acknowledge that never comes), "kvaser_no_txack 1"
 * (it cannot confirm sends), "kvaser_load N" (1/10000), "kvaser_error FLAGS"
 * (class bits of the next error frames), "kvaser_version N" (major * 256 +
 * minor; 5.49 of linuxcan says 8.49). With OLD it has no function that a
 * driver can do without. */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "double_bus.h"

#define API __attribute__((visibility("default")))
#define HANDLES 64

enum { PARAM = -1, NOMSG = -2, NOTFOUND = -3, NOCHANNELS = -5,
	INVHANDLE = -10, TXBUFOFL = -13, HARDWARE = -15, NOT_SUPPORTED = -19,
	NO_ACCESS = -31, NOT_IMPLEMENTED = -32 };

enum { RTR = 1, STD = 2, EXT = 4, ERROR_FRAME = 0x20, TXACK = 0x40,
	OVERRUN = 0x600, FDF = 0x10000, BRS = 0x20000, ESI = 0x40000,
	TXNACK = 0x2000000, ABL = 0x4000000 };

enum { OPEN_EXCLUSIVE = 8, OPEN_VIRTUAL = 0x20, OPEN_OVERRIDE = 0x40,
	OPEN_NO_INIT = 0x100, OPEN_LARGE_DLC = 0x200, OPEN_FD = 0x400,
	OPEN_NONISO = 0x800, OPEN_KNOWN = 0x1ff8 };

struct handle {
	struct double_node *node;     /* NULL: free */
	int channel, flags;
	bool on_bus, init_access, txack, report_access;
	bool overrun;
	uint32_t scale_us;
	uint32_t code[2], mask[2];
	uint64_t began_ns;
};

struct statistics {
	unsigned long std_data, std_remote, ext_data, ext_remote, error;
	unsigned long load, overruns;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct handle handles[HANDLES];
static struct statistics counters[2];

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* @return the handle, or NULL with the status to return */
static struct handle *
enter(const char *name, int32_t h, int32_t *status)
{
	struct handle *handle = NULL;
	long code;

	if (double_enter(name, &code)) {
		*status = (int32_t)code;
		return NULL;
	}
	pthread_mutex_lock(&lock);
	if (h >= 0 && h < HANDLES && handles[h].node != NULL)
		handle = &handles[h];
	pthread_mutex_unlock(&lock);
	*status = handle == NULL ? INVHANDLE : HARDWARE;
	if (handle != NULL && double_unplugged(handle->channel))
		return NULL;
	return handle;
}

/* Finding and opening */

API void
canInitializeLibrary(void)
{
	double_enter("canInitializeLibrary", NULL);
}

API int32_t
canUnloadLibrary(void)
{
	return 0;
}

API int32_t
canGetErrorText(int32_t status, char *text, uint32_t size)
{
	if (text == NULL || size == 0)
		return PARAM;
	strncpy(text, "an error of the double", size - 1);
	text[size - 1] = '\0';
	return status <= 0 && status >= -47 ? 0 : PARAM;
}

API int32_t
canGetNumberOfChannels(int32_t *count)
{
	long code;

	if (double_enter("canGetNumberOfChannels", &code))
		return (int32_t)code;
	*count = 2;
	return 0;
}

API int32_t
canEnumHardwareEx(int32_t *count)
{
	return canGetNumberOfChannels(count);
}

API int32_t
canGetChannelData(int32_t channel, int32_t item, void *buffer, size_t size)
{
	const uint64_t serial = 12345;
	const uint32_t number = (uint32_t)channel;
	const char name[] = "Kvaser Double";
	const void *from = item == 26 ? (const void *)name :
	    item == 7 ? (const void *)&serial : (const void *)&number;
	size_t n = item == 26 ? sizeof(name) : item == 7 ? 8 : 4;

	if (channel < 0 || channel > 1)
		return NOTFOUND;
	if (item != 26 && item != 7 && item != 6)
		return NOT_IMPLEMENTED;
	if (size < n)
		return PARAM;
	memcpy(buffer, from, n);
	return 0;
}

/* Under the lock. @return a free handle, or a status */
static int32_t
find_free(int32_t channel, int32_t flags, bool *first)
{
	int32_t free_one = -9;

	*first = true;
	for (int32_t h = HANDLES - 1; h >= 0; h--) {
		const struct handle *other = &handles[h];

		if (other->node == NULL) {
			free_one = h;
			continue;
		}
		if (other->channel != channel)
			continue;
		if (((other->flags | flags) & OPEN_EXCLUSIVE) &&
		    !(flags & OPEN_OVERRIDE))
			return NOCHANNELS;
		if ((other->flags ^ flags) & (OPEN_FD | OPEN_NONISO))
			return NOTFOUND;
		*first = *first && !other->init_access;
	}
	return free_one;
}

static void
set_up(struct handle *handle, struct double_node *node, int32_t channel,
    int32_t flags, bool first)
{
	memset(handle, 0, sizeof(*handle));
	handle->node = node;
	handle->channel = channel;
	handle->flags = flags;
	handle->init_access = first && !(flags & OPEN_NO_INIT);
	handle->scale_us = 1000;
	handle->began_ns = now_ns();
}

API int32_t
canOpenChannel(int32_t channel, int32_t flags)
{
	struct double_node *node;
	bool first;
	int32_t h;
	long code;

	if (double_enter("canOpenChannel", &code))
		return (int32_t)code;
	if (flags & ~OPEN_KNOWN)
		return PARAM;
	double_note("flags", flags);
	double_init(2);
	node = double_join(channel,
	    (size_t)double_setting("kvaser_queue", 500), true);
	if (node == NULL)
		return NOTFOUND;
	double_fd_quiet(node);
	pthread_mutex_lock(&lock);
	h = find_free(channel, flags, &first);
	if (h >= 0)
		set_up(&handles[h], node, channel, flags, first);
	pthread_mutex_unlock(&lock);
	if (h < 0)
		double_leave(node);
	return h;
}

API int32_t
canClose(int32_t h)
{
	struct double_node *node = NULL;
	long code;

	if (double_enter("canClose", &code))
		return (int32_t)code;
	pthread_mutex_lock(&lock);
	if (h >= 0 && h < HANDLES) {
		node = handles[h].node;
		handles[h].node = NULL;
	}
	pthread_mutex_unlock(&lock);
	if (node == NULL)
		return INVHANDLE;
	double_leave(node);
	return 0;
}

/* Parameters */

static int32_t
may_set_up(const struct handle *handle)
{
	if (handle->init_access)
		return 1;
	return handle->report_access ? NO_ACCESS : 0;
}

/* Devices with CAN FD count 80 MHz; the others 16 MHz, and not undivided. The
 * driver reads the parameters back, and refuses what came out different. */
static bool
is_possible(const struct handle *handle, long frequency, uint32_t tseg1,
    uint32_t tseg2)
{
	bool fd = handle->flags & (OPEN_FD | OPEN_NONISO);
	long clock = fd ? 80000000 : 16000000;
	long quanta = 1 + (long)tseg1 + (long)tseg2, prescaler;

	if (frequency < 0)
		return true;      /* a preset */
	if (frequency == 0 || tseg1 == 0 || tseg2 == 0)
		return false;
	prescaler = clock / (frequency * quanta);
	return prescaler >= (fd ? 1 : 2) &&
	    clock / (prescaler * quanta) == frequency;
}

API int32_t
canSetBusParams(int32_t h, long frequency, uint32_t tseg1, uint32_t tseg2,
    uint32_t sjw, uint32_t samples, uint32_t syncmode)
{
	int32_t status;
	struct handle *handle = enter("canSetBusParams", h, &status);

	(void)syncmode;
	if (handle == NULL || (status = may_set_up(handle)) <= 0)
		return status;
	if (!is_possible(handle, frequency, tseg1, tseg2) ||
	    (samples > 1 && samples != 3))
		return PARAM;
	double_note("frequency", frequency);
	double_note("tseg1", tseg1);
	double_note("tseg2", tseg2);
	double_note("sjw", sjw);
	return 0;
}

API int32_t
canSetBusOutputControl(int32_t h, uint32_t mode)
{
	int32_t status;
	struct handle *handle = enter("canSetBusOutputControl", h, &status);

	if (handle == NULL || (status = may_set_up(handle)) <= 0)
		return status;
	if (mode != 1 && mode != 4)
		return PARAM;
	double_note("output", (long)mode);
	return 0;
}

API int32_t
canBusOn(int32_t h)
{
	int32_t status;
	struct handle *handle = enter("canBusOn", h, &status);

	if (handle == NULL)
		return status;
	if (handle->on_bus)
		return 0;
	double_flush(handle->node);
	handle->overrun = false;
	handle->began_ns = now_ns();
	handle->on_bus = true;
	return 0;
}

API int32_t
canBusOff(int32_t h)
{
	int32_t status;
	struct handle *handle = enter("canBusOff", h, &status);

	if (handle == NULL)
		return status;
	handle->on_bus = false;
	double_flush(handle->node);
	return 0;
}

API int32_t
canSetAcceptanceFilter(int32_t h, uint32_t code, uint32_t mask, int32_t ext)
{
	(void)h;
	(void)code;
	(void)mask;
	(void)ext;
	return NOT_IMPLEMENTED;
}

static int32_t
set_switch(struct handle *handle, uint32_t function, uint32_t value)
{
	if (function == 6) {
		handle->scale_us = value;
		double_note("scale", (long)value);
	} else if (function == 7) {
		if (double_setting("kvaser_no_txack", 0))
			return NOT_SUPPORTED;
		handle->txack = value == 1;
		double_note("txack", (long)value);
	}
	return 0;
}

API int32_t
canIoCtl(int32_t h, uint32_t function, void *buffer, uint32_t size)
{
	int32_t status;
	struct handle *handle = enter("canIoCtl", h, &status);
	uint32_t value = 0;

	if (handle == NULL)
		return status;
	switch (function) {
	case 6: case 7: case 8: case 9: case 12: case 13: case 30: case 31:
	case 40: case 46:
		if (size != 4 || buffer == NULL)
			return PARAM;
		memcpy(&value, buffer, sizeof(value));
		return set_switch(handle, function, value);
	case 20:
		if (size < 1)
			return PARAM;
		handle->report_access = *(uint8_t *)buffer != 0;
		return 0;
	case 32:
		return size < 1 ? PARAM : 0;
	case 10:
		double_flush(handle->node);
		return 0;
	case 11:
		double_note("flushed", 1);
		return 0;
	case 33: case 34: case 35: case 36: case 37: case 38: case 41:
	case 42:
		return NOT_IMPLEMENTED;
	default:
		return PARAM;
	}
}

/* Sending */

static int32_t
check_message(const struct handle *handle, unsigned long id,
    const void *data, uint32_t dlc, uint32_t flags)
{
	bool large = handle->flags & OPEN_LARGE_DLC;
	bool fd = handle->flags & (OPEN_FD | OPEN_NONISO);

	if (id > (flags & EXT ? 0x1fffffffu : 0x7ffu))
		return PARAM;
	if (((flags & FDF) && !fd) || ((flags & BRS) && !(flags & FDF)) ||
	    ((flags & FDF) && (flags & RTR)) || (flags & (ESI | TXNACK | ABL)))
		return PARAM;
	if (data == NULL && dlc != 0 && !(flags & RTR))
		return PARAM;
	if (!(flags & FDF))
		return dlc > (large ? 15u : 8u) ? PARAM : 0;
	return dlc > 64 || (dlc > 8 && dlc < 24 && dlc % 4 != 0) ||
	    (dlc > 24 && dlc != 32 && dlc != 48 && dlc != 64) ? PARAM : 0;
}

static void
count(int channel, const struct double_frame *frame)
{
	struct statistics *s = &counters[channel];

	pthread_mutex_lock(&lock);
	if (frame->flags & DOUBLE_EXT)
		s->ext_data++;
	else
		s->std_data++;
	pthread_mutex_unlock(&lock);
}

API int32_t
canWrite(int32_t h, long id, void *data, uint32_t dlc, uint32_t flags)
{
	int32_t status;
	struct handle *handle = enter("canWrite", h, &status);
	struct double_frame frame = { .id = (uint32_t)id, .tag = dlc };

	if (handle == NULL)
		return status;
	status = check_message(handle, (unsigned long)id, data, dlc, flags);
	if (status < 0)
		return status;
	if (!handle->on_bus || double_state(handle->channel) == DOUBLE_OFF ||
	    !double_spend("kvaser_tx"))
		return TXBUFOFL;
	frame.flags = (flags & EXT ? DOUBLE_EXT : 0) |
	    (flags & RTR ? DOUBLE_RTR : 0) | (flags & FDF ? DOUBLE_FD : 0) |
	    (flags & BRS ? DOUBLE_BRS : 0) |
	    (flags & ERROR_FRAME ? DOUBLE_ERR : 0);
	frame.len = flags & FDF || dlc < 8 ? dlc : 8;
	if (!(flags & RTR) && frame.len > 0)
		memcpy(frame.data, data, frame.len);
	if (double_setting("kvaser_unheard", 0))
		return 0;
	count(handle->channel, &frame);
	return double_put(handle->node, &frame, handle->txack) ? 0 : HARDWARE;
}

/* Receiving */

static bool
passes(const struct handle *handle, const struct double_frame *frame)
{
	int kind = frame->flags & DOUBLE_EXT ? 1 : 0;

	if (frame->flags & DOUBLE_ERR)
		return true;
	return ((frame->id ^ handle->code[kind]) & handle->mask[kind]) == 0;
}

static uint32_t
flags_of(struct handle *handle, const struct double_frame *frame)
{
	uint32_t flags = frame->flags & DOUBLE_EXT ? EXT : STD;

	if (frame->flags & DOUBLE_ERR)
		flags = ERROR_FRAME |
		    (uint32_t)double_setting("kvaser_error", 0);
	flags |= frame->flags & DOUBLE_RTR ? RTR : 0;
	flags |= frame->flags & DOUBLE_FD ? FDF : 0;
	flags |= frame->flags & DOUBLE_BRS ? BRS : 0;
	flags |= frame->flags & DOUBLE_ECHO ? TXACK : 0;
	if (double_lost(handle->node) > 0)
		flags |= OVERRUN;
	return flags;
}

static void
hand_out(struct handle *handle, const struct double_frame *frame, long *id,
    void *data, uint32_t *dlc, uint32_t *flags, unsigned long *time)
{
	uint64_t ns = frame->time_ns > handle->began_ns ?
	    frame->time_ns - handle->began_ns : 0;
	bool raw = (handle->flags & OPEN_LARGE_DLC) &&
	    !(frame->flags & DOUBLE_FD);

	if (flags != NULL)
		*flags = flags_of(handle, frame);
	if (id != NULL)
		*id = frame->flags & DOUBLE_ERR ? 0x856 : (long)frame->id;
	if (dlc != NULL)
		*dlc = raw ? (uint32_t)frame->tag : frame->len;
	if (data != NULL && !(frame->flags & DOUBLE_RTR))
		memcpy(data, frame->data, frame->len);
	if (time != NULL)
		*time = (unsigned long)(ns / 10000 * 10 / handle->scale_us);
}

API int32_t
canReadWait(int32_t h, long *id, void *data, uint32_t *dlc, uint32_t *flags,
    unsigned long *time, unsigned long timeout_ms)
{
	int32_t status;
	struct handle *handle = enter("canRead", h, &status);
	uint64_t end = now_ns() + timeout_ms * 1000000;
	struct double_frame frame;
	int r;

	if (handle == NULL)
		return status;
	do {
		uint64_t now = now_ns();

		r = double_take(handle->node, &frame,
		    now < end ? (int)((end - now + 999999) / 1000000) : 0);
	} while (r == 1 && (!handle->on_bus || !passes(handle, &frame)));
	if (r == -1)
		return HARDWARE;
	if (r != 1)
		return NOMSG;
	hand_out(handle, &frame, id, data, dlc, flags, time);
	return 0;
}

API int32_t
canRead(int32_t h, long *id, void *data, uint32_t *dlc, uint32_t *flags,
    unsigned long *time)
{
	return canReadWait(h, id, data, dlc, flags, time, 0);
}

/* State */

API int32_t
canReadStatus(int32_t h, unsigned long *flags)
{
	static const unsigned long bits[] = { 8, 4, 1, 2 };
	int32_t status;
	struct handle *handle = enter("canReadStatus", h, &status);

	if (handle == NULL)
		return status;
	*flags = handle->on_bus ? bits[double_state(handle->channel)] : 2;
	return 0;
}

API int32_t
canReadErrorCounters(int32_t h, uint32_t *tx, uint32_t *rx, uint32_t *over)
{
	int32_t status;

	if (enter("canReadErrorCounters", h, &status) == NULL)
		return status;
	*tx = *rx = *over = 0;
	return 0;
}

/* What came later, and OLD is without */

#ifndef OLD
API uint16_t
canGetVersion(void)
{
	return (uint16_t)double_setting("kvaser_version", 0x0831);
}

API int32_t
canWriteSync(int32_t h, unsigned long timeout_ms)
{
	int32_t status;

	(void)timeout_ms;
	return enter("canWriteSync", h, &status) == NULL ? status : 0;
}

API int32_t
canWriteWait(int32_t h, long id, void *data, uint32_t dlc, uint32_t flags,
    unsigned long timeout_ms)
{
	int32_t status = canWrite(h, id, data, dlc, flags);

	return status < 0 ? status : canWriteSync(h, timeout_ms);
}

API int32_t
canSetBusParamsFd(int32_t h, long frequency, uint32_t tseg1, uint32_t tseg2,
    uint32_t sjw)
{
	int32_t status;
	struct handle *handle = enter("canSetBusParamsFd", h, &status);

	(void)sjw;
	if (handle == NULL || (status = may_set_up(handle)) <= 0)
		return status;
	if (frequency > 8000000 || !is_possible(handle, frequency, tseg1,
	    tseg2) || !(handle->flags & (OPEN_FD | OPEN_NONISO)))
		return PARAM;
	double_note("data_frequency", frequency);
	double_note("data_tseg1", tseg1);
	return 0;
}

API int32_t
canAccept(int32_t h, long value, uint32_t what)
{
	int32_t status;
	struct handle *handle = enter("canAccept", h, &status);

	if (handle == NULL)
		return status;
	if (what < 3 || what > 6)
		return PARAM;
	if (what % 2)
		handle->code[what / 2 - 1] = (uint32_t)value;
	else
		handle->mask[what / 2 - 2] = (uint32_t)value;
	return 0;
}

API int32_t
canGetRawHandle(int32_t h, void *fd)
{
	int32_t status;
	struct handle *handle = enter("canGetRawHandle", h, &status);
	int value;

	if (handle == NULL)
		return status;
	value = double_fd(handle->node);
	memcpy(fd, &value, sizeof(value));
	return 0;
}

API int32_t
canRequestBusStatistics(int32_t h)
{
	int32_t status;

	return enter("canRequestBusStatistics", h, &status) == NULL ? status :
	    0;
}

API int32_t
canGetBusStatistics(int32_t h, struct statistics *s, size_t size)
{
	struct handle *handle;
	int32_t status;

	if (s == NULL || size != sizeof(*s))
		return PARAM;
	handle = enter("canGetBusStatistics", h, &status);
	if (handle == NULL)
		return status;
	pthread_mutex_lock(&lock);
	*s = counters[handle->channel];
	pthread_mutex_unlock(&lock);
	s->load = (unsigned long)double_setting("kvaser_load", 0);
	return 0;
}

API int32_t
kvFlashLeds(int32_t h, int32_t action, int32_t timeout_ms)
{
	int32_t status;

	if (enter("kvFlashLeds", h, &status) == NULL)
		return status;
	double_note("flash", action);
	double_note("flash_ms", timeout_ms);
	return 0;
}

API int32_t
kvReadTimer64(int32_t h, int64_t *time)
{
	int32_t status;
	struct handle *handle = enter("kvReadTimer64", h, &status);

	if (handle == NULL)
		return status;
	*time = (int64_t)((now_ns() - handle->began_ns) / 10000 * 10 /
	    handle->scale_us);
	return 0;
}
#endif
