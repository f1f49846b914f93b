/* SPDX-License-Identifier: BSD-3-Clause */
/* neovi_double.c - Intrepid's icsneolegacy, with devices on a simulated bus
 *
 * Three devices: "AB0001" (ticks of 25 ns, its clock set), 123456 (10 ns, its
 * clock never set) and "CY2468", which somebody else has open. Equal networks
 * of all are one bus. As the real one it has one buffer for all that read, a
 * search makes handles useless, and it reports each frame sent, some time
 * after. As libicsneo it goes on with a device that was unplugged as if that
 * were there, and puts on a list of events what happened, messages thrown away
 * too. With OLD it has only what cannot be missing. Switches ("set NAME
 * VALUE"):
 *   neovi_version N    what it says (804)
 *   stays_valid 0      calls of a device that was unplugged fail
 *   clients N          how many have the first device open
 *   report_ms N        how late reports are (2)
 *   room N             frames that may wait for their report (4096)
 *   fail_tx 1          frames do not get out
 *   foreign_tx 1       reports are of somebody else's frames
 *   empty_wake 1       waits end at once, with nothing to be had
 *   deaf 1             waits last until their end
 *   slow_ticks 1       times in 10 us, that only a function tells
 *   overflow 1         the next message says that some were lost
 *   errors N           error messages waiting, the last of number ... */
#include "double_bus.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXPORTED __attribute__((visibility("default")))
#ifdef OLD
#define SINCE_LONG __attribute__((unused)) static
#define STAYS_VALID 0
#else
#define STAYS_VALID 1
#define SINCE_LONG EXPORTED
#endif
#define DEVICES 3
#define MESSAGES 20000
#define PENDING 4096
#define UNWRITTEN 50
#define NO_ERROR 0xfffffffd
#define EPOCH 1167609600

typedef struct {
	uint32_t DeviceType;
	int32_t Handle, NumberOfClients;
	uint32_t SerialNumber;
	int32_t MaxAllowedClients;
} NeoDevice;

typedef struct {
	NeoDevice neoDevice;
	uint32_t FirmwareMajor, FirmwareMinor, Status, Options;
	void *pAvailWIFINetwork, *pWIFIInterfaceInfo;
	int32_t isEthernetDevice;
	uint8_t MACAddress[6];
	uint16_t hardwareRev, revReserved;
	uint32_t tcpIpAddress[4];
	uint16_t tcpPort, Reserved0;
	uint32_t Reserved1;
} NeoDeviceEx;

typedef struct {
	uint32_t StatusBitField, StatusBitField2, TimeHardware, TimeHardware2,
	    TimeSystem, TimeSystem2;
	uint8_t TimeStampHardwareID, TimeStampSystemID, NetworkID, NodeID,
	    Protocol, MessagePieceID, ExtraDataPtrEnabled, NumberBytesHeader,
	    NumberBytesData, NetworkID2;
	int16_t DescriptionID;
	uint32_t ArbIDOrHeader;
	uint8_t Data[8];
	uint32_t StatusBitField3, StatusBitField4;
	void *ExtraDataPtr;
	uint8_t MiscData, Reserved[3];
} icsSpyMessage;

typedef struct {
	const char *description;
	time_t timestamp;
	uint32_t eventNumber;
	uint8_t severity;
	char serial[7];
	uint8_t reserved[16];
} neoevent_t;

_Static_assert(sizeof(void *) != 8 || (sizeof(icsSpyMessage) == 72 &&
    sizeof(NeoDeviceEx) == 96), "sizes of icsnVC40.h");
_Static_assert(sizeof(void *) != 8 || sizeof(neoevent_t) == 48,
    "size of libicsneo's event.h");

/* What a frame in a queue is: its network, and for reports of frames sent
 * their description; for messages about the controller its state. */
#define TAG_NET 0xffffu
#define TAG_DESCRIPTION 16
#define TAG_STATE 32
#define TAG_FAILED ((uint64_t)1 << 40)

struct device {
	uint32_t type, serial;
	struct double_node *node;        /* while it is open */
	NeoDeviceEx *caller;             /* kept for as long */
	bool stale;                      /* searched for meanwhile */
	bool gone;                       /* was unplugged while open */
	unsigned unwritten;              /* frames that it then still took */
	/* Events that nobody has asked for yet. */
	unsigned overflows, disconnects, others;
	int64_t data_rate;               /* not applied yet */
	unsigned long last_error;
	struct double_frame reports[PENDING];
	size_t first, count;
};

static struct device devices[DEVICES] = {
	{ .type = 0x04000000, .serial = 623137537 },
	{ .type = 0x0A, .serial = 123456 },
	{ .type = 0x07, .serial = 782799776 }
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int readers;
static uint8_t extras[MESSAGES][64];

static uint64_t
now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static bool
is_valid(const struct device *device)
{
	return device->node != NULL && !device->stale &&
	    (!device->gone || double_setting("stays_valid", STAYS_VALID));
}

/* At the head of each call of a device. @return NULL: it fails */
static struct device *
enter(void *handle, const char *name)
{
	struct device *device = handle;
	long code;
	bool valid;

	if (double_enter(name, &code)) {
		device->last_error = (unsigned long)code;
		return NULL;
	}
	if (device < devices || device >= devices + DEVICES)
		abort();
	pthread_mutex_lock(&lock);
	valid = is_valid(device);
	device->last_error = valid ? 0 : 0x1000;
	pthread_mutex_unlock(&lock);
	return valid ? device : NULL;
}

static int
fail(struct device *device, unsigned long error)
{
	device->last_error = error;
	return 0;
}

static bool
net_known(int net)
{
	return net == 1 || net == 2 || net == 42 || net == 44;
}

/* Messages about the controller */

static void
on_change(int i)
{
	struct double_frame frame = { .flags = DOUBLE_ERR, .tag = 1 };

	if (i >= DEVICES)
		return;
	if (double_unplugged(i)) {
		pthread_mutex_lock(&lock);
		if (devices[i].node != NULL && !devices[i].gone)
			devices[i].disconnects++;
		devices[i].gone = devices[i].node != NULL;
		pthread_mutex_unlock(&lock);
		return;
	}
	frame.tag |= (uint64_t)(double_state(i) + 1) << TAG_STATE;
	pthread_mutex_lock(&lock);
	if (devices[i].node != NULL)
		double_give(devices[i].node, &frame);
	pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void
prepare(void)
{
	double_init(DEVICES);
	double_on_change(on_change);
}

/* Devices */

EXPORTED int
icsneoFindDevices(NeoDeviceEx *devs, int *count, unsigned *types,
    unsigned n_types, void **options, unsigned *reserved)
{
	int n = 0;

	(void)types;
	(void)n_types;
	(void)options;
	(void)reserved;
	if (double_enter("icsneoFindDevices", NULL) || *count < 0 ||
	    *count > 255)
		return 0;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < DEVICES && n < *count; i++) {
		if (double_unplugged(i))
			continue;
		devices[i].stale = devices[i].node != NULL;
		devs[n++].neoDevice = (NeoDevice){
			.DeviceType = devices[i].type, .Handle = i,
			.NumberOfClients = i == 0 ?
			    (int32_t)double_setting("clients", 0) : i == 2,
			.SerialNumber = devices[i].serial,
			.MaxAllowedClients = 1
		};
	}
	pthread_mutex_unlock(&lock);
	*count = n;
	return 1;
}

EXPORTED int
icsneoOpenDevice(NeoDeviceEx *dev, void **handle, uint8_t *nets,
    int config_read, int options, void *open_options, unsigned long reserved)
{
	int i = dev->neoDevice.Handle;
	struct device *device = &devices[i];
	long code;
	bool ok;

	if (nets != NULL || config_read != 0 || options != 0 ||
	    open_options != NULL || reserved != 0)
		abort();
	*handle = device;
	if (double_enter("icsneoOpenDevice", &code))
		return fail(device, (unsigned long)code);
	pthread_mutex_lock(&lock);
	ok = device->node == NULL && i != 2;
	device->gone = device->gone && !ok;
	if (ok)
		device->node = double_join(i, MESSAGES, true);
	ok = ok && device->node != NULL;
	device->last_error = ok ? 0 : 0x3006;
	if (ok) {
		device->caller = dev;
		device->stale = false;
		device->count = device->unwritten = 0;
		device->others++;
	} else {
		*handle = NULL;
	}
	pthread_mutex_unlock(&lock);
	return ok;
}

EXPORTED int
icsneoClosePort(void *handle, int *n_errors)
{
	struct device *device = handle;
	struct double_node *node;

	*n_errors = 0;
	if (double_enter("icsneoClosePort", NULL))
		return 0;
	pthread_mutex_lock(&lock);
	node = device->node;
	device->node = NULL;
	if (node != NULL)
		device->caller->neoDevice.NumberOfClients = 0;
	/* Each of its threads notices that. */
	device->disconnects += node != NULL && device->gone;
	pthread_mutex_unlock(&lock);
	if (node != NULL)
		double_leave(node);
	return node != NULL;
}

SINCE_LONG void
icsneoFreeObject(void *handle)
{
	struct device *device = handle;

	double_enter("icsneoFreeObject", NULL);
	if (device->node != NULL)
		abort();     /* it is still open */
}

SINCE_LONG int
icsneoValidateHObject(void *handle)
{
	return enter(handle, "icsneoValidateHObject") != NULL;
}

SINCE_LONG int
icsneoEnableNetworkCom(void *handle, int enable)
{
	struct device *device = enter(handle, "icsneoEnableNetworkCom");
	char command[32];

	if (device == NULL)
		return 0;
	snprintf(command, sizeof(command), "state %d active",
	    (int)(device - devices));
	if (enable)
		evcan_double_control(command);
	return 1;
}

/* Bit rates */

static bool
rate_known(long rate)
{
	static const int known[] = { 20, 33, 50, 62, 83, 100, 125, 250, 500,
		666, 800, 1000, 2000, 4000, 5000, 6667, 8000, 10000 };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (rate == known[i] * 1000)
			return true;
	}
	return false;
}

static int
set_rate(struct device *device, const char *note, long rate, int net)
{
	if (device == NULL)
		return 0;
	if (!net_known(net))
		return fail(device, 0x2009);
	if (!rate_known(rate))
		return fail(device, 0x2013);
	double_note(note, rate);
	double_note("net", net);
	return 1;
}

EXPORTED int
icsneoSetBitRate(void *handle, int rate, int net)
{
	return set_rate(enter(handle, "icsneoSetBitRate"), "rate", rate,
	    net);
}

SINCE_LONG int
icsneoSetBitRateEx(void *handle, unsigned long rate, int net, int options)
{
	if (options != 0)
		abort();     /* it would be kept for good */
	return set_rate(enter(handle, "icsneoSetBitRateEx"), "rate",
	    (long)rate, net);
}

SINCE_LONG int
icsneoSetFDBitRate(void *handle, int rate, int net)
{
	return set_rate(enter(handle, "icsneoSetFDBitRate"), "data_rate",
	    rate, net);
}

SINCE_LONG bool
icsneo_setFDBaudrate(const void *handle, uint16_t net, int64_t rate)
{
	struct device *device = enter((void *)(uintptr_t)handle,
	    "icsneo_setFDBaudrate");

	if (device == NULL)
		return false;
	if (!net_known(net))
		return fail(device, 0x2010);
	if (!rate_known((long)rate))
		return fail(device, 0x2013);
	device->data_rate = rate;
	return true;
}

SINCE_LONG bool
icsneo_settingsApplyTemporary(const void *handle)
{
	struct device *device = enter((void *)(uintptr_t)handle,
	    "icsneo_settingsApplyTemporary");

	if (device == NULL)
		return false;
	double_note("data_rate", (long)device->data_rate);
	return true;
}

/* Versions, errors and events */

SINCE_LONG int
icsneoGetDLLVersion(void)
{
	double_enter("icsneoGetDLLVersion", NULL);
	return (int)double_setting("neovi_version", 804);
}

SINCE_LONG int
icsneoGetLastAPIError(void *handle, unsigned long *number)
{
	struct device *device = handle;

	*number = device->last_error != 0 ? device->last_error : NO_ERROR;
	return 1;
}

static bool
take_event(unsigned *count, uint32_t number, neoevent_t *events, size_t *n,
    size_t max)
{
	if (*count == 0 || *n == max)
		return false;
	--*count;
	memset(&events[*n], 0xdb, sizeof(events[0]));
	events[(*n)++].eventNumber = number;
	return true;
}

SINCE_LONG bool
icsneo_getDeviceEvents(const void *handle, neoevent_t *events, size_t *size)
{
	struct device *device = enter((void *)(uintptr_t)handle,
	    "icsneo_getDeviceEvents");
	size_t max = *size;

	if (device == NULL)
		return false;
	if (max == 0)
		abort();     /* there would be no limit */
	pthread_mutex_lock(&lock);
	device->overflows += double_lost(device->node);
	*size = 0;
	while (take_event(&device->overflows, 0x2000, events, size, max) ||
	    take_event(&device->others, 0x2033, events, size, max) ||
	    take_event(&device->disconnects, 0x2022, events, size, max))
		continue;
	pthread_mutex_unlock(&lock);
	return true;
}

SINCE_LONG int
icsneoGetErrorMessages(void *handle, int *numbers, int *n)
{
	if (enter(handle, "icsneoGetErrorMessages") == NULL)
		return 0;
	*n = (int)double_setting("errors", 0);
	for (int i = 0; i < *n; i++)
		numbers[i] = i == 0 ? (int)double_setting("error", 77) : 78;
	evcan_double_control("set errors 0");
	return 1;
}

SINCE_LONG int
icsneoGetErrorInfo(int number, char *brief, char *text, int *brief_size,
    int *text_size, int *severity, int *restart)
{
	char words[80];
	int len = snprintf(words, sizeof(words), "the double's error %d",
	    number);

	if (number >= 1000 || *brief_size <= len || *text_size <= len)
		return 0;
	memcpy(brief, words, (size_t)len + 1);
	memcpy(text, words, (size_t)len + 1);
	*brief_size = *text_size = len;
	*severity = 0x10;
	*restart = number == 78;
	return 1;
}

/* Receiving */

static void
fill_time(const struct device *device, uint64_t monotonic_ns,
    icsSpyMessage *message)
{
	bool set = device == &devices[0];
	uint64_t ns = set ? monotonic_ns + now_ns(CLOCK_REALTIME) -
	    now_ns(CLOCK_MONOTONIC) - (uint64_t)EPOCH * 1000000000 :
	    monotonic_ns + (uint64_t)1000 * 1000000000;
	bool slow = double_setting("slow_ticks", 0);
	uint64_t ticks = ns / (slow ? 10000 : set ? 25 : 10);

	message->TimeStampHardwareID = slow ? 8 : set ? 9 : 10;
	message->TimeHardware = (uint32_t)ticks;
	message->TimeHardware2 = (uint32_t)(ticks >> 32);
}

SINCE_LONG int
icsneoGetTimeStampForMsg(void *handle, icsSpyMessage *message,
    double *seconds)
{
	static const double units[] = { 1e-5, 25e-9, 10e-9 };

	if (enter(handle, "icsneoGetTimeStampForMsg") == NULL)
		return 0;
	*seconds = (double)((uint64_t)message->TimeHardware2 << 32 |
	    message->TimeHardware) * units[message->TimeStampHardwareID - 8];
	return 1;
}

static void
fill_error(const struct double_frame *frame, icsSpyMessage *message)
{
	/* none told, active again, warning, passive, off */
	static const uint32_t status[] = { 0, 0x400, 0, 0x20, 0x200 };
	static const uint32_t status3[] = { 0x100, 0, 4, 1, 2 };
	unsigned state = (unsigned)(frame->tag >> TAG_STATE) & 7;

	message->StatusBitField = 0x80000001 | status[state];
	message->StatusBitField2 = 0x20000;
	message->StatusBitField3 = status3[state];
	message->NetworkID = 1;
}

static void
fill_frame(const struct double_frame *frame, icsSpyMessage *message,
    uint8_t *extra)
{
	bool fd = frame->flags & DOUBLE_FD;

	message->StatusBitField = (frame->flags & DOUBLE_EXT ? 4 : 0) |
	    (frame->flags & DOUBLE_RTR ? 8 : 0) |
	    (frame->flags & DOUBLE_ECHO ? 2 : 0) |
	    (frame->tag & TAG_FAILED ? 1 : 0) | (fd ? 0xA0000000 : 0);
	message->StatusBitField3 = !fd ? 0 : 8 |
	    (frame->flags & DOUBLE_BRS ? 0x10 : 0) |
	    (frame->flags & DOUBLE_ESI ? 1 : 0) |
	    (frame->flags & DOUBLE_EXT ? 2 : 0);
	message->Protocol = fd ? 30 : 1;
	message->ArbIDOrHeader = frame->id;
	message->NumberBytesData = (uint8_t)frame->len;
	message->NetworkID = (uint8_t)frame->tag;
	message->NetworkID2 = (uint8_t)(frame->tag >> 8);
	message->DescriptionID = (int16_t)(frame->tag >> TAG_DESCRIPTION);
	memcpy(message->Data, frame->data, 8);
	if (frame->len > 8) {
		memcpy(extra, frame->data, 64);
		message->ExtraDataPtrEnabled = 1;
	}
}

static void
fill(const struct device *device, const struct double_frame *frame,
    icsSpyMessage *message, uint8_t *extra)
{
	memset(message, 0, sizeof(*message));
	message->NumberBytesHeader = 4;
	message->Protocol = 1;
	/* Also where there is nothing. */
	message->ExtraDataPtr = extra;
	fill_time(device, frame->time_ns, message);
	if (frame->flags & DOUBLE_ERR)
		fill_error(frame, message);
	else
		fill_frame(frame, message, extra);
#ifdef OLD
	if (double_lost(device->node) > 0)
		message->StatusBitField |= 0x10000;
#endif
	if (double_setting("overflow", 0)) {
		message->StatusBitField |= 0x10000;
		evcan_double_control("set overflow 0");
	}
}

static bool
is_gone(const struct device *device)
{
	bool gone;

	pthread_mutex_lock(&lock);
	gone = device->gone;
	pthread_mutex_unlock(&lock);
	return gone;
}

static bool
report_due(const struct device *device)
{
	const struct double_frame *next = &device->reports[device->first];

	return device->count > 0 && !is_gone(device) && next->time_ns +
	    (uint64_t)double_setting("report_ms", 2) * 1000000 <=
	    now_ns(CLOCK_MONOTONIC);
}

static bool
take(struct device *device, struct double_frame *frame)
{
	if (double_take(device->node, frame, 0) == 1)
		return true;
	if (!report_due(device))
		return false;
	*frame = device->reports[device->first];
	device->first = (device->first + 1) % PENDING;
	device->count--;
	return true;
}

EXPORTED int
icsneoGetMessages(void *handle, icsSpyMessage *messages, int *n,
    int *n_errors)
{
	struct device *device = enter(handle, "icsneoGetMessages");
	struct double_frame frame = { .tag = 513, .len = 8 };
	static int used;

	if (device == NULL)
		return 0;
	if (atomic_fetch_add(&readers, 1) != 0)
		abort();     /* two threads, one buffer */
	memset(extras, 0xdb, sizeof(extras[0]) * (size_t)used);
	/* What is not of CAN comes too, and of networks nobody asked for. */
	fill(device, &frame, &messages[0], extras[0]);
	*n = 1;
	while (*n < MESSAGES && take(device, &frame)) {
		fill(device, &frame, &messages[*n], extras[*n]);
		++*n;
	}
	used = *n;
	*n_errors = (int)double_setting("errors", 0);
	atomic_fetch_sub(&readers, 1);
	return 1;
}

EXPORTED int
icsneoWaitForRxMessagesWithTimeOut(void *handle, unsigned ms)
{
	struct device *device = enter(handle,
	    "icsneoWaitForRxMessagesWithTimeOut");
	uint64_t end = now_ns(CLOCK_MONOTONIC) + (uint64_t)ms * 1000000;
	bool deaf = double_setting("deaf", 0);
	struct pollfd pfd = { .events = POLLIN };

	if (device == NULL)
		return 0;
	deaf = deaf || is_gone(device);
	if (double_setting("empty_wake", 0))
		return 1;
	pfd.fd = deaf ? -1 : double_fd(device->node);
	while (now_ns(CLOCK_MONOTONIC) < end) {
		if (poll(&pfd, 1, 1) > 0)
			return double_count(device->node) > 0;
		if (!deaf && report_due(device))
			return 1;
	}
	return 0;
}

/* Sending */

static int
put(struct device *device, const icsSpyMessage *message, int net)
{
	struct double_frame frame = { .id = message->ArbIDOrHeader,
		.len = message->NumberBytesData, .tag = (uint64_t)net };
	bool fd = message->Protocol == 30, extra = message->ExtraDataPtr !=
	    NULL && message->ExtraDataPtrEnabled == 1;
	uint32_t status = message->StatusBitField;

	if (!net_known(net))
		return fail(device, 0x1011);
	if (frame.len > (fd ? 64u : 8u) || (frame.len > 8 && !extra))
		return fail(device, 0x1012);
	if (device->count >= (size_t)double_setting("room", PENDING))
		return fail(device, 0x3005);
	frame.flags = (status & 4 ? DOUBLE_EXT : 0) |
	    (status & 8 ? DOUBLE_RTR : 0) | (fd ? DOUBLE_FD : 0) |
	    (fd && message->StatusBitField3 & 0x10 ? DOUBLE_BRS : 0);
	if (!(status & 8))
		memcpy(frame.data, extra ? message->ExtraDataPtr :
		    message->Data, frame.len);
	if (double_setting("fail_tx", 0) ||
	    !double_put(device->node, &frame, false))
		frame.tag |= TAG_FAILED;
	if (!double_setting("foreign_tx", 0))
		frame.tag |= (uint64_t)(uint16_t)message->DescriptionID <<
		    TAG_DESCRIPTION;
	frame.flags |= DOUBLE_ECHO;
	frame.time_ns = now_ns(CLOCK_MONOTONIC);
	device->reports[(device->first + device->count++) % PENDING] = frame;
	return 1;
}

EXPORTED int
icsneoTxMessages(void *handle, icsSpyMessage *messages, int net, int n)
{
	struct device *device = enter(handle, "icsneoTxMessages");
	int done = 0;

	/* Nobody writes any more what its queue takes. */
	if (device != NULL && is_gone(device))
		return device->unwritten++ < UNWRITTEN;
	while (device != NULL && done < n &&
	    put(device, &messages[done], net))
		done++;
	return done == n;
}
