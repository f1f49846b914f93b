/* SPDX-License-Identifier: BSD-3-Clause */
/* cyclic_internal.h - what a bus tells its tasks and subscriptions */
#ifndef EVCAN_CYCLIC_INTERNAL_H
#define EVCAN_CYCLIC_INTERNAL_H

#include <stdint.h>

struct evcan_bus;

/* cyclic.c: struct evcan_bus.cyclics may be NULL in all of them. None makes a
 * call-back. */

/* Its device is gone, but will come back: the grids go on here, and tasks
 * of the device are handed over again at their next point once it is open. */
void evcan_cyclics_gone_(struct evcan_bus *bus);
/* It closes: all stop. */
void evcan_cyclics_stop_(struct evcan_bus *bus);
/* It is freed: its own tasks with it, others lose it. */
void evcan_cyclics_free_(struct evcan_bus *bus);
/* Without a base: EVCAN_DUE_CYCLIC has come. Makes call-backs. */
void evcan_cyclics_run_(struct evcan_bus *bus);

/* subscription.c: struct evcan_bus.subscriptions may be NULL, too, and no
 * call-back is made. */

/* The bus is open (again): the device gets what is for it. */
void evcan_subscriptions_opened_(struct evcan_bus *bus);
/* Its driver was closed, for whatever reason: the device has forgotten all. */
void evcan_subscriptions_gone_(struct evcan_bus *bus);
/* It is freed: they lose it, and tell nothing more. */
void evcan_subscriptions_free_(struct evcan_bus *bus);

#endif
