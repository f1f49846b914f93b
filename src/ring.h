/* SPDX-License-Identifier: BSD-3-Clause */
/* ring.h - single producer, single consumer ring of frames */
#ifndef EVCAN_RING_H
#define EVCAN_RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/frame.h>

/* head and tail only grow; each is written by one side. The padding keeps
 * them on cache lines of their own, wherever the struct stands, so that the
 * sides do not slow each other down. */
struct evcan_ring_ {
	struct evcan_frame *frames;
	size_t mask;
	char padding[64];
	_Atomic size_t head;     /* written by the producer */
	size_t tail_seen;        /* the producer's copy of tail */
	char more_padding[64];
	_Atomic size_t tail;     /* written by the consumer */
	size_t head_seen;        /* the consumer's copy of head */
	char end_padding[64];
};

/* Room for at least n frames (rounded up to a power of two). */
int evcan_ring_init_(struct evcan_ring_ *ring, size_t n);
void evcan_ring_destroy_(struct evcan_ring_ *ring);

/* Producer: copies frames in; returns how many had room. */
size_t evcan_ring_push_(struct evcan_ring_ *ring,
    const struct evcan_frame *frames, size_t n);
/* Producer: frames that would have room now. */
size_t evcan_ring_room_(struct evcan_ring_ *ring);

/* Consumer: copies up to n frames out; returns how many. */
size_t evcan_ring_pop_(struct evcan_ring_ *ring, struct evcan_frame *frames,
    size_t n);
/* Consumer: up to n frames that stand in a row, still in the ring;
 * evcan_ring_drop_() takes them out. */
size_t evcan_ring_peek_(struct evcan_ring_ *ring,
    const struct evcan_frame **frames, size_t n);
void evcan_ring_drop_(struct evcan_ring_ *ring, size_t n);
/* Either side: frames in it, as of now. */
size_t evcan_ring_count_(const struct evcan_ring_ *ring);

#endif
