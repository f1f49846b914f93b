/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_gateway.c - any text as a gateway's document, never started */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include <evcan/error.h>
#include <evcan/gateway.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_base *base;
	struct evcan_error err = { 0 };
	struct evcan_gateway *gateway;

	if (base == NULL) {
		/* A context that is named must find no files of this user. */
		setenv("HOME", "/nonexistent", 1);
		base = event_base_new();
	}
	gateway = evcan_gateway_new_text(base, (const char *)data, size,
	    "fuzz.json", &err);
	/* One line that begins with the document's name, or none. */
	if (gateway == NULL && (err.code >= 0 || strchr(err.text, '\n') ||
	    strncmp(err.text, "fuzz.json", 9) != 0))
		abort();
	if (gateway != NULL && err.code != 0)
		abort();
	evcan_gateway_free(gateway);
	return 0;
}
