/* SPDX-License-Identifier: BSD-3-Clause */
/* test_keys.c - evcan play on a terminal: keys, and what people see */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "may_skip.h"

#define SOON 10000     /* ms */

static char dir[] = "/tmp/test_keys.XXXXXX";
static char path[100];
static int terminal = -1;     /* the other side of the player's terminal */
static pid_t player;
static char seen[100000];
static size_t n_seen;

/* A log of 1,000 s, a frame each second. */
static int
setup(void **state)
{
	FILE *file;

	(void)state;
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/drive.log", dir);
	file = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fprintf(file, "(1700000%03d.000000) can0 123#%04X\n", i, i);
	return fclose(file);
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void
start_player(const char *flag)
{
	const char *evcan = getenv("EVCAN");

	if (evcan == NULL)
		may_skip("EVCAN, the path of the tool, is not set");
	terminal = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(terminal >= 0);
	assert_int_equal(grantpt(terminal), 0);
	assert_int_equal(unlockpt(terminal), 0);
	n_seen = 0;
	player = fork();
	if (player == 0) {
		int fd;

		setsid();
		fd = open(ptsname(terminal), O_RDWR);
		ioctl(fd, TIOCSCTTY, 0);
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		setenv("TERM", "xterm", 1);
		execl(evcan, evcan, "play", "virtual:keys", path, flag,
		    (char *)NULL);
		_exit(99);
	}
	assert_true(player > 0);
}

/* Reads on until `text` was shown since the last one awaited. */
static void
await(const char *text)
{
	struct pollfd in = { .fd = terminal, .events = POLLIN };

	for (;;) {
		ssize_t n;

		seen[n_seen] = '\0';
		if (strstr(seen, text) != NULL)
			break;
		if (poll(&in, 1, SOON) <= 0)
			fail_msg("no \"%s\" in \"%s\"", text, seen);
		n = read(terminal, seen + n_seen, sizeof(seen) - 1 - n_seen);
		if (n <= 0)
			fail_msg("it ended: no \"%s\" in \"%s\"", text, seen);
		n_seen += (size_t)n;
	}
	n_seen = 0;
}

static void
press(const char *keys)
{
	assert_int_equal(write(terminal, keys, strlen(keys)), strlen(keys));
}

static void
expect_end(void)
{
	int status;

	assert_int_equal(waitpid(player, &status, 0), player);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(terminal);
}

static void
test_pause_step_and_speed(void **state)
{
	(void)state;
	start_player("--paused");
	await("space: pause");
	press("s");
	await("paused at 0.0 s");
	press("s");
	await("paused at 1.0 s");
	press("\n");
	await("paused at 2.0 s");
	press("+");
	await("speed 2");
	press("---");
	await("speed 0.25");
	press("++++++++++++++++");
	await("speed 16384");
	press(" ");
	await(" 1000\r\n");
	expect_end();
}

/* What happens to the terminal's own settings. */
static void
test_terminal_is_given_back(void **state)
{
	struct termios during, after;

	(void)state;
	start_player("--paused");
	await("space: pause");
	tcgetattr(terminal, &during);
	assert_false(during.c_lflag & ICANON);
	assert_false(during.c_lflag & ECHO);
	press("q");
	await("replayed");
	tcgetattr(terminal, &after);
	assert_true(after.c_lflag & ICANON);
	assert_true(after.c_lflag & ECHO);
	expect_end();
}

static void
test_interrupt_key(void **state)
{
	struct termios after;

	(void)state;
	start_player("--paused");
	await("space: pause");
	press("\003");
	await("replayed");
	tcgetattr(terminal, &after);
	assert_true(after.c_lflag & ICANON);
	expect_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pause_step_and_speed),
		cmocka_unit_test(test_terminal_is_given_back),
		cmocka_unit_test(test_interrupt_key)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
