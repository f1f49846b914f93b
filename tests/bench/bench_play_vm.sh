#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# bench_play_vm.sh - replays on vcan beside canplayer and python-can's player
#
# In the virtual machine of tests/vm; its emulated processor is about ten
# times slower than this one, so only the ratios say something.

set -u
LC_ALL=C
export LC_ALL

src=${top_srcdir:-.}
build=${top_builddir:-${EVCAN_BUILD:-$PWD}}

figures=$("$src/tests/vm/vm" -t 300 "$src/tests/vm/guest/bench_play.sh" \
	"$build")
status=$?
if [ $status = 77 ]; then
	echo 'no virtual machine here: not measured'
	exit 0
fi
[ $status = 0 ] || exit $status

# Rows as evcan_bench_row() makes them.
printf '%s\n' "$figures" | awk -v out="${EVCAN_BENCH_OUT:-/dev/null}" '
function row(name, unit, ours, peer, peer_name,    ratio) {
	ratio = (ours > 0 && peer > 0) ? sprintf("%.4g", peer / ours) : "null"
	printf "%-32s %-10s %12.4g %12s %-22s %12s %12s\n", name, unit, ours,
	    (peer > 0 ? sprintf("%.4g", peer) : "-"), peer_name,
	    (ratio == "null" ? "-" : ratio), "-"
	printf "{\"name\": \"%s\", \"unit\": \"%s\", \"ours\": %.6g, " \
	    "\"peer\": %.6g, \"peer_name\": \"%s\", \"ratio\": %s, " \
	    "\"of_limit\": null}\n", name, unit, ours, peer, peer_name,
	    ratio >>out
}
function rows(ours, peer, key,    i) {
	if (!((peer, 2) in got) || !((ours, 2) in got))
		return
	for (i = 2; i <= 6; i++)
		row("play_vm_" what[i] "_" key, unit[i], got[ours, i],
		    got[peer, i], peer)
}
BEGIN {
	split(". p50 p99 max total cpu", what)
	split(". us us us % us", unit)
}
NF == 6 && $2 ~ /^[0-9]+$/ {
	for (i = 2; i <= 6; i++)
		got[$1, i] = $i
}
END {
	rows("evcan", "canplayer", "canplayer")
	rows("evcan", "python-can", "python")
	rows("evcan-60", "canplayer", "60_canplayer")
	if (!(("evcan", 2) in got)) {
		print "evcan played nothing"
		exit 1
	}
}'
