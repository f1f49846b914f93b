/* SPDX-License-Identifier: BSD-3-Clause */
/* lateness.h - how late things were: counts in classes a fifth wide */
#ifndef EVCAN_LATENESS_H
#define EVCAN_LATENESS_H

#include <stdint.h>

/* Four classes an octave from about 1 us to 67 ms; what lies below counts in
 * the first, what lies above in the last. */
#define EVCAN_LATENESS_CLASSES_ 64

/* A plain value; all zero is empty. */
struct evcan_lateness_ {
	uint32_t classes[EVCAN_LATENESS_CLASSES_];
	uint64_t count;
	uint64_t late;           /* of those, more than EVCAN_LATE_NS_ */
	int64_t worst_ns;
};

/* What is called late everywhere. */
#define EVCAN_LATE_NS_ 1000000

/* Negative counts as zero. */
void evcan_lateness_add_(struct evcan_lateness_ *lateness, int64_t ns);
/* The time that this part (0.99) of all did not exceed, at most a fifth too
 * high and never above the worst; 0 when empty. */
int64_t evcan_lateness_part_(const struct evcan_lateness_ *lateness,
    double part);

#endif
