/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_timing.c - bit timing texts */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/bit_timing.h>
#include <evcan/error.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int condition)
{
	if (!condition)
		abort();
}

static void
check_registers(const struct evcan_bit_timing *t)
{
	const unsigned btr = evcan_bit_timing_btr(t);
	struct evcan_bit_timing back;

	must(evcan_bit_timing_check(t, NULL) == 0);
	must(evcan_bit_timing_from_btr(&back, t->f_clock, btr >> 8,
	    btr & 0xff, NULL) == 0);
	must(evcan_bit_timing_equal(&back, t));
}

/* Its own clock is one that it can have; another may be, too. */
static void
check_clock(const struct evcan_timing *t)
{
	const uint32_t own = t->fd ? t->flexible.f_clock : t->classic.f_clock;
	const uint32_t clocks[] = { own, own / 2 };
	struct evcan_timing moved = *t;
	struct evcan_error err = { 0 };

	must(evcan_timing_adjust_clock(&moved, clocks, 2, NULL) == 0);
	must(evcan_timing_equal(&moved, t));
	if (evcan_timing_adjust_clock(&moved, clocks + 1, 1, &err) < 0) {
		must(evcan_timing_equal(&moved, t) && err.text[0] != '\0');
		return;
	}
	must((t->fd ? evcan_bit_timing_fd_check(&moved.flexible, NULL) :
	    evcan_bit_timing_check(&moved.classic, NULL)) == 0);
}

/* What was read is valid, and reads the same when written again. */
static void
check(const struct evcan_timing *t)
{
	struct evcan_timing again;
	char text[EVCAN_TIMING_TEXT_MAX];
	int len = evcan_timing_format(t, text, sizeof(text));

	must(len > 0 && (size_t)len == strlen(text));
	must(evcan_timing_parse(&again, text, NULL) == 0);
	must(evcan_timing_equal(&again, t));
	len = evcan_timing_print(t, text, sizeof(text));
	must(len > 0 && (size_t)len == strlen(text) &&
	    (size_t)len < sizeof(text));
	if (t->fd)
		must(evcan_bit_timing_fd_check(&t->flexible, NULL) == 0);
	else
		check_registers(&t->classic);
	check_clock(t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evcan_error err = { 0 };
	struct evcan_timing timing;
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	if (evcan_timing_parse(&timing, text, &err) == 0)
		check(&timing);
	else
		must(err.text[0] != '\0' && strchr(err.text, '\n') == NULL);
	free(text);
	return 0;
}
