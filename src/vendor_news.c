/* SPDX-License-Identifier: BSD-3-Clause */
/* vendor_news.c - what an adapter's thread tells the loop besides frames */
#include "vendor_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The thread's side */

static void
unlock_and_wake(struct evcan_adapter_ *adapter)
{
	pthread_mutex_unlock(&adapter->lock);
	if (!atomic_exchange(&adapter->has_news, true))
		evcan_feed_wake_(&adapter->feed);
}

static struct evcan_vendor_later_ *
later_lock(struct evcan_adapter_ *adapter)
{
	struct evcan_vendor_later_ *later = &adapter->later;

	pthread_mutex_lock(&adapter->lock);
	later->any = true;
	later->at = atomic_load(&adapter->feed.ring.head);
	atomic_store(&adapter->has_later, true);
	return later;
}

void
evcan_vendor_tell_opened_(struct evcan_adapter_ *adapter)
{
	pthread_mutex_lock(&adapter->lock);
	adapter->opened = adapter->up = true;
	unlock_and_wake(adapter);
}

void
evcan_vendor_tell_room_(struct evcan_adapter_ *adapter)
{
	/* Either this sees `full`, or the loop sees the room. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&adapter->full, memory_order_relaxed) ||
	    !atomic_exchange(&adapter->full, false))
		return;
	pthread_mutex_lock(&adapter->lock);
	adapter->room = true;
	unlock_and_wake(adapter);
}

void
evcan_adapter_info_(struct evcan_adapter_ *adapter, const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&adapter->lock);
	va_start(ap, fmt);
	vsnprintf(adapter->info, sizeof(adapter->info), fmt, ap);
	va_end(ap);
	adapter->has_info = true;
	unlock_and_wake(adapter);
}

/* Heard with what says that it is open. */
void
evcan_adapter_device_(struct evcan_adapter_ *adapter, const char *device)
{
	pthread_mutex_lock(&adapter->lock);
	snprintf(adapter->device, sizeof(adapter->device), "%s", device);
	pthread_mutex_unlock(&adapter->lock);
}

/* The loop looks at it by itself. */
void
evcan_adapter_load_(struct evcan_adapter_ *adapter, unsigned load)
{
	atomic_store(&adapter->load, load);
}

void
evcan_adapter_state_(struct evcan_adapter_ *adapter,
    enum evcan_bus_state state)
{
	struct evcan_vendor_later_ *later = later_lock(adapter);

	later->has_state = true;
	later->state = state;
	unlock_and_wake(adapter);
}

void
evcan_adapter_lost_(struct evcan_adapter_ *adapter, uint64_t frames)
{
	later_lock(adapter)->lost += frames;
	unlock_and_wake(adapter);
}

void
evcan_adapter_filtering_(struct evcan_adapter_ *adapter,
    enum evcan_filtering filtering)
{
	struct evcan_vendor_later_ *later = later_lock(adapter);

	later->has_filtering = true;
	later->filtering = filtering;
	later->what = adapter->running_what;
	later->command = adapter->running;
	unlock_and_wake(adapter);
}

void
evcan_adapter_mode_(struct evcan_adapter_ *adapter, enum evcan_bus_mode mode)
{
	struct evcan_vendor_later_ *later = later_lock(adapter);

	later->has_mode = true;
	later->mode = mode;
	later->mode_what = adapter->running_what;
	later->mode_command = adapter->running;
	unlock_and_wake(adapter);
}

bool
evcan_adapter_cyclic_done_(struct evcan_adapter_ *adapter, uint32_t number)
{
	struct evcan_vendor_later_ *later = later_lock(adapter);
	bool room = later->n_done < EVCAN_VENDOR_DONE_;

	if (room)
		later->done[later->n_done++] = number;
	unlock_and_wake(adapter);
	return room;
}

void
evcan_vendor_tell_unsent_(struct evcan_adapter_ *adapter, size_t frames)
{
	later_lock(adapter)->unsent += frames;
	unlock_and_wake(adapter);
}

/* When even here is no room it is counted, but its outcome stays in doubt. */
void
evcan_vendor_tell_refused_(struct evcan_adapter_ *adapter,
    const struct evcan_frame *refused)
{
	struct evcan_vendor_later_ *later = later_lock(adapter);

	if (later->n_refused < EVCAN_VENDOR_REFUSALS_) {
		later->refused[later->n_refused++] = *refused;
	} else {
		later->unsent++;
		later->doubt = true;
	}
	atomic_store(&adapter->refusals,
	    later->n_refused == EVCAN_VENDOR_REFUSALS_);
	unlock_and_wake(adapter);
}

static void
set_error(struct evcan_error *error, int code, long vendor, const char *fmt,
    va_list ap)
{
	error->code = code;
	error->system = 0;
	error->vendor = vendor;
	vsnprintf(error->text, sizeof(error->text), fmt, ap);
}

unsigned
evcan_vendor_errors_(struct evcan_adapter_ *adapter)
{
	unsigned errors;

	pthread_mutex_lock(&adapter->lock);
	errors = adapter->errors;
	pthread_mutex_unlock(&adapter->lock);
	return errors;
}

/* Of several before the loop looks, the first is told. */
void
evcan_adapter_error_(struct evcan_adapter_ *adapter, int code, long vendor,
    const char *fmt, ...)
{
	struct evcan_vendor_later_ *later = later_lock(adapter);
	va_list ap;

	va_start(ap, fmt);
	if (!later->has_error)
		set_error(&later->error, code, vendor, fmt, ap);
	va_end(ap);
	later->has_error = true;
	adapter->errors++;
	unlock_and_wake(adapter);
}

void
evcan_adapter_gone_(struct evcan_adapter_ *adapter, int code, long vendor,
    const char *fmt, ...)
{
	struct evcan_vendor_later_ *later = later_lock(adapter);
	va_list ap;

	va_start(ap, fmt);
	if (!adapter->gone)
		set_error(&later->why, code, vendor, fmt, ap);
	va_end(ap);
	later->gone = later->gone || !adapter->gone;
	adapter->gone = true;
	unlock_and_wake(adapter);
}

/* The loop's side */

static size_t
tail_of(const struct evcan_adapter_ *adapter)
{
	return atomic_load_explicit(&adapter->feed.ring.tail,
	    memory_order_relaxed);
}

size_t
evcan_vendor_before_(const struct evcan_adapter_ *adapter, size_t head,
    size_t max)
{
	size_t tail = tail_of(adapter), before = head - tail;

	if (adapter->held.any && adapter->held.at - tail < before)
		before = adapter->held.at - tail;
	return before < max ? before : max;
}

static bool
has_its_turn(const struct evcan_adapter_ *adapter)
{
	return (ptrdiff_t)(tail_of(adapter) - adapter->held.at) >= 0;
}

/* Takes what was told. One thing at a time is held: what is told meanwhile
 * gathers behind it. */
static bool
take_later(struct evcan_adapter_ *adapter)
{
	if (!adapter->held.any && atomic_load(&adapter->has_later)) {
		pthread_mutex_lock(&adapter->lock);
		adapter->held = adapter->later;
		memset(&adapter->later, 0, sizeof(adapter->later));
		atomic_store(&adapter->has_later, false);
		atomic_store(&adapter->refusals, false);
		pthread_mutex_unlock(&adapter->lock);
	}
	return adapter->held.any;
}

static void
pass_on_gone(struct evcan_bus *bus, struct evcan_adapter_ *adapter,
    const struct evcan_error *why)
{
	evcan_vendor_lose_unread_(bus, adapter);
	evcan_driver_vendor_code(bus, why->vendor);
	evcan_driver_gone(bus, why->code, 0, "%s: %s", evcan_bus_name(bus),
	    why->text);
}

static void
hear_of_sends(struct evcan_bus *bus, struct evcan_vendor_later_ *later)
{
	for (size_t i = 0; i < later->n_refused; i++)
		evcan_vendor_hear_refused_(bus, &later->refused[i]);
	if (later->unsent > 0)
		evcan_driver_unsent(bus, later->unsent);
}

void
evcan_vendor_hear_of_sends_(struct evcan_bus *bus,
    struct evcan_adapter_ *adapter)
{
	while (take_later(adapter)) {
		hear_of_sends(bus, &adapter->held);
		adapter->held.any = false;
	}
}

static void
pass_on(struct evcan_bus *bus, struct evcan_adapter_ *adapter,
    struct evcan_vendor_later_ *later)
{
	hear_of_sends(bus, later);
	/* One that a newer command has overtaken says nothing any more. */
	if (later->has_filtering &&
	    later->command >= adapter->last_asked[later->what])
		evcan_driver_set_filtering(bus, later->filtering);
	if (later->has_mode &&
	    later->mode_command >= adapter->last_asked[later->mode_what])
		evcan_driver_set_mode(bus, later->mode);
	if (later->has_state)
		evcan_driver_set_state(bus, later->state);
	if (later->lost > 0 || later->doubt)
		evcan_driver_lost(bus, later->lost, EVCAN_LOSS_DEVICE);
	for (size_t i = 0; i < later->n_done; i++)
		evcan_driver_cyclic_done(bus, later->done[i]);
	if (later->has_error) {
		evcan_driver_vendor_code(bus, later->error.vendor);
		evcan_driver_error(bus, later->error.code, 0, "%s: %s",
		    evcan_bus_name(bus), later->error.text);
	}
	if (later->gone)
		pass_on_gone(bus, adapter, &later->why);
}

void
evcan_vendor_hear_later_(struct evcan_bus *bus,
    struct evcan_adapter_ *adapter, bool now)
{
	while (take_later(adapter) && (now || has_its_turn(adapter))) {
		pass_on(bus, adapter, &adapter->held);
		adapter->held.any = false;
	}
}

void
evcan_vendor_hear_(struct evcan_bus *bus, struct evcan_adapter_ *adapter)
{
	struct evcan_vendor_bus_ *vendor = evcan_driver_state(bus);
	char info[sizeof(adapter->info)] = "";
	bool opened, room;

	atomic_store(&adapter->has_news, false);
	pthread_mutex_lock(&adapter->lock);
	opened = adapter->opened;
	room = adapter->room;
	if (adapter->has_info)
		memcpy(info, adapter->info, sizeof(info));
	if (opened)
		memcpy(vendor->device, adapter->device,
		    sizeof(vendor->device));
	adapter->opened = adapter->room = adapter->has_info = false;
	pthread_mutex_unlock(&adapter->lock);
	if (info[0] != '\0')
		evcan_driver_set_channel_info(bus, "%s", info);
	if (opened)
		evcan_driver_opened(bus);
	evcan_vendor_hear_later_(bus, adapter, false);
	if (room)
		evcan_driver_writable(bus);
}
