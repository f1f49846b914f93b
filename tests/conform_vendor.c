/* SPDX-License-Identifier: BSD-3-Clause */
/* conform_vendor.c - life and death of an adapter behind a vendor's library
 *
 * usage: conform_vendor SPEC_A SPEC_B --open NAME:CODE:WORD --read NAME
 *     --write NAME --close NAME --too-old SWITCH=N|--any-version
 *     [--queue SWITCH=N] [--flood N] [--no-passive] [--no-errors]
 *     [--no-overflow] [--no-send-errors] [--opens-in-turn] [--closes-in-turn]
 *
 * Each SPEC names the vendor's double as its library; A is the double's
 * channel 0. The names are those of the vendor's calls that the adapter's
 * thread may hang in, CODE what the one that opens may give and WORD what the
 * vendor calls that. What a vendor cannot tell (--no-...) must not be told.
 * --opens-in-turn, --closes-in-turn: its devices can only be opened and
 * closed one at a time, so that a call that hangs keeps others from it. */
#include "conform_vendor.h"

#include <dlfcn.h>
#include <time.h>
#include <unistd.h>

#include "leaks.h"
#include "vendor_internal.h"

struct conform_row row;
const struct evcan_driver *driver;
void (*control)(const char *command);
long (*calls)(const char *name);
struct event_base *base;

static struct told tolds[4];
static struct evcan_bus *others[4];
static int threads_before, fds_before;

/* Helpers */

void
nap(int ms)
{
	struct timespec t = { ms / 1000, ms == 0 ? 100000 :
	    (long)(ms % 1000) * MS };

	nanosleep(&t, NULL);
}

void
control_with(const char *verb, const char *text)
{
	char command[100];

	snprintf(command, sizeof(command), "%s %s", verb, text);
	control(command);
}

void
control_channel(const char *verb, const char *more)
{
	char command[100];

	snprintf(command, sizeof(command), "%s 0 %s", verb, more);
	control(command);
}

void
set_switch(const char *text)
{
	char command[100];

	snprintf(command, sizeof(command), "set %s", text);
	command[strcspn(command, "=")] = ' ';
	control(command);
}

static struct evcan_bus *
make_bus(struct event_base *loop, const char *spec, const char *extra)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus;
	char text[900];

	snprintf(text, sizeof(text), "%s,ignore_config=true,"
	    "reopen_interval=0.02%s", spec, extra);
	bus = evcan_bus_new_spec(loop, text, &err);
	if (bus == NULL)
		fail_msg("%s: %s", text, err.text);
	return bus;
}

struct evcan_bus *
make_other(const char *spec)
{
	struct evcan_bus **other = others;

	while (*other != NULL)
		assert_true(++other < others + 4);
	return *other = make_bus(NULL, spec, "");
}

void
end_other(struct evcan_bus *bus)
{
	for (int i = 0; i < 4; i++) {
		if (others[i] == bus)
			others[i] = NULL;
	}
	evcan_bus_free(bus);
}

struct evcan_frame
numbered(const struct told *by, uint32_t number)
{
	struct evcan_frame frame;

	assert_int_equal(evcan_frame_init(&frame, by->id, 0, &number,
	    sizeof(number)), 0);
	return frame;
}

void
run_for(int ms)
{
	struct timeval limit = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(base, &limit);
	event_base_dispatch(base);
}

/* What buses tell */

static void
act(struct told *told, int when)
{
	if (told->act_on != when || told->bus == NULL)
		return;
	told->acts++;
	told->act_on = ON_NOTHING;
	if (!told->act_frees) {
		evcan_bus_close(told->bus);
		return;
	}
	evcan_bus_free(told->bus);
	told->bus = NULL;
}

static void
on_number(struct told *told, const struct evcan_frame *frame)
{
	uint32_t number;

	memcpy(&number, frame->data, sizeof(number));
	told->disordered = told->disordered || number < told->next ||
	    frame->id == told->id;
	told->missing += number - told->next;
	told->silent = told->silent ||
	    (number > told->next && told->lost == 0);
	told->next = number + 1;
	told->frames++;
}

static void
on_frames(struct evcan_bus *bus, const struct evcan_frame *frames, size_t n,
    void *arg)
{
	struct told *told = arg;

	assert_ptr_equal(bus, told->bus);
	for (size_t i = 0; i < n; i++) {
		if (frames[i].flags & EVCAN_FRAME_ERR) {
			told->error_frame = frames[i];
			told->n_errors++;
		} else {
			on_number(told, &frames[i]);
		}
	}
	if (told->frames > 0)
		act(told, ON_FRAME);
}

static void
on_event(struct evcan_bus *bus, enum evcan_bus_event event,
    const struct evcan_bus_info *info, void *arg)
{
	struct told *told = arg;

	assert_ptr_equal(bus, told->bus);
	told->events[event]++;
	if (info->error != NULL) {
		told->error = *info->error;
		told->frames_at_error = told->frames;
	}
	if (event == EVCAN_BUS_STATE && told->n_states < 16)
		told->states[told->n_states++] = info->state;
	if (event == EVCAN_BUS_GAP)
		told->lost += info->lost;
	act(told, (int)event);
}

static void
on_outcome(struct evcan_bus *bus, const struct evcan_frame *frame, int result,
    void *arg)
{
	struct told *told = arg;

	(void)bus;
	(void)frame;
	told->outcomes++;
	told->failed += result < 0;
	if (result < 0)
		told->result = result;
	act(told, ON_OUTCOME);
}

struct told *
watch(struct event_base *loop, const char *spec, const char *extra)
{
	struct told *told = tolds;

	while (told->bus != NULL)
		assert_true(++told < tolds + 4);
	memset(told, 0, sizeof(*told));
	told->act_on = ON_NOTHING;
	told->id = spec == row.a ? 0x100 : 0x101;
	told->bus = make_bus(loop, spec, extra);
	evcan_bus_set_cb(told->bus, on_frames, on_event, told);
	return told;
}

struct told *
watch_open(const char *spec, const char *extra)
{
	struct told *told = watch(base, spec, extra);
	struct evcan_error err = { 0 };

	if (evcan_bus_open(told->bus, &err) < 0)
		fail_msg("%s: %s", spec, err.text);
	await(told->events[EVCAN_BUS_OPENED] == 1);
	return told;
}

void
put_away(struct told *told)
{
	evcan_bus_free(told->bus);
	told->bus = NULL;
}

/* Sending */

void
send_all(struct told *by, uint32_t from, uint32_t to)
{
	struct event_base *loop = evcan_bus_base(by->bus);
	int64_t end = evcan_now_monotonic() + LIMIT_MS * MS;

	while (from < to) {
		struct evcan_frame frame = numbered(by, from);
		int n = evcan_bus_send(by->bus, &frame, 1);

		from += n == 1;
		if (n == 1)
			continue;
		assert_int_equal(n, EVCAN_ERR_FULL);
		assert_true(evcan_now_monotonic() < end);
		event_base_loop(loop, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}
}

void
send_cb(struct told *by, uint32_t number)
{
	struct evcan_frame frame = numbered(by, number);

	assert_int_equal(evcan_bus_send_cb(by->bus, &frame, -1, on_outcome,
	    by), 0);
}

void
await_sent(const struct told *by)
{
	const struct evcan_adapter_ *adapter = ((struct evcan_vendor_bus_ *)
	    evcan_driver_state(by->bus))->adapter;

	await(evcan_bus_tx_room(by->bus) == 1024 &&
	    evcan_ring_count_(&adapter->tx) == 0);
}

void
hang_in_write(struct told *by)
{
	long before = calls(row.write);

	control_with("hang", row.write);
	send_cb(by, 0);
	await(calls(row.write) > before);
}

void
works(struct told *a, struct told *b)
{
	struct event_base *loop = evcan_bus_base(a->bus);
	uint32_t to_a = a->next + 1000, to_b = b->next + 1000;

	send_all(a, to_b, to_b + 10);
	send_all(b, to_a, to_a + 10);
	await_on(loop, a->next == to_a + 10 && b->next == to_b + 10);
	assert_false(a->disordered || b->disordered);
}

/* Before and after each test */

static int
setup(void **state)
{
	(void)state;
	control("reset");
	evcan_vendor_hang_ns_ = 60000 * MS;
	base = event_base_new();
	threads_before = count_threads();
	fds_before = count_fds();
	return 0;
}

/* A thread that was left behind ends a little later. */
static int
teardown(void **state)
{
	int64_t end = evcan_now_monotonic() + LIMIT_MS * MS;
	int fds, threads;

	(void)state;
	control("reset");
	for (int i = 0; i < 4; i++)
		put_away(&tolds[i]);
	for (int i = 0; i < 4; i++)
		end_other(others[i]);
	do {
		nap(0);
		fds = count_fds() - fds_before;
		threads = count_threads() - threads_before;
	} while ((fds > 0 || threads > 0) && evcan_now_monotonic() < end);
	if (fds != 0 || threads != 0)
		print_error("left: %d fds, %d threads\n", fds, threads);
	event_base_free(base);
	return fds == 0 && threads == 0 ? 0 : -1;
}

/* Opening */

static void
hundred_opens_leave_nothing(void **state)
{
	long opens, closes = calls(row.close);
	struct told *b = watch_open(row.b, "");

	(void)state;
	opens = calls(row.open) - calls(row.close) + closes;
	for (int i = 0; i < 100; i++) {
		struct told *a = watch_open(row.a, "");

		if (i % 2 == 0) {
			send_all(b, 0, 5);
			send_all(a, 0, 5);
		}
		if (i % 3 == 0) {
			assert_int_equal(evcan_bus_close(a->bus), 0);
			await(a->events[EVCAN_BUS_CLOSED] == 1);
		}
		put_away(a);
		assert_true(count_threads() <= threads_before + 3);
		assert_true(count_fds() <= fds_before + 40);
	}
	/* Each that was opened was closed. */
	assert_int_equal(calls(row.open) - opens, calls(row.close));
}

/* Does not open, for a reason that is one sentence with `word` in it. */
static void
check_refused(const char *spec, int code, const char *word)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus = make_other(spec);

	assert_int_equal(evcan_bus_open(bus, &err), code);
	assert_int_equal(err.code, code);
	assert_null(strchr(err.text, '\n'));
	if (strstr(err.text, word) == NULL)
		fail_msg("no \"%s\" in \"%s\"", word, err.text);
	assert_false(evcan_bus_is_open(bus));
	assert_int_equal(evcan_bus_error(bus)->code, code);
	end_other(bus);
}

/* Spec A with another library: `file` beside the double, or anywhere. */
static void
other_library(char *spec, size_t size, const char *file)
{
	const char *option = strstr(row.a, "library=");
	const char *folder = strrchr(row.a, '/');
	int dir = file[0] == '/' ? 0 : (int)(folder + 1 - (option + 8));

	snprintf(spec, size, "%.*s%.*s%s", (int)(option + 8 - row.a), row.a,
	    dir, option + 8, file);
}

static void
libraries_are_refused(void **state)
{
	char spec[600], path[] = "/tmp/evcan_no_library_XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, "no library\n", 11), 11);
	close(fd);
	other_library(spec, sizeof(spec), "/nowhere/libvendor.so");
	check_refused(spec, EVCAN_ERR_NOT_IMPLEMENTED,
	    "/nowhere/libvendor.so");
	other_library(spec, sizeof(spec), path);
	check_refused(spec, EVCAN_ERR_NOT_IMPLEMENTED, path);
	unlink(path);
	other_library(spec, sizeof(spec), "empty_double.so");
	check_refused(spec, EVCAN_ERR_NOT_IMPLEMENTED, "lacks");
	if (row.too_old != NULL) {
		set_switch(row.too_old);
		check_refused(row.a, EVCAN_ERR_INIT, "version");
		control("reset");
	}
	works(watch_open(row.a, ""), watch_open(row.b, ""));
}

static void
failing_open_is_one_error(void **state)
{
	struct evcan_error err = { 0 };
	struct evcan_bus *bus = make_other(row.a);
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "fail %s %ld -1", row.open,
	    row.open_code);
	control(command);
	assert_int_equal(evcan_bus_open(bus, &err), EVCAN_ERR_INIT);
	assert_int_equal((uint32_t)err.vendor, (uint32_t)row.open_code);
	if (strstr(err.text, row.open_name) == NULL)
		fail_msg("no %s in \"%s\"", row.open_name, err.text);
	assert_null(strchr(err.text, '\n'));
	assert_int_equal(evcan_bus_error(bus)->vendor, err.vendor);
	control("reset");
	assert_int_equal(evcan_bus_open(bus, NULL), 0);
	end_other(bus);
	works(watch_open(row.a, ""), watch_open(row.b, ""));
}

/* From inside */

/* Makes all of it happen to A: frames, outcomes, an end. */
static void
stir(struct told *a, struct told *b)
{
	send_all(b, 0, 20);
	for (uint32_t i = 0; i < 5 && a->bus != NULL; i++)
		send_cb(a, i);
	if (a->act_on == EVCAN_BUS_ERROR || a->act_on == EVCAN_BUS_STATE)
		control_channel("unplug", "");
	if (a->act_on == EVCAN_BUS_CLOSED)
		evcan_bus_close(a->bus);
}

static void
ended_from_inside(bool frees)
{
	static const int whens[] = { ON_FRAME, ON_OUTCOME, EVCAN_BUS_OPENED,
		EVCAN_BUS_STATE, EVCAN_BUS_ERROR, EVCAN_BUS_CLOSED };
	struct told *b = watch_open(row.b, ""), *a;

	for (size_t i = 0; i < sizeof(whens) / sizeof(whens[0]); i++) {
		a = watch(base, row.a, "");
		a->act_on = whens[i];
		a->act_frees = frees;
		assert_int_equal(evcan_bus_open(a->bus, NULL), 0);
		await(a->events[EVCAN_BUS_OPENED] == 1 || a->acts > 0);
		if (whens[i] != EVCAN_BUS_OPENED)
			stir(a, b);
		await(a->acts == 1 && (frees ||
		    a->events[EVCAN_BUS_CLOSED] == 1));
		run_for(10);
		if (!frees)
			assert_false(evcan_bus_is_open(a->bus));
		assert_int_equal(a->events[EVCAN_BUS_CLOSED],
		    !frees || whens[i] == EVCAN_BUS_CLOSED);
		put_away(a);
		control("reset");
	}
}

static void
freed_from_inside(void **state)
{
	(void)state;
	ended_from_inside(true);
}

static void
closed_from_inside(void **state)
{
	(void)state;
	ended_from_inside(false);
}

/* The command line */

static bool
load_double(void)
{
	char path[500];
	const char *library = strstr(row.a, "library=");
	void *handle;

	if (library == NULL)
		return false;
	snprintf(path, sizeof(path), "%s", library + 8);
	path[strcspn(path, ",")] = '\0';
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return false;
	}
	*(void **)&control = dlsym(handle, "evcan_double_control");
	*(void **)&calls = dlsym(handle, "evcan_double_calls");
	return control != NULL && calls != NULL;
}

static bool
take_word(int argc, char **argv, int *i)
{
	static const struct {
		const char *name;
		const char **word;
	} words[] = {
		{ "--open", &row.open }, { "--read", &row.read },
		{ "--write", &row.write }, { "--close", &row.close },
		{ "--queue", &row.queue }, { "--too-old", &row.too_old },
	};

	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
		if (strcmp(argv[*i], words[w].name) == 0 && *i + 1 < argc) {
			*words[w].word = argv[++*i];
			return true;
		}
	}
	return false;
}

static bool
take_argument(int argc, char **argv, int *i)
{
	static const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{ "--no-passive", &row.no_passive },
		{ "--no-errors", &row.no_errors },
		{ "--no-overflow", &row.no_overflow },
		{ "--no-send-errors", &row.no_send_errors },
		{ "--opens-in-turn", &row.opens_in_turn },
		{ "--closes-in-turn", &row.closes_in_turn },
		{ "--any-version", &row.any_version },
	};

	if (argv[*i][0] != '-') {
		*(row.a == NULL ? &row.a : &row.b) = argv[*i];
		return true;
	}
	for (size_t f = 0; f < sizeof(flags) / sizeof(flags[0]); f++) {
		if (strcmp(argv[*i], flags[f].name) != 0)
			continue;
		*flags[f].flag = true;
		return true;
	}
	if (strcmp(argv[*i], "--flood") == 0 && *i + 1 < argc) {
		row.flood = atoi(argv[++*i]);
		return true;
	}
	return take_word(argc, argv, i);
}

static bool
understand(int argc, char **argv)
{
	char *colon;

	row.flood = 60;
	for (int i = 1; i < argc; i++) {
		if (!take_argument(argc, argv, &i))
			return false;
	}
	if (row.b == NULL || row.open == NULL || row.read == NULL ||
	    row.write == NULL || row.close == NULL ||
	    (row.too_old == NULL) != row.any_version)
		return false;
	colon = strchr(row.open, ':');
	if (colon == NULL)
		return false;
	*colon = '\0';
	row.open_code = (long)strtoll(colon + 1, &colon, 0);
	row.open_name = *colon == ':' ? colon + 1 : "";
	return load_double();
}

/* The first thread may bring others, of the tools that watch them, and a
 * library what it keeps. */
static int
warm_up(void **state)
{
	struct evcan_bus *bus = make_bus(NULL, row.a, "");

	(void)state;
	warm_up_threads();
	driver = evcan_driver_find(evcan_bus_interface(bus));
	control("reset");
	evcan_bus_open(bus, NULL);
	evcan_bus_free(bus);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(hundred_opens_leave_nothing),
		TEST(libraries_are_refused), TEST(failing_open_is_one_error),
		TEST(freed_from_inside), TEST(closed_from_inside),
		TEST(unplugged_before_opening), TEST(unplugged_when_idle),
		TEST(unplugged_while_receiving),
		TEST(unplugged_while_sending), TEST(unplugged_while_both),
		TEST(plugged_in_again_at_once),
		TEST(queued_sends_fail), TEST(nothing_received_is_lost),
		TEST(read_hangs), TEST(write_hangs), TEST(open_hangs),
		TEST(open_hangs_without_loop), TEST(close_hangs),
		TEST(closed_while_it_hangs),
		TEST(sends_do_not_wait_for_reads),
		TEST(flushed_sends_do_not_go_out),
		TEST(closing_sends_what_it_took),
		TEST(bursts_do_not_wait_for_more),
		TEST(mode_changes_while_open),
		TEST(tasks_are_made_before_it_is_open),
		TEST(passive_is_told_once),
		TEST(bus_off_is_told_and_left),
		TEST(overflow_is_a_gap_in_its_place),
		TEST(error_frames_pass_filters), TEST(two_buses_on_a_loop),
		TEST(two_loops_in_two_threads),
	};

	if (!understand(argc, argv)) {
		fprintf(stderr, "usage: see conform_vendor.c\n");
		return 2;
	}
	return cmocka_run_group_tests(tests, warm_up, NULL);
}
