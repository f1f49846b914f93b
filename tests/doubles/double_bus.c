/* SPDX-License-Identifier: BSD-3-Clause */
/* double_bus.c - the simulated bus that a vendor library's double sits on */
#include "double_bus.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define CHANNELS_MAX 64
#define NAMES 256
#define EXPORTED __attribute__((visibility("default")))

struct double_node {
	struct double_node *next;
	int channel;
	bool drop_oldest;
	bool dead;               /* was there when its channel was unplugged */
	bool quiet;              /* its fd does not tell that */
	bool edge;               /* its fd is cleared by the library's user */
	bool woken;
	int fd;                  /* -1: not asked for yet */
	bool fd_set;
	unsigned lost;
	pthread_cond_t changed;
	size_t size, first, count;
	struct double_frame queue[];
};

struct channel {
	bool unplugged;
	enum double_state state;
};

/* What the tests asked for by name: of a function or of a switch. */
struct name {
	char text[48];
	long calls;
	bool hang;
	long fail_code, fail_times;      /* times < 0: for ever */
	bool has_value, has_note;
	long value, note;
};

static pthread_mutex_t bus_lock = PTHREAD_MUTEX_INITIALIZER;
static struct double_node *nodes;
static struct channel channels[CHANNELS_MAX];
static int n_channels = 2;
static void (*on_change)(int channel);

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static struct name names[NAMES];
static unsigned long releases;

/* The queue of a node, under the lock */

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Makes the fd readable, or not, as it should be. */
static void
show(struct double_node *node)
{
	bool readable = node->count > 0 || (node->dead && !node->quiet);
	uint64_t value = 1;
	ssize_t done;

	if (node->fd < 0 || readable == node->fd_set ||
	    (node->edge && !readable))
		return;
	node->fd_set = readable;
	if (readable)
		done = write(node->fd, &value, sizeof(value));
	else
		done = read(node->fd, &value, sizeof(value));
	if (done != (ssize_t)sizeof(value))
		abort();
}

static void
give(struct double_node *node, const struct double_frame *frame)
{
	if (node->count == node->size) {
		node->lost++;
		if (!node->drop_oldest)
			return;
		node->first = (node->first + 1) % node->size;
		node->count--;
	}
	node->queue[(node->first + node->count++) % node->size] = *frame;
	show(node);
	pthread_cond_signal(&node->changed);
}

static bool
is_off(int channel)
{
	return channels[channel].state == DOUBLE_OFF;
}

/* Channels and nodes */

void
double_init(int n)
{
	pthread_mutex_lock(&bus_lock);
	n_channels = n < CHANNELS_MAX ? n : CHANNELS_MAX;
	pthread_mutex_unlock(&bus_lock);
}

static struct double_node *
node_new(int channel, size_t queue, bool drop_oldest)
{
	struct double_node *node = malloc(sizeof(*node) +
	    queue * sizeof(node->queue[0]));
	pthread_condattr_t attributes;

	if (node == NULL)
		return NULL;
	memset(node, 0, sizeof(*node));
	node->channel = channel;
	node->size = queue;
	node->drop_oldest = drop_oldest;
	node->fd = -1;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&node->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return node;
}

struct double_node *
double_join(int channel, size_t queue, bool drop_oldest)
{
	struct double_node *node = NULL;

	pthread_mutex_lock(&bus_lock);
	if (channel >= 0 && channel < n_channels &&
	    !channels[channel].unplugged)
		node = node_new(channel, queue > 0 ? queue : 1, drop_oldest);
	if (node != NULL) {
		node->next = nodes;
		nodes = node;
	}
	pthread_mutex_unlock(&bus_lock);
	return node;
}

void
double_leave(struct double_node *node)
{
	struct double_node **at = &nodes;

	pthread_mutex_lock(&bus_lock);
	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	pthread_mutex_unlock(&bus_lock);
	if (node->fd >= 0)
		close(node->fd);
	pthread_cond_destroy(&node->changed);
	free(node);
}

int
double_channel(const struct double_node *node)
{
	return node->channel;
}

bool
double_dead(const struct double_node *node)
{
	bool dead;

	pthread_mutex_lock(&bus_lock);
	dead = node->dead;
	pthread_mutex_unlock(&bus_lock);
	return dead;
}

/* Frames */

bool
double_put(struct double_node *node, const struct double_frame *frame,
    bool echo)
{
	struct double_frame copy = *frame;
	bool on_bus;

	copy.flags &= ~(unsigned)DOUBLE_ECHO;
	pthread_mutex_lock(&bus_lock);
	on_bus = !node->dead && !is_off(node->channel);
	copy.time_ns = now_ns();
	for (struct double_node *to = nodes; on_bus && to != NULL;
	    to = to->next) {
		if (to != node && !to->dead && !is_off(to->channel))
			give(to, &copy);
	}
	copy.flags |= DOUBLE_ECHO;
	if (on_bus && echo)
		give(node, &copy);
	pthread_mutex_unlock(&bus_lock);
	return on_bus;
}

void
double_give(struct double_node *node, const struct double_frame *frame)
{
	struct double_frame copy = *frame;

	pthread_mutex_lock(&bus_lock);
	copy.time_ns = now_ns();
	give(node, &copy);
	pthread_mutex_unlock(&bus_lock);
}

/* @return false when the time is spent */
static bool
wait_for(struct double_node *node, const struct timespec *end, int timeout_ms)
{
	if (timeout_ms < 0)
		return pthread_cond_wait(&node->changed, &bus_lock) == 0;
	return timeout_ms > 0 && pthread_cond_timedwait(&node->changed,
	    &bus_lock, end) == 0;
}

static struct timespec
end_of(int timeout_ms)
{
	uint64_t ns = now_ns() + (timeout_ms > 0 ?
	    (uint64_t)timeout_ms * 1000000 : 0);
	struct timespec end = {
		.tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000)
	};

	return end;
}

static int
take(struct double_node *node, struct double_frame *frame)
{
	if (node->dead)
		return -1;
	if (node->count == 0) {
		node->fd_set = node->fd_set && !node->edge;
		return 0;
	}
	*frame = node->queue[node->first];
	node->first = (node->first + 1) % node->size;
	node->count--;
	show(node);
	return 1;
}

int
double_take(struct double_node *node, struct double_frame *frame,
    int timeout_ms)
{
	struct timespec end = end_of(timeout_ms);
	int r;

	pthread_mutex_lock(&bus_lock);
	while ((r = take(node, frame)) == 0 && timeout_ms != 0) {
		if (node->woken) {
			node->woken = false;
			r = -2;
			break;
		}
		if (!wait_for(node, &end, timeout_ms)) {
			r = take(node, frame);
			break;
		}
	}
	pthread_mutex_unlock(&bus_lock);
	return r;
}

size_t
double_count(struct double_node *node)
{
	size_t n;

	pthread_mutex_lock(&bus_lock);
	n = node->count;
	pthread_mutex_unlock(&bus_lock);
	return n;
}

void
double_flush(struct double_node *node)
{
	pthread_mutex_lock(&bus_lock);
	node->count = 0;
	node->fd_set = node->fd_set && !node->edge;
	show(node);
	pthread_mutex_unlock(&bus_lock);
}

unsigned
double_lost(struct double_node *node)
{
	unsigned n;

	pthread_mutex_lock(&bus_lock);
	n = node->lost;
	node->lost = 0;
	pthread_mutex_unlock(&bus_lock);
	return n;
}

void
double_wake(struct double_node *node)
{
	pthread_mutex_lock(&bus_lock);
	node->woken = true;
	pthread_cond_signal(&node->changed);
	pthread_mutex_unlock(&bus_lock);
}

int
double_fd(struct double_node *node)
{
	pthread_mutex_lock(&bus_lock);
	if (node->fd < 0) {
		node->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		show(node);
	}
	pthread_mutex_unlock(&bus_lock);
	return node->fd;
}

void
double_fd_quiet(struct double_node *node)
{
	pthread_mutex_lock(&bus_lock);
	node->quiet = true;
	show(node);
	pthread_mutex_unlock(&bus_lock);
}

void
double_fd_edge(struct double_node *node)
{
	pthread_mutex_lock(&bus_lock);
	node->edge = node->quiet = true;
	pthread_mutex_unlock(&bus_lock);
}

/* States of channels */

bool
double_unplugged(int channel)
{
	bool unplugged;

	if (channel < 0 || channel >= CHANNELS_MAX)
		return true;
	pthread_mutex_lock(&bus_lock);
	unplugged = channels[channel].unplugged;
	pthread_mutex_unlock(&bus_lock);
	return unplugged;
}

enum double_state
double_state(int channel)
{
	enum double_state state;

	if (channel < 0 || channel >= CHANNELS_MAX)
		return DOUBLE_OFF;
	pthread_mutex_lock(&bus_lock);
	state = channels[channel].state;
	pthread_mutex_unlock(&bus_lock);
	return state;
}

void
double_on_change(void (*cb)(int channel))
{
	pthread_mutex_lock(&bus_lock);
	on_change = cb;
	pthread_mutex_unlock(&bus_lock);
}

static void
change(int channel, bool unplugged, enum double_state state)
{
	void (*cb)(int channel);
	bool changed;

	pthread_mutex_lock(&bus_lock);
	changed = channels[channel].unplugged != unplugged ||
	    channels[channel].state != state;
	channels[channel].unplugged = unplugged;
	channels[channel].state = state;
	/* A handle of a device that was taken away is of no use when it comes
	 * back. */
	for (struct double_node *node = nodes; unplugged && node != NULL;
	    node = node->next) {
		if (node->channel != channel)
			continue;
		node->dead = true;
		show(node);
		pthread_cond_signal(&node->changed);
	}
	cb = on_change;
	pthread_mutex_unlock(&bus_lock);
	if (changed && cb != NULL)
		cb(channel);
}

/* What the tests ask for */

/* By name, under names_lock; made when it is new. */
static struct name *
name_of(const char *text)
{
	unsigned hash = 5381;
	struct name *name;

	for (const char *at = text; *at != '\0'; at++)
		hash = hash * 33 + (unsigned char)*at;
	for (size_t i = 0; i < NAMES; i++) {
		name = &names[(hash + i) % NAMES];
		if (strcmp(name->text, text) == 0)
			return name;
		if (name->text[0] == '\0') {
			snprintf(name->text, sizeof(name->text), "%s", text);
			return name;
		}
	}
	abort();
}

bool
double_enter(const char *text, long *code)
{
	unsigned long at;
	struct name *name;
	bool fail;

	pthread_mutex_lock(&names_lock);
	name = name_of(text);
	name->calls++;
	at = releases;
	if (name->hang) {
		name->hang = false;
		while (at == releases)
			pthread_cond_wait(&released, &names_lock);
		name = name_of(text);      /* after a reset: another one */
	}
	fail = name->fail_times != 0;
	if (fail && code != NULL)
		*code = name->fail_code;
	if (name->fail_times > 0)
		name->fail_times--;
	pthread_mutex_unlock(&names_lock);
	return fail;
}

long
double_setting(const char *text, long fallback)
{
	const struct name *name;
	long value;

	pthread_mutex_lock(&names_lock);
	name = name_of(text);
	value = name->has_value ? name->value : fallback;
	pthread_mutex_unlock(&names_lock);
	return value;
}

bool
double_spend(const char *text)
{
	struct name *name;
	bool any;

	pthread_mutex_lock(&names_lock);
	name = name_of(text);
	any = !name->has_value || name->value != 0;
	if (name->has_value && name->value > 0)
		name->value--;
	pthread_mutex_unlock(&names_lock);
	return any;
}

EXPORTED long
evcan_double_calls(const char *text)
{
	long calls;

	pthread_mutex_lock(&names_lock);
	calls = name_of(text)->calls;
	pthread_mutex_unlock(&names_lock);
	return calls;
}

void
double_note(const char *text, long value)
{
	struct name *name;

	pthread_mutex_lock(&names_lock);
	name = name_of(text);
	name->has_note = true;
	name->note = value;
	pthread_mutex_unlock(&names_lock);
}

EXPORTED long
evcan_double_noted(const char *text)
{
	const struct name *name;
	long value;

	pthread_mutex_lock(&names_lock);
	name = name_of(text);
	value = name->has_note ? name->note : -999999;
	pthread_mutex_unlock(&names_lock);
	return value;
}

static void
release(void)
{
	pthread_mutex_lock(&names_lock);
	releases++;
	pthread_cond_broadcast(&released);
	pthread_mutex_unlock(&names_lock);
}

static void
reset(void)
{
	pthread_mutex_lock(&names_lock);
	memset(names, 0, sizeof(names));
	pthread_mutex_unlock(&names_lock);
	release();
	for (int channel = 0; channel < CHANNELS_MAX; channel++)
		change(channel, false, DOUBLE_ACTIVE);
}

static void
error_frames(int channel)
{
	const struct double_frame frame = { .flags = DOUBLE_ERR,
		.time_ns = now_ns() };

	pthread_mutex_lock(&bus_lock);
	for (struct double_node *node = nodes; node != NULL;
	    node = node->next) {
		if (node->channel == channel && !node->dead)
			give(node, &frame);
	}
	pthread_mutex_unlock(&bus_lock);
}

/* "VERB CHANNEL [STATE]". @return false: it is something else */
static bool
control_channel(const char *command)
{
	static const char *const states[] = { "active", "warning", "passive",
		"off" };
	char verb[16], word[16] = "";
	int channel;

	if (sscanf(command, "%15s %d %15s", verb, &channel, word) < 2 ||
	    channel < 0 || channel >= CHANNELS_MAX)
		return false;
	if (strcmp(verb, "error") == 0) {
		error_frames(channel);
		return true;
	}
	if (strcmp(verb, "unplug") == 0 || strcmp(verb, "plug") == 0) {
		change(channel, verb[0] == 'u', double_state(channel));
		return true;
	}
	for (int i = 0; strcmp(verb, "state") == 0 && i < 4; i++) {
		if (strcmp(word, states[i]) != 0)
			continue;
		change(channel, double_unplugged(channel),
		    (enum double_state)i);
		return true;
	}
	return false;
}

/* "VERB NAME [NUMBER [NUMBER]]". @return false: it is something else */
static bool
control_name(const char *command)
{
	char verb[16], text[48];
	long value = 0, times = 1;
	int n = sscanf(command, "%15s %47s %li %ld", verb, text, &value,
	    &times);
	bool known = true;
	struct name *name;

	if (n < 2)
		return false;
	pthread_mutex_lock(&names_lock);
	name = name_of(text);
	if (strcmp(verb, "hang") == 0) {
		name->hang = true;
	} else if (strcmp(verb, "fail") == 0 && n >= 3) {
		name->fail_code = value;
		name->fail_times = times;
	} else if (strcmp(verb, "set") == 0 && n >= 3) {
		name->has_value = true;
		name->value = value;
	} else {
		known = false;
	}
	pthread_mutex_unlock(&names_lock);
	return known;
}

EXPORTED void
evcan_double_control(const char *command)
{
	if (strcmp(command, "release") == 0) {
		release();
	} else if (strcmp(command, "reset") == 0) {
		reset();
	} else if (!control_channel(command) && !control_name(command)) {
		/* A test that asks for what is not there must not pass. */
		fprintf(stderr, "double: what is \"%s\"?\n", command);
		abort();
	}
}

/* For the tool, which no test can call into. */
__attribute__((constructor)) static void
first_command(void)
{
	const char *command = getenv("EVCAN_DOUBLE_COMMAND");

	if (command != NULL)
		evcan_double_control(command);
}
