#!/bin/sh
# Subscriptions, watched by the kernel's broadcast manager and by the loop: the
# same tests for both, on vcan (classic and CAN FD) and on the two cards of
# "vm -k 2".
#
#   tests/vm/vm -k 2 -t 400 tests/vm/guest/subscription.sh BUILDDIR
#
# BUILDDIR has the program tests/conform_subscription.

. "$(dirname "$0")/lib.sh"

build=${1:-${EVCAN_BUILD:?usage: subscription.sh BUILDDIR}}

# conform ARG...: one run; its words only matter when it fails.
conform() {
	if ! "$build/tests/conform_subscription" "$@" >/tmp/conform 2>&1; then
		grep -v -e '  OK ' -e ' RUN ' /tmp/conform >&2
		fail "conform_subscription $*"
	fi
	say "ok - conform_subscription $*:$(sed -n 's/^\[  PASSED  \]//p' \
		/tmp/conform)"
}

vcan_up vcan0 16
vcan_up vcan1 72
kvaser_up >/tmp/cards || exit
for who in --device --loop; do
	conform socketcan:vcan0 socketcan:vcan0 $who
	conform socketcan:vcan1 socketcan:vcan1 $who --fd
	conform socketcan:can0 socketcan:can1 $who
done
say 'subscriptions conform'
