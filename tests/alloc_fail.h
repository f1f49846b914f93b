/* SPDX-License-Identifier: BSD-3-Clause */
/* alloc_fail.h - makes the n-th allocation fail */
#ifndef ALLOC_FAIL_H
#define ALLOC_FAIL_H

/*
 * Include this in one file of a test program and link the program with
 *
 *   -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
 *   -Wl,--wrap=strdup,--wrap=strndup,--wrap=asprintf
 *
 * so that all code in the program (not in shared libraries) allocates here:
 *
 *   for (long n = 1; ; n++) {
 *           alloc_fail_start(n);
 *           r = what_is_tested();
 *           if (!alloc_fail_stop())
 *                   break;             (it needs less than n allocations)
 *           assert_int_equal(r, EVCAN_ERR_NOMEM);
 *   }
 *
 * Leaks are found by running it under AddressSanitizer.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);
int __wrap_asprintf(char **out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Allocations until the one that fails; 0 and below: none does. */
static long alloc_fail_left;

static bool
alloc_fail_now(void)
{
	if (__atomic_sub_fetch(&alloc_fail_left, 1, __ATOMIC_RELAXED) != 0)
		return false;
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return alloc_fail_now() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return alloc_fail_now() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
	return alloc_fail_now() ? NULL : __real_realloc(old, size);
}

char *
__wrap_strdup(const char *text)
{
	return alloc_fail_now() ? NULL : __real_strdup(text);
}

char *
__wrap_strndup(const char *text, size_t len)
{
	return alloc_fail_now() ? NULL : __real_strndup(text, len);
}

int
__wrap_asprintf(char **out, const char *fmt, ...)
{
	va_list ap;
	int r;

	if (alloc_fail_now())
		return -1;
	va_start(ap, fmt);
	r = vasprintf(out, fmt, ap);
	va_end(ap);
	return r;
}

/* The n-th allocation from now on fails, once. */
static inline void
alloc_fail_start(long n)
{
	__atomic_store_n(&alloc_fail_left, n, __ATOMIC_RELAXED);
}

/* No more. @return whether it has failed */
static inline bool
alloc_fail_stop(void)
{
	return __atomic_exchange_n(&alloc_fail_left, 0, __ATOMIC_RELAXED) <=
	    0;
}

/* Whether the program was linked with the options above. */
static inline bool
alloc_fail_works(void)
{
	void *volatile p;

	alloc_fail_start(1);
	p = malloc(1);
	alloc_fail_stop();
	free(p);
	return p == NULL;
}

#endif
