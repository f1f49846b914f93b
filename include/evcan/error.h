/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/error.h - what went wrong, and the log call-back */
#ifndef EVCAN_ERROR_H
#define EVCAN_ERROR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Functions return 0 (or a count) or one of these negative codes.
 * Constructors return NULL and fill their last parameter, an optional
 * struct evcan_error, with the code and one sentence.
 */
enum evcan_error_code {
	EVCAN_OK = 0,
	/** Unknown interface, or one that cannot work on this machine. */
	EVCAN_ERR_NOT_IMPLEMENTED = -1,
	/** A bus or file could not be opened or configured. */
	EVCAN_ERR_INIT = -2,
	/** The device or file refused an operation while open. */
	EVCAN_ERR_OPERATION = -3,
	/** The time given was spent; what was asked did not happen. */
	EVCAN_ERR_TIMEOUT = -4,
	/** A value is out of its range, or of the wrong type. */
	EVCAN_ERR_INVALID = -5,
	/** Out of memory. */
	EVCAN_ERR_NOMEM = -6,
	/** A bounded queue is full; wait for the writable event. */
	EVCAN_ERR_FULL = -7,
	/** Not possible in this state (not open, stopped, closed). */
	EVCAN_ERR_STATE = -8,
	/** Already in use by somebody else. */
	EVCAN_ERR_BUSY = -9,
	/** This driver or format cannot do that. */
	EVCAN_ERR_UNSUPPORTED = -10,
	/** Bytes that do not follow their grammar. */
	EVCAN_ERR_SYNTAX = -11,
	/** No such thing: bus, listener, file, interface. */
	EVCAN_ERR_NOT_FOUND = -12,
	/** The device vanished, or its link is gone. */
	EVCAN_ERR_GONE = -13,
	/** Ended by a close before it was done. */
	EVCAN_ERR_CANCELED = -14
};

/** python-can's exception classes; every code belongs to one. */
enum evcan_error_class {
	EVCAN_CLASS_NONE,
	EVCAN_CLASS_INTERFACE_NOT_IMPLEMENTED,
	EVCAN_CLASS_INITIALIZATION,
	EVCAN_CLASS_OPERATION,
	EVCAN_CLASS_TIMEOUT,
	EVCAN_CLASS_VALUE
};

/** One error, told once. The first error set wins; see evcan_error_clear(). */
struct evcan_error {
	int code;        /**< enum evcan_error_code */
	int system;      /**< errno of the call that failed, or 0 */
	long vendor;     /**< a vendor library's own code, or 0 */
	char text[500];  /**< one sentence, no newline: what, where, what is
	                  *   accepted */
};

/** The python-can exception class that a code stands for. Never fails. */
enum evcan_error_class evcan_error_class(int code);

/** A code's short name ("timeout"), a static string. Never NULL. */
const char *evcan_error_name(int code);

/** Makes the error empty again, ready to be filled. @param err may be NULL */
void evcan_error_clear(struct evcan_error *err);

/**
 * Fills an error unless one is there already; err may be NULL.
 * @param system an errno value whose text is appended, or 0
 * @param fmt printf format of the sentence
 * @return code, so that a caller can return it at once
 */
int evcan_error_set(struct evcan_error *err, int code, int system,
    const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 4, 5)))
#endif
    ;

/** python-can's logging levels, with its numbers. */
enum evcan_log_level {
	EVCAN_LOG_SUBDEBUG = 9,   /**< each received frame */
	EVCAN_LOG_DEBUG = 10,
	EVCAN_LOG_INFO = 20,
	EVCAN_LOG_WARNING = 30,
	EVCAN_LOG_ERROR = 40,
	EVCAN_LOG_CRITICAL = 50
};

/**
 * Called for each message of the library that passes the level.
 * @param area the part that speaks ("bus", "socketcan", ...)
 * @param text one line without a newline, valid during the call only
 */
typedef void (*evcan_log_cb)(enum evcan_log_level level, const char *area,
    const char *text, void *arg);

/**
 * Sets the process's log call-back; NULL (the default) for none. The library
 * itself never prints. May be called from any thread, but not while another
 * thread is inside the library.
 */
void evcan_set_log_cb(evcan_log_cb cb, void *arg);

/** Sets the lowest level that is told (default: EVCAN_LOG_WARNING). */
void evcan_set_log_level(enum evcan_log_level level);

/**
 * python-can's set_logging_level(): "critical", "error", "warning", "info",
 * "debug", "subdebug", in any case.
 * @return 0, or EVCAN_ERR_INVALID for another word (nothing is changed)
 */
int evcan_set_logging_level(const char *name);

/** The level in force. */
enum evcan_log_level evcan_get_log_level(void);

#ifdef __cplusplus
}
#endif
#endif
