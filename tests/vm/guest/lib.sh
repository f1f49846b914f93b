# shellcheck shell=sh
# lib.sh - what guest scripts share.  To be read with
#   . "$(dirname "$0")/lib.sh"

say() {
	printf '%s\n' "$*"
}

# fail MSG: end the script as failed.
fail() {
	printf 'FAIL: %s\n' "$*" >&2
	exit 1
}

# check DESC CMD...: fail unless CMD succeeds; its output only then matters.
check() {
	check_desc=$1
	shift
	if check_output=$("$@" 2>&1); then
		say "ok - $check_desc"
	else
		[ -z "$check_output" ] || printf '%s\n' "$check_output" >&2
		fail "$check_desc"
	fi
}

# wait_for SECONDS CMD...: poll until CMD succeeds; false if it never does.
# An emulated guest may be slow, so give it plenty: waiting for what comes
# costs nothing.
wait_for() {
	wait_until=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$wait_until" ] || return 1
		sleep 0.05
	done
}

# listening IFACE: true once some program reads raw frames from IFACE.  What
# is sent before that is lost to it.  Interfaces that nobody reads stand there
# too, as "(vcan0: no entry)".
listening() {
	cat /proc/net/can/rcvlist_* | grep -q "^ *$1 "
}

# readers IFACE N: true once N programs read all frames of IFACE.
readers() {
	[ "$(grep -c "^ *$1 " /proc/net/can/rcvlist_all)" -ge "$2" ]
}

# vcan_up NAME [MTU]: a virtual bus; 72 carries CAN FD, 16 only classic CAN.
vcan_up() {
	ip link add dev "$1" type vcan || fail "cannot add $1"
	ip link set "$1" mtu "${2:-72}" up || fail "cannot set $1 up"
}

# kvaser_up [BITRATE]: set the cards that "vm -k" put in up; print their
# names, one on a line.
kvaser_up() {
	for kvaser_dir in /sys/bus/pci/drivers/kvaser_pci/*/net/*; do
		[ -e "$kvaser_dir" ] || fail 'no kvaser_pci card; see vm -k'
		kvaser_name=${kvaser_dir##*/}
		ip link set "$kvaser_name" up type can \
			bitrate "${1:-500000}" ||
			fail "cannot set $kvaser_name up"
		say "$kvaser_name"
	done
}
