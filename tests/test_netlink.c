/* SPDX-License-Identifier: BSD-3-Clause */
/* test_netlink.c - parsing of rtnetlink messages, and the requests made */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef __linux__

#include <linux/can/netlink.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <evcan/bus.h>

#include "netlink.h"

/* Messages under construction, in this machine's byte order. */
struct text {
	uint8_t bytes[2000];
	size_t len;
};

static void
put(struct text *text, const void *data, size_t len)
{
	assert_true(text->len + len <= sizeof(text->bytes));
	if (len > 0)
		memcpy(text->bytes + text->len, data, len);
	text->len += len;
	while (text->len % 4 != 0)
		text->bytes[text->len++] = 0;
}

static void
put_attr(struct text *text, unsigned type, const void *data, size_t len)
{
	struct nlattr attr = { (uint16_t)(NLA_HDRLEN + len), (uint16_t)type };

	put(text, &attr, sizeof(attr));
	put(text, data, len);
}

static void
put_u32(struct text *text, unsigned type, uint32_t value)
{
	put_attr(text, type, &value, sizeof(value));
}

/* A whole message: its head, struct ifinfomsg, attributes. */
static void
put_link(struct text *text, unsigned type, struct ifinfomsg info,
    const struct text *attrs)
{
	struct nlmsghdr head = {
		.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof(info)) +
		    attrs->len),
		.nlmsg_type = (uint16_t)type
	};

	put(text, &head, sizeof(head));
	put(text, &info, sizeof(info));
	put(text, attrs->bytes, attrs->len);
}

static void
put_code(struct text *text, unsigned type, int code)
{
	struct nlmsghdr head = {
		.nlmsg_len = NLMSG_LENGTH(sizeof(code)),
		.nlmsg_type = (uint16_t)type
	};

	put(text, &head, sizeof(head));
	put(text, &code, sizeof(code));
}

/* A card as `ip -details link` would show it. */
static void
put_card(struct text *text, unsigned type, uint32_t controller_state)
{
	const struct ifinfomsg info = { .ifi_type = ARPHRD_CAN,
	    .ifi_index = 5, .ifi_flags = IFF_UP | IFF_RUNNING };
	const struct can_bittiming slow = { .bitrate = 500000 };
	const struct can_bittiming fast = { .bitrate = 2000000 };
	const struct can_ctrlmode mode = { .flags =
	    CAN_CTRLMODE_LISTENONLY | CAN_CTRLMODE_FD_NON_ISO };
	const struct can_berr_counter errors = { 7, 9 };
	struct text attrs = { .len = 0 }, link = { .len = 0 },
	    can = { .len = 0 };

	put_attr(&can, IFLA_CAN_BITTIMING, &slow, sizeof(slow));
	put_attr(&can, IFLA_CAN_DATA_BITTIMING, &fast, sizeof(fast));
	put_u32(&can, IFLA_CAN_STATE, controller_state);
	put_attr(&can, IFLA_CAN_CTRLMODE, &mode, sizeof(mode));
	put_attr(&can, IFLA_CAN_BERR_COUNTER, &errors, sizeof(errors));
	put_u32(&can, 999, 1);
	/* The data may stand before the kind that gives it its meaning. */
	put_attr(&link, IFLA_INFO_DATA | NLA_F_NESTED, can.bytes, can.len);
	put_attr(&link, IFLA_INFO_KIND, "can", 3);
	put_attr(&attrs, IFLA_IFNAME, "can0", 5);
	put_u32(&attrs, IFLA_MTU, 72);
	put_attr(&attrs, IFLA_LINKINFO, link.bytes, link.len);
	put_link(text, type, info, &attrs);
}

static void
put_vcan(struct text *text, const char *name, unsigned flags)
{
	const struct ifinfomsg info = { .ifi_type = ARPHRD_CAN,
	    .ifi_index = 9, .ifi_flags = flags };
	struct text attrs = { .len = 0 }, link = { .len = 0 };

	put_attr(&link, IFLA_INFO_KIND, "vcan", 5);
	put_attr(&attrs, IFLA_IFNAME, name, strlen(name) + 1);
	put_u32(&attrs, IFLA_MTU, 16);
	put_attr(&attrs, IFLA_LINKINFO | NLA_F_NESTED, link.bytes, link.len);
	put_link(text, RTM_NEWLINK, info, &attrs);
}

/* What the parser found. */
struct found {
	struct evcan_link_ links[8];
	size_t n, stop_at;
};

static int
on_link(const struct evcan_link_ *link, void *arg)
{
	struct found *found = arg;

	assert_true(found->n < 8);
	found->links[found->n++] = *link;
	return found->n == found->stop_at;
}

static int
parse(const struct text *text, struct found *found)
{
	/* An exact copy, so that a sanitizer sees each byte too far. */
	uint8_t *copy = malloc(text->len > 0 ? text->len : 1);
	int r;

	memcpy(copy, text->bytes, text->len);
	memset(found->links, 0, sizeof(found->links));
	found->n = 0;
	r = evcan_netlink_parse_(copy, text->len, on_link, found);
	free(copy);
	return r;
}

static void
a_card_tells_everything(void **state)
{
	struct text text = { .len = 0 };
	struct found found = { .n = 0 };
	const struct evcan_link_ *link = &found.links[0];

	(void)state;
	put_card(&text, RTM_NEWLINK, CAN_STATE_ERROR_PASSIVE);
	assert_int_equal(parse(&text, &found), 0);
	assert_int_equal(found.n, 1);
	assert_int_equal(link->index, 5);
	assert_string_equal(link->name, "can0");
	assert_string_equal(link->kind, "can");
	assert_true(link->is_can && link->up && !link->gone);
	assert_true(link->listen_only && link->fd_non_iso);
	assert_int_equal(link->mtu, 72);
	assert_int_equal(link->state, EVCAN_STATE_PASSIVE);
	assert_int_equal(link->bitrate, 500000);
	assert_int_equal(link->data_bitrate, 2000000);
	assert_int_equal(link->tx_errors, 7);
	assert_int_equal(link->rx_errors, 9);
}

static void
states_are_translated(void **state)
{
	static const struct {
		uint32_t theirs;
		int ours;
	} rows[] = {
		{ CAN_STATE_ERROR_ACTIVE, EVCAN_STATE_ACTIVE },
		{ CAN_STATE_ERROR_WARNING, EVCAN_STATE_WARNING },
		{ CAN_STATE_BUS_OFF, EVCAN_STATE_BUS_OFF },
		{ CAN_STATE_STOPPED, EVCAN_STATE_STOPPED },
		{ CAN_STATE_SLEEPING, EVCAN_STATE_STOPPED },
		{ CAN_STATE_MAX, -1 }, { 0xffffffff, -1 },
	};
	struct found found = { .n = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text text = { .len = 0 };

		put_card(&text, RTM_DELLINK, rows[i].theirs);
		assert_int_equal(parse(&text, &found), 0);
		assert_true(found.links[0].gone);
		assert_int_equal(found.links[0].state, rows[i].ours);
	}
}

static void
virtual_links_have_no_controller(void **state)
{
	struct text text = { .len = 0 };
	struct found found = { .n = 0 };

	(void)state;
	put_vcan(&text, "vcan0", 0);
	put_vcan(&text, "a-name-too-long-for-linux", IFF_UP);
	assert_int_equal(parse(&text, &found), 0);
	assert_int_equal(found.n, 2);
	assert_string_equal(found.links[0].kind, "vcan");
	assert_int_equal(found.links[0].state, -1);
	assert_int_equal(found.links[0].bitrate, 0);
	assert_false(found.links[0].up);
	assert_true(found.links[1].up);
	assert_string_equal(found.links[1].name, "a-name-too-long");
}

static void
others_are_told_apart(void **state)
{
	const struct ifinfomsg eth = { .ifi_type = ARPHRD_ETHER,
	    .ifi_index = 2 };
	const struct ifinfomsg bridge = { .ifi_family = 7,
	    .ifi_type = ARPHRD_CAN, .ifi_index = 3 };
	struct text text = { .len = 0 }, attrs = { .len = 0 };
	struct found found = { .n = 0 };

	(void)state;
	put_attr(&attrs, IFLA_IFNAME, "eth0", 5);
	put_link(&text, RTM_NEWLINK, eth, &attrs);
	put_link(&text, RTM_DELLINK, bridge, &attrs);
	put_link(&text, RTM_NEWADDR, eth, &attrs);
	put_vcan(&text, "vcan1", IFF_UP);
	assert_int_equal(parse(&text, &found), 0);
	assert_int_equal(found.n, 2);
	assert_false(found.links[0].is_can);
	assert_string_equal(found.links[1].name, "vcan1");
}

static void
ends_are_seen(void **state)
{
	struct text text = { .len = 0 };
	struct found found = { .n = 0 };

	(void)state;
	assert_int_equal(parse(&text, &found), 0);
	put_vcan(&text, "vcan0", 0);
	put_vcan(&text, "vcan1", 0);
	put_code(&text, NLMSG_DONE, 0);
	put_vcan(&text, "vcan2", 0);
	assert_int_equal(parse(&text, &found), 1);
	assert_int_equal(found.n, 2);
	found.stop_at = 1;
	assert_int_equal(parse(&text, &found), 1);
	assert_int_equal(found.n, 1);
}

static void
errors_are_the_kernels(void **state)
{
	static const struct {
		int code, result;
	} rows[] = {
		{ 0, 1 }, { -ENODEV, -ENODEV }, { -EPERM, -EPERM },
		{ 5, -EBADMSG }, { INT32_MIN, -EBADMSG },
	};
	struct found found = { .n = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text text = { .len = 0 };

		put_code(&text, NLMSG_ERROR, rows[i].code);
		assert_int_equal(parse(&text, &found), rows[i].result);
	}
}

/* Cut anywhere, a message is refused or, cut between two, ends well. */
static void
cut_messages_are_refused(void **state)
{
	struct text text = { .len = 0 }, cut;
	struct found found = { .n = 0 };
	size_t first;

	(void)state;
	put_card(&text, RTM_NEWLINK, 0);
	first = text.len;
	put_vcan(&text, "vcan0", 0);
	for (size_t len = 0; len < text.len; len++) {
		cut = text;
		cut.len = len;
		assert_int_equal(parse(&cut, &found),
		    len == 0 || len == first ? 0 : -EBADMSG);
		assert_int_equal(found.n, len >= first);
	}
}

/* Each length field, made wrong. */
static void
wrong_lengths_are_refused(void **state)
{
	static const uint16_t lengths[] = { 0, 1, 3, 0xffff };
	const size_t attr = NLMSG_LENGTH(sizeof(struct ifinfomsg));
	struct text text = { .len = 0 }, bad;
	struct found found = { .n = 0 };

	(void)state;
	put_vcan(&text, "vcan0", 0);
	for (size_t i = 0; i < 4; i++) {
		uint32_t wide = lengths[i];

		bad = text;
		memcpy(bad.bytes, &wide, sizeof(wide));
		assert_int_equal(parse(&bad, &found), -EBADMSG);
		bad = text;
		memcpy(bad.bytes + attr, &lengths[i], sizeof(lengths[i]));
		assert_int_equal(parse(&bad, &found), -EBADMSG);
		assert_int_equal(found.n, 0);
	}
}

/* The requests are themselves well-formed messages about links. */
static void
requests_are_well_formed(void **state)
{
	struct text text = { .len = 0 };
	struct found found = { .n = 0 };
	struct nlmsghdr head;

	(void)state;
	text.len = evcan_netlink_put_get_(text.bytes, "fifteen-letters");
	assert_true(text.len <= EVCAN_NETLINK_REQUEST_MAX_);
	memcpy(&head, text.bytes, sizeof(head));
	assert_int_equal(head.nlmsg_len, text.len);
	assert_int_equal(head.nlmsg_type, RTM_GETLINK);
	assert_int_equal(head.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
	head.nlmsg_type = RTM_NEWLINK;
	memcpy(text.bytes, &head, sizeof(head));
	assert_int_equal(parse(&text, &found), 0);
	assert_string_equal(found.links[0].name, "fifteen-letters");

	text.len = evcan_netlink_put_get_(text.bytes, NULL);
	memcpy(&head, text.bytes, sizeof(head));
	assert_int_equal(head.nlmsg_len, text.len);
	assert_int_equal(head.nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);

	text.len = evcan_netlink_put_restart_(text.bytes, 5);
	assert_true(text.len <= EVCAN_NETLINK_REQUEST_MAX_);
	memcpy(&head, text.bytes, sizeof(head));
	assert_int_equal(head.nlmsg_len, text.len);
	assert_int_equal(head.nlmsg_type, RTM_NEWLINK);
	assert_int_equal(head.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
	assert_int_equal(parse(&text, &found), 0);
	assert_int_equal(found.links[0].index, 5);
	assert_string_equal(found.links[0].kind, "can");
}

/* The host's own kernel answers, with CAN or without. */
static void
the_kernel_is_asked(void **state)
{
	struct evcan_link_ link;
	struct found found = { .n = 0, .stop_at = 8 };
	int fd;

	(void)state;
	assert_int_equal(evcan_netlink_get_("lo", &link), 0);
	assert_string_equal(link.name, "lo");
	assert_false(link.is_can);
	assert_int_equal(evcan_netlink_get_("nosuchdev0", &link), -ENODEV);
	assert_int_equal(evcan_netlink_get_("", &link), -ENODEV);
	assert_int_equal(evcan_netlink_get_("a-name-too-long-for-linux",
	    &link), -ENODEV);
	assert_int_equal(evcan_netlink_list_(on_link, &found), 0);
	for (size_t i = 0; i < found.n; i++)
		assert_true(found.links[i].is_can);
	fd = evcan_netlink_watch_();
	assert_true(fd >= 0);
	assert_int_equal(evcan_netlink_read_(fd, on_link, &found), 0);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_card_tells_everything),
		cmocka_unit_test(states_are_translated),
		cmocka_unit_test(virtual_links_have_no_controller),
		cmocka_unit_test(others_are_told_apart),
		cmocka_unit_test(ends_are_seen),
		cmocka_unit_test(errors_are_the_kernels),
		cmocka_unit_test(cut_messages_are_refused),
		cmocka_unit_test(wrong_lengths_are_refused),
		cmocka_unit_test(requests_are_well_formed),
		cmocka_unit_test(the_kernel_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int
main(void)
{
	return 77;   /* skipped: netlink is Linux's */
}

#endif
