/* SPDX-License-Identifier: BSD-3-Clause */
/* test_error.c - errors, the log call-back, and error frames in words */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/driver.h>
#include <evcan/error.h>
#include <evcan/frame.h>

static void
names_and_classes(void **state)
{
	(void)state;
	for (int code = EVCAN_ERR_CANCELED; code < 0; code++) {
		assert_int_not_equal(evcan_error_class(code),
		    EVCAN_CLASS_NONE);
		assert_true(strlen(evcan_error_name(code)) > 0);
		assert_string_not_equal(evcan_error_name(code),
		    "unknown error");
	}
	assert_int_equal(evcan_error_class(0), EVCAN_CLASS_NONE);
	assert_int_equal(evcan_error_class(17), EVCAN_CLASS_NONE);
	assert_int_equal(evcan_error_class(-99), EVCAN_CLASS_OPERATION);
	assert_int_equal(evcan_error_class(-2147483647 - 1),
	    EVCAN_CLASS_OPERATION);
	assert_int_equal(evcan_error_class(EVCAN_ERR_TIMEOUT),
	    EVCAN_CLASS_TIMEOUT);
	assert_int_equal(evcan_error_class(EVCAN_ERR_INIT),
	    EVCAN_CLASS_INITIALIZATION);
	assert_int_equal(evcan_error_class(EVCAN_ERR_NOT_IMPLEMENTED),
	    EVCAN_CLASS_INTERFACE_NOT_IMPLEMENTED);
	assert_int_equal(evcan_error_class(EVCAN_ERR_SYNTAX),
	    EVCAN_CLASS_VALUE);
	assert_string_equal(evcan_error_name(EVCAN_ERR_TIMEOUT), "timeout");
	assert_string_equal(evcan_error_name(-99), "unknown error");
	assert_string_equal(evcan_error_name(0), "no error");
}

static void
first_wins(void **state)
{
	struct evcan_error err;

	(void)state;
	evcan_error_clear(NULL);
	assert_int_equal(evcan_error_set(NULL, -5, 0, "x"), -5);
	memset(&err, 0x55, sizeof(err));
	evcan_error_clear(&err);
	assert_int_equal(err.code, 0);
	errno = 77;
	assert_int_equal(evcan_error_set(&err, EVCAN_ERR_INIT, ENOENT,
	    "cannot open %s", "drive.log"), EVCAN_ERR_INIT);
	assert_int_equal(errno, 77);
	assert_int_equal(err.system, ENOENT);
	assert_string_equal(err.text,
	    "cannot open drive.log: No such file or directory");
	assert_int_equal(evcan_error_set(&err, EVCAN_ERR_FULL, 0, "later"),
	    EVCAN_ERR_FULL);
	assert_int_equal(err.code, EVCAN_ERR_INIT);
	assert_non_null(strstr(err.text, "drive.log"));
	evcan_error_clear(&err);
	evcan_error_set(&err, EVCAN_ERR_FULL, 0, "now");
	assert_string_equal(err.text, "now");
	assert_int_equal(err.system, 0);
}

/* Whether the text is UTF-8 that a cut did not break. */
static void
assert_whole(const char *text)
{
	for (size_t i = 0; text[i] != '\0'; i++) {
		const unsigned char c = (unsigned char)text[i];
		const int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 :
		    c >= 0xc0 ? 1 : 0;

		assert_true(c >= 0x20 && (c < 0x80 || c >= 0xc2));
		for (int j = 0; j < more; j++) {
			i++;
			assert_int_equal((unsigned char)text[i] & 0xc0, 0x80);
		}
	}
}

static void
cut(void **state)
{
	static const char *const units[] = {
		"x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x9a\x97"
	};
	struct evcan_error err;
	char text[2048];

	(void)state;
	for (int i = 0; i < 4 * 1200; i++) {
		const char *const unit = units[i % 4];
		const size_t n = (size_t)i / 4;

		text[0] = '\0';
		memset(text, 'a', i % 7);
		text[i % 7] = '\0';
		while (strlen(text) + strlen(unit) <= n)
			strcat(text, unit);
		evcan_error_clear(&err);
		evcan_error_set(&err, -1, i % 3 ? 0 : ENOSPC, "%s", text);
		assert_whole(err.text);
		if (i % 3 == 0)
			assert_non_null(strstr(err.text,
			    ": No space left on device"));
		else if (strlen(text) < sizeof(err.text))
			assert_string_equal(err.text, text);
		if (n > 510)
			assert_non_null(strstr(err.text, "..."));
	}
	evcan_error_clear(&err);
	memset(text, 'a', 499);
	text[499] = '\0';
	evcan_error_set(&err, -1, 0, "%s", text);
	assert_string_equal(err.text, text);
	evcan_error_clear(&err);
	evcan_error_set(&err, -1, 0, "%sb", text);
	assert_int_equal(strlen(err.text), 499);
	assert_string_equal(err.text + 496, "...");
}

static void
hostile(void **state)
{
	static const char *const rows[][2] = {
		{"a\nb\x1b[2Jc\x7f\t", "a?b?[2Jc??"},
		{"\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9"},
		{"\xc3", "?"}, {"\xe2\x82", "??"}, {"\x80z", "?z"},
		{"\xc0\xaf", "??"},                    /* over-long */
		{"\xc2\x9b", "??"},                    /* CSI of Latin-1 */
		{"\xed\xa0\x80", "???"},               /* surrogate */
		{"\xf4\x90\x80\x80", "????"}, {"\xff", "?"},
	};
	struct evcan_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		evcan_error_clear(&err);
		evcan_error_set(&err, -1, 0, "%s", rows[i][0]);
		assert_string_equal(err.text, rows[i][1]);
	}
}

struct told {
	int n;
	enum evcan_log_level level;
	char text[2000];
};

static void
hear(enum evcan_log_level level, const char *area, const char *text,
    void *arg)
{
	struct told *told = arg;

	told->n++;
	told->level = level;
	snprintf(told->text, sizeof(told->text), "%s: %s", area, text);
}

static void
logging(void **state)
{
	static const struct {
		const char *name;
		enum evcan_log_level level;
	} rows[] = {
		{"critical", 50}, {"Error", 40}, {"WARNING", 30},
		{"info", 20}, {"debug", 10}, {"SubDebug", 9},
	};
	struct told told = {0};

	(void)state;
	assert_int_equal(evcan_get_log_level(), EVCAN_LOG_WARNING);
	evcan_log(EVCAN_LOG_CRITICAL, "bus", "nobody listens");
	evcan_set_log_cb(hear, &told);
	evcan_log(EVCAN_LOG_INFO, "bus", "too low");
	assert_int_equal(told.n, 0);
	evcan_log(EVCAN_LOG_WARNING, "bus", "line %d\nforged", 1);
	assert_int_equal(told.n, 1);
	assert_string_equal(told.text, "bus: line 1?forged");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(evcan_set_logging_level(rows[i].name), 0);
		assert_int_equal(evcan_get_log_level(), rows[i].level);
		told.n = 0;
		evcan_log(rows[i].level, "x", "at");
		evcan_log(rows[i].level - 1, "x", "below");
		assert_int_equal(told.n, 1);
		assert_int_equal(told.level, rows[i].level);
	}
	assert_int_equal(evcan_set_logging_level("warn"), EVCAN_ERR_INVALID);
	assert_int_equal(evcan_set_logging_level("infos"),
	    EVCAN_ERR_INVALID);
	assert_int_equal(evcan_set_logging_level(""), EVCAN_ERR_INVALID);
	assert_int_equal(evcan_get_log_level(), EVCAN_LOG_SUBDEBUG);
	evcan_set_log_cb(NULL, NULL);
	told.n = 0;
	evcan_log(EVCAN_LOG_CRITICAL, "bus", "nobody listens");
	assert_int_equal(told.n, 0);
	evcan_set_log_level(EVCAN_LOG_WARNING);
}

static void
error_frames(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{"20000001#", "transmit timeout"},
		{"20000002#0000000000000000", "arbitration lost"},
		{"20000002#0B00000000000000", "arbitration lost in bit 11"},
		{"20000004#0000000000000000", "controller problem"},
		{"20000004#0003000000000000",
		    "controller problem (rx overflow, tx overflow)"},
		{"20000004#0040000000000000",
		    "controller problem (active again)"},
		{"20000004#003C000000000000", "controller problem (rx warning,"
		    " tx warning, rx passive, tx passive)"},
		{"20000008#0000000000000000", "protocol violation"},
		{"20000008#0000840800000000", "protocol violation (stuff"
		    " error, while transmitting; in CRC sequence)"},
		{"20000008#0000001900000000",
		    "protocol violation (in ACK slot)"},
		{"20000008#0000011C00000000", "protocol violation (single"
		    " bit error; in unknown code 0x1c)"},
		{"20000010#0000000047000000", "transceiver problem (CANH"
		    " short to ground, CANL no wire)"},
		{"20000010#0000000080000000",
		    "transceiver problem (CANL short to CANH)"},
		{"20000010#0000000001000000",
		    "transceiver problem (unknown code 0x01)"},
		{"20000020#", "no acknowledgement"},
		{"20000040#", "bus-off"},
		{"200000C8#0000040000000000",
		    "protocol violation (stuff error), bus-off, bus error"},
		{"20000100#", "controller restarted"},
		{"20000200#0000000000006080",
		    "error counters tx 96 rx 128"},
		{"20000004#000400000000617F",
		    "controller problem (rx warning), "
		    "error counters tx 97 rx 127"},
		{"20000000#", "error of no known class"},
		{"20000440#", "bus-off, unknown class 0x400"},
		{"20000004#", "controller problem"},
		{"123#11", ""},
	};
	struct evcan_frame frame;
	char buf[EVCAN_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(evcan_frame_parse(&frame, rows[i].text,
		    NULL), 0);
		assert_int_equal(evcan_frame_describe_error(&frame, buf,
		    sizeof(buf)), (int)strlen(rows[i].words));
		assert_string_equal(buf, rows[i].words);
	}
	assert_int_equal(evcan_frame_describe_error(&frame, buf, 0),
	    EVCAN_ERR_FULL);
}

/* Everything at once fits, for each byte that a table is looked up with. */
static void
error_frames_all(void **state)
{
	struct evcan_frame frame = {.id = 0x1fffffff, .len = 255,
		.flags = EVCAN_FRAME_ERR};
	char buf[EVCAN_TEXT_MAX];
	int n, most = 0;

	(void)state;
	for (int i = 0; i < 256; i++) {
		memset(frame.data, 0xff, sizeof(frame.data));
		frame.data[3] = frame.data[4] = (uint8_t)i;
		n = evcan_frame_describe_error(&frame, buf, sizeof(buf));
		assert_int_equal(n, (int)strlen(buf));
		/* Nothing was cut off at the end. */
		assert_non_null(strstr(buf, "unknown class 0x1ffffc00"));
		most = n > most ? n : most;
	}
	assert_true(most < EVCAN_TEXT_MAX - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_classes),
		cmocka_unit_test(first_wins),
		cmocka_unit_test(cut),
		cmocka_unit_test(hostile),
		cmocka_unit_test(logging),
		cmocka_unit_test(error_frames),
		cmocka_unit_test(error_frames_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
