/* SPDX-License-Identifier: BSD-3-Clause */
/* log_registry.h - what readers and writers share about formats */
#ifndef EVCAN_LOG_REGISTRY_H
#define EVCAN_LOG_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evcan/format.h>

/* What evcan_log_reader_options() and evcan_log_writer_options() fill. */
struct evcan_log_reader_options_ {
	const char *format;
	const char *start;
};

struct evcan_log_writer_options_ {
	const char *format;
	bool append;
	int64_t queue_size;
	double flush_interval;
	double close_timeout;
	int gzip;                 /* enum evcan_log_gzip_ */
	int64_t gzip_level;
	int64_t rotate_size;      /* bytes; 0: never */
	double rotate_time;       /* seconds; 0: never */
	const char *rotate_name;
};

/* Indices of the choices of the row `gzip`. */
enum evcan_log_gzip_ {
	EVCAN_LOG_GZIP_AUTO,
	EVCAN_LOG_GZIP_ON,
	EVCAN_LOG_GZIP_OFF
};

/* Room for the list of formats in an error text, and for a refused plug-in. */
#define EVCAN_LOG_FORMATS_MAX 540

/* Whether a name ends in .gz, case ignored. */
bool evcan_log_name_is_gzip_(const char *name);

/* "asc, candump (.log), printer (.txt)": those that can be written, or read;
 * behind them what is wrong with a plug-in, if there is such a one.
 * @return buf */
const char *evcan_log_formats_(char buf[EVCAN_LOG_FORMATS_MAX],
    bool writing);

/* The format that an option names, able to write (or read); NULL with err.
 * @param name of the log, for the error */
const struct evcan_format *evcan_log_format_named_(const char *format,
    const char *name, bool writing, struct evcan_error *err);

/* A format's state, zeroed and filled from its rows; NULL with err. Free
 * it with free(). */
void *evcan_log_state_new_(const struct evcan_options *options,
    const struct evcan_option *rows, size_t size, struct evcan_error *err);

#endif
