#!/bin/sh
# A kernel without CAN: evcan says so in one line and names the module.
#
#   tests/vm/vm --no-can tests/vm/guest/tool_no_can.sh BUILDDIR

. "$(dirname "$0")/lib.sh"

evcan=${1:-${EVCAN_BUILD:?usage: tool_no_can.sh BUILDDIR}}/evcan

"$evcan" log socketcan:can0 >/tmp/out 2>/tmp/err
status=$?
[ $status = 1 ] || fail "status $status: $(cat /tmp/err)"
[ "$(wc -l </tmp/err)" = 1 ] || fail "not one line: $(cat /tmp/err)"
grep -q 'modprobe can-raw' /tmp/err || fail "said: $(cat /tmp/err)"
say "ok - $(cat /tmp/err)"

# The rest of it works: detect finds what there is, and a gateway of virtual
# buses runs.
check 'detect' "$evcan" detect virtual socketcan
cat >/tmp/virtual.json <<'JSON'
{"buses": {"a": {"interface": "virtual", "channel": "x"}}}
JSON
check 'run --check' "$evcan" run --check /tmp/virtual.json
