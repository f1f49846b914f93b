#!/bin/sh
# What the tool shows of the kernel's CAN: links and their state, a bit rate
# that differs, raw DLCs, whose frames they are, and error frames in words.
#
#   tests/vm/vm -k 1 tests/vm/guest/tool_links.sh BUILDDIR

. "$(dirname "$0")/lib.sh"

evcan=${1:-${EVCAN_BUILD:?usage: tool_links.sh BUILDDIR}}/evcan

# has TEXT FILE: FILE has a line with TEXT.
has() {
	grep -q -e "$1" "$2" || fail "no \"$1\" in: $(cat "$2")"
	say "ok - $(grep -m 1 -e "$1" "$2")"
}

vcan_up vcan0
ip link add dev vcan9 type vcan
modprobe vxcan
ip link add dev vxcan0 type vxcan peer name vxcan1 || fail 'no vxcan'
kvaser_up 250000 >/tmp/cards || exit
card=$(head -n 1 /tmp/cards)

"$evcan" detect socketcan >/tmp/detect 2>&1 || fail "$(cat /tmp/detect)"
has "$card.*250000" /tmp/detect
has 'vcan0.*up' /tmp/detect
has 'vcan9.*down' /tmp/detect
has 'vxcan1' /tmp/detect
"$evcan" detect --json socketcan >/tmp/json || fail 'detect --json'
python3 -c 'import json, sys; found = json.load(open(sys.argv[1]))
assert {"vcan0", "vcan9", "vxcan0"} <= {f["channel"] for f in found}' \
	/tmp/json || fail "detect --json: $(cat /tmp/json)"

# A bit rate that is not the interface's is a warning with the command to run.
"$evcan" send "socketcan:$card,bitrate=500000" 123#AA 2>/tmp/err
has "ip link set $card up type can bitrate 500000" /tmp/err

"$evcan" log socketcan:vcan0 -F candump -O direction=true -n 3 >/tmp/frames &
log=$!
"$evcan" log socketcan:vcan0 -n 3 >/tmp/words 2>/dev/null &
words=$!
wait_for 30 readers vcan0 2 || fail 'evcan log does not come up'
"$evcan" send socketcan:vcan0 123#1122334455667788_F '456#R' ||
	fail 'evcan send'
# Bus-off and an error counter, as a controller's driver would tell them.
"$evcan" send socketcan:vcan0 20000040#0000000000000000 ||
	fail 'an error frame is not sent'
wait $log $words
has 'vcan0 123#1122334455667788_F T' /tmp/frames
has 'vcan0 20000040#0000000000000000' /tmp/frames
has ' E .*(bus-off' /tmp/words
say 'the tool shows what the kernel has'
