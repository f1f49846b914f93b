/* SPDX-License-Identifier: BSD-3-Clause */
/* registry.h - the drivers there are */
#ifndef EVCAN_REGISTRY_H
#define EVCAN_REGISTRY_H

struct evcan_driver;
struct evcan_error;

/* The driver of that interface name, older spellings too; NULL with err,
 * which lists those there are. name NULL: none was given. */
const struct evcan_driver *evcan_registry_driver_(const char *name,
    struct evcan_error *err);

#endif
