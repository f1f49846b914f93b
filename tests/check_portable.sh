#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# check_portable.sh - what only Linux has, has a twin that compiles elsewhere
#
# Every file of the library is compiled as if this were another system.

set -u
LC_ALL=C
export LC_ALL
cd "${top_srcdir:-.}" || exit 99

status=0
for file in src/*.c src/drivers/*.c src/loggers/*.c; do
	# shellcheck disable=SC2086 # a compiler may come with options
	${CC:-cc} ${CPPFLAGS:-} -std=c11 -D_GNU_SOURCE -U__linux__ -Iinclude \
		-Isrc -Wall -Wextra -Werror -fsyntax-only "$file" || {
		echo "$file does not compile without Linux" >&2
		status=1
	}
done
exit $status
