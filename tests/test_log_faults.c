/* SPDX-License-Identifier: BSD-3-Clause */
/* test_log_faults.c - files that refuse, stall, or go away */
#include "log_fixture.h"
#include "may_skip.h"

/* /dev/full: told once, frames kept, full told, close gives up in time. */
static void
test_disk_full(void **state)
{
	struct fixture *f = *state;
	struct evcan_log_write_stats stats;
	struct evcan_frame frames[64];
	int taken, r;

	option(f, "format", "candump");
	option(f, "queue_size", "256");
	option(f, "flush_interval", "0.01");
	option(f, "close_timeout", "0.3");
	ticking(f);
	open_writer(f, f->base, "/dev/full");
	fill(frames, 64, 0);
	assert_int_equal(evcan_log_writer_write(f->writer, frames, 64), 64);
	run_until(f, &f->errors, 5);
	assert_int_equal(f->errors, 1);
	assert_non_null(strstr(f->error, "/dev/full: cannot be written"));
	/* A block and the queue fill up, and that is all it takes. */
	taken = 64;
	for (int i = 0; i < 50; i++) {
		do {
			r = evcan_log_writer_write(f->writer, frames, 64);
			taken += r;
		} while (r == 64);
		run_for(f, 0.05);
	}
	assert_int_equal(evcan_log_writer_write(f->writer, frames, 64), 0);
	assert_int_equal(f->errors, 1);
	evcan_log_writer_get_stats(f->writer, &stats);
	assert_true(stats.failed);
	assert_int_equal(stats.queued, taken);
	assert_int_equal(stats.accepted, taken);
	close_writer(f, 3);
	assert_int_equal(f->close_code, EVCAN_ERR_TIMEOUT);
	assert_non_null(strstr(f->close_error, "frames not written, after "
	    "0.3 s: /dev/full: cannot be written"));
	assert_true(f->longest < 1000000000);
}

/* A file that refuses for a while: nothing accepted is lost. */

struct sick {
	FILE *file;
	atomic_bool refuses;
	atomic_int closes;
};

static int64_t
sick_write(void *arg, const void *buf, size_t size)
{
	struct sick *sick = arg;

	if (atomic_load(&sick->refuses))
		return -ENOSPC;
	/* Odd pieces: every block goes on at the right byte. */
	return (int64_t)fwrite(buf, 1, size > 777 ? 777 : size, sick->file);
}

static int
sick_close(void *arg)
{
	struct sick *sick = arg;

	atomic_fetch_add(&sick->closes, 1);
	return fclose(sick->file) == 0 ? 0 : -errno;
}

static void
test_recovery(void **state)
{
	struct fixture *f = *state;
	struct sick sick = { .file = fopen(in_dir("sick.log"), "w") };
	const struct evcan_log_io io = { .write = sick_write,
	    .close = sick_close, .arg = &sick };
	const struct evcan_gap gap = { .lost = 100 };
	struct evcan_frame frames[64];
	int64_t taken = 0, r;
	char *text, *hole;

	option(f, "queue_size", "256");
	option(f, "flush_interval", "0.01");
	atomic_store(&sick.refuses, true);
	f->writer = evcan_log_writer_new_io(f->base, &io, "sick.log",
	    f->options, NULL);
	evcan_log_writer_set_error_cb(f->writer, on_error, f);
	evcan_listener_set_ready_cb(evcan_log_writer_listener(f->writer),
	    on_ready, f);
	fill(frames, 1, 0);
	taken = evcan_log_writer_write(f->writer, frames, 1);
	run_until(f, &f->errors, 5);
	assert_int_equal(f->errors, 1);
	do {
		fill(frames, 64, (uint64_t)taken);
		r = evcan_log_writer_write(f->writer, frames, 64);
		taken += r;
	} while (r == 64);
	evcan_listener_feed_gap(evcan_log_writer_listener(f->writer), NULL,
	    &gap);
	atomic_store(&sick.refuses, false);
	run_until(f, &f->recoveries, 5);
	run_until(f, &f->readies, 5);
	assert_int_equal(f->recoveries, 1);
	assert_int_equal(f->readies, 1);
	assert_int_equal(f->errors, 1);
	write_all(f, (uint64_t)taken, (uint64_t)taken + 100);
	close_writer(f, 5);
	assert_string_equal(f->close_error, "");
	assert_int_equal(atomic_load(&sick.closes), 1);
	holds(in_dir("sick.log"), (uint64_t)taken + 100);
	/* The marker stands where the hole is. */
	text = slurp(in_dir("sick.log"));
	hole = strstr(text, "DROPCOUNT: dropped 100 ");
	assert_non_null(hole);
	*hole = '\0';
	r = 0;
	for (char *p = text; *p != '\0'; p++)
		r += *p == '\n';
	assert_int_equal(r, taken);
	free(text);
}

/* A FIFO that nobody reads: the loop goes on, and close and free end. */
static void
test_fifo_unread(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir("unread.log");
	struct evcan_error err = { 0 };
	int64_t start;

	assert_int_equal(mkfifo(path, 0600), 0);
	option(f, "close_timeout", "0.3");
	assert_null(evcan_log_writer_new(NULL, path, f->options, &err));
	assert_non_null(strstr(err.text, "is a FIFO that nobody reads"));
	ticking(f);
	open_writer(f, f->base, path);
	write_all(f, 0, 100);
	run_for(f, 0.3);
	assert_true(f->ticks > 20);
	close_writer(f, 3);
	assert_int_equal(f->close_code, EVCAN_ERR_TIMEOUT);
	assert_non_null(strstr(f->close_error, "100 frames not written"));
	evcan_log_writer_free(f->writer);
	open_writer(f, f->base, path);
	write_all(f, 0, 100);
	start = evcan_now_monotonic();
	evcan_log_writer_free(f->writer);
	f->writer = NULL;
	assert_true(evcan_now_monotonic() - start < 1000000000);
	assert_true(f->longest < 1000000000);
}

/* One with a reader that stops: the pipe fills, the loop goes on. */
static void
test_fifo_stalled(void **state)
{
	struct fixture *f = *state;
	const char *path = in_dir("stalled.log");
	char line[100] = "";
	int fd;

	assert_int_equal(mkfifo(path, 0600), 0);
	option(f, "close_timeout", "1.5");
	ticking(f);
	open_writer(f, f->base, path);
	write_all(f, 0, 10);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(fd >= 0);
	run_for(f, 0.3);
	/* A reader is served at once, not after a flush interval. */
	assert_true(read(fd, line, 46) == 46);
	assert_string_equal(line,
	    "(1483389946.000000) can0 123#0000000000000000\n");
	write_all(f, 10, 30000);
	run_for(f, 0.3);
	assert_int_equal(f->errors, 0);
	close_writer(f, 9);
	assert_int_equal(f->close_code, EVCAN_ERR_TIMEOUT);
	assert_non_null(strstr(f->close_error, "takes no more bytes"));
	assert_true(f->longest < 1000000000);
	close(fd);
}

/* A call-back that never returns in time: the thread is left alone and
 * touches nothing that is gone. */

struct stuck {
	atomic_bool let_go;
	atomic_int writes, closed;
};

static int64_t
stuck_write(void *arg, const void *buf, size_t size)
{
	struct stuck *stuck = arg;

	(void)buf;
	atomic_fetch_add(&stuck->writes, 1);
	while (!atomic_load(&stuck->let_go))
		usleep(1000);
	return (int64_t)size;
}

static int
stuck_close(void *arg)
{
	struct stuck *stuck = arg;

	atomic_fetch_add(&stuck->closed, 1);
	return 0;
}

static void
test_stuck(void **state)
{
	struct fixture *f = *state;
	struct stuck stuck = { .writes = 0 };
	const struct evcan_log_io io = { .write = stuck_write,
	    .close = stuck_close, .arg = &stuck };

	ticking(f);
	option(f, "close_timeout", "0.2");
	option(f, "flush_interval", "0");
	f->free_in_close = true;
	f->writer = evcan_log_writer_new_io(f->base, &io, "stuck.log",
	    f->options, NULL);
	write_all(f, 0, 100);
	run_for(f, 0.2);
	assert_int_equal(atomic_load(&stuck.writes), 1);
	close_writer(f, 3);
	assert_int_equal(f->close_code, EVCAN_ERR_TIMEOUT);
	assert_null(f->writer);
	assert_true(f->longest < 1000000000);
	assert_int_equal(atomic_load(&stuck.closed), 0);
	atomic_store(&stuck.let_go, true);
	for (int i = 0; i < 1000 && atomic_load(&stuck.closed) == 0; i++)
		usleep(1000);
	assert_int_equal(atomic_load(&stuck.closed), 1);
	usleep(50000);
}

static void
test_free_in_callbacks(void **state)
{
	struct fixture *f = *state;

	f->free_in_error = f->free_in_close = true;
	option(f, "format", "candump");
	option(f, "flush_interval", "0");
	option(f, "close_timeout", "0.05");
	open_writer(f, f->base, "/dev/full");
	write_all(f, 0, 10);
	run_until(f, &f->errors, 5);
	assert_null(f->writer);
	for (int sync = 0; sync < 2; sync++) {
		open_writer(f, sync ? NULL : f->base, in_dir("cb.log"));
		write_all(f, 0, 10);
		f->closes = 0;
		evcan_log_writer_close(f->writer, on_closed, f);
		run_until(f, &f->closes, 5);
		assert_null(f->writer);
		holds(in_dir("cb.log"), 10);
	}
}

/* No room beyond a limit: an error, not SIGXFSZ; room again, and it goes on
 * at the right byte. */
static void
test_size_limit(void **state)
{
	struct fixture *f = *state;
	struct rlimit limit, old;
	const char *path = in_dir("limit.log");

	option(f, "flush_interval", "0.01");
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 10000;
	open_writer(f, f->base, path);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	write_all(f, 0, 1000);
	run_until(f, &f->errors, 5);
	assert_int_equal(f->errors, 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	run_until(f, &f->recoveries, 5);
	assert_int_equal(f->recoveries, 1);
	close_writer(f, 5);
	assert_int_equal(f->close_code, 0);
	holds(path, 1000);
}

/* A real file system that is full and then is not. */
static void
test_tmpfs_full(void **state)
{
	struct fixture *f = *state;
	const char *where = in_dir("full"), *path = in_dir("full/x.log");
	const char *ballast = in_dir("full/ballast");
	char block[81920] = "";
	int fd;

	assert_int_equal(mkdir(where, 0700), 0);
	if (mount("none", where, "tmpfs", 0, "size=256k") < 0)
		may_skip("not root, or not allowed to mount");
	fd = open(ballast, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	close(fd);
	option(f, "flush_interval", "0.01");
	open_writer(f, f->base, path);
	write_all(f, 0, 5000);
	run_until(f, &f->errors, 5);
	assert_int_equal(f->errors, 1);
	assert_non_null(strstr(f->error, strerror(ENOSPC)));
	assert_int_equal(unlink(ballast), 0);
	run_until(f, &f->recoveries, 5);
	assert_int_equal(f->recoveries, 1);
	close_writer(f, 5);
	assert_int_equal(f->close_code, 0);
	holds(in_dir("full/x.log"), 5000);
	umount(in_dir("full"));
}

/* The directory goes away between two files: told, kept, and it goes on. */
static void
test_reopen_fails(void **state)
{
	struct fixture *f = *state;
	const char *where = in_dir("gone"), *other = in_dir("gone2");
	struct evcan_log_reader *reader;
	struct evcan_frame frames[20];

	assert_int_equal(mkdir(where, 0700), 0);
	option(f, "flush_interval", "0.01");
	open_writer(f, f->base, in_dir("gone/x.log"));
	write_all(f, 0, 10);
	assert_int_equal(rename(where, other), 0);
	assert_int_equal(evcan_log_writer_reopen(f->writer), 0);
	write_all(f, 10, 20);
	run_until(f, &f->errors, 5);
	assert_int_equal(f->errors, 1);
	assert_non_null(strstr(f->error, "cannot be opened for writing"));
	assert_int_equal(mkdir(in_dir("gone"), 0700), 0);
	run_until(f, &f->recoveries, 5);
	close_writer(f, 5);
	assert_int_equal(f->close_code, 0);
	holds(in_dir("gone2/x.log"), 10);
	reader = evcan_log_reader_new(in_dir("gone/x.log"), NULL, NULL);
	assert_int_equal(evcan_log_reader_read(reader, frames, 20), 10);
	evcan_log_reader_free(reader);
}

/* Without a worker: the error of the file comes from the call, what was
 * taken is written once it works. */
static void
test_sync_full(void **state)
{
	struct fixture *f = *state;
	struct sick sick = { .file = fopen(in_dir("sync.log"), "w") };
	const struct evcan_log_io io = { .write = sick_write,
	    .close = sick_close, .arg = &sick };
	struct evcan_frame frame;

	option(f, "flush_interval", "0");
	f->writer = evcan_log_writer_new_io(NULL, &io, "sync.log",
	    f->options, NULL);
	atomic_store(&sick.refuses, true);
	fill(&frame, 1, 0);
	assert_int_equal(evcan_log_writer_write(f->writer, &frame, 1), 1);
	fill(&frame, 1, 1);
	assert_int_equal(evcan_log_writer_write(f->writer, &frame, 1),
	    EVCAN_ERR_OPERATION);
	assert_int_equal(evcan_log_writer_error(f->writer)->system, ENOSPC);
	atomic_store(&sick.refuses, false);
	assert_int_equal(evcan_log_writer_write(f->writer, &frame, 1), 1);
	close_writer(f, 0);
	assert_int_equal(f->close_code, 0);
	holds(in_dir("sync.log"), 2);
}

static void
test_pipe_gone(void **state)
{
	struct fixture *f = *state;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	f->writer = evcan_log_writer_new_fd(f->base, fds[1], "pipe.log",
	    f->options, NULL);
	evcan_log_writer_set_error_cb(f->writer, on_error, f);
	close(fds[0]);
	write_all(f, 0, 5);
	run_until(f, &f->errors, 5);
	assert_int_equal(f->errors, 1);
	/* Nobody will ever read it: closing does not wait. */
	close_writer(f, 2);
	assert_int_equal(f->close_code, EVCAN_ERR_OPERATION);
	assert_non_null(strstr(f->close_error, "5 frames not written"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_disk_full),
		TEST(test_recovery),
		TEST(test_fifo_unread),
		TEST(test_fifo_stalled),
		TEST(test_stuck),
		TEST(test_free_in_callbacks),
		TEST(test_size_limit),
		TEST(test_tmpfs_full),
		TEST(test_reopen_fails),
		TEST(test_sync_full),
		TEST(test_pipe_gone),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
