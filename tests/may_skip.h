/* SPDX-License-Identifier: BSD-3-Clause */
/* may_skip.h - a test that cannot run here; behind cmocka.h */
#ifndef MAY_SKIP_H
#define MAY_SKIP_H

#include <stdlib.h>
#include <string.h>

/* Skips the test on somebody's machine; with CI=true, where everything that
 * tests need is to be had, it fails. */
static inline void
may_skip(const char *why)
{
	const char *ci = getenv("CI");

	if (ci != NULL && strcmp(ci, "true") == 0)
		fail_msg("cannot run: %s", why);
	print_message("skipped: %s\n", why);
	skip();
}

#endif
