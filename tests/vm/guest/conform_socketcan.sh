#!/bin/sh
# The driver conformance suite for socketcan: on vcan (classic and CAN FD),
# on a vxcan pair, and on the two cards of "vm -k 2".
#
#   tests/vm/vm -k 2 -t 300 tests/vm/guest/conform_socketcan.sh BUILDDIR
#
# BUILDDIR has the programs tests/conform_driver and tests/test_alloc.

. "$(dirname "$0")/lib.sh"

build=${1:-${EVCAN_BUILD:?usage: conform_socketcan.sh BUILDDIR}}

# conform ARG...: one run; its words only matter when it fails.
conform() {
	if ! "$build/tests/conform_driver" "$@" >/tmp/conform 2>&1; then
		grep -v -e '  OK ' -e ' RUN ' /tmp/conform >&2
		fail "conform_driver $*"
	fi
	say "ok - conform_driver $*:$(sed -n 's/^\[  PASSED  \]//p' \
		/tmp/conform)"
}

vcan_up vcan0 16
vcan_up vcan1 72
modprobe vxcan
ip link add dev vxcan0 type vxcan peer name vxcan1 || fail 'no vxcan'
for end in vxcan0 vxcan1; do
	ip link set $end mtu 72 up || fail "cannot set $end up"
done

conform socketcan:vcan0 socketcan:vcan0
conform socketcan:vcan1 socketcan:vcan1 --fd
conform socketcan:vxcan0 socketcan:vxcan1 --fd
conform socketcan:vcan1,timestamps=hardware socketcan:vcan1 --fd
check 'every allocation fails cleanly' env \
	EVCAN_ALLOC_SPEC=socketcan:vcan1,fd=true,receive_own_messages=true \
	"$build/tests/test_alloc"
kvaser_up >/tmp/cards || exit
conform socketcan:can0 socketcan:can1 --paced
say 'socketcan conforms'
