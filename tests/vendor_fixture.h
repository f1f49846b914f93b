/* SPDX-License-Identifier: BSD-3-Clause */
/* vendor_fixture.h - a driver of the vendor service with a device made of
 * counters, and a bus of it; behind cmocka.h */
#ifndef VENDOR_FIXTURE_H
#define VENDOR_FIXTURE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>
#include <evcan/evcan.h>

#include "bus_internal.h"
#include "leaks.h"
#include "vendor.h"

#define MS ((int64_t)1000000)

/* What the device does, and what became of it. All under the lock. */
struct device {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const char *hang;        /* the call that hangs until it is NULL */
	bool hangs;              /* it does */
	int fail_open;
	uint32_t give, given;    /* frames to be read, numbered from 0 */
	uint32_t stop_at;        /* then `script` runs, before the next one */
	void (*script)(struct evcan_adapter_ *adapter, struct device *device);
	size_t room;             /* frames that it takes now */
	uint32_t sent;           /* numbered too: sent in order so far */
	bool disordered;
	uint32_t refuse;         /* this number is refused; 0: none */
	long why;                /* and the device says so: its code */
	bool interrupted, unplugged;
	unsigned opens, closes, interrupts, looks, discards;
	int last_what, answer;
	unsigned commands;
	char last_data[64];
};

/* A new one for each test, for good: a thread may be left behind in it. */
static struct device devices[64], *device = devices;

static inline struct evcan_frame
numbered(uint32_t number)
{
	struct evcan_frame frame;

	evcan_frame_init(&frame, 0x100, 0, &number, sizeof(number));
	return frame;
}

static inline uint32_t
number_of(const struct evcan_frame *frame)
{
	uint32_t number;

	memcpy(&number, frame->data, sizeof(number));
	return number;
}

static inline struct timespec
in_ms(int ms)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	at.tv_sec += ms / 1000 + at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	return at;
}

/* Under the lock. */
static inline void
may_hang(struct device *d, const char *call)
{
	while (d->hang != NULL && strcmp(d->hang, call) == 0) {
		d->hangs = true;
		pthread_cond_broadcast(&d->changed);
		pthread_cond_wait(&d->changed, &d->lock);
	}
	d->hangs = false;
}

struct port {
	struct device *device;
};

static int
fake_open(struct evcan_adapter_ *adapter, void *arg, struct evcan_error *err)
{
	struct device *d = ((struct port *)arg)->device;
	int r;

	pthread_mutex_lock(&d->lock);
	may_hang(d, "open");
	d->opens++;
	r = d->fail_open;
	pthread_mutex_unlock(&d->lock);
	if (r < 0) {
		evcan_error_set(err, r, 0, "no such device");
		err->vendor = 77;
		return r;
	}
	evcan_adapter_info_(adapter, "a device of counters");
	return 0;
}

static int
fake_read(struct evcan_adapter_ *adapter, void *arg,
    struct evcan_frame *frames, int max, int timeout_ms)
{
	struct device *d = ((struct port *)arg)->device;
	struct timespec end = in_ms(timeout_ms);
	void (*script)(struct evcan_adapter_ *, struct device *) = NULL;
	int n = 0, r = 0;

	pthread_mutex_lock(&d->lock);
	may_hang(d, "read");
	while (timeout_ms > 0 && d->given == d->give && !d->interrupted &&
	    !d->unplugged && d->script == NULL && r == 0)
		r = pthread_cond_timedwait(&d->changed, &d->lock, &end);
	d->interrupted = false;
	if (d->script != NULL && d->given == d->stop_at) {
		script = d->script;
		d->script = NULL;
	}
	while (script == NULL && n < max && d->given < d->give &&
	    (d->script == NULL || d->given < d->stop_at))
		frames[n++] = numbered(d->given++);
	r = d->unplugged && n == 0 ? -1 : n;
	pthread_mutex_unlock(&d->lock);
	if (script != NULL)
		script(adapter, d);
	return r;
}

static int
fake_send(struct evcan_adapter_ *adapter, void *arg,
    const struct evcan_frame *frames, int n)
{
	struct device *d = ((struct port *)arg)->device;
	int i = 0;

	pthread_mutex_lock(&d->lock);
	may_hang(d, "send");
	for (i = 0; i < n && d->room > 0; i++) {
		uint32_t number = number_of(&frames[i]);

		if (number != 0 && number == d->refuse)
			break;
		d->disordered = d->disordered || number != d->sent;
		d->sent = number + 1;
		d->room--;
	}
	if (i == 0 && d->room > 0) {
		d->sent = d->refuse + 1;
		i = EVCAN_ERR_OPERATION;
	}
	pthread_mutex_unlock(&d->lock);
	if (i < 0 && d->why != 0)
		evcan_adapter_error_(adapter, i, d->why, "not this one");
	return i;
}

static void
fake_close(struct evcan_adapter_ *adapter, void *arg)
{
	struct device *d = ((struct port *)arg)->device;

	(void)adapter;
	pthread_mutex_lock(&d->lock);
	may_hang(d, "close");
	d->closes++;
	pthread_mutex_unlock(&d->lock);
}

static int
fake_command(struct evcan_adapter_ *adapter, void *arg, int what,
    const void *data)
{
	struct device *d = ((struct port *)arg)->device;
	int answer;

	pthread_mutex_lock(&d->lock);
	may_hang(d, "command");
	d->commands++;
	d->last_what = what;
	memcpy(d->last_data, data, sizeof(d->last_data));
	answer = d->answer;
	pthread_mutex_unlock(&d->lock);
	if (what == 3)
		evcan_adapter_filtering_(adapter, EVCAN_FILTERS_EXACT);
	return answer;
}

static void
fake_discard(int what, const void *data)
{
	(void)what;
	(void)data;
	pthread_mutex_lock(&device->lock);
	device->discards++;
	pthread_mutex_unlock(&device->lock);
}

static void
fake_look(struct evcan_adapter_ *adapter, void *arg)
{
	struct device *d = ((struct port *)arg)->device;

	(void)adapter;
	pthread_mutex_lock(&d->lock);
	d->looks++;
	pthread_mutex_unlock(&d->lock);
}

static void
fake_interrupt(void *arg)
{
	struct device *d = ((struct port *)arg)->device;

	pthread_mutex_lock(&d->lock);
	d->interrupts++;
	d->interrupted = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

static struct evcan_vendor_ops_ fake_ops = {
	.port_size = sizeof(struct port),
	.open = fake_open,
	.read = fake_read,
	.send = fake_send,
	.close = fake_close,
	.command = fake_command,
	.discard = fake_discard,
	.look = fake_look,
	.interrupt = fake_interrupt
};

static int
fake_bus_open(struct evcan_bus *bus, struct evcan_error *err)
{
	struct port port = { .device = device };

	return evcan_vendor_start_(bus, &fake_ops, "fake 0", &port, err);
}

static int
fake_flush(struct evcan_bus *bus)
{
	evcan_vendor_flush_(bus);
	return 0;
}

static const struct evcan_driver fake_driver = {
	.name = "fake",
	.summary = "counters",
	.state_size = sizeof(struct evcan_vendor_bus_),
	.open = fake_bus_open,
	.close = evcan_vendor_close_,
	.recv = evcan_vendor_recv_,
	.send = evcan_vendor_send_,
	.ready = evcan_vendor_ready_,
	.deadline = evcan_vendor_deadline_,
	.flush_tx = fake_flush
};

/* A bus of the fake driver, in the clothes of a virtual one. */
static inline struct evcan_bus *
make_bus(struct event_base *base, int64_t rx_queue_size, const char *extra)
{
	struct evcan_error err = { 0 };
	char spec[200];
	struct evcan_bus *bus;
	struct evcan_vendor_bus_ *vendor;

	snprintf(spec, sizeof(spec), "virtual:fake,name=fake,"
	    "ignore_config=true%s", extra);
	bus = evcan_bus_new_spec(base, spec, &err);
	if (bus == NULL)
		fail_msg("%s", err.text);
	bus->driver->destroy(bus);
	free(bus->state);
	vendor = calloc(1, sizeof(*vendor));
	vendor->rx_queue_size = rx_queue_size;
	bus->driver = &fake_driver;
	bus->state = vendor;
	return bus;
}

static inline void
device_lock(void)
{
	pthread_mutex_lock(&device->lock);
}

static inline void
device_unlock(void)
{
	pthread_cond_broadcast(&device->changed);
	pthread_mutex_unlock(&device->lock);
}

static inline void
device_hang(const char *call)
{
	device_lock();
	device->hang = call;
	device_unlock();
}

/* A script, and an fd to wait for. */

static inline void
unplug(struct evcan_adapter_ *adapter, struct device *d)
{
	(void)adapter;
	device_lock();
	d->unplugged = true;
	device_unlock();
}

static int pipe_fds[2] = { -1, -1 };

static inline int
fake_fd(void *port)
{
	(void)port;
	return pipe_fds[0];
}

/* Waits until the condition holds, for 10 s; a loop of the bus runs. */
#define await(base, condition) do { \
	int64_t end_ = evcan_now_monotonic() + 10000 * MS; \
	bool done_ = false; \
	while (!done_) { \
		struct timespec nap_ = { 0, 200000 }; \
		if ((base) != NULL) \
			event_base_loop(base, \
			    EVLOOP_ONCE | EVLOOP_NONBLOCK); \
		device_lock(); \
		done_ = (condition); \
		device_unlock(); \
		if (!done_ && evcan_now_monotonic() > end_) \
			fail_msg("never: %s", #condition); \
		if (!done_) \
			nanosleep(&nap_, NULL); \
	} \
} while (0)

#endif
