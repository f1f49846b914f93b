#!/bin/sh
# Floods: 50,000 frames as fast as cangen can, ten times, with evcan log,
# candump and python-can's logger reading along. evcan must have every frame,
# in order; what the others lose is printed.
#
#   tests/vm/vm -t 900 tests/vm/guest/socketcan_flood.sh BUILDDIR
#
# BUILDDIR, also as $EVCAN_BUILD, has evcan; behind it may stand how many
# floods.

. "$(dirname "$0")/lib.sh"

build=${1:-${EVCAN_BUILD:?usage: socketcan_flood.sh BUILDDIR [FLOODS]}}
floods=${2:-10}
frames=50000

# lines FILE: how many there are, 0 without the file.
lines() {
	cat "$1" 2>/dev/null | grep -c '#'
}

# still FILE: true once FILE no longer grows.
still() {
	still_before=$(lines "$1")
	sleep 0.3
	[ "$(lines "$1")" = "$still_before" ]
}

# The data of frame I is I, as cangen's -D i counts.
cat >/tmp/order.awk <<'AWK'
{
	split($3, part, "#")
	text = part[2]
	value = 0
	for (i = length(text) - 1; i > 0; i -= 2)
		value = value * 256 + (index(digits, substr(text, i, 1)) - 1) \
		    * 16 + index(digits, substr(text, i + 1, 1)) - 1
	if (value != NR - 1) {
		print "line " NR " holds frame " value
		bad = 1
		exit
	}
}
END { exit bad }
AWK

# A shell's background programs ignore ^C until they ask for it.
cat >/tmp/logger.py <<'PY'
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
import can.logger
can.logger.main()
PY

vcan_up vcan0
flood=0
while [ $flood -lt "$floods" ]; do
	flood=$((flood + 1))
	rm -f /tmp/*.log
	"$build/evcan" log socketcan:vcan0 -f /tmp/evcan.log \
		>/tmp/evcan.out 2>&1 &
	evcan=$!
	(cd /tmp && exec candump -L vcan0 >/tmp/candump.log) &
	candump=$!
	python3 /tmp/logger.py -i socketcan -c vcan0 -f /tmp/python.log \
		>/tmp/python.out 2>&1 &
	python=$!
	wait_for 60 readers vcan0 3 || fail 'the readers do not come up'
	taskset -c 0 cangen vcan0 -g 0 -n $frames -I 123 -L 8 -D i \
		>/dev/null || fail 'cangen'
	wait_for 60 still /tmp/candump.log
	kill -INT $evcan && wait $evcan ||
		fail "evcan log: $(cat /tmp/evcan.out)"
	wait_for 60 still /tmp/python.log
	kill -INT $candump $python
	wait $candump $python
	say "flood $flood: evcan $(lines /tmp/evcan.log), candump" \
		"$(lines /tmp/candump.log), python-can" \
		"$(lines /tmp/python.log) of $frames"
	[ "$(lines /tmp/evcan.log)" = $frames ] || fail 'evcan lost frames'
	awk -v digits=0123456789ABCDEF -f /tmp/order.awk /tmp/evcan.log >&2 ||
		fail 'evcan has frames out of order'
done
say "evcan lost none in $floods floods"
