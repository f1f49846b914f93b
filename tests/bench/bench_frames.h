/* SPDX-License-Identifier: BSD-3-Clause */
/* bench_frames.h - the two logs that log formats are measured with */
#ifndef EVCAN_BENCH_FRAMES_H
#define EVCAN_BENCH_FRAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <evcan/channel.h>
#include <evcan/frame.h>

static inline uint32_t
evcan_bench_rnd(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 16);
}

/* As a car speaks: 59 identifiers on two buses, each with a length of its
 * own, a counter, a checksum and signals that move slowly; or identifiers,
 * lengths, data and buses by chance. One frame in half a millisecond. */
static inline void
evcan_bench_frames(struct evcan_frame *frames, size_t n, bool random)
{
	const int a = evcan_channel_intern("can0");
	const int b = evcan_channel_intern("can1");
	int64_t time_ns = 1483389946000000000;

	memset(frames, 0, n * sizeof(*frames));
	for (size_t i = 0; i < n; i++) {
		const uint32_t x = evcan_bench_rnd();
		const uint32_t k = random ? x : (uint32_t)(i * 7 % 59);
		const unsigned len = random ? x >> 11 & 7 :
		    k % 10 == 0 ? 4 : 8;
		const uint32_t turn = (uint32_t)(i / 59);
		uint8_t data[8];

		for (unsigned d = 0; d < 8; d++)
			data[d] = (uint8_t)(random ? evcan_bench_rnd() :
			    k * d + turn / (16 + d * 40));
		if (!random) {
			data[0] = (uint8_t)(turn & 15);
			data[1] = (uint8_t)(x % 8 == 0 ? x >> 8 :
			    data[0] * 29 + k);
		}
		evcan_frame_init(&frames[i], random ? k & 0x7ff :
		    0x100 + k * 11, 0, data, len);
		frames[i].channel = (uint16_t)((random ? x >> 20 & 1 :
		    k % 3 == 0) ? b : a);
		frames[i].clock = EVCAN_CLOCK_KERNEL;
		time_ns += 500000;
		frames[i].time_ns = time_ns;
	}
}

#endif
