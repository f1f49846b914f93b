/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_timing.c - bit timing texts */
#include <stdint.h>
#include <stdio.h>
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
write_classic(char out[400], const struct evcan_bit_timing *t)
{
	snprintf(out, 400, "{\"f_clock\": %u, \"brp\": %u, \"tseg1\": %u, "
	    "\"tseg2\": %u, \"sjw\": %u, \"nof_samples\": %u}", t->f_clock,
	    t->brp, t->tseg1, t->tseg2, t->sjw, t->nof_samples);
}

static void
write_fd(char out[400], const struct evcan_bit_timing_fd *t)
{
	snprintf(out, 400, "f_clock=%u nom_brp=%u nom_tseg1=%u nom_tseg2=%u "
	    "nom_sjw=%u data_brp=%u data_tseg1=%u data_tseg2=%u data_sjw=%u",
	    t->f_clock, t->nom_brp, t->nom_tseg1, t->nom_tseg2, t->nom_sjw,
	    t->data_brp, t->data_tseg1, t->data_tseg2, t->data_sjw);
}

/* What was read is valid, and reads the same when written again. */
static void
check(const struct evcan_timing *t)
{
	struct evcan_timing again;
	struct evcan_bit_timing registers;
	unsigned btr;
	char text[400];

	if (t->fd)
		write_fd(text, &t->flexible);
	else
		write_classic(text, &t->classic);
	must(evcan_timing_parse(&again, text, NULL) == 0);
	must(again.fd == t->fd);
	if (t->fd) {
		must(evcan_bit_timing_fd_check(&t->flexible, NULL) == 0);
		must(memcmp(&again.flexible, &t->flexible,
		    sizeof(t->flexible)) == 0);
		return;
	}
	must(evcan_bit_timing_check(&t->classic, NULL) == 0);
	must(again.classic.brp == t->classic.brp);
	btr = evcan_bit_timing_btr(&t->classic);
	must(evcan_bit_timing_from_btr(&registers, t->classic.f_clock,
	    btr >> 8, btr & 0xff, NULL) == 0);
	must(evcan_bit_timing_bitrate(&registers) ==
	    evcan_bit_timing_bitrate(&t->classic));
	must(registers.sjw == t->classic.sjw);
	must(registers.nof_samples == t->classic.nof_samples);
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
