#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# check_installed.sh - plug-ins built on what was installed, and installed
#
# Run by "make installcheck", which distcheck does, too.

set -u
LC_ALL=C
export LC_ALL
top_srcdir=${top_srcdir:-.}
command -v pkg-config >/dev/null || {
	echo 'no pkg-config' >&2
	exit 1
}
plugindir=$(pkg-config --variable=plugindir evcan) || exit 1
LD_LIBRARY_PATH=$(pkg-config --variable=libdir evcan):${LD_LIBRARY_PATH:-}
export LD_LIBRARY_PATH
unset EVCAN_PLUGIN_PATH
[ -w "$plugindir" ] || {
	echo "not tried: $plugindir cannot be written to"
	exit 0
}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/installed.XXXXXX") || exit 1
files="$plugindir/evcan_checkcable.so $plugindir/evcan_checklines.so"
# shellcheck disable=SC2086 # two words
trap 'rm -rf "$tmp" $files' EXIT
cd "$tmp" || exit 1

# shellcheck disable=SC2046,SC2086 # flags are words
build() {
	${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -shared -fPIC \
		-o "$plugindir/evcan_check$1.so" \
		"$top_srcdir/tests/plugins/$2" \
		$(pkg-config --cflags --libs evcan)
}
build cable cable_driver.c && build lines lines_format.c || exit 1

"$EVCAN" list plugins | tee out
grep -q "^$plugindir/evcan_checkcable.so - cable 1.0\$" out &&
	grep -q "^$plugindir/evcan_checklines.so - lines 1.0\$" out || exit 1
echo '(1483389946.000000) can0 123#DEADBEEF' >a.log
"$EVCAN" convert -q a.log a.lines && "$EVCAN" convert -q a.lines b.log &&
	cmp a.log b.log && "$EVCAN" send cable:1 123#11
