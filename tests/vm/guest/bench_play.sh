#!/bin/sh
# The timing of replays on vcan: evcan play, canplayer and python-can's player
# in turns, the same log, seen by candump with the kernel's stamps.
#
#   tests/vm/vm -t 300 tests/vm/guest/bench_play.sh BUILDDIR [SECONDS [RATE]]
#
# BUILDDIR, also as $EVCAN_BUILD, has evcan. Prints a line for each player:
# its name; p50, p99 and worst lateness in us, where the frame that was least
# late counts as in time; the error of the total time in %; its CPU time in us
# a frame, less what playing one frame takes. evcan also plays a log whose
# times are 60 times as long, at speed 60.

. "$(dirname "$0")/lib.sh"

build=${1:-${EVCAN_BUILD:?usage: bench_play.sh BUILDDIR [SECONDS [RATE]]}}
seconds=${2:-6}
rate=${3:-1000}
frames=$((seconds * rate))
# The program itself, not the script that stands for it.
evcan=$build/evcan
if [ -x "$build/.libs/evcan" ]; then
	evcan=$build/.libs/evcan
	export LD_LIBRARY_PATH="$build/.libs"
fi

# make_log STRETCH: a log in candump's format, times by chance; data is the
# number of the frame.
make_log() {
	awk -v n=$frames -v rate="$rate" -v stretch="$1" 'BEGIN {
		srand(1)
		for (i = 0; i < n; i++) {
			us = int((i + rand()) * 1e6 / rate) * stretch
			printf "(%d.%06d) can0 %03X#%08X\n",
			    1483389946 + int(us / 1e6), us % 1e6,
			    256 + i * 7 % 59 * 11, i
		}
	}'
}

# run PLAYER LOG
run() {
	case $1 in
	evcan) exec "$evcan" play -q socketcan:vcan0 "$2" ;;
	evcan-60) exec "$evcan" play -q socketcan:vcan0 "$2" --speed 60 ;;
	canplayer) exec canplayer -I "$2" vcan0=can0 ;;
	python-can) exec python3 -m can.player -i socketcan -c vcan0 "$2" ;;
	esac
}

# The cumulated CPU time of children that ended, in ms.
children_ms() {
	# shellcheck disable=SC2046 # fields
	set -- $(cut -d')' -f2 /proc/$$/stat)
	echo $(((${14} + ${15}) * 10))
}

# used PLAYER LOG: the ms of CPU time that it took, in $ms.
used() {
	before=$(children_ms)
	(run "$1" "$2" >/tmp/play.out 2>&1) ||
		fail "$1: $(cat /tmp/play.out)"
	ms=$(($(children_ms) - before))
}

all_seen() {
	[ "$(wc -l </tmp/seen.log)" -ge $frames ]
}

# errors LOG SEEN: how far each frame came behind its place, counted from the
# first, us, in order.
errors() {
	awk '
	function us(stamp) {
		return (substr(stamp, 2, 10) - 1.4e9) * 1e6 + \
		    substr(stamp, 13, 6)
	}
	NR == FNR { place[$3] = us($1) - first; if (NR == 1) {
		first = place[$3]; place[$3] = 0 } next }
	FNR == 1 { begin = us($1) }
	!($3 in place) { print "foreign"; exit }
	{ printf "%.0f\n", us($1) - begin - place[$3] }
	' "$1" "$2"
}

# play PLAYER LOG
play() {
	head -n 1 "$2" >/tmp/one.log
	# The first time it is read from the disk.
	used "$1" /tmp/one.log
	used "$1" /tmp/one.log
	start_ms=$ms
	# Its socket holds what it has no time for; the stamps are right.
	candump -L -r 8388608 vcan0 >/tmp/seen.log 2>/tmp/dump.err &
	dump=$!
	wait_for 60 listening vcan0 || fail "candump: $(cat /tmp/dump.err)"
	used "$1" "$2"
	wait_for 20 all_seen || fail "$1: $(wc -l </tmp/seen.log) of \
$frames frames seen: $(cat /tmp/play.out)"
	kill $dump
	wait $dump
	errors /tmp/play.log /tmp/seen.log >/tmp/errors
	sort -n /tmp/errors | awk 'NR == 1 { least = $1 } { print $1 - least }
		' >/tmp/sorted
	total=$(tail -n 1 /tmp/errors | awk -v s="$seconds" '{
		print ($1 < 0 ? -$1 : $1) / s / 1e4 }')
	say "$1 $(sed -n "$((frames / 2))p" /tmp/sorted)" \
		"$(sed -n "$((frames * 99 / 100))p" /tmp/sorted)" \
		"$(tail -n 1 /tmp/sorted) $total" \
		"$(awk -v ms=$((ms - start_ms)) -v n=$frames 'BEGIN {
			print ms * 1e3 / n }')"
}

vcan_up vcan0
make_log 1 >/tmp/play.log
make_log 60 >/tmp/long.log
for name in evcan canplayer python-can; do
	play $name /tmp/play.log
done
play evcan-60 /tmp/long.log
