#!/bin/sh
# evcan beside can-utils and python-can on one bus, in both directions: what
# one sends the others must see, frame by frame.
#
#   tests/vm/vm -t 300 tests/vm/guest/socketcan_peers.sh BUILDDIR

. "$(dirname "$0")/lib.sh"

build=${1:-${EVCAN_BUILD:?usage: socketcan_peers.sh BUILDDIR}}
evcan=$build/evcan
bus=socketcan:vcan0,fd=true

# All kinds of frames, as candump writes them.
frames='123#DEADBEEF 000# 7FF#0102030405060708 00000000#01 1FFFFFFF#FF
456#R 12345678#R3 555#R8 123##0 123##1112233 12345678##3AABBCCDD
7FF##2000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F'

# lines N FILE: true when FILE has N lines or more.
lines() {
	[ "$(wc -l <"$2")" -ge "$1" ]
}

# no_fdf FILE: without the flag that some programs set in every FD frame to
# say that it is one, and others do not: it is no news.
no_fdf() {
	sed 's/##4/##0/; s/##5/##1/; s/##6/##2/; s/##7/##3/' "$1"
}

# frames_of FILE: the frames of a candump log, without times.
frames_of() {
	no_fdf "$1" | cut -d' ' -f3
}

# same WHAT FILE FILE: the two must be equal.
same() {
	if ! diff "$2" "$3" >/tmp/diff; then
		head -n 20 /tmp/diff >&2
		fail "$1"
	fi
	say "ok - $1 ($(wc -l <"$2") lines)"
}

# record NAME CMD...: run a logger in the background into /tmp/NAME.
record() {
	name=$1
	shift
	"$@" >"/tmp/$name" 2>"/tmp/$name.err" &
	recorders="$recorders $!"
}

# stop: end all recorders, as ^C does.
stop() {
	for pid in $recorders; do
		kill -INT "$pid" 2>/dev/null   # it may have had enough
		wait "$pid"
	done
	recorders=
}

cat >/tmp/peer.py <<'PY'
# receive N FILE: log N frames as candump does; send FRAME...
import can, sys
bus = can.Bus('vcan0', bustype='socketcan', fd=True)
def text(m):
    i = '%08X' % m.arbitration_id if m.is_extended_id else \
        '%03X' % m.arbitration_id
    if m.is_remote_frame:
        return i + '#R' + (str(m.dlc) if m.dlc else '')
    data = m.data.hex().upper()
    if m.is_fd:
        return '%s##%X%s' % (i, m.bitrate_switch +
            2 * m.error_state_indicator, data)
    return i + '#' + data
def message(t):
    i, d = t.split('#', 1)
    kw = dict(arbitration_id=int(i, 16), is_extended_id=len(i) > 3)
    if d[:1] == 'R':
        return can.Message(is_remote_frame=True, dlc=int(d[1:] or 0), **kw)
    if d[:1] == '#':
        f = int(d[1], 16)
        return can.Message(is_fd=True, bitrate_switch=bool(f & 1),
            error_state_indicator=bool(f & 2), data=bytes.fromhex(d[2:]),
            **kw)
    return can.Message(data=bytes.fromhex(d), **kw)
if sys.argv[1] == 'send':
    for t in sys.argv[2:]:
        bus.send(message(t))
else:
    for n in range(int(sys.argv[2])):
        m = bus.recv(30)
        if m is None:
            sys.exit('frame %d did not come' % n)
        print(text(m), flush=True)
bus.shutdown()
PY

recorders=
vcan_up vcan0 72
n=0
for frame in $frames; do
	echo "$frame"
	n=$((n + 1))
done >/tmp/sent

# evcan sends; candump, python-can and another evcan see it.
record candump candump -L vcan0
record evcan "$evcan" log "$bus" -f /tmp/evcan.log
record python python3 /tmp/peer.py receive $n
wait_for 60 readers vcan0 3 || fail 'the readers do not come up'
# shellcheck disable=SC2086 # a list
check 'evcan send' "$evcan" send "$bus" $frames
wait_for 30 lines $n /tmp/candump
wait_for 30 lines $n /tmp/python
stop
frames_of /tmp/candump >/tmp/a
same 'candump sees what evcan sends' /tmp/sent /tmp/a
same 'python-can sees what evcan sends' /tmp/sent /tmp/python
no_fdf /tmp/candump >/tmp/a
no_fdf /tmp/evcan.log >/tmp/b
same 'evcan records what candump records' /tmp/a /tmp/b

# cansend and python-can send; evcan sees it.
record evcan "$evcan" log "$bus" -f /tmp/evcan.log
wait_for 60 readers vcan0 1 || fail 'evcan log does not come up'
for frame in $frames; do
	cansend vcan0 "$frame" || fail "cansend $frame"
done
# shellcheck disable=SC2086 # a list
check 'python-can sends' python3 /tmp/peer.py send $frames
stop
frames_of /tmp/evcan.log >/tmp/a
cat /tmp/sent /tmp/sent >/tmp/b
same 'evcan sees what cansend and python-can send' /tmp/b /tmp/a

# Random frames of all kinds, with times: what candump writes, given a buffer
# in which it loses none.
record candump candump -r 10000000 -L vcan0
record evcan "$evcan" log "$bus" -f /tmp/evcan.log
wait_for 60 readers vcan0 2 || fail 'the readers do not come up'
check 'cangen' cangen vcan0 -m -g 0 -n 2000 -i
wait_for 60 lines 2000 /tmp/candump
stop
no_fdf /tmp/candump >/tmp/a
no_fdf /tmp/evcan.log >/tmp/b
same 'evcan records what candump records of cangen' /tmp/a /tmp/b

# canplayer plays what evcan made of logs in other formats.
n=0
for frame in $frames; do
	printf '(1700000000.%06d) vcan0 %s\n' $((n * 1000)) "$frame"
	n=$((n + 1))
done >/tmp/first.log
for suffix in asc blf; do
	check "evcan convert to $suffix" "$evcan" convert -q /tmp/first.log \
		"/tmp/first.$suffix"
	check "evcan convert from $suffix" "$evcan" convert -q \
		"/tmp/first.$suffix" /tmp/played.log
	record evcan "$evcan" log "$bus" -f /tmp/evcan.log
	wait_for 60 readers vcan0 1 || fail 'evcan log does not come up'
	check canplayer canplayer -I /tmp/played.log
	stop
	frames_of /tmp/evcan.log >/tmp/a
	same "evcan records what canplayer plays of a log from $suffix" \
		/tmp/sent /tmp/a
done

# Two buses and evcan's bridge between them.
vcan_up vcan1 72
record candump candump -L vcan1
record bridge "$evcan" bridge "$bus" socketcan:vcan1,fd=true
wait_for 60 listening vcan1 || fail 'candump does not come up'
wait_for 60 readers vcan0 1 || fail 'evcan bridge does not come up'
for frame in $frames; do
	cansend vcan0 "$frame" || fail "cansend $frame"
done
wait_for 30 lines $n /tmp/candump
stop
frames_of /tmp/candump >/tmp/a
same 'evcan bridges what cansend sends' /tmp/sent /tmp/a
say 'evcan and its peers agree'
