/* SPDX-License-Identifier: BSD-3-Clause */
/* systec_double.c - a USBCAN library without modules, as the vendor's behaves
 *
 * Three modules: device 0 with two channels (0 and 1 of the simulated bus),
 * device 1 with one (2), and device 2, which another program has. A module is
 * unplugged with any channel of it. Call-backs come from a thread of the
 * module's; calling the library from one aborts.
 *
 * Switches of "set": "systec_tx N" (messages that are taken before the queues
 * are full; -1: no end), "systec_bad ID" (is refused), "systec_version",
 * "systec_time N" (added to the time in ms), "systec_short 1" (it counts in 24
 * bits), "systec_status BITS", "systec_tec N", "systec_rec N",
 * "systec_spurious 1" (events of nothing). */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "double_bus.h"

/* A return value is a byte: what is above it is anything. */
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__)
typedef unsigned long ret;
#define RET(code) (0x5a5a5a00ul | (uint8_t)(code))
#else
typedef uint8_t ret;
#define RET(code) ((uint8_t)(code))
#endif

#define API __attribute__((visibility("default")))
#define PACKED __attribute__((packed))
#define MODULES 3
#define ANY_DEVICE 255
#define ANY_CHANNEL 255

enum { HWINUSE = 0x03, ILLHW = 0x05, ILLHANDLE = 0x06, ILLPARAM = 0x07,
	TXFULL = 0x0b, DISCONNECT = 0x0e, ILLCHANNEL = 0x10, ILLBDR = 0x47,
	NOTINIT = 0x48, ALREADYINIT = 0x49, NODATA = 0x80,
	RXOVERRUN = 0x82, NULL_PTR = 0x90, TXLIMIT = 0x91 };

enum { EV_INITHW, EV_INITCAN, EV_RECEIVE, EV_STATUS, EV_DEINITCAN,
	EV_DEINITHW, EV_FATAL = 8 };

enum { ECHO = 0x20, RTR = 0x40, EXT = 0x80 };

struct can_msg {
	uint32_t id;
	uint8_t format, dlc, data[8];
	uint32_t time;
} PACKED;

struct init_can {
	uint32_t size;
	uint8_t mode, btr0, btr1, ocr;
	uint32_t amr, acr, baud;
	uint16_t rx, tx;
} PACKED;

struct hardware_info {
	uint32_t size;
	uint8_t handle, device;
	uint32_t serial, firmware, product, unique[4], flags;
} PACKED;

typedef void (*event_cb)(uint8_t, uint32_t, uint8_t, void *);
typedef void (*connect_cb)(uint32_t, uint32_t, void *);
typedef void (*enum_cb)(uint32_t, int32_t, struct hardware_info *, void *,
    void *);

struct chan {
	struct double_node *node;     /* NULL: not initialized */
	uint8_t mode;
	uint32_t amr, acr;
};

struct module {
	const uint8_t device;
	const uint32_t serial, product;
	const int first, n;           /* channels of the simulated bus */
	const bool foreign;
	bool open;
	bool dead;                    /* was unplugged since */
	event_cb cb;
	void *arg;
	struct chan chans[2];
	pthread_t thread;
	int poll_fd, news_fd;
	/* For the thread, under the lock */
	bool quit, unplugged;
	uint8_t events[2];            /* bits of EV_* */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct module modules[MODULES] = {
	{ .device = 0, .serial = 1000123, .product = 0x9105, .first = 0,
	  .n = 2 },
	{ .device = 1, .serial = 1000124, .product = 0x9104, .first = 2,
	  .n = 1 },
	{ .device = 2, .serial = 1000125, .product = 0x9121, .first = 3,
	  .foreign = true }
};
static connect_cb on_connect;
static void *on_connect_arg;
static _Thread_local bool in_call_back;

/* Call-backs */

static void
call_back(struct module *module, uint32_t event, uint8_t channel)
{
	in_call_back = true;
	if (module->cb != NULL)
		module->cb((uint8_t)(module - modules), event, channel,
		    module->arg);
	in_call_back = false;
}

static void
signal_news(struct module *module)
{
	const uint64_t one = 1;

	if (write(module->news_fd, &one, sizeof(one)) != sizeof(one))
		abort();
}

static void
tell(struct module *module, int channel, int event)
{
	pthread_mutex_lock(&lock);
	module->events[channel] |= (uint8_t)(1u << event);
	pthread_mutex_unlock(&lock);
	signal_news(module);
}

/* @return false: the module is closed */
static bool
tell_news(struct module *module)
{
	uint8_t events[2];
	uint64_t count;
	connect_cb connected;
	bool quit, unplugged;

	if (read(module->news_fd, &count, sizeof(count)) != sizeof(count))
		abort();
	pthread_mutex_lock(&lock);
	memcpy(events, module->events, sizeof(events));
	memset(module->events, 0, sizeof(module->events));
	unplugged = module->unplugged;
	module->unplugged = false;
	quit = module->quit;
	connected = on_connect;
	pthread_mutex_unlock(&lock);
	for (unsigned i = 0; i < 16 && !quit; i++) {
		if (events[i / 8] & 1u << i % 8)
			call_back(module, i % 8, (uint8_t)(i / 8));
	}
	in_call_back = true;
	if (unplugged && connected != NULL && !quit)
		connected(EV_FATAL, (uint32_t)(module - modules),
		    on_connect_arg);
	in_call_back = false;
	return !quit;
}

static void *
run(void *arg)
{
	struct module *module = arg;
	struct epoll_event event;
	bool goes_on = true;

	while (goes_on) {
		if (epoll_wait(module->poll_fd, &event, 1, -1) < 1)
			continue;
		if (event.data.u32 == 2) {
			goes_on = tell_news(module);
			continue;
		}
		for (long n = double_setting("systec_spurious", 0); n >= 0;
		    n--)
			call_back(module, EV_RECEIVE,
			    (uint8_t)event.data.u32);
	}
	return NULL;
}

/* What: a channel's number, or 2 for news. */
static void
watch(struct module *module, int fd, uint32_t events, uint32_t what)
{
	struct epoll_event event = { .events = events, .data.u32 = what };

	if (epoll_ctl(module->poll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		abort();
}

static bool
is_unplugged(const struct module *module)
{
	for (int i = 0; i < module->n; i++) {
		if (double_unplugged(module->first + i))
			return true;
	}
	return false;
}

static void
on_change(int channel)
{
	for (int i = 0; i < MODULES; i++) {
		struct module *module = &modules[i];
		int at = channel - module->first;
		bool unplugged = is_unplugged(module);

		if (at < 0 || at >= module->n)
			continue;
		pthread_mutex_lock(&lock);
		module->unplugged = unplugged;
		module->dead = module->dead || unplugged;
		module->events[at] |= 1u << EV_STATUS;
		if (module->open)
			signal_news(module);
		pthread_mutex_unlock(&lock);
	}
}

/* Finding and opening */

static void
begin(void)
{
	if (in_call_back)
		abort();
	double_init(3);
	double_on_change(on_change);
}

/* @return the module, or NULL with the code to return */
static struct module *
enter(const char *name, uint8_t handle, long *code)
{
	struct module *module = handle < MODULES ? &modules[handle] : NULL;
	bool open, dead;

	begin();
	if (double_enter(name, code))
		return NULL;
	pthread_mutex_lock(&lock);
	open = module != NULL && module->open;
	dead = open && module->dead;
	pthread_mutex_unlock(&lock);
	*code = !open ? ILLHANDLE : DISCONNECT;
	return open && !dead ? module : NULL;
}

/* @return the channel if it was initialized, or NULL with the code */
static struct chan *
enter_channel(const char *name, uint8_t handle, uint8_t channel, long *code)
{
	struct module *module = enter(name, handle, code);

	if (module == NULL)
		return NULL;
	*code = channel >= module->n ? ILLCHANNEL : NOTINIT;
	return channel < module->n && module->chans[channel].node != NULL ?
	    &module->chans[channel] : NULL;
}

static void
fill_info(const struct module *module, struct hardware_info *info)
{
	uint32_t size = info->size;

	info->handle = (uint8_t)(module - modules);
	info->device = module->device;
	info->serial = module->serial;
	info->firmware = 0x00000105;
	info->product = module->product;
	if (size >= 0x22)
		memset(info->unique, 7, sizeof(info->unique));
	if (size >= 0x26)
		info->flags = 0;
}

API uint32_t
UcanGetVersionEx(uint32_t type)
{
	begin();
	return type == 1 ? (uint32_t)double_setting("systec_version",
	    0x00010206) : 0;
}

API uint32_t
UcanEnumerateHardware(enum_cb cb, void *arg, int32_t used, uint8_t device_low,
    uint8_t device_high, uint32_t serial_low, uint32_t serial_high,
    uint32_t product_low, uint32_t product_high)
{
	char init[12 + 3 * sizeof(void *)];
	struct hardware_info info;
	uint32_t n = 0;
	long code;

	begin();
	if (double_enter("UcanEnumerateHardware", &code))
		return 0;
	for (int i = 0; i < MODULES; i++) {
		const struct module *module = &modules[i];

		if ((module->foreign && !used) || is_unplugged(module) ||
		    module->device < device_low ||
		    module->device > device_high ||
		    module->serial < serial_low ||
		    module->serial > serial_high ||
		    module->product < product_low ||
		    module->product > product_high)
			continue;
		memset(init, 0, sizeof(init));
		info.size = sizeof(info);
		fill_info(module, &info);
		in_call_back = true;
		cb(n++, module->foreign, &info, init, arg);
		in_call_back = false;
	}
	return n;
}

API ret
UcanInitHwConnectControlEx(connect_cb cb, void *arg)
{
	long code;

	begin();
	if (double_enter("UcanInitHwConnectControlEx", &code))
		return RET(code);
	pthread_mutex_lock(&lock);
	code = on_connect != NULL ? HWINUSE : 0;
	on_connect = cb;
	on_connect_arg = arg;
	pthread_mutex_unlock(&lock);
	return RET(code);
}

API ret
UcanDeinitHwConnectControl(void)
{
	begin();
	pthread_mutex_lock(&lock);
	on_connect = NULL;
	pthread_mutex_unlock(&lock);
	return RET(0);
}

/* @return the module, or NULL with the code */
static struct module *
choose(uint8_t device, long *code)
{
	*code = ILLHW;
	for (int i = 0; i < MODULES; i++) {
		struct module *module = &modules[i];
		bool taken = module->foreign || module->open;

		if (is_unplugged(module) || (device != ANY_DEVICE &&
		    device != module->device))
			continue;
		*code = HWINUSE;
		if (!taken)
			return module;
	}
	return NULL;
}

API ret
UcanInitHardwareEx(uint8_t *handle, uint8_t device, event_cb cb, void *arg)
{
	struct module *module;
	long code;

	begin();
	if (double_enter("UcanInitHardwareEx", &code))
		return RET(code);
	double_note("device", device);
	module = choose(device, &code);
	if (module == NULL)
		return RET(code);
	*handle = (uint8_t)(module - modules);
	module->cb = cb;
	module->arg = arg;
	module->quit = module->unplugged = false;
	memset(module->events, 0, sizeof(module->events));
	module->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	module->news_fd = eventfd(0, EFD_CLOEXEC);
	watch(module, module->news_fd, EPOLLIN, 2);
	if (pthread_create(&module->thread, NULL, run, module) != 0)
		abort();
	pthread_mutex_lock(&lock);
	module->open = true;
	module->dead = false;
	pthread_mutex_unlock(&lock);
	call_back(module, EV_INITHW, 0);
	return RET(0);
}

API ret
UcanGetHardwareInfoEx2(uint8_t handle, struct hardware_info *info,
    void *channel0, void *channel1)
{
	long code;
	struct module *module = enter("UcanGetHardwareInfoEx2", handle,
	    &code);

	(void)channel0;
	(void)channel1;
	if (module == NULL)
		return RET(code);
	if (info->size != 0x12 && info->size != 0x22 && info->size != 0x26)
		return RET(ILLPARAM);
	fill_info(module, info);
	return RET(0);
}

static bool
is_known_timing(unsigned btr)
{
	static const unsigned known[] = { 0x0014, 0x0016, 0x001c, 0x011c,
		0x031c, 0x432f, 0x472f, 0x532f, 0x672f, 0x0125 };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i] == btr)
			return true;
	}
	return false;
}

API ret
UcanInitCanEx2(uint8_t handle, uint8_t channel, struct init_can *init)
{
	long code;
	struct module *module = enter("UcanInitCanEx2", handle, &code);
	uint32_t baud = init->size < 20 ? 0 : init->baud;
	unsigned rx = init->size < 24 || init->rx == 0 ? 4096 : init->rx;
	struct chan *chan;

	if (module == NULL)
		return RET(code);
	if (channel >= module->n)
		return RET(ILLCHANNEL);
	chan = &module->chans[channel];
	if (chan->node != NULL)
		return RET(ALREADYINIT);
	if (init->size != 16 && init->size != 20 && init->size != 24)
		return RET(ILLPARAM);
	if (baud == 0 && !is_known_timing((unsigned)init->btr0 << 8 |
	    init->btr1))
		return RET(ILLBDR);
	double_note("mode", init->mode);
	double_note("btr", init->btr0 << 8 | init->btr1);
	double_note("ocr", init->ocr);
	double_note("baud", (long)baud);
	double_note("amr", (long)init->amr);
	double_note("acr", (long)init->acr);
	double_note("rx", (long)rx);
	double_note("tx", init->size < 24 ? 4096 : init->tx);
	*chan = (struct chan){ double_join(module->first + channel, rx,
	    true), init->mode, init->amr, init->acr };
	if (chan->node == NULL)
		return RET(DISCONNECT);
	double_fd_quiet(chan->node);
	watch(module, double_fd(chan->node), EPOLLIN | EPOLLET, channel);
	tell(module, channel, EV_INITCAN);
	return RET(0);
}

API ret
UcanDeinitCanEx(uint8_t handle, uint8_t channel)
{
	long code;
	struct chan *chan = enter_channel("UcanDeinitCanEx", handle, channel,
	    &code);

	if (chan == NULL)
		return RET(code);
	double_leave(chan->node);
	chan->node = NULL;
	call_back(&modules[handle], EV_DEINITCAN, channel);
	return RET(0);
}

/* Also of a module that was unplugged. */
API ret
UcanDeinitHardware(uint8_t handle)
{
	struct module *module = handle < MODULES ? &modules[handle] : NULL;
	long code;

	begin();
	if (double_enter("UcanDeinitHardware", &code))
		return RET(code);
	if (module == NULL || !module->open)
		return RET(ILLHANDLE);
	pthread_mutex_lock(&lock);
	module->quit = true;
	pthread_mutex_unlock(&lock);
	signal_news(module);
	pthread_join(module->thread, NULL);
	call_back(module, EV_DEINITHW, 0);
	for (int i = 0; i < module->n; i++) {
		if (module->chans[i].node != NULL)
			double_leave(module->chans[i].node);
		module->chans[i].node = NULL;
	}
	pthread_mutex_lock(&lock);
	module->open = false;
	close(module->poll_fd);
	close(module->news_fd);
	pthread_mutex_unlock(&lock);
	return RET(0);
}

/* Messages */

static uint32_t
time_of(const struct chan *chan, uint64_t ns)
{
	uint64_t ms = ns / 1000000 +
	    (uint64_t)double_setting("systec_time", 0);
	uint32_t time = (uint32_t)(chan->mode & 8 ? ms * 10 +
	    ns / 100000 % 10 : ms);

	return double_setting("systec_short", 0) ? time & 0xffffff : time;
}

static bool
passes(const struct chan *chan, const struct double_frame *frame)
{
	unsigned shift = frame->flags & DOUBLE_EXT ? 3 : 21;
	uint32_t bits = frame->id << shift;

	if (frame->flags & DOUBLE_RTR)
		bits |= 1u << (shift - 1);
	return (~(bits ^ chan->acr) | chan->amr) == 0xffffffff;
}

static void
fill_msg(const struct chan *chan, const struct double_frame *frame,
    struct can_msg *msg)
{
	memset(msg, 0, sizeof(*msg));
	msg->id = frame->id;
	msg->format = (uint8_t)((frame->flags & DOUBLE_EXT ? EXT : 0) |
	    (frame->flags & DOUBLE_RTR ? RTR : 0) |
	    (frame->flags & DOUBLE_ECHO ? ECHO : 0));
	msg->dlc = (uint8_t)frame->len;
	memcpy(msg->data, frame->data, 8);
	msg->time = time_of(chan, frame->time_ns);
}

API ret
UcanReadCanMsgEx(uint8_t handle, uint8_t *channel, struct can_msg *msgs,
    uint32_t *count)
{
	uint8_t first = *channel == ANY_CHANNEL ? 0 : *channel;
	uint32_t max = count != NULL ? *count : 1, n = 0;
	struct double_frame frame;
	struct chan *chan;
	bool lost;
	long code;

	if (count != NULL)
		*count = 0;
	chan = enter_channel("UcanReadCanMsgEx", handle, first, &code);
	if (*channel == ANY_CHANNEL && chan != NULL &&
	    double_count(chan->node) == 0 && modules[handle].n > 1 &&
	    modules[handle].chans[1].node != NULL)
		chan = &modules[handle].chans[1];
	if (chan == NULL)
		return RET(code);
	lost = double_lost(chan->node) > 0;
	while (n < max && double_take(chan->node, &frame, 0) == 1) {
		if (!(frame.flags & DOUBLE_ERR) && passes(chan, &frame))
			fill_msg(chan, &frame, &msgs[n++]);
	}
	if (n == 0)
		return RET(NODATA);
	*channel = (uint8_t)(chan - modules[handle].chans);
	if (count != NULL)
		*count = n;
	return RET(lost ? RXOVERRUN : 0);
}

static bool
put(struct chan *chan, const struct can_msg *msg)
{
	struct double_frame frame = { .id = msg->id, .len = msg->dlc };

	if (!double_spend("systec_tx"))
		return false;
	frame.flags = (msg->format & EXT ? DOUBLE_EXT : 0) |
	    (msg->format & RTR ? DOUBLE_RTR : 0);
	memcpy(frame.data, msg->data, 8);
	/* One that listens only keeps it off the bus. */
	if (!(chan->mode & 1))
		double_put(chan->node, &frame, chan->mode & 2);
	return true;
}

API ret
UcanWriteCanMsgEx(uint8_t handle, uint8_t channel, struct can_msg *msgs,
    uint32_t *count)
{
	uint32_t n = count != NULL ? *count : 1, i;
	struct chan *chan;
	long code;

	chan = enter_channel("UcanWriteCanMsgEx", handle, channel, &code);
	if (chan == NULL)
		return RET(code);
	if (msgs == NULL || n == 0)
		return RET(NULL_PTR);
	for (i = 0; i < n; i++) {
		if (msgs[i].dlc > 8 || (msgs[i].format & ~(EXT | RTR)) ||
		    msgs[i].id == (uint32_t)double_setting("systec_bad", -1))
			return RET(ILLPARAM);
	}
	for (i = 0; i < n && put(chan, &msgs[i]); i++)
		;
	if (count != NULL)
		*count = i;
	return RET(i == n ? 0 : n == 1 ? TXFULL : TXLIMIT);
}

API ret
UcanGetMsgPending(uint8_t handle, uint8_t channel, uint32_t flags,
    uint32_t *count)
{
	long code;
	struct chan *chan = enter_channel("UcanGetMsgPending", handle,
	    channel, &code);

	if (chan == NULL)
		return RET(code);
	*count = flags & 1 ? (uint32_t)double_count(chan->node) : 0;
	return RET(0);
}

/* Control */

API ret
UcanGetStatusEx(uint8_t handle, uint8_t channel, uint16_t status[2])
{
	static const uint16_t bits[] = { 0, 0x04, 0x0c, 0x1c };
	long code;
	struct chan *chan = enter_channel("UcanGetStatusEx", handle, channel,
	    &code);

	if (chan == NULL)
		return RET(code);
	status[0] = bits[double_state(double_channel(chan->node))] |
	    (uint16_t)double_setting("systec_status", 0);
	status[1] = 0;
	return RET(0);
}

API ret
UcanGetCanErrorCounter(uint8_t handle, uint8_t channel, uint32_t *tx,
    uint32_t *rx)
{
	long code;

	if (enter_channel("UcanGetCanErrorCounter", handle, channel, &code) ==
	    NULL)
		return RET(code);
	*tx = (uint32_t)double_setting("systec_tec", 0);
	*rx = (uint32_t)double_setting("systec_rec", 0);
	return RET(0);
}

API ret
UcanSetAcceptanceEx(uint8_t handle, uint8_t channel, uint32_t amr,
    uint32_t acr)
{
	long code;
	struct chan *chan = enter_channel("UcanSetAcceptanceEx", handle,
	    channel, &code);

	if (chan == NULL)
		return RET(code);
	chan->amr = amr;
	chan->acr = acr;
	double_note("amr", (long)amr);
	double_note("acr", (long)acr);
	return RET(0);
}

/* A bit that is set leaves something alone. */
API ret
UcanResetCanEx(uint8_t handle, uint8_t channel, uint32_t flags)
{
	char text[24] = "state 0 active";
	long code;
	struct chan *chan = enter_channel("UcanResetCanEx", handle, channel,
	    &code);

	if (chan == NULL)
		return RET(code);
	double_note("reset", (long)flags);
	if (!(flags & 0x200))
		double_flush(chan->node);
	if (!(flags & 0x03)) {
		text[6] = (char)('0' + double_channel(chan->node));
		evcan_double_control(text);
	}
	return RET(0);
}

API ret
UcanSetTxTimeout(uint8_t handle, uint8_t channel, uint32_t ms)
{
	long code;

	if (enter_channel("UcanSetTxTimeout", handle, channel, &code) == NULL)
		return RET(code);
	double_note("timeout", (long)ms);
	return RET(0);
}
