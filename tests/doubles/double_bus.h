/* SPDX-License-Identifier: BSD-3-Clause */
/* double_bus.h - the simulated bus that a vendor library's double sits on
 *
 * A double is a shared object with the vendor's real symbols, structures and
 * blocking behaviour. All its channels are on one simulated bus, so two of
 * them talk. It knows nothing of evcan, and drivers know nothing of it. */
#ifndef DOUBLE_BUS_H
#define DOUBLE_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum double_flag {
	DOUBLE_EXT = 1, DOUBLE_RTR = 2, DOUBLE_FD = 4, DOUBLE_BRS = 8,
	DOUBLE_ESI = 16, DOUBLE_ERR = 32, DOUBLE_ECHO = 64
};

struct double_frame {
	uint32_t id;
	unsigned flags;          /* enum double_flag */
	unsigned len;            /* bytes of data, the request of a remote one */
	uint64_t time_ns;        /* CLOCK_MONOTONIC when it was on the bus */
	uint64_t tag;            /* the double's own */
	uint8_t data[64];
};

/* One opened handle, with its receive queue. */
struct double_node;

/* Channels that there are: 0 to n - 1 (2 unless told). Call it first. */
void double_init(int channels);

/* @param queue frames; one more drops the oldest (drop_oldest) or newest,
 * and double_lost() tells. @return NULL: no such channel, or unplugged */
struct double_node *double_join(int channel, size_t queue, bool drop_oldest);
void double_leave(struct double_node *node);
int double_channel(const struct double_node *node);
/* Whether it was there when its channel was unplugged. */
bool double_dead(const struct double_node *node);

/* Puts a frame on the bus: all other nodes get it, those of the sender's own
 * channel too; the sender itself a copy with DOUBLE_ECHO if it asks for one.
 * @return false: bus-off, or unplugged */
bool double_put(struct double_node *node, const struct double_frame *frame,
    bool echo);
/* Into one node's own queue only (status and error messages). */
void double_give(struct double_node *node, const struct double_frame *frame);

/* Waits for a frame, for timeout_ms at most (0: not at all, negative: for
 * ever). @return 1, 0: time spent, -1: unplugged, -2: double_wake() */
int double_take(struct double_node *node, struct double_frame *frame,
    int timeout_ms);
size_t double_count(struct double_node *node);
void double_flush(struct double_node *node);
/* Frames dropped since it was asked last. */
unsigned double_lost(struct double_node *node);
/* Ends a wait in double_take, the next one if there is none now. */
void double_wake(struct double_node *node);
/* An eventfd, readable exactly while the queue is not empty or the channel is
 * unplugged; the node's own. */
int double_fd(struct double_node *node);
/* Its fd does not tell that the channel is unplugged. */
void double_fd_quiet(struct double_node *node);
/* Its fd is set once, by a frame; the library's user clears it, and it is set
 * again only after double_take() found nothing. */
void double_fd_edge(struct double_node *node);

/* Misbehaviour, asked for by the tests through the exported
 *
 *   void evcan_double_control(const char *command);
 *
 * "unplug CH", "plug CH", "hang NAME" (the next call of that function sleeps
 * until "release"), "release", "state CH active|warning|passive|off",
 * "error CH" (an error frame to each node of CH), "fail NAME CODE [TIMES]",
 * "set NAME VALUE" (the double's own switches), "reset" (all of it, counts of
 * calls too). TIMES: once unless told, negative: for ever. What is plugged in
 * again needs a new node: the old ones stay dead. The variable
 * EVCAN_DOUBLE_COMMAND says the first one. */
void evcan_double_control(const char *command);

enum double_state { DOUBLE_ACTIVE, DOUBLE_WARNING, DOUBLE_PASSIVE,
	DOUBLE_OFF };
bool double_unplugged(int channel);
enum double_state double_state(int channel);
/* At the head of each exported function: hangs if it is told to.
 * @return true: fail with *code */
bool double_enter(const char *name, long *code);
/* A switch of "set NAME VALUE"; `fallback` if it was not set. */
long double_setting(const char *name, long fallback);
/* Takes one of a switch's number, such as that of frames that there is room
 * for; not set or negative: there is no end. @return false: none left */
bool double_spend(const char *name);
/* Called (in the thread that called control) when a state or plug changes. */
void double_on_change(void (*cb)(int channel));

/* Calls so far of double_enter(name), for tests: exported too. */
long evcan_double_calls(const char *name);

/* The last value of something that a double was told; not told: -999999. */
void double_note(const char *name, long value);
long evcan_double_noted(const char *name);

#endif
