/* SPDX-License-Identifier: BSD-3-Clause */
/* test_vendor_bytes.c - vendors' libraries that answer anything
 *
 * What is random comes from a fixed seed. Flags that make a driver talk to its
 * adapter are left out: there is none here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/evcan.h>

#include "drivers/iscan.h"
#include "drivers/ixxat.h"
#include "drivers/kvaser.h"
#include "drivers/neovi.h"
#include "drivers/nican.h"
#include "drivers/pcan.h"
#include "drivers/systec.h"
#include "drivers/usb2can.h"
#include "drivers/vector.h"

#define ROUNDS 20000
/* More messages than one read may take. */
#define ENDLESS 1000

static uint64_t seed;
static int calls;

static int
setup(void **state)
{
	(void)state;
	seed = 0x9e3779b97f4a7c15u;
	calls = 0;
	return 0;
}

static uint64_t
any_number(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void
any_bytes(void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)data)[i] = (uint8_t)(any_number() >> 32);
}

static void
check(const struct evcan_frame *frame)
{
	struct evcan_error err = { 0 };

	if (evcan_frame_check(frame, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(frame->time_ns <= evcan_now_unix() ||
	    frame->clock == EVCAN_CLOCK_HARDWARE);
}

static void
read_any(const struct evcan_vendor_ops_ *ops, void *port)
{
	struct evcan_frame frames[64];

	for (int i = 0; i < ROUNDS; i++) {
		int n = ops->read(NULL, port, frames, 64, 0);

		calls = 0;
		assert_in_range(n, 0, 64);
		for (int j = 0; j < n; j++)
			check(&frames[j]);
	}
}

/* Kvaser's CANlib */

static int32_t
kvaser_any(int32_t handle, long *id, void *data, uint32_t *dlc,
    uint32_t *flags, unsigned long *time)
{
	(void)handle;
	if (calls++ > 0)
		return KVASER_NOMSG;
	*id = (long)any_number();
	*dlc = (uint32_t)any_number() >> any_number() % 32;
	*flags = (uint32_t)any_number() & ~(uint32_t)KVASER_OVERRUN;
	*time = (unsigned long)any_number();
	any_bytes(data, 8);
	return 0;
}

static int32_t
kvaser_confirms(int32_t handle, long *id, void *data, uint32_t *dlc,
    uint32_t *flags, unsigned long *time)
{
	(void)handle;
	(void)data;
	*id = 0;
	*dlc = 0;
	*flags = KVASER_ERROR_FRAME | KVASER_TXACK;
	*time = 0;
	return ++calls < ENDLESS ? 0 : KVASER_NOMSG;
}

static int32_t
kvaser_is_well(int32_t handle, unsigned long *flags)
{
	(void)handle;
	*flags = 0;
	return 0;
}

static void
kvaser(void **state)
{
	struct evcan_kvaser_port_ port = { .state = EVCAN_STATE_ACTIVE };
	struct evcan_frame frames[64];

	(void)state;
	port.calls.canReadStatus = kvaser_is_well;
	port.calls.canRead = kvaser_any;
	read_any(&evcan_kvaser_ops_, &port);
	port.calls.canRead = kvaser_confirms;
	assert_int_equal(evcan_kvaser_ops_.read(NULL, &port, frames, 64, 0),
	    0);
	assert_in_range(calls, 1, 64);
}

/* PCAN-Basic */

static uint32_t
pcan_any(uint16_t channel, struct evcan_pcan_msg_ *msg,
    struct evcan_pcan_stamp_ *stamp)
{
	(void)channel;
	if (calls++ > 0)
		return PCAN_QRCVEMPTY;
	any_bytes(msg, sizeof(*msg));
	any_bytes(stamp, sizeof(*stamp));
	msg->type &= (uint8_t)~PCAN_TYPE_STATUS;
	return 0;
}

static uint32_t
pcan_any_fd(uint16_t channel, struct evcan_pcan_msg_fd_ *msg,
    uint64_t *stamp)
{
	(void)channel;
	if (calls++ > 0)
		return PCAN_QRCVEMPTY;
	any_bytes(msg, sizeof(*msg));
	*stamp = any_number() >> any_number() % 64;
	msg->type &= (uint8_t)~PCAN_TYPE_STATUS;
	return 0;
}

static void
pcan(void **state)
{
	struct evcan_pcan_port_ port = { .fd = false };

	(void)state;
	port.calls.read = pcan_any;
	port.calls.read_fd = pcan_any_fd;
	read_any(&evcan_pcan_ops_, &port);
	port.fd = true;
	read_any(&evcan_pcan_ops_, &port);
}

/* IXXAT's VCI */

static int32_t
vci_well(void)
{
	return VCI_OK;
}

static int32_t
vci_open(void **list)
{
	*list = NULL;
	return VCI_OK;
}

static int32_t
vci_close(void *list)
{
	(void)list;
	return VCI_OK;
}

static int32_t
vci_next(void *list, struct vci_device_info *info)
{
	(void)list;
	(void)info;
	return ++calls < ENDLESS ? VCI_OK : VCI_E_NO_DATA;
}

static bool
next_device(const struct vci_device_info *info, void *arg)
{
	(void)info;
	(void)arg;
	return true;
}

static void
ixxat(void **state)
{
	const struct evcan_ixxat_vci_ vci = { .initialize = vci_well,
		.enum_open = vci_open, .enum_next = vci_next,
		.enum_close = vci_close };
	struct evcan_ixxat_port_ port = { .version = &evcan_ixxat_v4_ };
	struct vci_message4 message;
	struct evcan_frame frame;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		any_bytes(&message, sizeof(message));
		any_bytes(&port.caps, sizeof(port.caps));
		if (evcan_ixxat_frame_(&port, &message, &frame))
			check(&frame);
	}
	assert_int_equal(evcan_ixxat_each_device_(&vci, next_device, NULL),
	    VCI_OK);
	assert_in_range(calls, 1, 256);
}

/* NI-CAN */

static int32_t
nican_wait(uint32_t handle, uint32_t wanted, uint32_t timeout_ms,
    uint32_t *result)
{
	(void)handle;
	(void)wanted;
	(void)timeout_ms;
	*result = NICAN_READ_AVAIL;
	return 0;
}

static int32_t
nican_any(uint32_t handle, uint32_t size, void *frames, uint32_t *got)
{
	struct evcan_nican_rx_ *rx = frames;

	(void)handle;
	any_bytes(frames, size);
	*got = (uint32_t)any_number();
	rx->type &= 3;
	return 0;
}

static int32_t
nican_attribute(uint32_t handle, uint32_t attribute, uint32_t size,
    void *value)
{
	(void)handle;
	(void)attribute;
	memset(value, 0, size);
	return 0;
}

static void
nican_talks(int32_t status, uint32_t size, char *text)
{
	(void)status;
	memset(text, 'x', size);
	memcpy(text, "one\r\n\ttwo", 9);
}

static void
nican(void **state)
{
	struct evcan_nican_port_ port = { .state = EVCAN_STATE_ACTIVE };
	char text[EVCAN_NICAN_SAYS_];

	(void)state;
	port.calls.ncWaitForState = nican_wait;
	port.calls.ncReadMult = nican_any;
	port.calls.ncGetAttribute = nican_attribute;
	port.calls.ncStatusToString = nican_talks;
	read_any(&evcan_nican_ops_, &port);
	evcan_nican_say_(&port.calls, INT32_MIN + 0x3ff62fff, "ncX", text);
	assert_non_null(strstr(text, "one   two"));
	assert_null(strpbrk(text, "\r\n\t"));
}

/* Vector's XL Driver Library */

static int16_t
vector_more(int32_t port, uint32_t *count, struct xl_event *events)
{
	(void)port;
	(void)events;
	*count += 8;               /* than there is room for */
	return 0;
}

static void
vector(void **state)
{
	struct evcan_vector_port_ port = { .event_fd = -1,
		.wake = { -1, -1 }, .state = EVCAN_STATE_ACTIVE };
	struct evcan_frame frames[16], frame;
	struct xl_rx_event fd_event;
	struct xl_event event;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		any_bytes(&event, sizeof(event));
		any_bytes(&fd_event, sizeof(fd_event));
		event.tag = XL_RECEIVE_MSG;
		fd_event.tag = i & 1 ? XL_FD_RX_OK : i & 2 ? XL_FD_TX_OK :
		    XL_FD_RX_ERROR;
		if (evcan_vector_frame_(&event, &frame))
			check(&frame);
		if (evcan_vector_fd_frame_(&fd_event, &frame))
			check(&frame);
	}
	port.version = XL_CLASSIC;
	port.calls.xlReceive = vector_more;
	assert_int_equal(evcan_vector_ops_.read(NULL, &port, frames, 4, 0),
	    0);
}

/* isCAN */

static uint8_t
iscan_any(uint8_t device, struct evcan_iscan_message_ *message)
{
	(void)device;
	any_bytes(message, sizeof(*message));
	return calls++ == 0 ? 0 : 8;
}

static void
iscan(void **state)
{
	struct evcan_iscan_port_ port = { .state = EVCAN_STATE_ACTIVE,
		.poll_ms = 1 };

	(void)state;
	port.calls.ReceiveMessageEx = iscan_any;
	read_any(&evcan_iscan_ops_, &port);
}

/* neoVI */

static void
neovi(void **state)
{
	struct evcan_neovi_port_ port = { .n_nets = 0 };
	struct evcan_neovi_message_ message;
	struct evcan_frame frame;
	uint8_t extra[256];

	(void)state;
	any_bytes(extra, sizeof(extra));
	for (int i = 0; i < ROUNDS; i++) {
		any_bytes(&message, sizeof(message));
		message.protocol = i & 1 ? NEOVI_PROTOCOL_FD :
		    message.protocol;
		message.extra = i & 2 ? extra : NULL;
		evcan_neovi_to_frame_(&port, &message, evcan_now_unix(),
		    &frame);
		check(&frame);
	}
}

/* CANAL */

static int
canal_any(long handle, struct evcan_usb2can_msg_ *msg)
{
	(void)handle;
	any_bytes(msg, sizeof(*msg));
	msg->flags &= ~(unsigned long)CANAL_STATUS;
	msg->len &= 0x7f;
	return calls++ == 0 ? 0 : CANAL_FIFO_EMPTY;
}

static int
canal_available(long handle)
{
	(void)handle;
	return 0;
}

static void
usb2can(void **state)
{
	struct evcan_usb2can_port_ port = { .state = EVCAN_STATE_ACTIVE };

	(void)state;
	port.calls.receive = canal_any;
	port.calls.data_available = canal_available;
	read_any(&evcan_usb2can_ops_, &port);
}

/* USBCAN */

static uint8_t
systec_any(uint8_t handle, uint8_t *channel, struct evcan_systec_msg_ *msgs,
    uint32_t *count)
{
	(void)handle;
	(void)channel;
	if (calls++ > 0)
		return SYSTEC_NODATA;
	any_bytes(msgs, *count * sizeof(*msgs));
	*count += (uint32_t)any_number() % 3;
	return 0;
}

static uint8_t
systec_echoes(uint8_t handle, uint8_t *channel,
    struct evcan_systec_msg_ *msgs, uint32_t *count)
{
	(void)handle;
	(void)channel;
	*count = 1;
	memset(msgs, 0, sizeof(*msgs));
	msgs->format = SYSTEC_ECHO;
	return ++calls < ENDLESS ? 0 : SYSTEC_NODATA;
}

static void
systec(void **state)
{
	struct evcan_systec_port_ port = { .state = EVCAN_STATE_ACTIVE,
		.time_mask = UINT32_MAX };
	struct evcan_frame frames[64];

	(void)state;
	assert_int_equal(evcan_wake_init_(&port.bell.wake), 0);
	port.calls.UcanReadCanMsgEx = systec_any;
	read_any(&evcan_systec_ops_, &port);
	calls = 0;
	port.calls.UcanReadCanMsgEx = systec_echoes;
	assert_int_equal(evcan_systec_ops_.read(NULL, &port, frames, 64, 0),
	    0);
	assert_in_range(calls, 1, 64);
	evcan_wake_destroy_(&port.bell.wake);
}

/* Whatever a device says its time is, a frame came now or a little before. */
static void
clocks(void **state)
{
	struct evcan_vendor_clock_ clock = { 0 };
	int64_t now = 1700000000 * INT64_C(1000000000);

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		int64_t device_ns = (int64_t)(any_number() >>
		    any_number() % 64);
		int64_t t = evcan_vendor_time_(&clock, device_ns, ++now);

		assert_true(t <= now && t >= now - 2000000000);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kvaser), TEST(pcan), TEST(ixxat), TEST(nican),
		TEST(vector), TEST(iscan), TEST(neovi), TEST(usb2can),
		TEST(systec), TEST(clocks)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
