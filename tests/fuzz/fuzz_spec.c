/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_spec.c - spec strings of the command line */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <evcan/config.h>
#include <evcan/error.h>
#include <evcan/options.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int condition)
{
	if (!condition)
		abort();
}

static char *
put(char *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == ',')
			*out++ = ',';
		*out++ = *text;
	}
	return out;
}

/* Writes all pairs as `,name=value,...`. @return NULL where that cannot be:
 * a name that starts with a comma */
static char *
write_spec(const struct evcan_options *options, size_t size)
{
	char *text = malloc(2 * size + 100), *p = text;
	const char *name, *value;

	for (size_t i = 0; evcan_options_at(options, i, &name, &value); i++) {
		if (*name == ',') {
			free(text);
			return NULL;
		}
		*p++ = ',';
		p = put(p, name);
		*p++ = '=';
		p = put(p, value);
	}
	*p = '\0';
	return text;
}

/* What was read, written again, reads the same. */
static void
check_again(const struct evcan_options *options, size_t size)
{
	struct evcan_options *again = evcan_options_new();
	char *text = write_spec(options, size);
	const char *a, *b, *v, *w;

	if (text != NULL) {
		must(evcan_config_parse_spec(again, text, NULL) == 0);
		must(evcan_options_count(again) ==
		    evcan_options_count(options));
		for (size_t i = 0; evcan_options_at(options, i, &a, &v); i++)
			must(evcan_options_at(again, i, &b, &w) &&
			    strcmp(a, b) == 0 && strcmp(v, w) == 0);
	}
	free(text);
	evcan_options_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct evcan_options *options = evcan_options_new();
	struct evcan_error err = { 0 };
	char *spec = malloc(size + 1);
	int r;

	memcpy(spec, data, size);
	spec[size] = '\0';
	r = evcan_config_parse_spec(options, spec, &err);
	if (r == 0) {
		check_again(options, size);
	} else {
		must(r == EVCAN_ERR_SYNTAX && err.text[0] != '\0');
		must(strchr(err.text, '\n') == NULL);
		must(evcan_options_count(options) == 0);
	}
	free(spec);
	evcan_options_free(options);
	return 0;
}
