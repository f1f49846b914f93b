/* SPDX-License-Identifier: BSD-3-Clause */
/* list.h - one line a format; a format is `const struct evcan_format
 * evcan_format_<name>_` in <name>.c */
EVCAN_FORMAT(asc)
EVCAN_FORMAT(blf)
EVCAN_FORMAT(busmaster)
EVCAN_FORMAT(candump)
EVCAN_FORMAT(crtd)
EVCAN_FORMAT(css)
EVCAN_FORMAT(csv)
EVCAN_FORMAT(gvret)
EVCAN_FORMAT(kvaser)
EVCAN_FORMAT(mf4)
EVCAN_FORMAT(pcap)
EVCAN_FORMAT(pcapng)
EVCAN_FORMAT(printer)
EVCAN_FORMAT(sqlite)
EVCAN_FORMAT(trc)
