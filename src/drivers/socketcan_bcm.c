/* SPDX-License-Identifier: BSD-3-Clause */
/* socketcan_bcm.c - socketcan: the kernel's broadcast manager (CAN_BCM)
 *
 * Tasks share one socket, on which a task's number stands where the kernel
 * wants an identifier: so several may send the same one. A subscription has a
 * socket of its own, since there the identifier is one.
 *
 * The kernel keeps no grid: each period begins when the frame before was
 * sent, which is some microseconds late. New data are in place at once; older
 * kernels copy them without a lock and may send a frame that is half of each.
 * What the kernel sends comes to all sockets, also to the bus's own, as
 * another program's. */
#ifdef __linux__

#include "socketcan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/can/bcm.h>

#include <evcan/channel.h>

#define FRAMES_MAX 256         /* the kernel's limit for a task */
#define SECONDS_MAX 34560000   /* likewise for a time: 400 days */
/* The kernel takes shorter ones, and then does nothing else. */
#define PERIOD_MIN_NS 100000
/* Messages read before other fds have their turn. */
#define READ_MAX 32

struct evcan_socketcan_sub_ {
	struct evcan_socketcan_sub_ *next;
	uint32_t number, drops;
	int fd;
	uint16_t channel;
};

union message {
	struct bcm_msg_head head;   /* frames follow */
	uint8_t bytes[sizeof(struct bcm_msg_head) + FRAMES_MAX * CANFD_MTU];
};

/* What the kernel cannot do. */

static int
check_time(struct evcan_bus *bus, const char *what, int64_t ns,
    struct evcan_error *err)
{
	if (ns % 1000 != 0)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "%s: the kernel's broadcast manager counts whole "
		    "microseconds, not a %s of %lld ns", evcan_bus_name(bus),
		    what, (long long)ns);
	if (ns / 1000000000 > SECONDS_MAX)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "%s: the kernel's broadcast manager takes no %s over 400 "
		    "days", evcan_bus_name(bus), what);
	return 0;
}

static int
check_period(struct evcan_bus *bus, int64_t ns, struct evcan_error *err)
{
	if (ns != 0 && ns < PERIOD_MIN_NS)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "%s: a period of %lld ns would keep the kernel's "
		    "broadcast manager too busy; it is given 100 us or more",
		    evcan_bus_name(bus), (long long)ns);
	return check_time(bus, "period", ns, err);
}

static int
check_bus(struct evcan_bus *bus, struct evcan_error *err)
{
	const struct evcan_socketcan_ *can = evcan_driver_state(bus);

	if (can->index != 0)
		return 0;
	return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
	    "%s: the kernel's broadcast manager works on one interface, not "
	    "on all", evcan_bus_name(bus));
}

static int
check_frames(struct evcan_bus *bus, const struct evcan_driver_cyclic *job,
    struct evcan_error *err)
{
	if (job->n > FRAMES_MAX)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "%s: the kernel's broadcast manager keeps %d frames for a "
		    "task, not %zu", evcan_bus_name(bus), FRAMES_MAX, job->n);
	if (job->frames[0].flags & EVCAN_FRAME_ERR)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "%s: the kernel's broadcast manager sends no error frames",
		    evcan_bus_name(bus));
	return 0;
}

static int
check_job(struct evcan_bus *bus, const struct evcan_driver_cyclic *job,
    struct evcan_error *err)
{
	const struct evcan_socketcan_ *can = evcan_driver_state(bus);
	int r = check_bus(bus, err);

	if (r == 0 && !can->loopback)
		r = evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "%s: local_loopback=false is beyond the kernel's "
		    "broadcast manager", evcan_bus_name(bus));
	if (r == 0 && job->initial_count > UINT32_MAX)
		r = evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "%s: the kernel's broadcast manager counts to %lu",
		    evcan_bus_name(bus), (unsigned long)UINT32_MAX);
	if (r == 0)
		r = check_frames(bus, job, err);
	if (r == 0)
		r = check_period(bus, job->initial_period_ns, err);
	if (r == 0)
		r = check_period(bus, job->period_ns, err);
	return r;
}

/* Sockets and commands. */

static void
close_fd(struct evcan_bus *bus, int fd)
{
	evcan_driver_watch(bus, fd, EVCAN_WATCH_NONE);
	close(fd);
}

static int
no_socket(struct evcan_bus *bus, int error, struct evcan_error *err)
{
	if (error == EPROTONOSUPPORT)
		return evcan_error_set(err, EVCAN_ERR_UNSUPPORTED, 0,
		    "%s: this kernel has no broadcast manager (try as root: "
		    "modprobe can-bcm)", evcan_bus_name(bus));
	return evcan_error_set(err, EVCAN_ERR_OPERATION, error,
	    "%s: cannot open a socket of the kernel's broadcast manager%s",
	    evcan_bus_name(bus),
	    error == EMFILE ? " (raise the limit: ulimit -n)" : "");
}

/* After a command failed. */
static int
refused(struct evcan_bus *bus, const char *what, int error,
    struct evcan_error *err)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	if (error == ENODEV || error == ENXIO || error == ENOTCONN) {
		evcan_socketcan_removed_(bus, ENODEV);
		return evcan_error_set(err, EVCAN_ERR_GONE, 0,
		    "interface %s is gone", can->name);
	}
	return evcan_error_set(err, error == ENOMEM ? EVCAN_ERR_NOMEM :
	    EVCAN_ERR_OPERATION, error, "%s: the kernel's broadcast manager "
	    "refuses %s", evcan_bus_name(bus), what);
}

static int
set_up(struct evcan_bus *bus, int fd, struct evcan_error *err)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	const int on = 1;
	struct sockaddr_can to;
	int r;

	memset(&to, 0, sizeof(to));
	to.can_family = AF_CAN;
	to.can_ifindex = can->index;
	evcan_socketcan_buffer_(can, fd);
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on)) < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return refused(bus, "its interface", errno, err);
	r = evcan_driver_watch(bus, fd, EVCAN_WATCH_READ);
	if (r < 0)
		evcan_error_set(err, r, 0, "%s: cannot watch a socket of the "
		    "kernel's broadcast manager", evcan_bus_name(bus));
	return r;
}

/* @return a watched socket, or negative with err */
static int
open_bcm(struct evcan_bus *bus, struct evcan_error *err)
{
	int fd = socket(PF_CAN, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    CAN_BCM);
	int r;

	if (fd < 0)
		return no_socket(bus, errno, err);
	r = set_up(bus, fd, err);
	if (r < 0)
		close(fd);
	return r < 0 ? r : fd;
}

/* One system call, so that the kernel has all frames or none.
 * @return 0 or an errno value */
static int
command(int fd, const union message *message)
{
	size_t mtu = message->head.flags & CAN_FD_FRAME ? CANFD_MTU : CAN_MTU;
	size_t size = sizeof(message->head) + message->head.nframes * mtu;
	ssize_t r;

	do
		r = send(fd, message, size, 0);
	while (r < 0 && errno == EINTR);
	return r < 0 ? errno : 0;
}

static void
begin(union message *message, uint32_t opcode, uint32_t flags, uint32_t id)
{
	memset(&message->head, 0, sizeof(message->head));
	message->head.opcode = opcode;
	message->head.flags = flags;
	message->head.can_id = id;
}

static struct bcm_timeval
timeval(int64_t ns)
{
	struct bcm_timeval out = {
		.tv_sec = (long)(ns / 1000000000),
		.tv_usec = (long)(ns % 1000000000 / 1000)
	};

	return out;
}

/* Tasks. */

/* The flags replace those from before; TX_COUNTEVT stands in all, since what
 * comes tells whether it was the task's end. */
static void
begin_setup(union message *message, const struct evcan_driver_cyclic *job,
    uint32_t flags)
{
	bool fd = job->frames[0].flags & EVCAN_FRAME_FD;
	size_t mtu = fd ? CANFD_MTU : CAN_MTU;
	uint8_t *at = message->bytes + sizeof(message->head);
	struct canfd_frame raw;

	flags |= TX_COUNTEVT | (fd ? CAN_FD_FRAME : 0);
	begin(message, TX_SETUP, flags, job->number);
	message->head.nframes = (uint32_t)job->n;
	for (size_t i = 0; i < job->n; i++) {
		evcan_socketcan_encode_(&job->frames[i], &raw);
		memcpy(at + i * mtu, &raw, mtu);
	}
}

int
evcan_socketcan_cyclic_start_(struct evcan_bus *bus,
    const struct evcan_driver_cyclic *job, struct evcan_error *err)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	union message message;
	int r = check_job(bus, job, err);

	if (r < 0)
		return r;
	if (can->bcm_fd < 0) {
		r = open_bcm(bus, err);
		if (r < 0)
			return r;
		can->bcm_fd = r;
		can->bcm_drops = 0;
	}
	begin_setup(&message, job, SETTIMER | STARTTIMER);
	message.head.count = (uint32_t)job->initial_count;
	message.head.ival1 = timeval(job->initial_period_ns);
	message.head.ival2 = timeval(job->period_ns);
	r = command(can->bcm_fd, &message);
	if (r != 0)
		return refused(bus, "a task", r, err);
	/* The kernel tells no end of a task of one frame, unless asked. */
	if (job->period_ns == 0 && job->initial_count == 1) {
		begin(&message, TX_READ, message.head.flags & CAN_FD_FRAME,
		    job->number);
		command(can->bcm_fd, &message);
	}
	return 0;
}

int
evcan_socketcan_cyclic_modify_(struct evcan_bus *bus,
    const struct evcan_driver_cyclic *job, struct evcan_error *err)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	union message message;
	int r = check_frames(bus, job, err);

	if (r < 0)
		return r;
	begin_setup(&message, job, 0);
	r = command(can->bcm_fd, &message);
	return r != 0 ? refused(bus, "new data", r, err) : 0;
}

/* The kernel finds it among tasks of its format only. */
static int
end_task(int fd, uint32_t number)
{
	union message message;
	int r;

	begin(&message, TX_DELETE, 0, number);
	r = command(fd, &message);
	if (r != EINVAL)
		return r;
	message.head.flags = CAN_FD_FRAME;
	return command(fd, &message);
}

int
evcan_socketcan_cyclic_stop_(struct evcan_bus *bus, uint32_t number)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	int r = end_task(can->bcm_fd, number);

	/* It may be over already. */
	return r != 0 && r != EINVAL ? refused(bus, "to end a task", r,
	    NULL) : 0;
}

/* tx_op: NUMBER vcan0 [1] t2=10000 # sent COUNT */
static bool
read_sent(const char *line, uint32_t number, uint64_t *sent)
{
	static const char head[] = "tx_op: ", tail[] = "# sent ";
	const char *at = strstr(line, tail);

	if (strncmp(line, head, sizeof(head) - 1) != 0 || at == NULL ||
	    strtoul(line + sizeof(head) - 1, NULL, 16) != number)
		return false;
	*sent = strtoull(at + sizeof(tail) - 1, NULL, 10);
	return true;
}

/* Nothing else tells it of tasks without end. */
int
evcan_socketcan_cyclic_sent_(struct evcan_bus *bus, uint32_t number,
    uint64_t *sent)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	char path[60], line[300];
	bool found = false;
	struct stat st;
	FILE *file;

	if (fstat(can->bcm_fd, &st) < 0)
		return EVCAN_ERR_UNSUPPORTED;
	snprintf(path, sizeof(path), "/proc/net/can-bcm/%llu",
	    (unsigned long long)st.st_ino);
	file = fopen(path, "re");
	if (file == NULL)
		return EVCAN_ERR_UNSUPPORTED;
	while (!found && fgets(line, sizeof(line), file) != NULL)
		found = read_sent(line, number, sent);
	fclose(file);
	return found ? 0 : EVCAN_ERR_UNSUPPORTED;
}

/* Subscriptions. */

static struct evcan_socketcan_sub_ **
find_sub(struct evcan_socketcan_ *can, int fd)
{
	struct evcan_socketcan_sub_ **at = &can->subs;

	while (*at != NULL && (*at)->fd != fd)
		at = &(*at)->next;
	return at;
}

static void
drop_sub(struct evcan_bus *bus, struct evcan_socketcan_sub_ **at)
{
	struct evcan_socketcan_sub_ *sub = *at;

	*at = sub->next;
	close_fd(bus, sub->fd);
	free(sub);
}

static int
subscribe_kernel(int fd, const struct evcan_subscription_config *config)
{
	static const uint8_t none[EVCAN_MAX_DATA];
	bool fdf = config->flags & EVCAN_FRAME_FD;
	uint32_t id = config->id;
	uint32_t flags = SETTIMER | (fdf ? CAN_FD_FRAME : 0) |
	    (config->from_start ? STARTTIMER : 0) |
	    (config->announce_resume ? RX_ANNOUNCE_RESUME : 0) |
	    (config->check_dlc ? RX_CHECK_DLC : 0);
	struct canfd_frame mask;
	union message message;

	if (config->flags & EVCAN_FRAME_EXT)
		id |= CAN_EFF_FLAG;
	if (memcmp(config->mask, none, sizeof(none)) == 0)
		flags |= RX_FILTER_ID;
	begin(&message, RX_SETUP, flags, id);
	message.head.ival1 = timeval(config->timeout_ns);
	message.head.ival2 = timeval(config->throttle_ns);
	message.head.nframes = 1;
	memset(&mask, 0, sizeof(mask));
	memcpy(mask.data, config->mask, fdf ? CANFD_MAX_DLEN : CAN_MAX_DLEN);
	memcpy(message.bytes + sizeof(message.head), &mask, sizeof(mask));
	return command(fd, &message);
}

static int
check_subscription(struct evcan_bus *bus,
    const struct evcan_subscription_config *config, struct evcan_error *err)
{
	int r = check_bus(bus, err);

	if (r == 0)
		r = check_time(bus, "throttle", config->throttle_ns, err);
	if (r == 0)
		r = check_time(bus, "time-out", config->timeout_ns, err);
	return r;
}

int
evcan_socketcan_subscribe_(struct evcan_bus *bus, uint32_t number,
    const struct evcan_subscription_config *config, struct evcan_error *err)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	struct evcan_socketcan_sub_ *sub;
	int channel, r = check_subscription(bus, config, err);

	if (r < 0)
		return r;
	sub = calloc(1, sizeof(*sub));
	if (sub == NULL)
		return evcan_error_set(err, EVCAN_ERR_NOMEM, 0,
		    "%s: out of memory", evcan_bus_name(bus));
	r = open_bcm(bus, err);
	if (r < 0) {
		free(sub);
		return r;
	}
	channel = evcan_channel_intern(can->name);
	sub->channel = (uint16_t)(channel > 0 ? channel : 0);
	sub->number = number;
	sub->fd = r;
	sub->next = can->subs;
	can->subs = sub;
	r = subscribe_kernel(sub->fd, config);
	if (r == 0)
		return 0;
	drop_sub(bus, &can->subs);
	return refused(bus, "a subscription", r, err);
}

int
evcan_socketcan_unsubscribe_(struct evcan_bus *bus, uint32_t number)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	struct evcan_socketcan_sub_ **at = &can->subs;

	while (*at != NULL && (*at)->number != number)
		at = &(*at)->next;
	if (*at == NULL)
		return EVCAN_ERR_NOT_FOUND;
	drop_sub(bus, at);
	return 0;
}

/* What the kernel says. */

static bool
parse_frame(const struct bcm_msg_head *head, const uint8_t *bytes,
    size_t size, struct evcan_bcm_note_ *note)
{
	size_t mtu = head->flags & CAN_FD_FRAME ? CANFD_MTU : CAN_MTU;
	struct canfd_frame raw;

	if (head->nframes != 1 || size != mtu)
		return false;
	memset(&raw, 0, sizeof(raw));
	memcpy(&raw, bytes, mtu);
	note->kind = EVCAN_BCM_CHANGED_;
	return evcan_socketcan_decode_(&raw, mtu, &note->frame);
}

bool
evcan_socketcan_bcm_parse_(const void *bytes, size_t size,
    struct evcan_bcm_note_ *note)
{
	struct bcm_msg_head head;
	bool over;

	if (size < sizeof(head))
		return false;
	memcpy(&head, bytes, sizeof(head));
	note->kind = EVCAN_BCM_OTHER_;
	note->number = head.can_id;
	over = head.count == 0 && head.ival2.tv_sec == 0 &&
	    head.ival2.tv_usec == 0;
	if ((head.opcode == TX_EXPIRED || head.opcode == TX_STATUS) && over)
		note->kind = EVCAN_BCM_DONE_;
	else if (head.opcode == RX_TIMEOUT)
		note->kind = EVCAN_BCM_SILENT_;
	else if (head.opcode == RX_CHANGED)
		return parse_frame(&head, (const uint8_t *)bytes +
		    sizeof(head), size - sizeof(head), note);
	return true;
}

/* After an error of a socket: whether reading goes on. */
static bool
read_error(struct evcan_bus *bus, int error)
{
	if (error == EAGAIN || error == EWOULDBLOCK)
		return false;
	/* A link that is down stops neither tasks nor subscriptions. */
	if (error == EINTR || error == ENETDOWN)
		return true;
	evcan_socketcan_removed_(bus, error);
	return false;
}

static void
count_drops(struct evcan_bus *bus, uint32_t *before, uint32_t drops)
{
	if (drops == *before)
		return;
	evcan_driver_error(bus, EVCAN_ERR_OPERATION, 0, "%s: %lu messages of "
	    "the kernel's broadcast manager were lost: nobody read them",
	    evcan_bus_name(bus), (unsigned long)(drops - *before));
	*before = drops;
}

/* The next message. @return false when there is none */
static bool
read_note(struct evcan_bus *bus, int fd, uint32_t *drops,
    struct evcan_bcm_note_ *note)
{
	/* Longer ones, with frames of a task, are cut off. */
	uint8_t bytes[sizeof(struct bcm_msg_head) + CANFD_MTU];
	_Alignas(struct cmsghdr) uint8_t control[EVCAN_SOCKETCAN_CONTROL_];
	struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct evcan_stamped_ at = {.drops = *drops};
	ssize_t n;

	do {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		n = recvmsg(fd, &msg, MSG_DONTWAIT);
	} while (n < 0 && read_error(bus, errno));
	if (n < 0)
		return false;
	evcan_socketcan_control_(&msg, &at);
	count_drops(bus, drops, at.drops);
	if (!evcan_socketcan_bcm_parse_(bytes, (size_t)n, note))
		note->kind = EVCAN_BCM_OTHER_;
	note->frame.time_ns = at.kernel_ns;
	note->frame.clock = at.kernel_ns ? EVCAN_CLOCK_KERNEL :
	    EVCAN_CLOCK_NONE;
	if (msg.msg_flags & MSG_DONTROUTE)
		note->frame.dir = EVCAN_DIR_TX;
	return true;
}

static void
tell(struct evcan_bus *bus, const struct evcan_socketcan_sub_ *sub,
    struct evcan_bcm_note_ *note)
{
	note->frame.channel = sub->channel;
	if (note->kind == EVCAN_BCM_CHANGED_)
		evcan_driver_subscribed(bus, sub->number, &note->frame);
	else if (note->kind == EVCAN_BCM_SILENT_)
		evcan_driver_subscribed(bus, sub->number, NULL);
}

/* Who is told may end anything here: so all is looked up each time. */
void
evcan_socketcan_bcm_ready_(struct evcan_bus *bus, int fd)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);
	struct evcan_bcm_note_ note;

	for (int i = 0; i < READ_MAX; i++) {
		struct evcan_socketcan_sub_ *sub = *find_sub(can, fd);

		if (fd != can->bcm_fd && sub == NULL)
			return;
		if (!read_note(bus, fd, sub != NULL ? &sub->drops :
		    &can->bcm_drops, &note))
			return;
		if (sub != NULL) {
			tell(bus, sub, &note);
		} else if (note.kind == EVCAN_BCM_DONE_) {
			end_task(fd, note.number);
			evcan_driver_cyclic_done(bus, note.number);
		}
	}
}

void
evcan_socketcan_bcm_close_(struct evcan_bus *bus)
{
	struct evcan_socketcan_ *can = evcan_driver_state(bus);

	while (can->subs != NULL)
		drop_sub(bus, &can->subs);
	if (can->bcm_fd >= 0)
		close_fd(bus, can->bcm_fd);
	can->bcm_fd = -1;
}

#endif
