/* SPDX-License-Identifier: BSD-3-Clause */
/* ixxat_double_scheduler.h - of ixxat_double.c, what sends by itself */

static void
send_job(struct object *o, struct job *job)
{
	const CANCYCLICTXMSG *m = &job->message;
	struct double_frame frame;

	fill_double(m->id, m->flags2, m->flags, m->data, &frame);
	frame.tag |= SCHEDULED | (uint64_t)o->at << 16 |
	    (m->flags & SRR ? 1 << 24 : 0);
	if (controllers[o->at].started)
		double_put(o->node, &frame, false);
	job->due_ns += (uint64_t)m->ticks * 1000000000 * CMS_DIVISOR /
	    CMS_CLOCK;
	if (job->left > 0 && --job->left == 0) {
		job->running = false;
		job->done = true;
	}
}

static void *
schedule(void *arg)
{
	struct object *o = arg;

	pthread_mutex_lock(&lock);
	while (!o->stop) {
		uint64_t now = now_ns(), next = now + 1000000000;
		struct timespec until;

		for (int i = 0; i < JOBS; i++) {
			struct job *job = &o->jobs[i];

			if (o->on && job->running && job->due_ns <= now)
				send_job(o, job);
			if (o->on && job->running && job->due_ns < next)
				next = job->due_ns;
		}
		until.tv_sec = (time_t)(next / 1000000000);
		until.tv_nsec = (long)(next % 1000000000);
		pthread_cond_timedwait(&o->changed, &lock, &until);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

EXPORTED HRESULT
canSchedulerOpen(HANDLE device, uint32_t can, HANDLE *scheduler)
{
	pthread_condattr_t attributes;
	struct object *s;

	BEGIN(device, DEVICE);
	note("canSchedulerOpen %u\n", (unsigned)can);
	if (can > 1)
		return done(E(INVALIDARG));
	s = make(SCHEDULER, o->at * 2 + (int)can, scheduler);
	s->node = double_join(s->at, 1, false);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_create(&s->thread, NULL, schedule, s);
	return done(0);
}

EXPORTED HRESULT
canSchedulerClose(HANDLE scheduler)
{
	HRESULT r;
	struct object *o = begin_close(__func__, scheduler, SCHEDULER, &r);

	if (o == NULL)
		return r;
	o->stop = true;
	pthread_cond_signal(&o->changed);
	pthread_mutex_unlock(&lock);
	pthread_join(o->thread, NULL);
	pthread_mutex_lock(&lock);
	pthread_cond_destroy(&o->changed);
	double_leave(o->node);
	drop(o);
	return done(r);
}

EXPORTED HRESULT
canSchedulerGetStatus(HANDLE scheduler, CANSCHEDULERSTATUS *status)
{
	BEGIN(scheduler, SCHEDULER);
	memset(status, 0, sizeof(*status));
	status->task = o->on;
	for (int i = 0; i < JOBS; i++)
		status->message[i] = o->jobs[i].done ? 2 : o->jobs[i].used;
	return done(0);
}

EXPORTED HRESULT
canSchedulerActivate(HANDLE scheduler, int32_t on)
{
	BEGIN(scheduler, SCHEDULER);
	note("canSchedulerActivate %d\n", (int)on);
	o->on = on;
	pthread_cond_signal(&o->changed);
	return done(0);
}

EXPORTED HRESULT
canSchedulerAddMessage(HANDLE scheduler, CANCYCLICTXMSG *m, uint32_t *index)
{
	uint32_t i = 0;

	BEGIN(scheduler, SCHEDULER);
	note("canSchedulerAddMessage %u %X\n", m->ticks, (unsigned)m->id);
	while (i < JOBS && o->jobs[i].used)
		i++;
	if (i == JOBS)
		return done(E(FULL));
	if (m->ticks == 0 || m->ticks / (CMS_MAX + 1) > 0)
		return done(E(INVALIDARG));
	memset(&o->jobs[i], 0, sizeof(o->jobs[i]));
	o->jobs[i].used = true;
	o->jobs[i].message = *m;
	*index = i;
	return done(0);
}

static HRESULT
job_at(struct object *o, uint32_t index, struct job **job)
{
	*job = index < JOBS ? &o->jobs[index] : NULL;
	return *job != NULL && (*job)->used ? 0 : E(INVALID_INDEX);
}

EXPORTED HRESULT
canSchedulerRemMessage(HANDLE scheduler, uint32_t index)
{
	struct job *job;
	HRESULT r;

	BEGIN(scheduler, SCHEDULER);
	r = job_at(o, index, &job);
	note("canSchedulerRemMessage\n");
	if (r == 0)
		memset(job, 0, sizeof(*job));
	return done(r);
}

EXPORTED HRESULT
canSchedulerStartMessage(HANDLE scheduler, uint32_t index, uint16_t repeat)
{
	struct job *job;
	HRESULT r;

	BEGIN(scheduler, SCHEDULER);
	note("canSchedulerStartMessage %u\n", repeat);
	r = job_at(o, index, &job);
	if (r == 0) {
		job->running = true;
		job->left = repeat;
		job->due_ns = now_ns();
		pthread_cond_signal(&o->changed);
	}
	return done(r);
}

EXPORTED HRESULT
canSchedulerStopMessage(HANDLE scheduler, uint32_t index)
{
	struct job *job;
	HRESULT r;

	BEGIN(scheduler, SCHEDULER);
	r = job_at(o, index, &job);
	if (r == 0)
		job->running = false;
	return done(r);
}
