#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run_bench.sh - run benchmarks one after the other; a table, and bench.json
#
#   run_bench.sh BENCH...     in the build directory
#
# Each appends lines to the file EVCAN_BENCH_OUT names, a JSON object a line.

set -u
LC_ALL=C
export LC_ALL

EVCAN_BENCH_OUT=$PWD/bench.lines
export EVCAN_BENCH_OUT
: >"$EVCAN_BENCH_OUT"
status=0

for bench; do
	echo "-- ${bench##*/}"
	case $bench in
	*.sh) ${SHELL:-/bin/sh} "$bench" ;;
	*.py) python3 "$bench" ;;
	*) "./$bench" ;;
	esac </dev/null || {
		echo "${bench##*/} failed" >&2
		status=1
	}
done

{
	echo '['
	sed '$!s/$/,/; s/^/  /' "$EVCAN_BENCH_OUT"
	echo ']'
} >bench.json
rm -f "$EVCAN_BENCH_OUT"

echo
awk '
# The value of a key in a line of JSON whose texts hold no quotes.
function value(key,    v) {
	if (!match($0, "\"" key "\": *(\"[^\"]*\"|[^,}]*)"))
		return "-"
	v = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
	gsub(/^ *"?|"? *$/, "", v)
	return v == "null" || v == "" ? "-" : v
}
function number(v) {
	if (v == "-")
		return v
	if (v >= 1000 || v <= -1000)
		return sprintf("%.0f", v)
	return sprintf("%.3g", v)
}
function row(a, b, c, d, e, f, g) {
	printf "%-40s %-10s %12s %12s  %-20s %8s %8s\n", a, b, c, d, e, f, g
}
BEGIN { row("name", "unit", "ours", "peer", "", "ratio", "of limit") }
/^ *{/ {
	row(value("name"), value("unit"), number(value("ours")),
	    number(value("peer")), value("peer_name"),
	    number(value("ratio")), number(value("of_limit")))
	n++
}
END {
	if (!n) {
		print "no figures"
		exit 1
	}
}' bench.json || status=1
echo "written: $PWD/bench.json"
exit $status
