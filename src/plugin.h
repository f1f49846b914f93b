/* SPDX-License-Identifier: BSD-3-Clause */
/* plugin.h - what the registries take from plug-ins */
#ifndef EVCAN_PLUGIN_INTERNAL_H
#define EVCAN_PLUGIN_INTERNAL_H

#include <evcan/plugin.h>

/* The i-th driver or format of all plug-ins, NULL past the end; the first
 * call loads those that are found. */
const struct evcan_driver *evcan_plugin_driver_(size_t i);
const struct evcan_format *evcan_plugin_format_(size_t i);

/* For errors about a name that nobody has: "; evcan_x.so was refused: why",
 * or "". @return buf */
#define EVCAN_PLUGIN_REFUSED_MAX 240
const char *evcan_plugin_refused_(char buf[EVCAN_PLUGIN_REFUSED_MAX]);

/* plugin_check.c */

/* Whether a plug-in's head is of this ABI. @return 0 or negative with err */
int evcan_plugin_check_(const struct evcan_plugin *plugin,
    struct evcan_error *err);
/* Copies of its tables as this library knows them, NULL-ended; NULL with err:
 * one is not as it must be. */
const struct evcan_driver **evcan_plugin_drivers_(
    const struct evcan_plugin *plugin, struct evcan_error *err);
const struct evcan_format **evcan_plugin_formats_(
    const struct evcan_plugin *plugin, struct evcan_error *err);
/* Free such lists, or NULL. */
void evcan_plugin_drivers_free_(const struct evcan_driver **list);
void evcan_plugin_formats_free_(const struct evcan_format **list);

#endif
