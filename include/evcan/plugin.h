/* SPDX-License-Identifier: BSD-3-Clause */
/* evcan/plugin.h - drivers and log formats in shared objects of their own
 *
 * A plug-in is a file evcan_<what>.so with drivers, formats or both. The
 * library looks for such files, by name, in each folder of EVCAN_PLUGIN_PATH
 * (with ":" between; ignored in a set-user-ID program) and then in the folder
 * it was installed with (pkg-config --variable=plugindir evcan). It does so
 * once, when first asked for a driver or format that is not built in, and
 * nothing is ever unloaded, also nothing that is refused. A plug-in that
 * cannot be used is left out as a whole, and why is kept.
 *
 * What its tables say is checked: sizes, names, texts for people (one line),
 * members that must be there or belong together, and option rows (name, type,
 * bounds, words, default, and that the value lies within the state). What
 * cannot be checked is trusted: that the symbol is such a structure, that a
 * list of tables ends in NULL and one of rows in one without a name, that
 * pointers point to what they should, and what the code does. The library
 * uses copies of the tables; option rows and texts stay where they are.
 *
 * All that a plug-in needs is in this header, driver.h and format.h, and this
 * at the end of it:
 *
 *   static const struct evcan_driver *const drivers[] = { &mine, NULL };
 *   const struct evcan_plugin evcan_plugin_v1 = {
 *           EVCAN_PLUGIN_HEAD, "mine", "1.0", drivers, NULL
 *   };
 *
 * ABI 1, for as long as EVCAN_PLUGIN_ABI is 1:
 * - struct evcan_plugin, evcan_driver and evcan_format grow only at their
 *   ends, by members of which NULL or 0 means what there was before. A plug-in
 *   tells how long they were when it was compiled: an older one's are taken
 *   as ending in zeros, a newer one's must end so.
 * - Structures that the library hands to a plug-in grow only at their ends.
 *   Where its functions want one (struct evcan_decode, evcan_buffer), they are
 *   given that which was handed in, not one that the plug-in made.
 * - struct evcan_frame, evcan_error, evcan_filter, evcan_option, evcan_gap
 *   and evcan_lines stay as they are, and so do the values of names.
 * - Functions stay, with their arguments. A plug-in that calls a newer one
 *   cannot be loaded by an older library, which says so.
 */
#ifndef EVCAN_PLUGIN_H
#define EVCAN_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/format.h>
#include <evcan/frame.h>
#include <evcan/options.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EVCAN_PLUGIN_ABI 1

/** What a plug-in exports. All that it points to stays for the process's
 *  life. */
struct evcan_plugin {
	/* EVCAN_PLUGIN_HEAD: what it was compiled with */
	uint32_t abi;              /**< EVCAN_PLUGIN_ABI */
	uint32_t size;             /**< of this structure */
	uint32_t driver_size;      /**< of struct evcan_driver */
	uint32_t format_size;      /**< of struct evcan_format */
	uint32_t option_size;      /**< of struct evcan_option */
	uint32_t frame_size;       /**< of struct evcan_frame */

	const char *name;          /**< for people */
	const char *version;       /**< its own; for people */
	/** NULL-ended, or NULL: none */
	const struct evcan_driver *const *drivers;
	const struct evcan_format *const *formats;
};

#define EVCAN_PLUGIN_HEAD EVCAN_PLUGIN_ABI, \
	(uint32_t)sizeof(struct evcan_plugin), \
	(uint32_t)sizeof(struct evcan_driver), \
	(uint32_t)sizeof(struct evcan_format), \
	(uint32_t)sizeof(struct evcan_option), \
	(uint32_t)sizeof(struct evcan_frame)

/** Defined by the plug-in; exported also with -fvisibility=hidden. */
extern const struct evcan_plugin evcan_plugin_v1
#if defined(__GNUC__)
    __attribute__((visibility("default")))
#endif
    ;

/** A file that was looked at, or a folder that could not be. */
struct evcan_plugin_info {
	const char *path;
	const char *fault;         /**< why it is not used, one sentence; NULL:
	                            *   it is used, and has what follows */
	const char *name, *version;
	/** NULL-ended, empty if it has none */
	const struct evcan_driver *const *drivers;
	const struct evcan_format *const *formats;
};

/** The i-th plug-in found or loaded so far, or NULL past the end. Valid for
 *  the process's life. From any thread, as all functions here. */
const struct evcan_plugin_info *evcan_plugin_at(size_t i);

/**
 * Loads one plug-in by its path, at once; one that is loaded already is fine.
 * Names that are taken stay with their owner, so this comes before the first
 * look at a driver that is not built in if it shall win over a plug-in found.
 * Not from the constructor of any shared object, nor is a first look at
 * drivers or formats, also in a thread that it waits for: the system's loader
 * and this wait for each other.
 * @param path without a slash: a file of the current folder
 * @return 0, or negative with err: EVCAN_ERR_INIT (cannot be loaded, or is no
 * plug-in), EVCAN_ERR_UNSUPPORTED (another ABI), EVCAN_ERR_INVALID (a table is
 * wrong), EVCAN_ERR_BUSY (a name is taken), EVCAN_ERR_NOMEM, EVCAN_ERR_STATE
 * (from inside a plug-in that is being loaded)
 */
int evcan_plugin_load(const char *path, struct evcan_error *err);

/** The folder that plug-ins are installed in. Never NULL. */
const char *evcan_plugin_folder(void);

#ifdef __cplusplus
}
#endif
#endif
