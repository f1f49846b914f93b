/* SPDX-License-Identifier: BSD-3-Clause */
/* trc_error.c - error rows of TRC files and SocketCAN's error frames */
#include "trc_row.h"

#include <string.h>

#include "error_frame.h"

/* From linux/can/error.h. PEAK's code of the place in the frame is that of
 * the SJA1000, as SocketCAN's is. */
#define ERR_PROT 0x8u
#define ERR_BUS 0x80u
#define ERR_COUNTERS 0x200u
#define PROT_KINDS 0x07u   /* bit, form, stuff: PEAK's 1, 2, 4 */
#define PROT_TX 0x80u

#define TYPE_OTHER 8

enum { TYPE, DIRECTION, PLACE, RX_COUNT, TX_COUNT };

void
evcan_trc_get_error_(const uint8_t *bytes, size_t n, struct evcan_frame *frame)
{
	uint8_t *data = frame->data;

	evcan_error_frame_(frame);
	if (n < EVCAN_TRC_ERROR_BYTES)
		return;
	data[2] = bytes[TYPE] & PROT_KINDS;
	if (bytes[DIRECTION] == 0)
		data[2] |= PROT_TX;
	data[3] = bytes[PLACE];
	data[6] = bytes[TX_COUNT];
	data[7] = bytes[RX_COUNT];
	if ((data[2] | data[3]) != 0)
		frame->id |= ERR_PROT;
	if ((data[6] | data[7]) != 0)
		frame->id |= ERR_COUNTERS;
}

bool
evcan_trc_put_error_(const struct evcan_frame *frame, uint8_t *bytes)
{
	static const uint8_t none[8];
	const uint8_t *data = frame->len == 8 ? frame->data : none;
	const bool prot = (frame->id & ERR_PROT) != 0;
	const uint8_t kind = prot ? data[2] & PROT_KINDS : 0;
	struct evcan_frame back;

	bytes[TYPE] = kind != 0 ? kind : TYPE_OTHER;
	bytes[DIRECTION] = !prot || (data[2] & PROT_TX) == 0;
	bytes[PLACE] = prot ? data[3] : 0;
	bytes[RX_COUNT] = data[7];
	bytes[TX_COUNT] = data[6];
	evcan_trc_get_error_(bytes, EVCAN_TRC_ERROR_BYTES, &back);
	return back.id == frame->id && frame->len == 8 &&
	    memcmp(back.data, frame->data, 8) == 0;
}
