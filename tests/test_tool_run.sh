#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# test_tool_run.sh - evcan run and play with adapters that open in a thread

. "${top_srcdir:-.}/tests/tool_lib.sh"
double=${EVCAN_DOUBLES:-}/kvaser_double.so
[ -e "$double" ] || {
	echo 'EVCAN_DOUBLES does not name the doubles folder' >&2
	[ "${CI:-}" = true ] && exit 1
	exit 77
}
about='run'

# document CHANNEL CHANNEL: two buses and a log, in run.json.
document() {
	cat >run.json <<END
{ "buses": {
    "a": { "interface": "kvaser", "channel": "$1", "library": "$double" },
    "b": { "interface": "kvaser", "channel": "$2", "library": "$double" } },
  "loggers": [{ "file": "old.asc", "buses": ["a"] }] }
END
}

# A device that was never there: one line, and no log is emptied for it.
for channels in '0 77' '77 0' '77 78'; do
	# shellcheck disable=SC2086 # two words
	document $channels
	echo 'an old log' >old.asc
	run run.json -q
	[ $rc -eq 1 ] || fault "$channels: status $rc: $(cat out err)"
	[ "$(grep -c '7[78]' err)" -eq 1 ] || fault "$channels: $(cat err)"
	[ "$(wc -l <err)" -eq 1 ] || fault "$channels, lines: $(cat err)"
	[ "$(cat old.asc)" = 'an old log' ] || fault "$channels: log is emptied"
done

# With those that are there it runs until it is told to stop, and says that
# both are open before.
document 0 1
: >err
"$EVCAN" run run.json >out 2>err </dev/null &
pid=$!
tries=0
until [ "$(grep -c 'is open' err)" -eq 2 ] || [ $tries -eq 600 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
kill $pid
wait $pid
rc=$?
[ $rc -eq 0 ] || fault "two that are there: status $rc: $(cat err)"
[ $tries -lt 600 ] || fault "never open: $(cat err)"
grep -q 'an old log' old.asc && fault 'no new log'

# Told to stop while a device does not answer yet: it ends, with its figures,
# and no log was touched.
document 0 1
echo 'an old log' >old.asc
: >out
: >err
EVCAN_DOUBLE_COMMAND='hang canOpenChannel' \
	"$EVCAN" run run.json --json --status 1 >out 2>err </dev/null &
pid=$!
tries=0
until grep -q 'is open' err || [ $tries -eq 600 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
kill -HUP $pid
kill $pid
wait $pid
rc=$?
[ $rc -eq 0 ] || fault "stopped while it opens: status $rc: $(cat err)"
json out
grep -q '"received"' out || fault "stopped while it opens: $(cat out)"
[ "$(cat old.asc)" = 'an old log' ] || fault 'a log that was not begun'

# A frame that no bus carried is told, however quiet.
about='play'
echo '(1.000000) can0 123##1AA' >fd.log
bad 1 'cannot carry.*: 1$' kvaser:0,library="$double" fd.log -q

[ $status -eq 0 ] && echo "$count commands run"
exit $status
