/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/filter.h - which frames are wanted */
#ifndef EVCAN_FILTER_H
#define EVCAN_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evcan_frame;
struct evcan_error;

/** Which identifier format a filter asks for; python-can's `extended`. */
enum evcan_filter_format {
	EVCAN_FILTER_ANY = 0,
	EVCAN_FILTER_STD = 1,
	EVCAN_FILTER_EXT = 2
};

/**
 * A frame matches when its format is the one asked for and
 * (id ^ can_id) & can_mask is 0; `inverted` turns the result of both round.
 */
struct evcan_filter {
	uint32_t can_id;
	uint32_t can_mask;
	uint8_t format;     /**< enum evcan_filter_format */
	bool inverted;
};

/** How several filters work together. */
enum evcan_filter_join {
	EVCAN_FILTER_OR = 0,   /**< one match is enough (python-can) */
	EVCAN_FILTER_AND = 1   /**< all must match (CAN_RAW_JOIN_FILTERS) */
};

/*
 * A compiled list. Exact identifiers go into a hash, so that ten thousand
 * cost what one does; masks are grouped. Error frames always pass: they are
 * chosen by a bus's error mask, as in the kernel.
 */
struct evcan_filters;

/**
 * Compiles n filters; n 0 passes everything.
 * @return a new object that evcan_filters_free() releases, or NULL with err
 * (identifier or mask over 29 bits, out of memory)
 */
struct evcan_filters *evcan_filters_new(const struct evcan_filter *filters,
    size_t n, enum evcan_filter_join join, struct evcan_error *err);

/** Releases them. NULL is ignored. */
void evcan_filters_free(struct evcan_filters *filters);

/** Whether the frame passes. filters may be NULL: everything passes. */
bool evcan_filters_match(const struct evcan_filters *filters,
    const struct evcan_frame *frame);

/**
 * Moves the frames that pass to the front, in order.
 * @return how many passed
 */
size_t evcan_filters_apply(const struct evcan_filters *filters,
    struct evcan_frame *frames, size_t n);

/** The list it was made of; list and join may be NULL.
 *  @return its length; *list is borrowed */
size_t evcan_filters_list(const struct evcan_filters *filters,
    const struct evcan_filter **list, enum evcan_filter_join *join);

/**
 * Reads filters as text: `ID:MASK` and `ID~MASK` (inverted) in hex, divided
 * by commas or blanks; an identifier of 8 digits asks for extended frames,
 * of fewer digits for either format; or python-can's JSON form, an array
 * of {"can_id": .., "can_mask": .., "extended": ..} (numbers, or strings
 * with 0x), with "inverted" also understood.
 * @param out receives a malloc'ed array that the caller frees (NULL if 0)
 * @return the number of filters, or a negative code with err
 */
int evcan_filter_parse(const char *text, struct evcan_filter **out,
    struct evcan_error *err);

#ifdef __cplusplus
}
#endif
#endif
