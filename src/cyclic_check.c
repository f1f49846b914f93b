/* SPDX-License-Identifier: BSD-3-Clause */
/* cyclic_check.c - what a task may be: options, bounds, frames */
#include "cyclic_task.h"

#include <evcan/error.h>
#include <evcan/modifier.h>
#include <evcan/options.h>

/* The shortest and the longest that count as time between frames. */
#define SHORTEST_NS 1000
#define LONGEST_S 31536000.0
#define LONGEST_NS 31536000000000000

/* A configuration as text has it. */
struct settings {
	double period, duration, initial_period, phase;
	int64_t count, initial_count;
	bool spread;
	int late, on_error, offload;
};

#define AT(member) offsetof(struct settings, member)

static const struct evcan_option rows[] = {
	{ .name = "period", .type = EVCAN_OPTION_REAL,
	  .min = 1e-6, .max = LONGEST_S, .flags = EVCAN_OPTION_REQUIRED,
	  .help = "seconds between frames", .offset = AT(period) },
	{ .name = "duration", .type = EVCAN_OPTION_REAL, .fallback = "0",
	  .min = 0, .max = LONGEST_S,
	  .help = "seconds after which it ends, 0: never",
	  .offset = AT(duration) },
	{ .name = "count", .type = EVCAN_OPTION_INT, .fallback = "0",
	  .min = 0, .max = 1e15,
	  .help = "frames after which it ends, 0: never",
	  .offset = AT(count) },
	{ .name = "initial_count", .type = EVCAN_OPTION_INT,
	  .fallback = "0", .min = 0, .max = 1e15,
	  .help = "frames that are sent `initial_period` apart first",
	  .offset = AT(initial_count) },
	{ .name = "initial_period", .type = EVCAN_OPTION_REAL,
	  .fallback = "0", .min = 0, .max = LONGEST_S,
	  .help = "seconds between the first `initial_count` frames",
	  .offset = AT(initial_period) },
	{ .name = "phase", .type = EVCAN_OPTION_REAL, .fallback = "0",
	  .min = 0, .max = LONGEST_S,
	  .help = "seconds from the start to the first frame",
	  .offset = AT(phase) },
	{ .name = "spread", .type = EVCAN_OPTION_BOOL, .fallback = "false",
	  .help = "the bus's tasks spread themselves evenly over their "
	      "periods",
	  .offset = AT(spread) },
	{ .name = "late", .type = EVCAN_OPTION_CHOICE,
	  .fallback = "catch_up", .choices = "catch_up skip",
	  .help = "frames whose time has passed are all sent at once, or "
	      "only the last",
	  .offset = AT(late) },
	{ .name = "on_error", .type = EVCAN_OPTION_CHOICE,
	  .fallback = "stop", .choices = "stop continue",
	  .help = "what is done when the bus refuses a frame",
	  .offset = AT(on_error) },
	{ .name = "offload", .type = EVCAN_OPTION_CHOICE,
	  .fallback = "auto", .choices = "auto never always",
	  .help = "whether the device sends by itself: if it can, never, or "
	      "it is an error",
	  .offset = AT(offload) },
	{ .name = NULL }
};

const struct evcan_option *
evcan_cyclic_options(void)
{
	return rows;
}

static int64_t
nanoseconds(double seconds)
{
	return (int64_t)(seconds * 1e9 + 0.5);
}

int
evcan_cyclic_config_fill(struct evcan_cyclic_config *config,
    const struct evcan_options *options, struct evcan_error *err)
{
	struct settings settings;
	int r = evcan_options_fill(options, rows, &settings, err);

	if (r < 0)
		return r;
	config->period_ns = nanoseconds(settings.period);
	config->duration_ns = nanoseconds(settings.duration);
	config->count = (uint64_t)settings.count;
	config->initial_count = (uint64_t)settings.initial_count;
	config->initial_period_ns = nanoseconds(settings.initial_period);
	config->phase_ns = nanoseconds(settings.phase);
	config->spread = settings.spread;
	config->late = (enum evcan_cyclic_late)settings.late;
	config->on_error = (enum evcan_cyclic_on_error)settings.on_error;
	config->offload = (enum evcan_offload)settings.offload;
	return 0;
}

/* Configurations */

static int
check_period(const char *what, int64_t ns, struct evcan_error *err)
{
	if (ns >= SHORTEST_NS && ns <= LONGEST_NS)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
	    "%s of %lld ns: it must be from 1000 ns (1 us) to one year",
	    what, (long long)ns);
}

static int
check_rates(const struct evcan_cyclic_config *config, struct evcan_error *err)
{
	int r = check_period("a period", config->period_ns, err);

	if (r < 0)
		return r;
	if (config->initial_count == 0)
		return config->initial_period_ns == 0 ? 0 :
		    evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "an initial period without an initial count: both or "
		    "neither must be given");
	if (config->initial_period_ns == 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "an initial count without an initial period: both or "
		    "neither must be given");
	return check_period("an initial period", config->initial_period_ns,
	    err);
}

static int
check_limits(const struct evcan_cyclic_config *config,
    struct evcan_error *err)
{
	if (config->duration_ns < 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a duration of %lld ns: it must be positive, or 0 for no "
		    "end", (long long)config->duration_ns);
	if (config->count > 0 && config->count < config->initial_count)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a count of %llu is less than the initial count of %llu: "
		    "there is nothing left for the second rate",
		    (unsigned long long)config->count,
		    (unsigned long long)config->initial_count);
	if (config->phase_ns < 0 || config->phase_ns > LONGEST_NS)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a phase of %lld ns: it must be from 0 to one year",
		    (long long)config->phase_ns);
	if (config->spread && config->phase_ns != 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a task has a phase or is spread, not both");
	return 0;
}

int
evcan_cyclic_check_config_(const struct evcan_bus *bus,
    const struct evcan_cyclic_config *config, struct evcan_error *err)
{
	int r = check_rates(config, err);

	if (r == 0)
		r = check_limits(config, err);
	if (r == 0)
		r = evcan_cyclic_check_device_(bus, config, err);
	return r;
}

/* Frames */

static int
check_same(const struct evcan_frame *first, const struct evcan_frame *other,
    struct evcan_error *err)
{
	if (other->id != first->id)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the frames of a task must have one identifier, not %X "
		    "and %X", (unsigned)first->id, (unsigned)other->id);
	if ((other->flags ^ first->flags) & EVCAN_CYCLIC_KIND_)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the frames of a task must have one format: those of %X "
		    "differ (extended, remote, CAN FD)",
		    (unsigned)first->id);
	if (other->channel != first->channel)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "the frames of a task must have one channel: those of %X "
		    "differ", (unsigned)first->id);
	return 0;
}

static int
check_frame(struct evcan_bus *bus, const struct evcan_frame *frame,
    const struct evcan_cyclic_config *config, struct evcan_error *err)
{
	struct evcan_error why = { .code = 0 };
	int r = bus != NULL ? evcan_bus_may_carry_(bus, frame, &why) :
	    evcan_frame_check(frame, &why);

	for (size_t i = 0; r == 0 && i < config->n_modifiers; i++)
		r = evcan_modifier_check(&config->modifiers[i], frame->len,
		    &why);
	if (r == 0)
		return 0;
	return evcan_error_set(err, r, why.system,
	    "bus %s: frame %X cannot be sent periodically: %s",
	    bus != NULL ? bus->name : "was freed", (unsigned)frame->id,
	    why.text);
}

int
evcan_cyclic_check_frames_(struct evcan_bus *bus,
    const struct evcan_frame *frames, size_t n,
    const struct evcan_cyclic_config *config, struct evcan_error *err)
{
	int r = 0;

	if (n == 0)
		return evcan_error_set(err, EVCAN_ERR_INVALID, 0,
		    "a task needs at least one frame");
	for (size_t i = 0; i < n && r == 0; i++) {
		r = check_same(&frames[0], &frames[i], err);
		if (r == 0)
			r = check_frame(bus, &frames[i], config, err);
	}
	return r;
}
