#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# test_examples.sh - the README's program compiles and works; examples run

set -u
LC_ALL=C
export LC_ALL
top_srcdir=${top_srcdir:-.}
EVCAN_BUILD=${EVCAN_BUILD:-build}
CC=${CC:-cc}
# No can.conf and no CAN_* of this machine shall play a part.
unset CAN_INTERFACE CAN_CHANNEL CAN_BITRATE CAN_CONFIG
tmp=$(mktemp -d "${TMPDIR:-/tmp}/examples.XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT
HOME=$tmp
export HOME

status=0

fault() {
	printf 'FAIL: %s\n' "$*" >&2
	status=1
}

# What `pkg-config --cflags --libs evcan libevent` says once installed.
# shellcheck disable=SC2086 # a compiler and flags may be several words
build() {
	out=$1
	shift
	$CC -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -pedantic ${CPPFLAGS:-} \
		-I"$top_srcdir/include" -o "$out" "$@" ${LDFLAGS:-} \
		-L"$EVCAN_BUILD/.libs" -L"$EVCAN_BUILD" -levcan -levent_core \
		${EXTRA_LIBS:-} -lpthread
}
LD_LIBRARY_PATH=$EVCAN_BUILD/.libs:$EVCAN_BUILD:${LD_LIBRARY_PATH:-}
export LD_LIBRARY_PATH

# The README's program ------------------------------------------------------

awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' \
	"$top_srcdir/README.md" >"$tmp/print.c"
lines=$(wc -l <"$tmp/print.c")
[ "$lines" -ge 10 ] && [ "$lines" -le 15 ] ||
	fault "README's program has $lines lines, not 10 to 15"
if build "$tmp/print" "$tmp/print.c"; then
	timeout 1 "$tmp/print" virtual:readme >"$tmp/out" 2>"$tmp/err"
	rc=$?
	[ $rc -eq 124 ] && [ ! -s "$tmp/err" ] ||
		fault "README's program ended with $rc: $(cat "$tmp/err")"
	# In 15 lines it leaves its event_base to the system.
	ASAN_OPTIONS=detect_leaks=0 "$tmp/print" -- >"$tmp/out" 2>"$tmp/err"
	rc=$?
	[ $rc -eq 1 ] && [ "$(wc -l <"$tmp/err")" -eq 1 ] ||
		fault "README's program: a wrong bus gives $rc: $(cat "$tmp/err")"
else
	fault "README's program does not compile as it stands"
fi

# The same program with somebody on the other side of its bus.
cat >"$tmp/sender.c" <<'END'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <evcan/evcan.h>

int readme_main(int argc, char **argv);

static void *
send_frames(void *arg)
{
	struct evcan_bus *bus = evcan_bus_new_spec(NULL, arg, NULL);
	struct evcan_frame frame;

	if (!bus || evcan_bus_open(bus, NULL) < 0)
		_exit(3);
	evcan_frame_init(&frame, 0x123, 0, "\1\2\3", 3);
	for (int i = 0; i < 50; i++) {
		usleep(20000);
		if (evcan_bus_send_wait(bus, &frame, 1000) < 0)
			_exit(4);
	}
	fflush(stdout);
	_exit(0);
}

int
main(void)
{
	static char name[] = "print", spec[] = "virtual:readme";
	char *argv[] = { name, spec, NULL };
	pthread_t thread;

	if (pthread_create(&thread, NULL, send_frames, spec) != 0)
		return 5;
	return readme_main(2, argv);
}
END
# shellcheck disable=SC2086 # as above
if $CC ${CPPFLAGS:-} -Dmain=readme_main -I"$top_srcdir/include" -std=c11 \
	-c -o "$tmp/readme.o" "$tmp/print.c" &&
	build "$tmp/both" "$tmp/sender.c" "$tmp/readme.o"; then
	timeout 20 "$tmp/both" >"$tmp/out"
	rc=$?
	n=$(grep -c 'ID: *0*123 .* 01 02 03 ' "$tmp/out")
	[ $rc -eq 0 ] && [ "$n" -ge 40 ] && [ "$n" -le 50 ] ||
		fault "README's program printed $n frames of 50, status $rc"
else
	fault "README's program cannot be built with a sender"
fi

# The README's document -----------------------------------------------------

awk '/^```json$/ { on = 1; next } /^```$/ { on = 0 } on' \
	"$top_srcdir/README.md" >"$tmp/gateway.json"
echo '(0.000000) can0 123#00' >"$tmp/drive0.log"
(cd "$tmp" && "${EVCAN:-$EVCAN_BUILD/evcan}" run --check gateway.json) \
	>"$tmp/out" 2>&1 || fault "README's document: $(cat "$tmp/out")"

# The examples --------------------------------------------------------------

run_example() {
	name=$1
	expected=$2
	shift 2
	(cd "$tmp" && timeout 60 "$EVCAN_BUILD/examples/$name" "$@") \
		>"$tmp/out" 2>"$tmp/err"
	rc=$?
	[ $rc -eq 0 ] || fault "$name: status $rc: $(cat "$tmp/err")"
	[ ! -s "$tmp/err" ] || fault "$name says: $(cat "$tmp/err")"
	grep -qE "$expected" "$tmp/out" ||
		fault "$name printed: $(cat "$tmp/out")"
}

case $EVCAN_BUILD in
/*) ;;
*) EVCAN_BUILD=$PWD/$EVCAN_BUILD ;;
esac

run_example poll_loop '^100 answers of 100$'
run_example two_loops '^received 102400, out of order 0$'
run_example send_outcome '^sent 10000, accepted 0, failed 0, paused [1-9]'
run_example buffered_reader '^got 104#04$'
run_example filters '^10000 identifiers: right$'
run_example cyclic \
	'^100 frames, in order, some modified, and 10 of 10$'
run_example safe_bus '^10000 answers, out of order 0, periodic too$'
run_example subscription '^silent after 100 frames, 3 told$'
run_example record '^recorded 5000 frames, [1-9][0-9]* bytes$' "$tmp/r.log"
[ "$(wc -l <"$tmp/r.log")" -eq 5000 ] ||
	fault "record wrote $(wc -l <"$tmp/r.log") lines, not 5000"
# In order, and nothing twice: the payload counts.
awk '{ split($3, f, "#"); n = f[2]
	want = sprintf("%02X%02X0000", NR - 1 - int((NR - 1) / 256) * 256,
	    int((NR - 1) / 256))
	if (n != want) { print "line " NR ": " $0; exit 1 } }' \
	"$tmp/r.log" >&2 || fault "record's frames are not in order"

timeout 1 "$EVCAN_BUILD/examples/print_frames" virtual:a 2>"$tmp/err"
rc=$?
[ $rc -eq 124 ] || fault "print_frames: status $rc: $(cat "$tmp/err")"

# Each example has an opening comment that names it, and under 120 lines.
for file in "$top_srcdir"/examples/*.c; do
	name=$(basename "$file")
	sed -n 2,4p "$file" | grep -q "$name - " ||
		fault "$name: no opening comment"
	[ "$(wc -l <"$file")" -le 120 ] || [ "$name" = car_drive.c ] ||
		fault "$name has $(wc -l <"$file") lines"
done

exit $status
