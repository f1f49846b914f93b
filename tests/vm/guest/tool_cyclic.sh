#!/bin/sh
# evcan send --period on vcan: candump sees each frame, by the kernel's
# broadcast manager and by the loop alike.
#
#   tests/vm/vm tests/vm/guest/tool_cyclic.sh BUILDDIR

. "$(dirname "$0")/lib.sh"

build=${1:-${EVCAN_BUILD:?usage: tool_cyclic.sh BUILDDIR}}
evcan=$build/evcan

# shows DESC N ARG...: of what `evcan send vcan0 ARG...` sends candump sees N
# frames, and these are those in /tmp/want, sorted by identifier.
shows() {
	shows_desc=$1 shows_n=$2
	shift 2
	candump -L -n "$shows_n" vcan0 >/tmp/dump &
	shows_pid=$!
	wait_for 20 listening vcan0 || fail "$shows_desc: no candump"
	timeout 60 "$evcan" send socketcan:vcan0,fd=true "$@" --json -q \
		>/tmp/out 2>/tmp/err ||
		fail "$shows_desc: status $?: $(cat /tmp/err)"
	wait_for 20 not_running $shows_pid || {
		kill $shows_pid
		fail "$shows_desc: fewer: $(cat /tmp/dump /tmp/out)"
	}
	cut -d' ' -f3 /tmp/dump | sort -s -t'#' -k 1,1 >/tmp/have
	cmp -s /tmp/want /tmp/have ||
		fail "$shows_desc: $(diff /tmp/want /tmp/have)"
	grep -q "^{\"sent\": $shows_n, .*\"failed\": 0" /tmp/out ||
		fail "$shows_desc: $(cat /tmp/out)"
	say "ok - $shows_desc: $(cat /tmp/out)"
}

# offloaded N: so many of the tasks were the kernel's.
offloaded() {
	grep -q "\"offloaded\": $1[,}]" /tmp/out ||
		fail "not $1 offloaded: $(cat /tmp/out)"
}

not_running() {
	! kill -0 "$1"
}

vcan_up vcan0

# Of one period and one limit: 6 of each.
cat >/tmp/want <<'END'
123#01
123#02
123#03
123#01
123#02
123#03
456##5AABB
456##5AABB
456##5AABB
456##5AABB
456##5AABB
456##5AABB
END
for offload in always never auto; do
	shows "a sequence and a frame, offload $offload" 12 123#01 123#02 \
		123#03 456##1AABB -p 0.05 -d 0.3 -O offload=$offload
	[ $offload = never ] && offloaded 0 || offloaded 2
done

# A counter, and AUTOSAR's CRC-8 over it and what stands before it.
python3 - >/tmp/want <<'END'
for n in range(40):
    reg, data = 0xff, [0x11, 0x22, n % 15]
    for byte in data:
        reg ^= byte
        for _ in range(8):
            reg = reg << 1 ^ (0x12f if reg & 0x80 else 0)
    print("18FEF100#%s%02X" % ("".join("%02X" % b for b in data),
        reg ^ 0xff))
END
shows 'counter and CRC' 40 18FEF100#11220000 -p 0.005 -n 40 \
	-m counter:byte=2,width=4,max=14 -m crc8_autosar:byte=3
offloaded 0

# A signal ends what the kernel sends.
"$evcan" send socketcan:vcan0 321#AA -p 0.01 -O offload=always \
	>/tmp/out 2>/tmp/err &
sender=$!
candump -L -n 5 vcan0,321:7FF >/tmp/dump || fail 'no frames of 321'
kill -INT $sender
wait $sender || fail "INT: status $?: $(cat /tmp/err)"
grep -qE '^sent +[1-9]' /tmp/err || fail "INT: $(cat /tmp/err)"
candump -L -T 300 vcan0,321:7FF >/tmp/after
[ ! -s /tmp/after ] || fail "the kernel goes on: $(cat /tmp/after)"
say "ok - INT ends the kernel's task: $(tr '\n' ' ' </tmp/err)"

# The system's clock goes an hour forth and two back in the middle of a
# replay of two seconds: all frames come, in two seconds.
seconds() {
	cut -d ' ' -f 1 /proc/uptime
}
awk 'BEGIN { for (i = 0; i <= 200; i++)
	printf "(%.6f) can0 %03X#%02X\n", 1700000000 + i / 100, i, i
}' >/tmp/drive.log
candump -L -n 201 -T 60000 vcan0 >/tmp/dump &
witness=$!
wait_for 10 listening vcan0 || fail 'candump does not listen'
before=$(seconds)
"$evcan" play socketcan:vcan0 /tmp/drive.log --json >/tmp/out 2>/tmp/err &
player=$!
sleep 0.5
date -s '+1 hour' >/dev/null || fail 'the clock cannot be set'
sleep 0.5
date -s '-2 hours' >/dev/null || fail 'the clock cannot be set'
wait $player || fail "play: status $?: $(cat /tmp/err)"
after=$(seconds)
wait $witness
date -s '+1 hour' >/dev/null
grep -q '"replayed": 201[,}]' /tmp/out || fail "play: $(cat /tmp/out)"
[ "$(wc -l </tmp/dump)" -eq 201 ] ||
	fail "candump saw $(wc -l </tmp/dump) of 201 frames"
awk -v a="$before" -v b="$after" 'BEGIN { exit !(b - a >= 2 && b - a < 6) }' ||
	fail "two seconds were played from $before to $after"
say "ok - a replay does not mind the clock: $before to $after"
