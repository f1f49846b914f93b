/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/reader.h - a bounded buffer of frames between loop and reader */
#ifndef EVCAN_READER_H
#define EVCAN_READER_H

#include <stddef.h>
#include <stdint.h>

#include <evcan/frame.h>
#include <evcan/listener.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * python-can's BufferedReader and AsyncBufferedReader in one. It is a
 * listener: attach evcan_reader_listener() to a notifier.
 */
struct evcan_reader;

/**
 * @param capacity frames held at most, 1 to 16,777,216; 0: 4096. What
 * comes when it is full is not taken (and counted by the listener).
 * @return NULL with err: capacity out of range, out of memory
 */
struct evcan_reader *evcan_reader_new(size_t capacity,
    struct evcan_error *err);
void evcan_reader_free(struct evcan_reader *reader);

/** Its listener, owned by the reader. */
struct evcan_listener *evcan_reader_listener(struct evcan_reader *reader);

/** Takes up to max frames, oldest first, never waiting; also after a stop,
 *  until it is empty. @return the number */
int evcan_reader_get(struct evcan_reader *reader, struct evcan_frame *frames,
    size_t max);

/**
 * python-can's get_message(timeout): waits for one frame, only when its
 * notifier has no base. @param timeout_ms negative: for ever
 * @return 1, 0 when the time was spent or the reader is stopped and empty,
 * EVCAN_ERR_STATE where waiting would hold a loop
 */
int evcan_reader_get_wait(struct evcan_reader *reader,
    struct evcan_frame *frame, int timeout_ms);

/** Called after frames came; take them with evcan_reader_get(). */
typedef void (*evcan_reader_cb)(struct evcan_reader *reader, void *arg);
void evcan_reader_set_cb(struct evcan_reader *reader, evcan_reader_cb cb,
    void *arg);

/**
 * One-shot await: cb is called once with the next frame, or with NULL when
 * the reader stops first. Several wait in order. Never from inside this
 * call unless a frame is there already: then 1 is returned, frame goes
 * nowhere else and cb was called.
 * @return 1, 0 (will be called), or EVCAN_ERR_STATE (stopped and empty)
 */
typedef void (*evcan_reader_await_cb)(struct evcan_reader *reader,
    const struct evcan_frame *frame, void *arg);
int evcan_reader_await(struct evcan_reader *reader, evcan_reader_await_cb cb,
    void *arg);

/** Ends feeding: from now on feeding is EVCAN_ERR_STATE; what is buffered
 *  stays to be taken. */
void evcan_reader_stop(struct evcan_reader *reader);

/** Frames buffered now. */
size_t evcan_reader_count(const struct evcan_reader *reader);

#ifdef __cplusplus
}
#endif
#endif
