#!/bin/sh
# Floods, measured: frames received of 50,000 that cangen sends as fast as it
# can on one CPU, and the reader's CPU time for each frame received. One
# reader at a time: evcan log, candump and python-can's logger, in turns.
#
#   tests/vm/vm -t 600 tests/vm/guest/bench_flood.sh BUILDDIR [ROUNDS]
#
# BUILDDIR, also as $EVCAN_BUILD, has evcan. Prints a line for each reader:
# its name, frames sent, then the medians of received and of ns a frame.

. "$(dirname "$0")/lib.sh"

build=${1:-${EVCAN_BUILD:?usage: bench_flood.sh BUILDDIR [ROUNDS]}}
rounds=${2:-3}
frames=50000

listening_now() {
	cat /proc/net/can/rcvlist_all | grep -qw vcan0
}

lines() {
	cat "$1" 2>/dev/null | grep -c '#'
}

# cpu_ns PID: CPU time of all its threads, those that ended not.
cpu_ns() {
	cat /proc/"$1"/task/*/schedstat |
		awk '{ ns += $1 } END { printf "%.0f\n", ns }'
}

# idle PID: true once it uses no CPU time any more to speak of.
idle() {
	idle_before=$(cpu_ns "$1")
	sleep 0.5
	[ $(($(cpu_ns "$1") - idle_before)) -lt 20000000 ]
}

start() {
	case $1 in
	evcan) exec "$build/evcan" log socketcan:vcan0 -f "$2" ;;
	candump) exec candump -L vcan0 >"$2" ;;
	python-can)
		# Python heeds no interrupt that the shell has it ignore.
		exec env --default-signal=INT \
			python3 -m can.logger -i socketcan -c vcan0 -f "$2"
		;;
	esac
}

# flood READER: append "received ns" to /tmp/READER.
flood() {
	rm -f /tmp/flood.log
	(start "$1" /tmp/flood.log >/tmp/flood.out 2>&1) &
	reader=$!
	wait_for 60 listening_now || fail "$1: $(cat /tmp/flood.out)"
	wait_for 60 idle $reader
	before=$(cpu_ns $reader)
	taskset -c 0 cangen vcan0 -g 0 -n $frames -I 123 -L 8 -D i \
		>/dev/null || fail 'cangen'
	wait_for 120 idle $reader
	used=$(($(cpu_ns $reader) - before))
	kill -INT $reader
	wait $reader
	got=$(lines /tmp/flood.log)
	[ "$got" -gt 0 ] || fail "$1 received nothing: $(cat /tmp/flood.out)"
	echo "$got $((used / got))" >>/tmp/"$1"
}

# median COLUMN FILE
median() {
	cut -d' ' -f"$1" "$2" | sort -n | sed -n "$(((rounds + 1) / 2))p"
}

vcan_up vcan0
round=0
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	for name in evcan candump python-can; do
		flood $name
	done
done
for name in evcan candump python-can; do
	say "$name $frames $(median 1 /tmp/$name) $(median 2 /tmp/$name)"
done
