/* SPDX-License-Identifier: BSD-3-Clause */
/* socketcan_link.c - socketcan: is the interface there, up, and as wanted? */
#ifdef __linux__

#include "socketcan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What became of the link. */

void
evcan_socketcan_stopped_(struct evcan_bus *bus)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	if (can->stopped || can->index == 0)
		return;
	can->stopped = true;
	evcan_driver_set_state(bus, EVCAN_STATE_STOPPED);
}

/* Frames read before it vanished are delivered first; the deadline is for a
 * bus that nobody reads. */
void
evcan_socketcan_removed_(struct evcan_bus *bus, int why)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	if (can->gone != 0)
		return;
	can->gone = why;
	can->moved = true;
	evcan_driver_deadline(bus,
	    evcan_now_monotonic() + EVCAN_SOCKETCAN_WAIT_NS_);
	evcan_driver_wake(bus);
}

void
evcan_socketcan_gone_(struct evcan_bus *bus)
{
	const struct evcan_socketcan_ *can = evcan_driver_state(bus);

	evcan_driver_gone(bus, EVCAN_ERR_GONE, can->gone,
	    "interface %s is gone", can->index ? can->name : "any");
}

static void
link_changed(struct evcan_bus *bus, const struct evcan_link_ *link)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	bool was_stopped = can->stopped;

	if (link->gone) {
		evcan_socketcan_removed_(bus, ENODEV);
	} else if (!link->up) {
		evcan_socketcan_stopped_(bus);
	} else {
		can->stopped = false;
		if (link->state >= 0 || was_stopped)
			evcan_driver_set_state(bus, link->state >= 0 ?
			    (enum evcan_bus_state)link->state :
			    EVCAN_STATE_ACTIVE);
		if (was_stopped)
			evcan_driver_writable(bus);
	}
}

/* Asks how the link is, when the news may be older than that. */
void
evcan_socketcan_ask_link_(struct evcan_bus *bus)
{
	const struct evcan_socketcan_ *can = evcan_driver_state(bus);
	struct evcan_link_ link;
	int r;

	if (can->index == 0)
		return;
	r = evcan_netlink_get_(can->name, &link);
	if (r == -ENODEV || (r == 0 && link.index != can->index))
		evcan_socketcan_removed_(bus, ENODEV);
	else if (r < 0)
		evcan_socketcan_stopped_(bus);
	else
		link_changed(bus, &link);
}

int
evcan_socketcan_link_(const struct evcan_link_ *link, void *arg)
{
	struct evcan_bus *bus = arg;
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	if (can->index == 0)
		evcan_socketcan_forget_(can, link->index);   /* renamed? */
	else if (link->index == can->index)
		link_changed(bus, link);
	return 0;
}

/* What people are told, with the command that helps. */

struct names {
	char text[300];
	size_t used;
};

static int
list_name(const struct evcan_link_ *link, void *arg)
{
	struct names *names = arg;
	int n = snprintf(names->text + names->used,
	    sizeof(names->text) - names->used, "%s%s",
	    names->used > 0 ? ", " : "", link->name);

	if (n < 0 || names->used + (size_t)n >= sizeof(names->text)) {
		names->text[names->used] = '\0';
		return 1;
	}
	names->used += (size_t)n;
	return 0;
}

int
evcan_socketcan_no_link_(const char *name, struct evcan_error *err)
{
	struct names names = {.used = 0};

	evcan_netlink_list_(list_name, &names);
	if (names.used == 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "there is no interface %s, nor any other CAN interface "
		    "(try: ip link add dev vcan0 type vcan)", name);
	return evcan_error_set(err, EVCAN_ERR_INIT, 0,
	    "there is no interface %s; CAN interfaces: %s", name,
	    names.text);
}

/* What to type to have the link up: for people. */
static int
link_is_down(struct evcan_bus *bus, const struct evcan_link_ *link,
    struct evcan_error *err)
{
	const struct evcan_bus_common *common = evcan_driver_common(bus);

	if (strcmp(link->kind, "can") == 0 && link->bitrate == 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "interface %s is down and has no bit rate; run: "
		    "ip link set %s up type can bitrate %lld", link->name,
		    link->name, common->bitrate ?
		    (long long)common->bitrate : 500000);
	return evcan_error_set(err, EVCAN_ERR_INIT, 0,
	    "interface %s is down; run: ip link set %s up", link->name,
	    link->name);
}

static int
no_fd(const struct evcan_link_ *link, struct evcan_error *err)
{
	if (strcmp(link->kind, "can") == 0)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "option fd: interface %s is set to classic CAN; run: "
		    "ip link set %s down; ip link set %s up type can "
		    "bitrate %lu dbitrate 2000000 fd on", link->name,
		    link->name, link->name, (unsigned long)link->bitrate);
	return evcan_error_set(err, EVCAN_ERR_INIT, 0,
	    "option fd: interface %s is set to classic CAN; run: "
	    "ip link set %s down; ip link set %s mtu 72 up", link->name,
	    link->name, link->name);
}

static int
not_listen_only(const struct evcan_link_ *link, struct evcan_error *err)
{
	return evcan_error_set(err, EVCAN_ERR_INIT, 0,
	    "interface %s is not listen-only; run: ip link set %s down; "
	    "ip link set %s up type can listen-only on", link->name,
	    link->name, link->name);
}

static void
warn_rate(struct evcan_bus *bus, const struct evcan_link_ *link)
{
	const struct evcan_bus_common *common = evcan_driver_common(bus);
	long long rate = common->bitrate, data = common->data_bitrate;

	if (rate != 0 && link->bitrate == 0)
		evcan_log(EVCAN_LOG_WARNING, "socketcan", "%s: bitrate %lld "
		    "has no effect: interface %s (%s) has none",
		    evcan_bus_name(bus), rate, link->name, link->kind);
	else if (rate != 0 && rate != link->bitrate)
		evcan_log(EVCAN_LOG_WARNING, "socketcan", "%s: interface %s "
		    "runs at %lu bit/s, not at %lld; to change it: ip link "
		    "set %s down; ip link set %s up type can bitrate %lld",
		    evcan_bus_name(bus), link->name,
		    (unsigned long)link->bitrate, rate, link->name,
		    link->name, rate);
	if (data != 0 && common->fd && data != link->data_bitrate &&
	    link->bitrate != 0)
		evcan_log(EVCAN_LOG_WARNING, "socketcan", "%s: interface %s "
		    "has a data bit rate of %lu, not %lld; to change it: "
		    "ip link set %s down; ip link set %s up type can "
		    "bitrate %lu dbitrate %lld fd on", evcan_bus_name(bus),
		    link->name, (unsigned long)link->data_bitrate, data,
		    link->name, link->name, (unsigned long)link->bitrate,
		    data);
}

/* Whether the interface can do what the options ask for. */
int
evcan_socketcan_check_link_(struct evcan_bus *bus,
    const struct evcan_link_ *link, struct evcan_error *err)
{
	const struct evcan_bus_common *common = evcan_driver_common(bus);

	if (!link->is_can)
		return evcan_error_set(err, EVCAN_ERR_INIT, 0,
		    "interface %s is not a CAN interface", link->name);
	if (common->fd && link->mtu < CANFD_MTU)
		return no_fd(link, err);
	if (!link->up)
		return link_is_down(bus, link, err);
	if (common->mode == EVCAN_MODE_LISTEN_ONLY && !link->listen_only &&
	    strcmp(link->kind, "can") == 0)
		return not_listen_only(link, err);
	warn_rate(bus, link);
	return 0;
}

static int
found(const struct evcan_link_ *link, void *context)
{
	static const char *const states[] = {
		"active", "warning", "passive", "bus-off", "stopped"
	};
	const char *options[2] = {NULL, NULL};
	char text[120];
	int n;

	n = snprintf(text, sizeof(text), "%s, %s",
	    link->kind[0] != '\0' ? link->kind : "can",
	    link->up ? "up" : "down");
	if (link->up && link->state >= 0)
		n += snprintf(text + n, sizeof(text) - (size_t)n, ", %s",
		    states[link->state]);
	if (link->bitrate != 0)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
		    ", %lu bit/s", (unsigned long)link->bitrate);
	if (link->data_bitrate != 0)
		snprintf(text + n, sizeof(text) - (size_t)n,
		    ", data %lu bit/s", (unsigned long)link->data_bitrate);
	if (link->mtu >= CANFD_MTU)
		options[0] = "fd=true";
	evcan_driver_found(context, link->name, text, options);
	return 0;
}

void
evcan_socketcan_detect_(void *context)
{
	evcan_netlink_list_(found, context);
}

#endif
