#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# bench_flood.sh - a flood on SocketCAN beside candump and python-can
#
# In the virtual machine of tests/vm; its emulated processor is about ten
# times slower than this one, so only the ratios say something.

set -u
LC_ALL=C
export LC_ALL

src=${top_srcdir:-.}
build=${top_builddir:-${EVCAN_BUILD:-$PWD}}

figures=$("$src/tests/vm/vm" -t 300 -m 1024 \
	"$src/tests/vm/guest/bench_flood.sh" "$build" 3)
status=$?
if [ $status = 77 ]; then
	echo 'no virtual machine here: not measured'
	exit 0
fi
[ $status = 0 ] || exit $status

# Rows as evcan_bench_row() makes them.
printf '%s\n' "$figures" | awk -v out="${EVCAN_BENCH_OUT:-/dev/null}" '
function row(name, unit, ours, peer, peer_name, ratio, of_limit) {
	printf "%-32s %-10s %12.4g %12.4g %-22s %12.4g %12s\n", name, unit,
	    ours, peer, peer_name, ratio, of_limit == "null" ? "-" : of_limit
	printf "{\"name\": \"%s\", \"unit\": \"%s\", \"ours\": %.6g, " \
	    "\"peer\": %.6g, \"peer_name\": \"%s\", \"ratio\": %.6g, " \
	    "\"of_limit\": %s}\n", name, unit, ours, peer, peer_name,
	    ratio, of_limit >>out
}
function rows(peer, key) {
	if (!(peer in got) || !("evcan" in got))
		return
	row("flood_received_" key, "frames", got["evcan"], got[peer], peer,
	    got["evcan"] / got[peer],
	    sprintf("%.4g", got["evcan"] / sent["evcan"]))
	row("flood_cpu_" key, "ns/frame", ns["evcan"], ns[peer], peer,
	    ns[peer] / ns["evcan"], "null")
}
NF == 4 && $2 ~ /^[0-9]+$/ {
	sent[$1] = $2
	got[$1] = $3
	ns[$1] = $4
}
END {
	rows("candump", "candump")
	rows("python-can", "python")
	if (!("evcan" in got) || got["evcan"] != sent["evcan"]) {
		print "evcan lost frames"
		exit 1
	}
}'
