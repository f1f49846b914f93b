#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# check_headers.sh - each public header compiles alone, in C11 and in C++

set -u
LC_ALL=C
export LC_ALL
cd "${top_srcdir:-.}/include" || exit 99

status=0

# try DESC COMPILER...: each header alone, as the only thing in a file.
try() {
	desc=$1
	shift
	for header in evcan/*.h; do
		printf '#include <%s>\n' "$header" |
			"$@" -I. -Wall -Wextra -pedantic -Werror -fsyntax-only - || {
			echo "<$header> does not compile alone in $desc" >&2
			status=1
		}
	done
}

# Nothing of GNU is defined here: programs need not define it either.
# shellcheck disable=SC2086 # a compiler may come with options
try C11 ${CC:-cc} -std=c11 -Wshadow -Wstrict-prototypes -x c

# The umbrella has what a program needs; those for drivers, formats and
# plug-ins are extra.
for header in evcan/*.h; do
	case $header in
	evcan/driver.h | evcan/format.h | evcan/plugin.h | evcan/evcan.h)
		continue
		;;
	esac
	grep -q "#include <$header>" evcan/evcan.h || {
		echo "<evcan/evcan.h> does not include <$header>" >&2
		status=1
	}
done

# One version in three places.
version=$(sed -n 's/^AC_INIT(\[evcan\], \[\(.*\)\])$/\1/p' ../configure.ac)
numbers=$(sed -n 's/^#define EVCAN_VERSION_[A-Z]* //p' evcan/evcan.h |
	paste -s -d .)
text=$(sed -n 's/^#define EVCAN_VERSION "\(.*\)"$/\1/p' evcan/evcan.h)
if [ -z "$version" ] || [ "$version" != "$numbers" ] ||
	[ "$version" != "$text" ]; then
	echo "versions differ: configure.ac $version," \
		"evcan.h $numbers and \"$text\"" >&2
	status=1
fi

if command -v "${CXX:-c++}" >/dev/null; then
	# shellcheck disable=SC2086
	try C++ ${CXX:-c++} -std=c++11 -x c++
elif [ $status -eq 0 ]; then
	echo 'no C++ compiler (Debian: g++)' >&2
	[ "${CI:-}" = true ] && exit 1
	exit 77
fi
exit $status
