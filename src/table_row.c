/* SPDX-License-Identifier: BSD-3-Clause */
/* table_row.c - a frame as a row of python-can's table, in CSV and SQLite */
#include "table_row.h"

#include <string.h>
#include <strings.h>

#include "error_frame.h"

const char *const evcan_column_names_[EVCAN_COLUMNS] = {
	"timestamp", "arbitration_id", "extended", "remote", "error", "dlc",
	"data", "fd", "brs", "esi", "channel", "direction"
};

const char *const evcan_column_directions_[3] = { "Rx", "Tx", "TxRq" };

int
evcan_column_direction_(const char *text, size_t len)
{
	if (len == 1 && (*text == 'R' || *text == 'r'))
		return EVCAN_DIR_RX;
	if (len == 1 && (*text == 'T' || *text == 't'))
		return EVCAN_DIR_TX;
	for (int i = 0; i < 3; i++)
		if (strlen(evcan_column_directions_[i]) == len &&
		    strncasecmp(evcan_column_directions_[i], text, len) == 0)
			return i;
	return -1;
}

static bool
is_zero(const uint8_t *data, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		if (data[i] != 0)
			return false;
	return true;
}

static const char *
set_length(const struct evcan_row_ *row, struct evcan_frame *frame)
{
	const unsigned len = row->len;
	const bool has_dlc = EVCAN_COLUMNS_HAVE(row->columns,
	    EVCAN_COLUMN_DLC);
	const unsigned dlc = has_dlc ? row->dlc : len;

	frame->len = (uint8_t)len;
	frame->dlc = evcan_len2dlc(len);
	if (dlc == len)
		return NULL;
	if (dlc > 8 && dlc <= 15 && evcan_dlc2len(dlc) == len)
		return NULL;
	if (dlc > 8 && dlc <= 15 && len == 8 &&
	    (frame->flags & EVCAN_FRAME_FD) == 0) {
		frame->dlc = (uint8_t)dlc;
		return NULL;
	}
	return "dlc does not fit the number of data bytes";
}

/* python-can keeps error frames of which nothing but that is known: id 0,
 * with or without zero bytes. Remote and extended mean nothing here. */
static const char *
error_row(const struct evcan_row_ *row, struct evcan_frame *frame)
{
	struct evcan_row_ padded = *row;

	frame->flags = EVCAN_FRAME_ERR;
	if (row->len > 8 || row->fd)
		frame->flags |= EVCAN_FRAME_FD;
	if (row->len == 0 && row->dlc <= 8)
		padded.len = row->dlc;
	if (row->id == 0 && padded.len <= 8 &&
	    is_zero(frame->data, padded.len)) {
		evcan_error_frame_(frame);
		return NULL;
	}
	return set_length(&padded, frame);
}

static const char *
remote_row(const struct evcan_row_ *row, struct evcan_frame *frame)
{
	frame->flags |= EVCAN_FRAME_RTR;
	if (row->fd || row->brs || row->esi)
		return "a remote frame cannot be CAN FD";
	if (row->len > 0)
		return "a remote frame has no data";
	if (row->dlc > 15)
		return "a remote frame's dlc is at most 15";
	frame->len = 0;
	frame->dlc = (uint8_t)row->dlc;
	return NULL;
}

static const char *
data_row(const struct evcan_row_ *row, struct evcan_frame *frame)
{
	/* More than 8 bytes prove what python-can does not write down. */
	const bool fd = row->fd || row->len > 8 ||
	    (!EVCAN_COLUMNS_HAVE(row->columns, EVCAN_COLUMN_FD) &&
	    (row->brs || row->esi));

	if (!fd && (row->brs || row->esi))
		return "only a CAN FD frame can have brs or esi";
	if (fd)
		frame->flags |= EVCAN_FRAME_FD;
	if (row->brs)
		frame->flags |= EVCAN_FRAME_BRS;
	if (row->esi)
		frame->flags |= EVCAN_FRAME_ESI;
	return set_length(row, frame);
}

const char *
evcan_row_frame_(const struct evcan_row_ *row, struct evcan_frame *frame)
{
	const bool ext = EVCAN_COLUMNS_HAVE(row->columns, EVCAN_COLUMN_EXT) ?
	    row->ext : row->id > EVCAN_MAX_STD_ID;

	if (row->id > EVCAN_MAX_EXT_ID)
		return "the identifier is over 29 bits, 0x1fffffff";
	if (row->len < 8)
		memset(frame->data + row->len, 0, 8 - row->len);
	frame->id = row->id;
	if (row->error)
		return error_row(row, frame);
	frame->flags = ext ? EVCAN_FRAME_EXT : 0;
	if (!ext && row->id > EVCAN_MAX_STD_ID)
		return "a standard identifier is at most 11 bits, 0x7ff";
	return row->remote ? remote_row(row, frame) : data_row(row, frame);
}

unsigned
evcan_row_dlc_(const struct evcan_frame *frame, unsigned columns)
{
	const bool raw = frame->dlc > 8 &&
	    (frame->flags & EVCAN_FRAME_FD) == 0 &&
	    EVCAN_COLUMNS_HAVE(columns, EVCAN_COLUMN_FD);

	return raw ? frame->dlc : evcan_frame_length(frame);
}

static bool
loses_dlc(const struct evcan_frame *frame, unsigned columns)
{
	if ((frame->flags & EVCAN_FRAME_FD) != 0)
		return frame->dlc != evcan_len2dlc(frame->len);
	return frame->dlc > 8 &&
	    !EVCAN_COLUMNS_HAVE(columns, EVCAN_COLUMN_FD);
}

/* See error_row(). */
static bool
loses_error(const struct evcan_frame *frame)
{
	if ((frame->flags & EVCAN_FRAME_ERR) == 0)
		return false;
	return (frame->flags & EVCAN_FRAME_EXT) != 0 || (frame->id == 0 &&
	    frame->len <= 8 && is_zero(frame->data, frame->len));
}

void
evcan_row_lost_(const struct evcan_frame *frame, unsigned columns,
    uint64_t *lost)
{
	const unsigned flags = frame->flags;
	const bool all = EVCAN_COLUMNS_HAVE(columns, EVCAN_COLUMN_FD);

	lost[EVCAN_ROW_LOST_HOPS] += frame->hops != 0;
	lost[EVCAN_ROW_LOST_CLOCK] += frame->clock !=
	    evcan_row_clock_(frame->time_ns);
	lost[EVCAN_ROW_LOST_CHANNEL] += frame->channel != 0 &&
	    !EVCAN_COLUMNS_HAVE(columns, EVCAN_COLUMN_CHANNEL);
	lost[EVCAN_ROW_LOST_DIRECTION] += frame->dir != EVCAN_DIR_RX &&
	    !EVCAN_COLUMNS_HAVE(columns, EVCAN_COLUMN_DIRECTION);
	lost[EVCAN_ROW_LOST_DLC] += frame->dlc > 8 &&
	    loses_dlc(frame, columns);
	if ((flags & ~EVCAN_FRAME_EXT) == 0)
		return;
	lost[EVCAN_ROW_LOST_ECHO] += (flags & EVCAN_FRAME_ECHO) != 0;
	lost[EVCAN_ROW_LOST_FD] += (flags & EVCAN_FRAME_FD) != 0 && !all &&
	    frame->len <= 8;
	lost[EVCAN_ROW_LOST_BRS] += (flags & EVCAN_FRAME_BRS) != 0 &&
	    !EVCAN_COLUMNS_HAVE(columns, EVCAN_COLUMN_BRS);
	lost[EVCAN_ROW_LOST_ESI] += (flags & EVCAN_FRAME_ESI) != 0 &&
	    !EVCAN_COLUMNS_HAVE(columns, EVCAN_COLUMN_ESI);
	lost[EVCAN_ROW_LOST_ERROR] += loses_error(frame);
}
