/* SPDX-License-Identifier: BSD-3-Clause */
/* ixxat_fixture.h - what tests of the ixxat driver share
 *
 * Each test runs against a double of VCI 3 and one of VCI 4. */
#ifndef IXXAT_FIXTURE_H
#define IXXAT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define INTERFACE "ixxat"
#include "double_fixture.h"
#include "drivers/ixxat.h"

static int vci;              /* 3 or 4 */
static char notes[16384];    /* what the double was told, a line each */
static void (*fill_notes)(char *text, size_t size);

static inline const char *
get_notes(void)
{
	fill_notes(notes, sizeof(notes));
	return notes;
}

static inline int
setup_ixxat(void **state)
{
	int r = setup(state);

	vci = *state == NULL ? 3 : 4;
	*(void **)&fill_notes = double_symbol("evcan_ixxat_double_notes");
	if (fill_notes != NULL)
		get_notes();
	return r;
}

static inline void
has_noted(const char *line)
{
	if (strstr(notes, line) == NULL)
		fail_msg("no \"%s\" in:\n%s", line, notes);
}

#define VCI4(f) { #f " (4)", f, setup_ixxat, teardown, "ixxat4" }
/* A test for both versions. */
#define BOTH(f) { #f " (3)", f, setup_ixxat, teardown, NULL }, VCI4(f)

#endif
