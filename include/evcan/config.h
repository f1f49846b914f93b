/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/config.h - where a bus's options come from */
#ifndef EVCAN_CONFIG_H
#define EVCAN_CONFIG_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct evcan_options;
struct evcan_error;

/*
 * Precedence, first source that has a key wins (python-can's):
 *   1. what the caller gives
 *   2. process-wide defaults (can.rc): evcan_config_defaults()
 *   3. environment with suffix: CAN_INTERFACE_<CTX>, CAN_CHANNEL_<CTX>,
 *      CAN_BITRATE_<CTX>, then CAN_CONFIG_<CTX> (a JSON object)
 *   4. environment without suffix: the same four
 *   5. the files' section [<context>]
 *   6. the files' section [default]
 * Files, all read, a later one's value replaces an earlier one's:
 * ~/can.conf, /etc/can.conf, $HOME/.can, $HOME/.canrc; or just one named
 * file. A context of "" is none.
 *
 * Within one source `bustype` is an older name of interface, which wins if
 * both are there; the interface socketcan_native or socketcan_ctypes becomes
 * socketcan.
 *
 * Unlike python-can, values stay text (an option's row gives the type); a
 * file that is there but cannot be read, or is named but missing, is an error
 * and not passed over; and in CAN_CONFIG null is as good as absent, a name
 * given twice is refused, and an empty CAN_CONFIG is none.
 */

/**
 * Process-wide defaults, python-can's `can.rc`: set values into the store
 * returned. Never NULL except when out of memory; not to be freed. Not for
 * use from several threads at once.
 */
struct evcan_options *evcan_config_defaults(void);

/**
 * Completes options from all sources above, in place.
 * @param path one file instead of the four places, or NULL
 * @param context section and suffix, or NULL
 * @return 0, or a negative code with err: a file that cannot be read or
 * parsed (file:line), a CAN_CONFIG that is no JSON object
 */
int evcan_config_load(struct evcan_options *options, const char *path,
    const char *context, struct evcan_error *err);

/** Only the environment's part (both forms when context is given). */
int evcan_config_load_environment(struct evcan_options *options,
    const char *context, struct evcan_error *err);

/** Only the files' part. */
int evcan_config_load_files(struct evcan_options *options, const char *path,
    const char *context, struct evcan_error *err);

/**
 * Reads a spec string into options: `interface:channel,key=value,...`. `,,`
 * is a literal comma. Without a known interface before the first colon the
 * whole first part is a channel ("socket://..."), and the interface is left
 * to the configuration. An empty channel sets none. What the spec says
 * replaces what options held; one name twice in it is refused.
 * @return 0, EVCAN_ERR_SYNTAX with err (nothing is set then) or NOMEM
 */
int evcan_config_parse_spec(struct evcan_options *options, const char *spec,
    struct evcan_error *err);

/**
 * Reads INI text in python's ConfigParser dialect: `=` or `:`, `#` and `;`
 * comment lines, continuation lines, `%(name)s`, a [DEFAULT] section
 * inherited by all; case of keys kept; a duplicate section or key is an
 * error. Sets what `section` (and DEFAULT) holds. At most 1 MiB; a byte order
 * mark at the start is passed over.
 * @param name of the text, for errors
 * @return 1 if the section was there, 0 if not, or EVCAN_ERR_SYNTAX
 */
int evcan_config_parse_ini(struct evcan_options *options, const char *text,
    size_t len, const char *name, const char *section,
    struct evcan_error *err);

/**
 * Reads a JSON object into options: text, numbers and booleans as text,
 * objects and arrays as compact JSON text (filters, timing); null unsets. A
 * name given twice is refused.
 * @param origin for errors and as the values' origin
 * @return 0, EVCAN_ERR_SYNTAX or EVCAN_ERR_NOMEM with err
 */
int evcan_config_parse_json(struct evcan_options *options, const char *text,
    size_t len, const char *origin, struct evcan_error *err);

#ifdef __cplusplus
}
#endif
#endif
