#!/bin/sh
# The test bed itself: a virtual bus carries a frame from can-utils to
# can-utils, and so do two kvaser_pci cards if "vm -k 2" put them in.
#
#   tests/vm/vm -k 2 tests/vm/guest/smoke.sh

. "$(dirname "$0")/lib.sh"

# exchange FROM TO FRAME LINE: send FRAME on FROM; candump must show LINE's
# identifier, length and data on TO.
exchange() {
	candump -n 1 -T 20000 "$2" >"/tmp/dump-$2" &
	exchange_pid=$!
	wait_for 20 listening "$2" || fail "candump does not listen on $2"
	check "cansend $1 $3" cansend "$1" "$3"
	wait $exchange_pid
	check "candump shows it on $2" grep -q "^ *$2 *$4\$" "/tmp/dump-$2"
}

vcan_up vcan0
exchange vcan0 vcan0 123#DEADBEEF '123 *\[4\] *DE AD BE EF'
exchange vcan0 vcan0 12345678##1001122 '12345678 *\[03\] *00 11 22'

if [ -e /sys/class/net/can1 ]; then
	kvaser_up 500000 >/tmp/cards || exit
	check 'two cards are up' grep -q can1 /tmp/cards
	exchange can0 can1 321#0102030405060708 \
		'321 *\[8\] *01 02 03 04 05 06 07 08'
	exchange can1 can0 1ABCDEF0#R '1ABCDEF0 *\[0\] *remote request'
fi
say 'smoke test passed'
