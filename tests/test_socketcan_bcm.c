/* SPDX-License-Identifier: BSD-3-Clause */
/* test_socketcan_bcm.c - messages of the kernel's broadcast manager */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef __linux__
#include <linux/can/bcm.h>

#include "drivers/socketcan.h"

#define HEAD sizeof(struct bcm_msg_head)

static union {
	struct bcm_msg_head head;
	uint8_t bytes[sizeof(struct bcm_msg_head) + 2 * CANFD_MTU];
} message;

static void
begin(uint32_t opcode, uint32_t flags, uint32_t id, uint32_t nframes)
{
	memset(&message, 0, sizeof(message));
	message.head.opcode = opcode;
	message.head.flags = flags;
	message.head.can_id = id;
	message.head.nframes = nframes;
}

/* In memory of just that size, where a sanitizer sees a byte too many. */
static bool
parse(size_t size, struct evcan_bcm_note_ *note)
{
	uint8_t *bytes = malloc(size > 0 ? size : 1);
	bool ok;

	assert_non_null(bytes);
	memcpy(bytes, &message, size);
	memset(note, 0, sizeof(*note));
	ok = evcan_socketcan_bcm_parse_(bytes, size, note);
	free(bytes);
	return ok;
}

static void
changes_have_one_whole_frame(void **state)
{
	struct can_frame raw = { .can_id = 0x12345 | CAN_EFF_FLAG, .len = 3,
	    .data = { 1, 2, 3, 4 } };
	struct evcan_bcm_note_ note;

	(void)state;
	begin(RX_CHANGED, RX_CHECK_DLC, raw.can_id, 1);
	memcpy(message.bytes + HEAD, &raw, sizeof(raw));
	for (size_t size = 0; size < sizeof(message); size++)
		assert_int_equal(parse(size, &note), size == HEAD + CAN_MTU);
	assert_true(parse(HEAD + CAN_MTU, &note));
	assert_int_equal(note.kind, EVCAN_BCM_CHANGED_);
	assert_int_equal(note.frame.id, 0x12345);
	assert_int_equal(note.frame.flags, EVCAN_FRAME_EXT);
	assert_int_equal(note.frame.len, 3);
	assert_memory_equal(note.frame.data, "\1\2\3\0", 4);
	message.head.nframes = 2;
	assert_false(parse(HEAD + 2 * CAN_MTU, &note));
	message.head.nframes = 0;
	assert_false(parse(HEAD, &note));
}

static void
changes_of_fd_frames(void **state)
{
	struct canfd_frame raw = { .can_id = 0x7ff, .len = 64,
	    .flags = CANFD_BRS };
	struct evcan_bcm_note_ note;

	(void)state;
	raw.data[63] = 9;
	begin(RX_CHANGED, CAN_FD_FRAME, raw.can_id, 1);
	memcpy(message.bytes + HEAD, &raw, sizeof(raw));
	assert_false(parse(HEAD + CAN_MTU, &note));
	assert_true(parse(HEAD + CANFD_MTU, &note));
	assert_int_equal(note.frame.flags, EVCAN_FRAME_FD | EVCAN_FRAME_BRS);
	assert_int_equal(note.frame.len, 64);
	assert_int_equal(note.frame.data[63], 9);
	raw.len = 255;   /* no kernel says so */
	memcpy(message.bytes + HEAD, &raw, sizeof(raw));
	assert_true(parse(HEAD + CANFD_MTU, &note));
	assert_int_equal(note.frame.len, 64);
}

static void
ends_of_tasks(void **state)
{
	struct evcan_bcm_note_ note;

	(void)state;
	begin(TX_EXPIRED, TX_COUNTEVT, 77, 0);
	message.head.ival1.tv_usec = 1000;
	assert_true(parse(HEAD, &note));
	assert_int_equal(note.kind, EVCAN_BCM_DONE_);
	assert_int_equal(note.number, 77);
	/* The first of two rates is over. */
	message.head.ival2.tv_usec = 1;
	assert_true(parse(HEAD, &note));
	assert_int_equal(note.kind, EVCAN_BCM_OTHER_);
	message.head.ival2.tv_usec = 0;
	message.head.ival2.tv_sec = 1;
	assert_true(parse(HEAD, &note));
	assert_int_equal(note.kind, EVCAN_BCM_OTHER_);
	/* What is asked, with frames or cut off. */
	begin(TX_STATUS, TX_COUNTEVT, 78, 256);
	assert_true(parse(HEAD + CAN_MTU, &note));
	assert_int_equal(note.kind, EVCAN_BCM_DONE_);
	message.head.count = 1;
	assert_true(parse(HEAD + CAN_MTU, &note));
	assert_int_equal(note.kind, EVCAN_BCM_OTHER_);
	assert_false(parse(HEAD - 1, &note));
}

static void
silence_and_the_unknown(void **state)
{
	struct evcan_bcm_note_ note;

	(void)state;
	begin(RX_TIMEOUT, 0, 0x123, 0);
	assert_true(parse(HEAD, &note));
	assert_int_equal(note.kind, EVCAN_BCM_SILENT_);
	begin(RX_CHANGED + 1, 0, 0x123, 0);
	assert_true(parse(HEAD, &note));
	assert_int_equal(note.kind, EVCAN_BCM_OTHER_);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_have_one_whole_frame),
		cmocka_unit_test(changes_of_fd_frames),
		cmocka_unit_test(ends_of_tasks),
		cmocka_unit_test(silence_and_the_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int
main(void)
{
	return 77;
}

#endif
