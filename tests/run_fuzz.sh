#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run_fuzz.sh - run fuzzers side by side, one a processor, from their corpora
#
#   run_fuzz.sh SECONDS FUZZER...     in the directory they were built in
#
# Real tools' logs of the folder that EVCAN_SAMPLES names are seeds as well.
# What is found is added to corpus/<topic> here, never to the source's.  A
# crash leaves its input in crash/ and fails.

set -u
LC_ALL=C
export LC_ALL

seconds=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
mkdir -p corpus crash fuzz-log || exit 99
rm -f fuzz-log/*

# samples_of TOPIC: a directory of the real logs of that format, not too long
# for a fuzzer.
samples_of() {
	mkdir -p "samples/$1"
	[ -z "${EVCAN_SAMPLES:-}" ] || while read -r name format rest; do
		[ "$format" = "$1" ] && [ -e "$EVCAN_SAMPLES/$name" ] &&
			[ "$(wc -c <"$EVCAN_SAMPLES/$name")" -le 65536 ] &&
			cp "$EVCAN_SAMPLES/$name" "samples/$1/"
	done <"$here/data/samples.txt"
	echo "samples/$1"
}

# fuzz_one FUZZER: fuzz-log/<topic>.ok tells that it passed.
fuzz_one() {
	topic=${1##*/fuzz_}
	log=fuzz-log/$topic.log
	seeds=$here/fuzz/corpus/$topic
	mkdir -p "corpus/$topic"
	samples=$(samples_of "$topic")
	if [ -d "$seeds" ] && "./$1" -max_total_time="$seconds" -timeout=10 \
		-rss_limit_mb=1024 -artifact_prefix="crash/$topic-" \
		-print_final_stats=1 "corpus/$topic" "$seeds" "$samples" \
		>"$log" 2>&1; then
		: >"fuzz-log/$topic.ok"
		echo "PASS: fuzz_$topic ($(sed -n \
			's/^stat::number_of_executed_units: *//p' "$log") runs)"
	else
		[ -d "$seeds" ] || echo "no corpus $seeds" >"$log"
		tail -n 60 "$log"
		echo "FAIL: fuzz_$topic (all of it: fuzz/$log)"
	fi
}

# Each process takes every jobs-th of them.
first=0
while [ $first -lt "$jobs" ]; do
	(
		i=0
		for fuzzer; do
			[ $((i % jobs)) -ne $first ] || fuzz_one "$fuzzer"
			i=$((i + 1))
		done
	) &
	first=$((first + 1))
done
wait

passed=0 failed=0
for fuzzer; do
	if [ -e "fuzz-log/${fuzzer##*/fuzz_}.ok" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
echo "# PASS:  $passed"
echo "# FAIL:  $failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
