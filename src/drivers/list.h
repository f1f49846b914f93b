/* SPDX-License-Identifier: BSD-3-Clause */
/* list.h - one line a driver; a driver is `const struct evcan_driver
 * evcan_driver_<name>_` in <name>.c */
EVCAN_DRIVER(iscan)
EVCAN_DRIVER(ixxat)
EVCAN_DRIVER(kvaser)
EVCAN_DRIVER(neovi)
EVCAN_DRIVER(nican)
EVCAN_DRIVER(pcan)
EVCAN_DRIVER(socketcan)
EVCAN_DRIVER(systec)
EVCAN_DRIVER(usb2can)
EVCAN_DRIVER(vector)
EVCAN_DRIVER(virtual)
