#!/bin/sh
# Bad input that only a kernel with CAN can give: each is one clear line that
# names what to do, and exit status 1; and a disk that fills up.
#
#   tests/vm/vm tests/vm/guest/tool_errors.sh BUILDDIR

. "$(dirname "$0")/lib.sh"

build=${1:-${EVCAN_BUILD:?usage: tool_errors.sh BUILDDIR}}
evcan=$build/evcan

# bad STATUS TEXT ARG...: evcan ARG... ends so, with one line that has TEXT.
bad() {
	bad_status=$1 bad_text=$2
	shift 2
	timeout 20 "$@" >/tmp/out 2>/tmp/err
	bad_got=$?
	[ $bad_got = "$bad_status" ] ||
		fail "$*: status $bad_got: $(cat /tmp/err)"
	grep -q -- "$bad_text" /tmp/err || fail "$*: said: $(cat /tmp/err)"
	[ "$(wc -l </tmp/err)" = 1 ] ||
		fail "$*: more than one line: $(cat /tmp/err)"
	say "ok - $(cat /tmp/err)"
}

vcan_up vcan0
vcan_up vcan1 16
ip link add dev vcan2 type vcan

bad 1 'vcan0' "$evcan" log socketcan:nosuch0
bad 1 'ip link set vcan2 up' "$evcan" log socketcan:vcan2
bad 1 'mtu 72' "$evcan" log socketcan:vcan1,fd=true
bad 1 'fd=true' "$evcan" send socketcan:vcan0 '123##1AA'
bad 1 'listen' "$evcan" send socketcan:vcan0,state=PASSIVE '123#AA'
bad 2 '' "$evcan" send socketcan:vcan0 '800#AA'
bad 2 'bitrate' "$evcan" log socketcan:vcan0,bitrate=fast

# Without permission: a kernel lets anybody open CAN sockets, unless a
# security module or a seccomp filter says no; the lack of CAP_NET_ADMIN shows
# in the receive buffer, and evcan says so.
# Others may not be let into the build directory, so it is a copy of what
# libtool's wrapper there runs.
mkdir /tmp/anybody
cp "$build"/.libs/evcan "$build"/.libs/libevcan.so* /tmp/anybody
LD_LIBRARY_PATH=/tmp/anybody setpriv --reuid 65534 --regid 65534 \
	--clear-groups /tmp/anybody/evcan log socketcan:vcan0 \
	>/tmp/out 2>/tmp/err &
logger=$!
wait_for 20 grep -q 'rmem_max' /tmp/err ||
	fail "capped buffer: $(cat /tmp/err)"
kill $logger
wait $logger || fail "log ends with $?"
say "ok - $(grep rmem_max /tmp/err)"

# A disk that is full: frames are kept, it is reported, the gateway goes on,
# and when there is room again all of them are written.
mkdir /tmp/small
mount -t tmpfs -o size=256k none /tmp/small
cat >/tmp/full.json <<'JSON'
{"buses": {"a": {"interface": "socketcan", "channel": "vcan0"},
           "b": {"interface": "socketcan", "channel": "vcan1"}},
 "bridges": [{"from": "a", "to": "b"}],
 "loggers": [{"buses": ["a"], "file": "/tmp/small/a.log",
              "flush_interval": 0.1}]}
JSON
dd if=/dev/zero of=/tmp/small/ballast bs=1k count=200 2>/dev/null
"$evcan" run /tmp/full.json >/tmp/out 2>/tmp/err &
gateway=$!
wait_for 20 listening vcan0 || fail 'the gateway does not come up'
cangen vcan0 -g 0.2 -n 4000 -I i -L 8 -D i
wait_for 20 grep -qi 'no space' /tmp/err || fail 'a full disk is not told'
rm /tmp/small/ballast
kill -TERM $gateway
wait $gateway || fail "the gateway ends with $?: $(cat /tmp/err)"
grep -q '^bridged *4000$' /tmp/out || fail "figures: $(cat /tmp/out)"
[ "$(wc -l </tmp/small/a.log)" = 4000 ] ||
	fail "recorded $(wc -l </tmp/small/a.log) of 4000: $(cat /tmp/err)"
say 'ok - disk full: bridged on, and every frame recorded in the end'
