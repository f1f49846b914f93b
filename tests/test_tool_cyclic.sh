#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# test_tool_cyclic.sh - evcan send --period from outside, and all bad input

. "${top_srcdir:-.}/tests/tool_lib.sh"
about='send'

# sends N ARGS: exactly so many frames, none failed.
sends() {
	want=$1
	shift
	run "$@" --json -q
	[ $rc -eq 0 ] || fault "send $*: status $rc: $(cat err)"
	[ ! -s err ] || fault "send $*: says: $(cat err)"
	grep -qE "^\{\"sent\": $want, .*\"failed\": 0[,}]" out ||
		fault "send $*: not $want: $(cat out)"
	json out
}

# shows WHAT ARGS: the frames as the bus itself hears them, one a line, those
# of one identifier in their order, are those of the file.
shows() {
	want=$1
	shift
	run "$@" -vvv -q -o receive_own_messages=true
	[ $rc -eq 0 ] || fault "send $*: status $rc: $(cat err)"
	# ID and data of "Timestamp: ... ID: 123 ... DL: 2 01 02 Channel: x".
	sed -n 's/.* ID: *\([0-9a-f]*\) .* DL: *[0-9]* *\([0-9a-f ]*\) .*/\1 \2/p' \
		err | sed 's/ *$//' | sort -s -k 1,1 >have
	cmp -s "$want" have ||
		fault "send $*: $(diff "$want" have | head -8) of $(cat err)"
}

# How many ----------------------------------------------------------------

sends 7 virtual:a 123#DEADBEEF -p 0.002 -n 7
sends 1 virtual:a 123#DEADBEEF --period 0.002 --count 1
sends 3 -i virtual -c a 123# -p 0.001 -n 3
# Of a duration d at period p: ceil(d/p), the first at once.
sends 4 virtual:a 123#01 -p 0.01 -d 0.04
sends 5 virtual:a 123#01 -p 0.01 --duration 0.041
sends 1 virtual:a 123#01 -p 0.5 -d 0.001
sends 3 virtual:a 123#01 -p 0.01 -d 0.2 -n 3
# All of it N times: as a sequence, and side by side.
sends 12 virtual:a 123#01 123#02 123#03 -p 0.002 -n 4
sends 12 virtual:a 123#01 124#02 00000123#03 -p 0.002 -n 4
sends 6 virtual:a,fd=true 123##100 -p 0.002 -n 6 --spread
# Never early: 11 frames take 10 periods.
sends 11 virtual:a 123#01 -p 0.03 -n 11
[ $took -ge 300 ] && [ $took -lt 10000 ] || fault "10 * 30 ms took $took ms"
# Multi-rate, and a phase.
sends 10 virtual:a 123#01 -p 0.05 -n 10 -O initial_count=6 \
	-O initial_period=0.001 -O late=catch_up --task-option on_error=stop
[ $took -ge 200 ] || fault "5 * 1 ms and 4 * 50 ms took $took ms"
sends 1 virtual:a 123#01 -p 1 -n 1 -O phase=0.2
[ $took -ge 200 ] || fault "a phase of 200 ms took $took ms"
# Over the period, on a clock of their own: the two are 0.38 of it apart, or
# 0.62 if the process began between their points.
sends 2 virtual:a 123#01 124#01 -p 0.4 -n 1 --spread
[ $took -ge 150 ] || fault "--spread over 400 ms took $took ms"

# What ----------------------------------------------------------------------

for i in 0 1 2 3 4; do printf '0123 0%d ff\n' $i; done >want
shows want virtual:a 123#AAFF -p 0.002 -n 5 -m counter:byte=0
# A sequence in turn, one counter through it.
cat >want <<'END'
0123 00 aa
0123 01 bb
0123 02 cc
0123 03 aa
0123 04 bb
0123 05 cc
END
shows want virtual:a 123#00AA 123#00BB 123#00CC -p 0.002 -n 2 \
	--modifier counter:byte=0
# Different identifiers each have their own; 123 is standard here and
# extended there.
cat >want <<'END'
00000123 00
00000123 01
0123 00
0123 01
0124 00
0124 01
END
shows want virtual:a 123#FF 00000123#FF 124#FF -p 0.02 -n 2 -m counter:byte=0
# AUTOSAR's profile 1: a counter in a nibble that ends at 14, and a CRC over
# it and the Data ID; beside another program's arithmetic.
python3 - >want <<'END'
for n in range(32):
    reg, data = 0, [0xa0 | n % 15, 1, 2, 3, 4, 5, 0xfe]
    for byte in [0x23, 0x01] + data:
        reg ^= byte
        for _ in range(8):
            reg = reg << 1 ^ (0x11d if reg & 0x80 else 0)
    print("0123 %02x" % reg, " ".join("%02x" % b for b in data))
END
shows want virtual:a 123#00A0.01.02.03.04.05.FE -p 0.002 -n 32 \
	-m counter:bit=8,width=4,max=14 \
	-m crc8_j1850:byte=0,init=0,xor_out=0,data_id=2301,data_id_first=yes

# The end -------------------------------------------------------------------

# forever SIGNAL ARGS: runs until the signal; then the figures are in err.
forever() {
	signal=$1
	shift
	count=$((count + 1))
	rm -f err
	"$EVCAN" send "$@" >out 2>err &
	pid=$!
	n=0
	while ! grep -q Connected err 2>/dev/null && [ $n -lt 100 ]; do
		n=$((n + 1))
		sleep 0.05
	done
	sleep 0.3
	kill -"$signal" $pid
	# A second time, as timeout(1) does; it may be gone by then.
	kill -"$signal" $pid 2>/dev/null
	wait $pid
	rc=$?
	[ $rc -eq 0 ] || fault "send $*, ended by $signal: $rc: $(cat err)"
}

for signal in INT TERM; do
	forever $signal virtual:a 123#01 124#01 -p 0.005
	for row in 'sent +[1-9][0-9]*' 'offloaded +0' 'failed +0' \
		'skipped +[0-9]+' 'late +[0-9]+' 'late-p99-us +[1-9][0-9]*' \
		'late-worst-us +[1-9][0-9]*'; do
		grep -qE "^$row\$" err || fault "$signal: no $row: $(cat err)"
	done
done
forever INT virtual:a 123#01 -p 0.005 --json
grep -qE '^\{"sent": [1-9][0-9]*, "offloaded": 0, "failed": 0, ' out ||
	fault "INT, --json: $(cat out)"
# Before its first frame is due.
forever INT virtual:a 123#01 -p 5 -O phase=60
grep -qE '^sent +0$' err || fault "a signal before the first: $(cat err)"

# What is wrong -------------------------------------------------------------

# Nothing of this sends a frame or opens a bus.
wrong() {
	pattern=$1
	shift
	bad 2 "$pattern" virtual:a 123#DEADBEEF "$@"
}
wrong 'option period: "0" is not a number' -p 0
wrong 'option period: "-1" is not a number' -p -1
wrong 'option period: "x" is not a number' -p x
wrong 'option period: "nan" is not a number' -p nan
wrong 'option period: "1e-9" is not a number from 1e-06' -p 1e-9
wrong 'option duration: "-1"' -p 1 -d -1
wrong -- '--count takes a number' -p 1 -n -1
wrong -- '--count with --period is from 1' -p 1 -n 0
wrong -- '--count with --period is from 1' -p 1 -n 1000000000001
wrong -- '--gap does not go with --period' -p 1 -g 0.1
wrong -- '--timeout does not go with --period' -p 1 --timeout 5
wrong -- '--duration needs --period' -d 1
wrong -- '--modifier needs --period' -m counter:byte=0
wrong -- '--spread needs --period' --spread
wrong -- '--task-option needs --period' -O late=skip
wrong -- '--period needs a value' -p
wrong 'has no option "later"' -p 1 -O later=skip
wrong 'late: "wait" is not one of: catch_up, skip' -p 1 -O late=wait
wrong 'a phase or is spread' -p 1 --spread -O phase=1
wrong 'initial count without an initial period' -p 1 -O initial_count=3
wrong 'not from standard input' -p 1 -
wrong 'one format' -p 1 123#R
wrong 'standard identifier is at most 7FF' -p 1 800#
wrong 'modifier "nosuch:byte=1".*one of: counter, xor' -p 1 -m nosuch:byte=1
wrong 'modifier "counter": where is the field' -p 1 -m counter
wrong 'is not an integer from 0 to 63' -p 1 -m counter:byte=64
wrong 'xor:byte=4 of 123#DEADBEEF: .*byte 4 of a frame that has 4' \
	-p 1 -m counter:byte=0 -m xor:byte=4
wrong 'xor:byte=3 of 124#: .*byte 3 of a frame that has 0' \
	-p 1 124# 125#11.22.33.44.55.66.77.88 -m xor:byte=3
bad 2 'which frame' virtual:a -p 1
bad 2 'unknown interface' nosuch:a 123# -p 1
bad 1 'cannot send the task by itself' virtual:a 123#01 -p 1 -n 2 \
	-O offload=always
bad 1 'channel' socketcan: 123# -p 1

[ $status -eq 0 ] && echo "$count runs"
exit $status
