/* SPDX-License-Identifier: BSD-3-Clause */
/* neovi_find.c - neoVI devices, their serial numbers and their networks */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <evcan/error.h>

#include "neovi.h"

/* Serial numbers */

/* Those between "0A0000" and "ZZZZZZ" are written with base 36. */
#define BASE36_MIN 16796160u
#define BASE36_MAX 2176782335u

static bool
has_base36(uint64_t number)
{
	return number > BASE36_MIN && number < BASE36_MAX;
}

void
evcan_neovi_serial_text_(uint32_t number, char text[12])
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (!has_base36(number)) {
		snprintf(text, 12, "%lu", (unsigned long)number);
		return;
	}
	text[6] = '\0';
	for (int i = 5; i >= 0; i--, number /= 36)
		text[i] = digits[number % 36];
}

static int
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	return 99;
}

/* @return false: not a number of that base, or one over 32 bits */
static bool
parse(const char *text, int base, uint64_t *number)
{
	*number = 0;
	for (const char *at = text; *at != '\0'; at++) {
		int digit = digit_of(*at);

		if (digit >= base)
			return false;
		*number = *number * (unsigned)base + (unsigned)digit;
		if (*number > UINT32_MAX)
			return false;
	}
	return text[0] != '\0';
}

int
evcan_neovi_serial_numbers_(const char *text, uint32_t numbers[2])
{
	uint64_t number;
	int n = 0;

	if (strlen(text) == 6 && parse(text, 36, &number) &&
	    has_base36(number))
		numbers[n++] = (uint32_t)number;
	if (parse(text, 10, &number))
		numbers[n++] = (uint32_t)number;
	return n;
}

/* Names */

static const struct {
	uint32_t type;
	const char *name;
} types[] = {
	{ 0x07, "ValueCAN 4-1" }, { 0x0a, "ValueCAN 4-2EL" },
	{ 0x0f, "neoVI FIRE 3" }, { 0x14, "neoVI RED 2" },
	{ 0x00400000, "ValueCAN 4-2" }, { 0x04000000, "neoVI FIRE 2" },
	{ 0x10000000, "RAD-Galaxy" }, { 0x40000000, "VividCAN" }
};

void
evcan_neovi_describe_(const struct evcan_neovi_device_ *device, char *text,
    size_t size)
{
	char serial[12], type[40];

	snprintf(type, sizeof(type), "neoVI device of type 0x%lX",
	    (unsigned long)device->type);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].type == device->type)
			snprintf(type, sizeof(type), "%s", types[i].name);
	}
	evcan_neovi_serial_text_(device->serial, serial);
	snprintf(text, size, "%s %s", type, serial);
}

static const struct {
	const char *name;
	uint16_t id;
} nets[] = {
	{ "HSCAN", 1 }, { "MSCAN", 2 }, { "SWCAN", 3 }, { "LSFTCAN", 4 },
	{ "HSCAN2", 42 }, { "HSCAN3", 44 }, { "HSCAN4", 61 },
	{ "HSCAN5", 62 }, { "SWCAN2", 68 }, { "HSCAN6", 96 },
	{ "HSCAN7", 97 }, { "LSFTCAN2", 99 }, { "DWCAN_01", 1 },
	{ "DWCAN_02", 42 }, { "DWCAN_03", 44 }, { "DWCAN_04", 61 },
	{ "DWCAN_05", 62 }, { "DWCAN_06", 96 }, { "DWCAN_07", 97 },
	{ "DWCAN_08", 2 }, { "DWCAN_09", 534 }, { "DWCAN_10", 535 },
	{ "DWCAN_11", 536 }, { "DWCAN_12", 537 }, { "DWCAN_13", 538 },
	{ "DWCAN_14", 539 }, { "DWCAN_15", 540 }, { "DWCAN_16", 541 }
};

uint16_t
evcan_neovi_net_id_(const char *text, size_t len)
{
	char name[12];
	uint64_t number;

	if (len == 0 || len >= sizeof(name))
		return 0;
	memcpy(name, text, len);
	name[len] = '\0';
	if (parse(name, 10, &number))
		return number <= UINT16_MAX ? (uint16_t)number : 0;
	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		if (strcasecmp(name, nets[i].name) == 0)
			return nets[i].id;
	}
	return 0;
}

/* Devices of this process */

/* Opening loads settings and more; whoever waits has as long again for its
 * own, before it counts as hung. */
#define OPEN_TIMES 2
#define WAIT_TIMES 3
#define LIST_WAIT_NS ((int64_t)1000000000)
#define CLOSE_WAIT_NS ((int64_t)200000000)
#define CLOSE_NS ((int64_t)2000000000)

/* Never locked while the library is called. */
static struct {
	pthread_mutex_t lock;
	struct evcan_neovi_device_ devices[NEOVI_DEVICES];
	bool ours[NEOVI_DEVICES];
	int n, n_ours;             /* open, or being opened or closed */
} known = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool
has_ours(void)
{
	bool has;

	pthread_mutex_lock(&known.lock);
	has = known.n_ours > 0;
	pthread_mutex_unlock(&known.lock);
	return has;
}

/* In its turn. */
static int
search(const struct evcan_neovi_calls_ *calls)
{
	struct evcan_neovi_device_ devices[NEOVI_DEVICES];
	int n = NEOVI_DEVICES;

	if (has_ours())
		return 0;
	memset(devices, 0, sizeof(devices));
	if (!calls->icsneoFindDevices(devices, &n, NULL, 0, NULL, NULL))
		return EVCAN_ERR_OPERATION;
	n = n < 0 ? 0 : n < NEOVI_DEVICES ? n : NEOVI_DEVICES;
	pthread_mutex_lock(&known.lock);
	/* Another went ahead if the search took too long. */
	if (known.n_ours == 0) {
		memcpy(known.devices, devices, sizeof(devices));
		known.n = n;
	}
	pthread_mutex_unlock(&known.lock);
	return 0;
}

int
evcan_neovi_list_(const struct evcan_neovi_calls_ *calls,
    struct evcan_neovi_device_ devices[NEOVI_DEVICES])
{
	uint64_t ticket = has_ours() ? 0 : evcan_neovi_take_turn_(
	    NEOVI_TURN_DEVICES, OPEN_TIMES * evcan_vendor_hang_ns_,
	    LIST_WAIT_NS);
	int r = 0;

	if (ticket != 0) {
		r = search(calls);
		evcan_neovi_give_turn_(NEOVI_TURN_DEVICES, ticket);
	}
	pthread_mutex_lock(&known.lock);
	for (int i = 0; i < known.n; i++) {
		devices[i] = known.devices[i];
		devices[i].clients += known.ours[i];
	}
	r = r < 0 ? r : known.n;
	pthread_mutex_unlock(&known.lock);
	return r;
}

static bool
is_free(int i)
{
	return !known.ours[i] && known.devices[i].clients == 0;
}

/* Under the lock. @return its place, or -1 */
static int
choose(const struct evcan_neovi_port_ *port, bool *busy)
{
	const struct evcan_neovi_device_ *device = known.devices;

	*busy = false;
	for (int s = 0; s == 0 || s < port->n_serials; s++) {
		for (int i = 0; i < known.n; i++) {
			if ((port->type != 0 && device[i].type !=
			    port->type) || (port->n_serials > 0 &&
			    device[i].serial != port->serials[s]))
				continue;
			if (is_free(i))
				return i;
			*busy = true;
		}
	}
	return -1;
}

static int
refuse(const struct evcan_neovi_port_ *port, bool busy,
    struct evcan_error *err)
{
	char serial[12] = "at all";

	if (port->n_serials > 0)
		evcan_neovi_serial_text_(port->serials[0], serial);
	if (busy)
		return evcan_error_set(err, EVCAN_ERR_BUSY, 0, "%s%s is in "
		    "use; one bus can have several of its networks (channel "
		    "HSCAN+MSCAN)", port->n_serials > 0 ? "neoVI device " :
		    "every neoVI device", port->n_serials > 0 ? serial : "");
	return evcan_error_set(err, EVCAN_ERR_INIT, 0, "no neoVI device %s "
	    "among %d found%s", serial, known.n, known.n_ours > 0 ? "; they "
	    "are searched only while this process has none open" : "");
}

/* One of those known, which is ours from now on. */
static int
reserve(struct evcan_neovi_port_ *port, struct evcan_error *err)
{
	bool busy;
	int i, r = 0;

	pthread_mutex_lock(&known.lock);
	i = choose(port, &busy);
	if (i < 0) {
		r = refuse(port, busy, err);
	} else {
		port->device = known.devices[i];
		known.ours[i] = true;
		known.n_ours++;
	}
	pthread_mutex_unlock(&known.lock);
	return r;
}

static void
unreserve(const struct evcan_neovi_port_ *port)
{
	pthread_mutex_lock(&known.lock);
	for (int i = 0; i < known.n; i++) {
		if (!known.ours[i] ||
		    known.devices[i].serial != port->device.serial)
			continue;
		known.ours[i] = false;
		known.n_ours--;
		break;
	}
	pthread_mutex_unlock(&known.lock);
}

static int
open_device(struct evcan_neovi_port_ *port, struct evcan_error *err)
{
	struct evcan_neovi_reason_ reason;
	int n_errors = 0;

	if (port->calls.icsneoOpenDevice(&port->device, &port->handle, NULL,
	    0, 0, NULL, 0))
		return 0;
	evcan_neovi_why_(port, &reason);
	if (port->handle != NULL)     /* open by half */
		port->calls.icsneoClosePort(port->handle, &n_errors);
	port->handle = NULL;
	unreserve(port);
	return evcan_neovi_open_error_(port, "icsneoOpenDevice", &reason,
	    err);
}

int
evcan_neovi_claim_(struct evcan_neovi_port_ *port, struct evcan_error *err)
{
	uint64_t ticket = evcan_neovi_take_turn_(NEOVI_TURN_DEVICES,
	    OPEN_TIMES * evcan_vendor_hang_ns_,
	    WAIT_TIMES * evcan_vendor_hang_ns_);
	int r;

	if (ticket == 0)
		return evcan_error_set(err, EVCAN_ERR_BUSY, 0, "another "
		    "neoVI device is being opened, which takes too long");
	if (search(&port->calls) < 0)
		r = evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "icsneoFindDevices fails");
	else
		r = reserve(port, err);
	if (r == 0)
		r = open_device(port, err);
	evcan_neovi_give_turn_(NEOVI_TURN_DEVICES, ticket);
	return r;
}

/* It waits for others a little, and closes then. */
void
evcan_neovi_release_(struct evcan_neovi_port_ *port)
{
	uint64_t ticket = evcan_neovi_take_turn_(NEOVI_TURN_DEVICES,
	    CLOSE_NS, CLOSE_WAIT_NS);
	int n_errors = 0;

	port->calls.icsneoClosePort(port->handle, &n_errors);
	if (port->calls.icsneoFreeObject != NULL)
		port->calls.icsneoFreeObject(port->handle);
	port->handle = NULL;
	if (ticket != 0)
		evcan_neovi_give_turn_(NEOVI_TURN_DEVICES, ticket);
	unreserve(port);
}
