/* SPDX-License-Identifier: BSD-3-Clause */
/* test_bit_timing.c - limits, registers, bitrates, text and loose keys */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <evcan/bit_timing.h>
#include <evcan/error.h>
#include <evcan/options.h>

static void
test_known_values(void **state)
{
	static const struct {
		struct evcan_bit_timing t;
		uint32_t bitrate;
		uint16_t btr;
	} table[] = {
		{ { 8000000, 1, 5, 2, 1, 1 }, 1000000, 0x0014 },
		{ { 8000000, 1, 10, 5, 4, 1 }, 500000, 0xc049 },
		{ { 16000000, 2, 12, 3, 3, 1 }, 500000, 0x812b },
		{ { 24000000, 18, 13, 2, 2, 1 }, 83333, 0x511c },
		{ { 8000000, 64, 16, 8, 4, 3 }, 5000, 0xffff },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct evcan_bit_timing *t = &table[i].t;

		assert_int_equal(evcan_bit_timing_check(t, NULL), 0);
		assert_int_equal(evcan_bit_timing_bitrate(t),
		    table[i].bitrate);
		assert_int_equal(evcan_bit_timing_btr(t), table[i].btr);
	}
}

/* Halves go to the even number, as python's round() has it. */
static void
test_rounding(void **state)
{
	struct evcan_bit_timing t = { 0, 2, 1, 1, 1, 1 };
	static const uint32_t table[][2] = {
		{ 3, 0 }, { 9, 2 }, { 15, 2 }, { 16, 3 }, { 21, 4 },
		{ UINT32_MAX, 715827882 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		t.f_clock = table[i][0];
		assert_int_equal(evcan_bit_timing_bitrate(&t), table[i][1]);
	}
	memset(&t, 0, sizeof(t));
	assert_int_equal(evcan_bit_timing_bitrate(&t), 0);
}

/* Of all 65536 pairs of registers, those that are valid come back. */
static void
test_registers(void **state)
{
	unsigned valid = 0;

	(void)state;
	for (unsigned btr = 0; btr < 0x10000; btr++) {
		const unsigned sjw = (btr >> 14) + 1;
		const unsigned tseg2 = ((btr >> 4) & 7) + 1;
		const unsigned tseg1 = (btr & 15) + 1;
		struct evcan_bit_timing t = { 0 };
		struct evcan_error err = { 0 };
		int r = evcan_bit_timing_from_btr(&t, 8000000, btr >> 8,
		    btr & 0xff, &err);

		if (sjw <= tseg2 && tseg1 + 1 >= tseg2) {
			assert_int_equal(r, 0);
			assert_int_equal(evcan_bit_timing_btr(&t), btr);
			valid++;
		} else {
			assert_int_equal(r, EVCAN_ERR_INVALID);
			assert_int_equal(t.f_clock, 0);
			assert_true(err.text[0] != '\0');
		}
	}
	assert_true(valid > 30000);
}

static void
test_registers_refused(void **state)
{
	struct evcan_error err = { 0 };
	struct evcan_bit_timing t;

	(void)state;
	assert_int_equal(evcan_bit_timing_from_btr(&t, 8000000, 0x100, 0x14,
	    &err), EVCAN_ERR_INVALID);
	assert_string_equal(err.text,
	    "bit timing: btr0 is 256, but must be from 0 to 255");
	evcan_error_clear(&err);
	assert_int_equal(evcan_bit_timing_from_btr(&t, 0, 0, 0x14, &err),
	    EVCAN_ERR_INVALID);
	assert_string_equal(err.text, "bit timing: f_clock is 0, but must be "
	    "from 1 to 4294967295");
}

static void
test_parse(void **state)
{
	static const char *const classic[] = {
		"f_clock=8000000 brp=1 tseg1=5 tseg2=2 sjw=1 nof_samples=1",
		"f_clock=8_000_000,brp=1,tseg1=5,tseg2=2,sjw=1",
		" \tsjw=0x1\n tseg2=2 ,, tseg1=5\r\nbrp=1 f_clock=0x7A1200 ",
		"f_clock=8000000 btr0=0x00 btr1=0x14",
		"{\"f_clock\": 8000000, \"brp\": 1, \"tseg1\": 5, "
		    "\"tseg2\": 2, \"sjw\": 1}",
		" {\"f_clock\": \"8_000_000\", \"btr0\": \"0x00\", "
		    "\"btr1\": 20}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(classic) / sizeof(classic[0]); i++) {
		struct evcan_timing t;

		memset(&t, 0x55, sizeof(t));
		assert_int_equal(evcan_timing_parse(&t, classic[i], NULL), 0);
		assert_false(t.fd);
		assert_int_equal(t.classic.f_clock, 8000000);
		assert_int_equal(t.classic.nof_samples, 1);
		assert_int_equal(evcan_bit_timing_btr(&t.classic), 0x0014);
	}
}

#define FD_TEXT "f_clock=80_000_000 nom_brp=1 nom_tseg1=59 nom_tseg2=20 " \
	"nom_sjw=20 data_brp=1 data_tseg1=6 data_tseg2=3 data_sjw=3"

static void
test_parse_fd(void **state)
{
	struct evcan_timing t;

	(void)state;
	assert_int_equal(evcan_timing_parse(&t, FD_TEXT, NULL), 0);
	assert_true(t.fd);
	assert_int_equal(evcan_bit_timing_fd_nominal(&t.flexible), 1000000);
	assert_int_equal(evcan_bit_timing_fd_data(&t.flexible), 8000000);
	assert_int_equal(t.flexible.nom_tseg2, 20);
	assert_int_equal(t.flexible.data_sjw, 3);
	assert_int_equal(evcan_timing_parse(&t, "f_clock=60000000 nom_brp=3 "
	    "nom_tseg1=59 nom_tseg2=20 nom_sjw=20 data_brp=3 data_tseg1=11 "
	    "data_tseg2=8 data_sjw=8", NULL), 0);
	assert_int_equal(evcan_bit_timing_fd_nominal(&t.flexible), 250000);
	assert_int_equal(evcan_bit_timing_fd_data(&t.flexible), 1000000);
}

#define SEGS "f_clock=8000000 brp=1 tseg1=5 tseg2=2 "
#define FD_REST "nom_sjw=1 data_brp=1 data_tseg1=6 data_tseg2=3 data_sjw=3"

static void
test_parse_errors(void **state)
{
	static const struct { int code; const char *in, *text; } table[] = {
		{ EVCAN_ERR_SYNTAX, SEGS "sjw", "bit timing: \"sjw\" is not "
		  "key=value" },
		{ EVCAN_ERR_SYNTAX, "=1", "bit timing: \"=1\" is not "
		  "key=value" },
		{ EVCAN_ERR_INVALID, "", "bit timing lacks f_clock, brp, "
		  "tseg1, tseg2, sjw" },
		{ EVCAN_ERR_INVALID, SEGS "sjw=1 sjw=1",
		  "bit timing: sjw is given twice" },
		{ EVCAN_ERR_INVALID, SEGS "sjw=x", "bit timing: sjw is \"x\", "
		  "but must be an integer from 1 to 4" },
		{ EVCAN_ERR_INVALID, SEGS "sjw=5",
		  "bit timing: sjw is 5, but must be from 1 to 4" },
		{ EVCAN_ERR_INVALID, SEGS "sjw=257",
		  "bit timing: sjw is 257, but must be from 1 to 4" },
		{ EVCAN_ERR_INVALID, SEGS "sjw=3", "bit timing: sjw is 3, but "
		  "must not be greater than tseg2, 2" },
		{ EVCAN_ERR_INVALID, SEGS "sjw=1 nof_samples=2",
		  "bit timing: nof_samples is 2, but must be 1 or 3" },
		{ EVCAN_ERR_INVALID, "f_clock=1 brp=1 tseg1=1 tseg2=3 sjw=1",
		  "bit timing: the sample point after 1 + 1 of 5 quanta "
		  "(tseg1, tseg2) is early, but must be at 50 % or later" },
		{ EVCAN_ERR_INVALID, SEGS "sjw=1 btr0=1 btr1=20",
		  "bit timing: brp, tseg1, tseg2, sjw cannot stand beside "
		  "btr0 and btr1" },
		{ EVCAN_ERR_INVALID, FD_TEXT " brp=1", "bit timing: brp "
		  "cannot stand beside nom_ and data_ keys" },
		{ EVCAN_ERR_INVALID, "f_clock=1 btr0=1",
		  "bit timing lacks btr1" },
		{ EVCAN_ERR_INVALID, "f_clock=1 nom_brp=65536 nom_tseg1=2 "
		  "nom_tseg2=1 " FD_REST, "bit timing: nom_brp is 65536, but "
		  "must be from 1 to 65535" },
		{ EVCAN_ERR_INVALID, "f_clock=80000000 nom_brp=1 nom_tseg1=6 "
		  "nom_tseg2=1 " FD_REST, "bit timing: the data bitrate, "
		  "8000000 bit/s, is lower than the nominal one, 10000000" },
		{ EVCAN_ERR_INVALID, "f_clock=80000000 nom_brp=1 nom_tseg1=6 "
		  "nom_tseg2=0 " FD_REST, "bit timing: nom_sjw is 1, but must "
		  "not be greater than nom_tseg2, 0" },
		{ EVCAN_ERR_INVALID, "{\"f_clock\": 8e6}", "bit timing: "
		  "f_clock is \"8000000.0\", but must be an integer from 1 to "
		  "4294967295" },
		{ EVCAN_ERR_INVALID, "{\"f_clock\": [1]}", "bit timing: "
		  "f_clock is \"[1]\", but must be an integer from 1 to "
		  "4294967295" },
		{ EVCAN_ERR_INVALID, "bitrate=500000", "bit timing: "
		  "\"bitrate\" is not one of its keys: f_clock, brp, tseg1, "
		  "tseg2, sjw, nof_samples, btr0, btr1, nom_brp, nom_tseg1, "
		  "nom_tseg2, nom_sjw, data_brp, data_tseg1, data_tseg2, "
		  "data_sjw" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct evcan_timing t = { .classic.brp = 77 };
		struct evcan_error err = { 0 };

		assert_int_equal(evcan_timing_parse(&t, table[i].in, &err),
		    table[i].code);
		assert_string_equal(err.text, table[i].text);
		assert_int_equal(t.classic.brp, 77);
		assert_false(t.fd);
	}
}

static void
test_parse_json_errors(void **state)
{
	static const char *const table[] = {
		"{", "{}x", "{\"brp\": 1, \"brp\": 1}", "{\"brp\": }",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct evcan_error err = { 0 };
		struct evcan_timing t;

		assert_int_equal(evcan_timing_parse(&t, table[i], &err),
		    EVCAN_ERR_SYNTAX);
		assert_memory_equal(err.text, "bit timing: ", 12);
	}
}

/* A text `name=value ...` as loose options, joined. */
static int
join(struct evcan_options **o, const char *text, struct evcan_error *err)
{
	char copy[300], *rest = copy, *pair;

	*o = evcan_options_new();
	snprintf(copy, sizeof(copy), "%s", text);
	while ((pair = strsep(&rest, " ")) != NULL)
		if (*pair != '\0')
			assert_int_equal(evcan_options_set_pair(*o, pair,
			    "can.conf:3", err), 0);
	return evcan_timing_join(*o, err);
}

static void
test_join(void **state)
{
	static const struct { const char *in, *timing; size_t left; }
	    table[] = {
		{ SEGS "sjw=1 nof_samples=1 channel=a",
		  SEGS "sjw=1 nof_samples=1", 2 },
		{ "channel=a btr1=0x14 btr0=0 f_clock=8000000",
		  "f_clock=8000000 btr0=0 btr1=0x14", 2 },
		{ FD_TEXT, "f_clock=80_000_000 nom_brp=1 nom_tseg1=59 "
		  "nom_tseg2=20 nom_sjw=20 data_brp=1 data_tseg1=6 "
		  "data_tseg2=3 data_sjw=3", 1 },
		{ FD_TEXT " brp=1", "f_clock=80_000_000 nom_brp=1 "
		  "nom_tseg1=59 nom_tseg2=20 nom_sjw=20 data_brp=1 "
		  "data_tseg1=6 data_tseg2=3 data_sjw=3", 2 },
		{ SEGS "sjw=1", NULL, 5 },
		{ "btr0=0 btr1=0x14", NULL, 2 },
		{ "", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct evcan_error err = { 0 };
		struct evcan_options *o;

		assert_int_equal(join(&o, table[i].in, &err),
		    table[i].timing != NULL);
		if (table[i].timing != NULL) {
			assert_string_equal(evcan_options_get(o, "timing"),
			    table[i].timing);
			assert_string_equal(evcan_options_origin(o,
			    "timing"), "can.conf:3");
		}
		assert_int_equal(evcan_options_count(o), table[i].left);
		evcan_options_free(o);
	}
}

static void
test_join_keeps_and_refuses(void **state)
{
	struct evcan_error err = { 0 };
	struct evcan_options *o;

	(void)state;
	assert_int_equal(join(&o, "timing=x f_clock=1 btr0=0 btr1=0", &err),
	    0);
	assert_int_equal(evcan_options_count(o), 4);
	assert_string_equal(evcan_options_get(o, "timing"), "x");
	evcan_options_free(o);

	assert_int_equal(join(&o, "f_clock=1 btr0=0 btr1=256", &err),
	    EVCAN_ERR_INVALID);
	assert_string_equal(err.text,
	    "bit timing: btr1 is 256, but must be from 0 to 255");
	assert_int_equal(evcan_options_count(o), 3);
	evcan_options_free(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_values),
		cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_registers_refused),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_fd),
		cmocka_unit_test(test_parse_errors),
		cmocka_unit_test(test_parse_json_errors),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_join_keeps_and_refuses),
	};

	return cmocka_run_group_tests_name("bit_timing", tests, NULL, NULL);
}
