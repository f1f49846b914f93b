/* SPDX-License-Identifier: BSD-3-Clause */
/* samples.h - the real tools' logs of EVCAN_SAMPLES, and what is in them */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/error.h>
#include <evcan/frame.h>
#include <evcan/log.h>
#include <evcan/options.h>

#include "may_skip.h"
#include "sane_frame.h"

#define SAMPLES_MAX 200

/* A row of tests/data/samples.txt; -1: nobody counted. */
struct sample {
	char path[512], name[160], format[24];
	int frames, fd, err, rtr;
};

static struct sample samples[SAMPLES_MAX];
static size_t sample_count;

static int
sample_number(const char *text)
{
	return strcmp(text, "-") == 0 ? -1 : atoi(text);
}

/* Reads the table. @return false: no samples here (skip) */
static bool
load_samples(void)
{
	const char *where = getenv("EVCAN_SAMPLES");
	const char *top = getenv("top_srcdir");
	char line[400], path[400], name[160], n[4][24];
	FILE *in;

	sample_count = 0;
	if (where == NULL || *where == '\0')
		return false;
	snprintf(path, sizeof(path), "%s/tests/data/samples.txt",
	    top != NULL ? top : ".");
	in = fopen(path, "r");
	if (in == NULL)
		fail_msg("%s: cannot be opened", path);
	while (fgets(line, sizeof(line), in) != NULL) {
		struct sample *s = &samples[sample_count];

		if (*line == '#')
			continue;
		assert_int_equal(sscanf(line, "%159s %23s %23s %23s %23s "
		    "%23s", name, s->format, n[0], n[1], n[2], n[3]), 6);
		snprintf(s->path, sizeof(s->path), "%s/%s", where, name);
		snprintf(s->name, sizeof(s->name), "%s", name);
		s->frames = sample_number(n[0]);
		s->fd = sample_number(n[1]);
		s->err = sample_number(n[2]);
		s->rtr = sample_number(n[3]);
		assert_true(++sample_count < SAMPLES_MAX);
	}
	fclose(in);
	return true;
}

/* All frames of a log, and how its reading went. */
struct frames {
	struct evcan_frame *frames;
	size_t n, room;
	unsigned faults;
	struct evcan_log_read_stats stats;
	struct evcan_error last;
};

static void
read_frames(struct evcan_log_reader *reader, size_t batch, struct frames *all)
{
	int r;

	memset(all, 0, sizeof(*all));
	for (;;) {
		if (all->n + batch > all->room) {
			all->room = all->room * 2 + batch;
			all->frames = realloc(all->frames,
			    all->room * sizeof(*all->frames));
			assert_non_null(all->frames);
		}
		/* What a reader leaves unset is seen. */
		memset(all->frames + all->n, 0xa5,
		    batch * sizeof(*all->frames));
		r = evcan_log_reader_read(reader, all->frames + all->n,
		    batch);
		if (r == 0)
			break;
		if (r < 0) {
			all->last = *evcan_log_reader_error(reader);
			assert_true(all->last.text[0] != '\0');
			assert_true(++all->faults < 1000000);
			continue;
		}
		all->n += (size_t)r;
	}
	evcan_log_reader_get_stats(reader, &all->stats);
}

/* What every frame of every log must be. */
static inline void
check_sane(const char *name, const struct evcan_frame *f)
{
	if (!sane_frame(f))
		fail_msg("%s: a frame that cannot be: id %x flags %x len %u "
		    "dlc %u dir %u clock %u", name, f->id, f->flags, f->len,
		    f->dlc, f->dir, f->clock);
}

#endif
