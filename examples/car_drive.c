/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * car_drive.c - makes the log of a drive: car_drive [FILE [SECONDS [SEED]]]
 * Shows how to build frames and write them with evcan_log_writer, without a
 * loop. A simulated car accelerates and brakes; about 2,000 frames a second
 * tell of it: cyclic with jitter, standard and extended, CAN FD, remote and
 * error frames, bursts, counters and checksums. A seed gives one log.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <evcan/evcan.h>

#define FD (EVCAN_FRAME_FD | EVCAN_FRAME_BRS)
enum signal { SPEED, RPS, GEAR, PEDAL, BRAKE, ACCEL, TORQUE, STEER, LEFT,
	RIGHT, COOLANT, FUEL, SIGNALS };

static const struct message {
	uint32_t id;
	unsigned flags, len, period_ms;
	unsigned n;               /* at once; from 10 on of one identifier */
	enum signal signals[3];   /* each in 1/100, 16 bits */
} messages[] = {
	{ 0x0a0, 0, 8, 10, 2, { RPS, TORQUE, PEDAL } },
	{ 0x0b0, 0, 8, 10, 2, { STEER, BRAKE, ACCEL } },
	{ 0x0c0, 0, 8, 10, 4, { LEFT, RIGHT, SPEED } },
	{ 0x0d0, 0, 7, 10, 1, { GEAR, RPS, TORQUE } },
	{ 0x110, 0, 8, 10, 3, { PEDAL, BRAKE, STEER } },
	{ 0x0cf00400, EVCAN_FRAME_EXT, 8, 10, 2, { TORQUE, PEDAL, RPS } },
	{ 0x18f0010b, EVCAN_FRAME_EXT, 8, 20, 5, { BRAKE, GEAR, PEDAL } },
	{ 0x2f0, FD, 64, 20, 2, { STEER, SPEED, ACCEL } },
	{ 0x18ff8a11, EVCAN_FRAME_EXT | FD, 48, 20, 1, { LEFT, RPS, GEAR } },
	{ 0x3a0, 0, 8, 100, 3, { COOLANT, FUEL, SPEED } },
	{ 0x5a0, EVCAN_FRAME_RTR, 8, 1000, 1, { SPEED, SPEED, SPEED } },
	{ 0x18daf110, EVCAN_FRAME_EXT, 8, 500, 60, { SPEED, COOLANT, FUEL } },
	{ 0x088, EVCAN_FRAME_ERR, 8, 7000, 1, { SPEED, SPEED, SPEED } }
};
#define COUNT (sizeof(messages) / sizeof(messages[0]))

/* The driver wants a speed that changes; the rest follows from it. */
static void
drive(double *s, double t, double dt)
{
	static const double ratios[] = { 2, 2.3, 1.3, 0.9, 0.6, 0.5, 0.4 };

	s[ACCEL] = 32 + 30 * sin(t * 0.35 - 1.5) - s[SPEED] / 2;
	s[ACCEL] = fmin(3.5, fmax(-6, s[ACCEL]));
	s[SPEED] = fmax(0, s[SPEED] + 3.6 * s[ACCEL] * dt);
	s[PEDAL] = fmin(100, fmax(0, s[ACCEL] * 22 + s[SPEED] * 0.15));
	s[BRAKE] = fmax(0, -s[ACCEL] * 14);
	s[GEAR] = fmin(6, 1 + floor(s[SPEED] / 22));
	s[RPS] = fmax(13, s[SPEED] * ratios[(int)s[GEAR]]) + 0.1 * drand48();
	s[TORQUE] = s[PEDAL] * 2.6 - 20;
	s[STEER] = 40 * sin(t * 0.8) + 0.2 * drand48();
	s[LEFT] = s[SPEED] * (1 - s[STEER] * 0.001) + 0.03 * drand48();
	s[RIGHT] = s[SPEED] * (1 + s[STEER] * 0.001) + 0.03 * drand48();
	s[COOLANT] += (90 - s[COOLANT]) * dt / 60;
	s[FUEL] -= s[PEDAL] * dt / 40000;
}

/* The i-th frame of a message, with a counter and a checksum at its end. */
static void
encode(struct evcan_frame *frame, const struct message *m, unsigned i,
    const double *s, unsigned counter)
{
	uint8_t data[EVCAN_MAX_DATA] = { 0 }, sum = 0;

	for (unsigned k = 0; k + 2 < m->len; k++)
		data[k] = k >= 6 ? (uint8_t)(data[k - 6] + k) : (uint8_t)
		    ((int)(s[m->signals[(k / 2 + i) % 3]] * 100) >> k % 2 * 8);
	data[m->len - 2] = (uint8_t)(counter + i) & 15;
	for (unsigned k = 0; k + 1 < m->len; k++)
		sum = (uint8_t)((sum << 1 | sum >> 7) ^ data[k]);
	data[m->len - 1] = sum;
	if (m->flags & EVCAN_FRAME_RTR)
		evcan_frame_init_remote(frame, m->id, 0, m->len);
	else
		evcan_frame_init(frame, m->n < 10 ? m->id + i : m->id,
		    m->flags, data, m->len);
	frame->channel = (uint16_t)evcan_channel_intern("can0");
	frame->clock = EVCAN_CLOCK_HOST;
}

int
main(int argc, char **argv)
{
	double end = argc > 2 ? atof(argv[2]) : 30, t, last = 0, busy = 1.7e9;
	double s[SIGNALS] = { [COOLANT] = 40, [FUEL] = 48 };
	double due[COUNT] = { 0 };
	unsigned counters[COUNT] = { 0 }, next = 0;
	struct evcan_frame frame;
	struct evcan_error err = { 0 };
	struct evcan_log_writer *log = evcan_log_writer_new(NULL,
	    argc > 1 ? argv[1] : "drive.log", NULL, &err);

	if (log == NULL)
		return fprintf(stderr, "car_drive: %s\n", err.text), 1;
	srand48(argc > 3 ? atol(argv[3]) : 1);
	for (t = 0; t < end; last = t, t = due[next]) {
		drive(s, t, t - last);
		for (unsigned i = 0; i < messages[next].n; i++) {
			encode(&frame, &messages[next], i, s, counters[next]);
			busy = fmax(1.7e9 + t, busy) + 0.00023;
			frame.time_ns = (int64_t)(busy * 1e6) * 1000;
			evcan_log_writer_write(log, &frame, 1);
		}
		due[next] = (++counters[next] + 0.16 * drand48() - 0.08) *
		    messages[next].period_ms / 1000;
		for (unsigned i = 0; i < COUNT; i++)
			next = due[i] < due[next] ? i : next;
	}
	evcan_log_writer_close(log, NULL, NULL);
	err = *evcan_log_writer_error(log);
	evcan_log_writer_free(log);
	if (err.code != 0)
		fprintf(stderr, "car_drive: %s\n", err.text);
	return err.code != 0;
}
