/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_ini.c - can.conf and CAN_CONFIG texts */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/config.h>
#include <evcan/error.h>
#include <evcan/options.h>

#include "ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int condition)
{
	if (!condition)
		abort();
}

/* A refusal has a sentence of one line that says where. */
static void
check_refusal(int r, const struct evcan_error *err)
{
	must(r == EVCAN_ERR_SYNTAX && err->code == r);
	must(strncmp(err->text, "fuzz:", 5) == 0);
	must(strchr(err->text, '\n') == NULL);
}

static void
check_pairs(const struct evcan_options *options)
{
	const char *name, *value;

	for (size_t i = 0; evcan_options_at(options, i, &name, &value); i++)
		must(strcmp(evcan_options_get(options, name), value) == 0 &&
		    evcan_options_origin(options, name) != NULL);
}

static void
try_ini(const char *text, size_t size, const char *section)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	int r = evcan_config_parse_ini(options, text, size, "fuzz", section,
	    &err);

	if (r < 0)
		check_refusal(r, &err);
	else
		check_pairs(options);
	must(r != 0 || evcan_options_count(options) == 0);
	evcan_options_free(options);
}

/* What a text holds, it also holds when it is read a second time. */
static void
try_twice(const char *text, size_t size)
{
	struct evcan_options *once = evcan_options_new();
	struct evcan_options *twice = evcan_options_new();
	struct evcan_ini_ *ini = evcan_ini_new_();
	const char *name, *value, *again;
	int r = evcan_ini_read_(ini, text, size, "fuzz", NULL);

	if (r == 0)
		r = evcan_ini_section_(ini, "default", once, NULL);
	if (r == 1 && evcan_ini_read_(ini, text, size, "fuzz", NULL) == 0) {
		must(evcan_ini_section_(ini, "default", twice, NULL) == 1);
		must(evcan_options_count(once) ==
		    evcan_options_count(twice));
		for (size_t i = 0; evcan_options_at(once, i, &name, &value);
		    i++) {
			again = evcan_options_get(twice, name);
			must(again != NULL && strcmp(again, value) == 0);
		}
	}
	evcan_ini_free_(ini);
	evcan_options_free(once);
	evcan_options_free(twice);
}

static void
try_json(const char *text, size_t size)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	int r = evcan_config_parse_json(options, text, size, "fuzz", &err);

	if (r < 0)
		check_refusal(r, &err);
	else
		check_pairs(options);
	evcan_options_free(options);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	try_ini(text, size, "default");
	try_ini(text, size, "T");
	try_twice(text, size);
	try_json(text, size);
	return 0;
}
