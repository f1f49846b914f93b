#!/bin/sh
# socketcan when links go down, vanish and come back, when a bus is off, and
# when buffers fill; then the same under load, with evcan's tool.
#
#   tests/vm/vm -k 1 -t 300 tests/vm/guest/socketcan_links.sh BUILDDIR
#
# BUILDDIR, also as $EVCAN_BUILD, has tests/kernel_socketcan and evcan.

. "$(dirname "$0")/lib.sh"

build=${1:-${EVCAN_BUILD:?usage: socketcan_links.sh BUILDDIR}}

"$build/tests/kernel_socketcan" >/tmp/kernel 2>&1 || {
	grep -v -e '  OK ' -e ' RUN ' /tmp/kernel >&2
	fail 'kernel_socketcan'
}
say "ok - kernel_socketcan:$(sed -n 's/^\[  PASSED  \]//p' /tmp/kernel)"

# Under load, with the tool: a recorder and a bridge outlive their links.

# no_less N FILE: true when FILE has N lines or more.
no_less() {
	[ "$(wc -l <"$2")" -ge "$1" ]
}

# alive: the recorder and the bridge still run.
alive() {
	kill -0 $log && kill -0 $bridge
}

evcan=$build/evcan
vcan_up vcan0 72
vcan_up vcan1 72
"$evcan" log socketcan:vcan1,reopen_interval=0.02,reopen_max=0.1 \
	-f /tmp/links.log 2>/tmp/log.err &
log=$!
"$evcan" bridge socketcan:vcan0,reopen_interval=0.02,reopen_max=0.1 \
	socketcan:vcan1,reopen_interval=0.02,reopen_max=0.1 \
	2>/tmp/bridge.err &
bridge=$!
wait_for 60 listening vcan0 || fail 'evcan bridge does not come up'
wait_for 60 listening vcan1 || fail 'evcan log does not come up'

for round in 1 2 3; do
	cangen vcan0 -g 1 -n 2000 -I 100 -i &
	load=$!
	case $round in
	1 | 3) ip link set vcan1 down && ip link set vcan1 up ;;
	esac
	case $round in
	2 | 3)
		ip link del vcan1
		vcan_up vcan1 72
		wait_for 30 listening vcan1 || fail 'vcan1 is not reopened'
		;;
	esac
	wait $load
	alive || fail "round $round: $(cat /tmp/log.err /tmp/bridge.err)"
	before=$(wc -l </tmp/links.log)
	cangen vcan0 -g 1 -n 100 -I 200
	wait_for 60 no_less $((before + 100)) /tmp/links.log ||
		fail "round $round: frames do not pass any more"
	say "ok - round $round: $(wc -l </tmp/links.log) frames recorded"
done
kill -INT $bridge && wait $bridge || fail 'evcan bridge ends badly'
kill -INT $log && wait $log || fail 'evcan log ends badly'
grep -q 'gone' /tmp/log.err || fail 'the removal was not told'
say 'links may come and go'
