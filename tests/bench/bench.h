/* SPDX-License-Identifier: BSD-3-Clause */
/* bench.h - clock, median and rows of the benchmarks */
#ifndef EVCAN_BENCH_H
#define EVCAN_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Nanoseconds of CLOCK_MONOTONIC. */
static inline double
evcan_bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* The same of this thread's own work: not disturbed by other programs. */
static inline double
evcan_bench_cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static inline int
evcan_bench_compare_(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median; sorts the values. */
static inline double
evcan_bench_median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), evcan_bench_compare_);
	return n % 2 ? values[n / 2] :
	    (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* "key": value, with null for 0, which is nothing measured. */
static inline void
evcan_bench_json_(FILE *f, const char *key, double value)
{
	if (value > 0)
		fprintf(f, ", \"%s\": %.6g", key, value);
	else
		fprintf(f, ", \"%s\": null", key);
}

static inline void
evcan_bench_cell_(double value)
{
	if (value > 0)
		printf(" %12.4g", value);
	else
		printf(" %12s", "-");
}

/*
 * One figure: a row of a table to stdout, and an object in a line of its own
 * appended to the file that the environment's EVCAN_BENCH_OUT names. Names
 * stay the same from day to day.
 * unit: with a "/s" in it more is better, else less. ratio is how many times
 * better we are than the peer. peer: 0 and NULL where there is none.
 * of_limit: the share of what is possible, 0 to 1; 0: no limit measured.
 */
static inline void
evcan_bench_row(const char *name, const char *unit, double ours, double peer,
    const char *peer_name, double of_limit)
{
	const char *const path = getenv("EVCAN_BENCH_OUT");
	double ratio = 0;
	FILE *f;

	if (ours > 0 && peer > 0)
		ratio = strstr(unit, "/s") ? ours / peer : peer / ours;
	printf("%-32s %-10s %12.4g", name, unit, ours);
	evcan_bench_cell_(peer);
	printf(" %-22s", peer_name ? peer_name : "-");
	evcan_bench_cell_(ratio);
	evcan_bench_cell_(of_limit);
	printf("\n");
	fflush(stdout);
	if (path == NULL || (f = fopen(path, "a")) == NULL)
		return;
	fprintf(f, "{\"name\": \"%s\", \"unit\": \"%s\", \"ours\": %.6g",
	    name, unit, ours);
	evcan_bench_json_(f, "peer", peer);
	if (peer_name != NULL)
		fprintf(f, ", \"peer_name\": \"%s\"", peer_name);
	else
		fprintf(f, ", \"peer_name\": null");
	evcan_bench_json_(f, "ratio", ratio);
	evcan_bench_json_(f, "of_limit", of_limit);
	fprintf(f, "}\n");
	fclose(f);
}

/* The heading of the table. */
static inline void
evcan_bench_head(void)
{
	printf("%-32s %-10s %12s %12s %-22s %12s %12s\n", "name", "unit",
	    "ours", "peer", "peer_name", "ratio", "of_limit");
}

/*
 * The tool to measure: the program itself, not the script that stands for it
 * in a build directory, whose shell would be measured too.
 */
static inline const char *
evcan_bench_tool(void)
{
	static char path[600], libs[500];
	const char *tool = getenv("EVCAN");
	const char *slash;

	if (tool == NULL)
		tool = "./evcan";
	slash = strrchr(tool, '/');
	if (slash == NULL || strlen(tool) > 400)
		return tool;
	snprintf(libs, sizeof(libs), "%.*s/.libs", (int)(slash - tool), tool);
	snprintf(path, sizeof(path), "%s%s", libs, slash);
	if (access(path, X_OK) != 0)
		return tool;
	setenv("LD_LIBRARY_PATH", libs, 1);
	return path;
}

#endif
