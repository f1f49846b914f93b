/* SPDX-License-Identifier: BSD-3-Clause */
/* lateness.c - how late things were: counts in classes a fifth wide */
#include "lateness.h"

#include <stddef.h>

#define OCTAVE_CLASSES 4
/* The first octave begins at 2^10 ns. */
#define FIRST_SHIFT 10

/* Where the classes of an octave begin: 2^10 * 2^(i/4). */
static const int64_t begins[OCTAVE_CLASSES + 1] = {
	1024, 1218, 1449, 1723, 2048
};

static size_t
class_of(int64_t ns)
{
	size_t octave = 0, part = 0;

	if (ns < begins[0])
		return 0;
	while (ns >= begins[OCTAVE_CLASSES] &&
	    octave < EVCAN_LATENESS_CLASSES_ / OCTAVE_CLASSES) {
		ns >>= 1;
		octave++;
	}
	while (part < OCTAVE_CLASSES - 1 && ns >= begins[part + 1])
		part++;
	octave = octave * OCTAVE_CLASSES + part;
	return octave < EVCAN_LATENESS_CLASSES_ ? octave :
	    EVCAN_LATENESS_CLASSES_ - 1;
}

/* What all in the class are below. */
static int64_t
end_of(size_t class)
{
	return begins[class % OCTAVE_CLASSES + 1] <<
	    class / OCTAVE_CLASSES;
}

void
evcan_lateness_add_(struct evcan_lateness_ *lateness, int64_t ns)
{
	uint32_t *count;

	if (ns < 0)
		ns = 0;
	lateness->count++;
	if (ns > EVCAN_LATE_NS_)
		lateness->late++;
	if (ns > lateness->worst_ns)
		lateness->worst_ns = ns;
	count = &lateness->classes[class_of(ns)];
	if (++*count < UINT32_MAX)
		return;
	/* Half of each: their parts stay what they are. */
	for (size_t i = 0; i < EVCAN_LATENESS_CLASSES_; i++)
		lateness->classes[i] /= 2;
}

int64_t
evcan_lateness_part_(const struct evcan_lateness_ *lateness, double part)
{
	uint64_t all = 0, below = 0;
	size_t i;

	for (i = 0; i < EVCAN_LATENESS_CLASSES_; i++)
		all += lateness->classes[i];
	for (i = 0; i < EVCAN_LATENESS_CLASSES_ - 1; i++) {
		below += lateness->classes[i];
		if (below > 0 && (double)below >= part * (double)all)
			return end_of(i) < lateness->worst_ns ? end_of(i) :
			    lateness->worst_ns;
	}
	return lateness->worst_ns;   /* the last class has no end */
}
