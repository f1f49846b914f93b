/* SPDX-License-Identifier: BSD-3-Clause */
/* ixxat_cyclic.c - the scheduler: messages that the device sends by itself */
#include "ixxat.h"

#include <string.h>

#include <evcan/error.h>

#define DONE_AGAIN_NS 5000000

/* The period in the scheduler's ticks, if it can keep it as well as its clock
 * can: within 50 ppm. @return 0: it cannot */
static uint16_t
ticks_of(const struct evcan_ixxat_caps_ *caps, int64_t period_ns)
{
	double wanted, off;
	uint32_t most = caps->cms_max_ticks < UINT16_MAX ?
	    caps->cms_max_ticks : UINT16_MAX, ticks;

	if (caps->cms_divisor == 0)
		return 0;
	wanted = (double)period_ns / 1e9 * caps->cms_clock /
	    caps->cms_divisor;
	if (wanted > most)
		return 0;
	ticks = (uint32_t)(wanted + 0.5);
	off = wanted > ticks ? wanted - ticks : ticks - wanted;
	return off <= wanted * 50e-6 ? (uint16_t)ticks : 0;
}

static int32_t
open_scheduler(struct evcan_ixxat_port_ *port)
{
	int32_t r;

	if (port->scheduler != NULL)
		return VCI_OK;
	r = port->vci.scheduler_open(port->device, port->can,
	    &port->scheduler);
	if (r != VCI_OK) {
		port->scheduler = NULL;
		return r;
	}
	return port->vci.scheduler_activate(port->scheduler, 1);
}

static struct evcan_ixxat_job_ *
job_of(struct evcan_ixxat_port_ *port, uint32_t number)
{
	for (size_t i = 0; i < EVCAN_IXXAT_JOBS_; i++) {
		if (port->jobs[i].number == number)
			return &port->jobs[i];
	}
	return NULL;
}

int
evcan_ixxat_start_cyclic_(struct evcan_ixxat_port_ *port,
    const struct evcan_ixxat_start_ *start)
{
	struct evcan_ixxat_job_ *job = job_of(port, 0);
	uint16_t ticks = ticks_of(&port->caps, start->period_ns);
	struct vci_message4 message;

	if (job == NULL || ticks == 0 ||
	    !(port->caps.features & VCI_HAS_SCHEDULER) ||
	    open_scheduler(port) != VCI_OK)
		return EVCAN_ERR_UNSUPPORTED;
	evcan_ixxat_message_(&start->frame, port->own, &message);
	if (port->version->add_cyclic(port, ticks, &message, &job->index) !=
	    VCI_OK)
		return EVCAN_ERR_UNSUPPORTED;
	if (port->vci.scheduler_start(port->scheduler, job->index,
	    start->count) != VCI_OK) {
		port->vci.scheduler_remove(port->scheduler, job->index);
		return EVCAN_ERR_UNSUPPORTED;
	}
	job->number = start->number;
	job->done_ns = start->count == 0 ? 0 : evcan_now_monotonic() +
	    (start->count - 1) * start->period_ns;
	return 0;
}

static void
end(struct evcan_ixxat_port_ *port, struct evcan_ixxat_job_ *job)
{
	port->vci.scheduler_stop(port->scheduler, job->index);
	port->vci.scheduler_remove(port->scheduler, job->index);
	job->number = 0;
	job->done_ns = 0;
}

void
evcan_ixxat_stop_cyclic_(struct evcan_ixxat_port_ *port, uint32_t number)
{
	struct evcan_ixxat_job_ *job = job_of(port, number);

	if (job != NULL)
		end(port, job);
}

void
evcan_ixxat_end_cyclic_(struct evcan_ixxat_port_ *port,
    struct evcan_adapter_ *adapter)
{
	uint8_t states[EVCAN_IXXAT_JOBS_];
	int64_t now = 0;

	for (size_t i = 0; i < EVCAN_IXXAT_JOBS_; i++) {
		struct evcan_ixxat_job_ *job = &port->jobs[i];
		uint32_t number = job->number;

		if (job->done_ns == 0)
			continue;
		now = now != 0 ? now : evcan_now_monotonic();
		if (now < job->done_ns)
			continue;
		job->done_ns = now + DONE_AGAIN_NS;
		if (port->version->cyclic_states(port, states) != VCI_OK ||
		    job->index >= EVCAN_IXXAT_JOBS_ ||
		    states[job->index] != VCI_MESSAGE_DONE)
			continue;
		if (evcan_adapter_cyclic_done_(adapter, number))
			end(port, job);
	}
}

void
evcan_ixxat_close_cyclic_(struct evcan_ixxat_port_ *port)
{
	if (port->scheduler == NULL)
		return;
	for (size_t i = 0; i < EVCAN_IXXAT_JOBS_; i++) {
		if (port->jobs[i].number != 0)
			end(port, &port->jobs[i]);
	}
	port->vci.scheduler_activate(port->scheduler, 0);
	port->vci.scheduler_close(port->scheduler);
}
