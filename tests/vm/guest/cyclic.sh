#!/bin/sh
# Periodic work by the kernel's broadcast manager and in the loop: the same
# suite on vcan (classic and CAN FD) and on the two cards of "vm -k 2", with
# candump as a witness; then while the system's time is stepped by an hour and
# links come and go; then on a kernel without the broadcast manager.
#
#   tests/vm/vm -k 2 -t 600 tests/vm/guest/cyclic.sh BUILDDIR
#
# BUILDDIR has the program tests/conform_cyclic.

. "$(dirname "$0")/lib.sh"

build=${1:-${EVCAN_BUILD:?usage: cyclic.sh BUILDDIR}}

# conform ARG...: one run; its words only matter when it fails.
conform() {
	if ! "$build/tests/conform_cyclic" "$@" >/tmp/conform 2>&1; then
		grep -v -e '  OK ' -e ' RUN ' /tmp/conform >&2
		fail "conform_cyclic $*"
	fi
	say "ok - conform_cyclic $*:$(sed -n 's/^\[  PASSED  \]//p' \
		/tmp/conform)"
	sed -n '/^[0-9]* modifications/s/^/     /p' /tmp/conform
}

# What each identifier of limited tasks is sent how often.
expected='101 40
102 14
103 5
110 20
112 3
121 30
122 30
123 4
130 15'

# whole FILE: true unless a frame 124 of a candump log has two versions in it:
# all its words of 4 bytes are the same.
whole() {
	awk '{
		if (sub(/^124##./, "", $3) == 0 && sub(/^124#/, "", $3) == 0)
			next
		for (i = 9; i < length($3); i += 8)
			if (substr($3, i, 8) != substr($3, 1, 8))
				exit 1
	}' "$1"
}

# witness IFACE ARG...: the same, seen by candump on IFACE.
witness() {
	iface=$1
	shift
	candump -L -r 8000000 "$iface" >/tmp/witness 2>/tmp/witness.err &
	candump=$!
	wait_for 30 listening "$iface" || fail 'candump does not come up'
	conform "$@"
	kill -INT $candump
	wait $candump
	cut -d' ' -f3 /tmp/witness | sed 's/#.*//' | sort | uniq -c |
		awk '{ print $2, $1 }' >/tmp/counts
	say "$expected" >/tmp/expected
	grep -E "^($(say "$expected" | cut -d' ' -f1 | paste -sd'|')) " \
		/tmp/counts | diff /tmp/expected - ||
		fail "candump counts other frames"
	seen=$(sed -n 's/^124 //p' /tmp/counts)
	told=$(sed -n 's/.*modifications, \([0-9]*\) frames.*/\1/p' \
		/tmp/conform)
	[ "$seen" = "$told" ] ||
		fail "candump saw $seen modified frames, the suite $told"
	whole /tmp/witness || fail 'candump saw a torn frame'
	say "ok - candump saw the same ($(wc -l </tmp/witness) frames)"
}

vcan_up vcan0 16
vcan_up vcan1 72
for how in --device --loop; do
	witness vcan0 socketcan:vcan0 $how
	witness vcan1 socketcan:vcan1 $how --fd
done
ip link set vcan0 down
ip link set vcan0 mtu 72 up
for how in --device --loop; do
	conform socketcan:vcan0 $how --vm
done
conform socketcan:vcan0 --vm --fd

kvaser_up >/tmp/cards || exit
for how in --device --loop; do
	witness can1 socketcan:can0 socketcan:can1 $how --paced
done

# Without the module, which nothing may load again, the loop does it.
wait_for 30 rmmod can_bcm || fail 'can-bcm is in use'
echo >/proc/sys/kernel/modprobe
conform socketcan:vcan0 --no-device
if "$build/tests/conform_cyclic" socketcan:vcan0 --device >/tmp/conform 2>&1
then
	fail 'a device that is not there sends'
fi
grep -q 'modprobe can-bcm' /tmp/conform || fail 'the module is not named'
say 'periodic work conforms'
