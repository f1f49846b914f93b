#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# test_tool_plugin.sh - plug-ins from outside: suites, the tool, and bad ones

# shellcheck source=tests/tool_lib.sh
top_srcdir=$(cd "${top_srcdir:-.}" && pwd) || exit 99
build=$(cd "${top_builddir:-.}" && pwd) || exit 99
. "$top_srcdir/tests/tool_lib.sh"
plugins=${EVCAN_PLUGINS:-$build/tests/plugins/.libs}
CC=${CC:-cc}
ELSEWHERE=/nowhere/plugins
[ -e "$plugins/evcan_cable.so" ] && [ -e "$build/.libs/libevcan.so" ] || {
	echo "no $plugins/evcan_cable.so: configured without shared libraries" >&2
	exit 77
}

# compile OUT SOURCE FLAGS: as docs/adding-a-driver.md says.
compile() {
	out=$1
	source=$2
	shift 2
	# shellcheck disable=SC2086 # a compiler and flags are words
	$CC -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -pedantic \
		${CPPFLAGS:-} -I"$top_srcdir/include" -shared -fPIC \
		-o "$out" "$top_srcdir/tests/plugins/$source" "$@" ||
		fault "$source $* does not compile"
}

# The suites ----------------------------------------------------------------

# suite WORDS: a program of the build passes with the plug-ins.
suite() {
	program=$1
	shift
	if EVCAN_PLUGIN_PATH=$plugins "$build/tests/$program" "$@" \
		>suite.out 2>&1
	then
		echo "ok - $program $*: $(grep -c '\[       OK' suite.out) tests"
	else
		tail -n 30 suite.out >&2
		fault "$program $*"
	fi
}

suite conform_driver cable:1
suite conform_driver cable:1,time=sent --fd
suite conform_format lines
grep -q '1 test(s)' suite.out || fault "conform_format did not run lines"

# The tool ------------------------------------------------------------------

EVCAN_PLUGIN_PATH=$plugins
export EVCAN_PLUGIN_PATH

run list plugins
[ $rc -eq 0 ] || fault "list plugins: $rc: $(cat err)"
grep -q "^$plugins/evcan_cable.so - cable 1.0\$" out &&
	grep -q '^  drivers: cable$' out && grep -q '^  formats: lines$' out ||
	fault "list plugins: $(cat out)"
run list plugins --json
json out
python3 - <<'END' || fault "list plugins --json: $(cat out)"
import json
cable, lines = json.load(open('out'))
assert cable['name'] == 'cable' and cable['drivers'] == ['cable']
assert lines['formats'] == ['lines'] and lines['drivers'] == []
assert cable['fault'] is None and lines['version'] == '1.0'
assert lines['path'].endswith('/evcan_lines.so')
END
run list plugins lines
[ "$(wc -l <out)" -eq 2 ] || fault "list plugins lines: $(cat out)"
bad 2 'there is no plug-in "nosuch"' list plugins nosuch
run list drivers cable
grep -q 'time: received, sent, default received' out ||
	fault "list drivers cable: $(cat out)"
run list formats lines
grep -q '(.lines)' out || fault "list formats lines: $(cat out)"

cat >a.log <<'END'
(1483389946.000000) can0 123#DEADBEEF
(1483389946.500000) can1 12345678#R
(1483389947.000001) can0 124##5112233
END
run convert a.log b.lines
[ $rc -eq 0 ] || fault "convert to a plug-in's format: $rc: $(cat err)"
cat >want <<'END'
; evcan lines 1
1483389946.000000000 Rx can0 123#DEADBEEF
1483389946.500000000 Rx can1 12345678#R
1483389947.000001000 Rx can0 124##5112233
END
cmp -s want b.lines || fault "b.lines: $(cat b.lines)"
run convert b.lines c.log
cmp -s a.log c.log || fault "back again: $(cat c.log)"
# By its content, without its suffix; and appended to.
mv b.lines d.log
run convert d.log e.lines -O append=true
run convert d.log e.lines -O append=true
[ "$(grep -c can1 e.lines)" -eq 2 ] && [ "$(grep -c ';' e.lines)" -eq 1 ] ||
	fault "appended: $(cat e.lines)"
run send cable:1 123#1122
[ $rc -eq 0 ] || fault "send cable:1: $rc: $(cat err)"

cat >doc.json <<'END'
{"buses": {"a": {"interface": "cable", "channel": "1", "time": "sent"},
  "b": {"interface": "cable", "channel": "1"}},
 "cyclic": [{"bus": "a", "frame": "123#11", "period": 0.01, "count": 5}],
 "loggers": [{"buses": ["b"], "file": "run.lines"}]}
END
"$EVCAN" run -q doc.json 2>err &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
	sleep 0.3
	[ "$(grep -cs 123#11 run.lines)" -ge 5 ] && break
done
kill -INT $pid
wait $pid
rc=$?
[ "$(grep -c ' Rx 1 123#11$' run.lines)" -eq 5 ] ||
	fault "a gateway of plug-ins: $rc: $(cat err run.lines)"

# Without them.
EVCAN_PLUGIN_PATH=
run list plugins
[ $rc -eq 0 ] && ! grep -q "$plugins" out || fault "no plug-ins: $(cat out)"
bad 2 'unknown interface "cable"' log cable:x
EVCAN_PLUGIN_PATH=$ELSEWHERE
run list plugins
grep -q 'is not used: it cannot be read as a folder: No such file' out ||
	fault "no folder: $(cat out)"
bad 2 'unknown interface "cable".*evcan list plugins tells why' log cable:x
bad 2 "unknown interface .cable.*$ELSEWHERE is not used" log -i cable -c x
bad 2 "there is no interface .cable.*$ELSEWHERE is not used" run doc.json
bad 2 "there is no log format .lines.*$ELSEWHERE is not used" \
	convert a.log - -F lines

# Bad ones ------------------------------------------------------------------

mkdir bad more
EVCAN_PLUGIN_PATH=bad

# refused PATTERN FLAGS: bad_plugin.c so compiled is not used, and why.
refused() {
	pattern=$1
	shift
	rm -f bad/*
	compile bad/evcan_bad.so bad_plugin.c "$@"
	run list plugins
	[ $rc -eq 0 ] || fault "$*: list plugins ends with $rc: $(cat err)"
	grep -q '^bad/evcan_bad.so$' out &&
		grep -qE "^  is not used: it ($pattern)\$" out ||
		fault "$*: $(cat out)"
	count=$((count + 1))
}

refused 'is of plug-in ABI 2; this evcan has 1' -DBAD=BAD_ABI
# Its code stays, since its constructors have run.
refused 'is of plug-in ABI 2; this evcan has 1' -DBAD=BAD_ABI -DTHREAD
refused 'was compiled with a struct evcan_plugin of [0-9]+ bytes; plug-in ABI 1 has at least [0-9]+' \
	-DBAD=BAD_OLDER
refused 'was compiled with a struct evcan_driver of 40 bytes; .*at least [0-9]+' \
	-DBAD=BAD_DRIVER_SIZE
refused 'was compiled with a struct evcan_format of 40 bytes; .*at least [0-9]+' \
	-DBAD=BAD_FORMAT_SIZE
refused 'was compiled with a struct evcan_option of [0-9]+ bytes; plug-in ABI 1 has [0-9]+' \
	-DBAD=BAD_OPTION
refused 'was compiled with a struct evcan_frame of 72 bytes; plug-in ABI 1 has 88' \
	-DBAD=BAD_FRAME
refused 'is no plug-in of ABI 1: it lacks the symbol evcan_plugin_v1' -DBAD=7
refused 'has a driver without a name of 1 to 31 letters, .*' -DBAD=BAD_NO_NAME
refused 'has a driver without a name of 1 to 31 letters, .*' -DBAD=BAD_NAME
refused 'has a driver "bad" that lacks the member recv' -DBAD=BAD_MEMBER
refused 'has a driver "bad" that lacks the member cyclic_stop, which belongs to cyclic_start' \
	-DBAD=BAD_PAIR
refused 'has a driver "bad" whose option far lies outside of the state' \
	-DBAD=BAD_ROW
refused 'has a format "bad" that lacks the member bid, which belongs to decode' \
	-DBAD=BAD_BID
refused 'has a format "bad" that neither reads nor writes' -DBAD=BAD_MUTE
refused 'has a driver "bad", which is the name of one of its own' -DBAD=BAD_TWICE
refused 'uses a part of struct evcan_driver that only a newer evcan has' \
	-DBAD=BAD_NEWER
refused 'cannot be loaded: .*evcan_of_tomorrow.*' -DBAD=17
refused 'has a driver "virtual", which is the name of one of evcan itself' \
	'-DNAME="virtual"'
refused 'has a driver "socketcan_native", which is the name of one of evcan itself' \
	'-DNAME="socketcan_native"'
# Whatever is wrong, the rest works.
run convert a.log f.asc
[ $rc -eq 0 ] || fault "beside a bad plug-in: $rc: $(cat err)"

# not_elf PATTERN: what lies at bad/evcan_bad.so.
not_elf() {
	run list plugins
	grep -qE "^  is not used: it cannot be loaded: $1" out ||
		fault "not a library: $(cat out)"
}
rm -f bad/*
: >bad/evcan_bad.so
not_elf 'file too short'
echo 'this is text, and some more of it than a header is long' >bad/evcan_bad.so
not_elf 'invalid ELF header|file too short'
head -c 200 "$plugins/evcan_cable.so" >bad/evcan_bad.so
not_elf '.+'
rm -f bad/*
mkdir bad/evcan_bad.so
not_elf '.+'
rmdir bad/evcan_bad.so
ln -s nowhere bad/evcan_bad.so
not_elf '.*No such file'
rm -f bad/*

# Names that are not ours are left alone.
compile bad/other.so bad_plugin.c
cp bad/other.so bad/evcan_.so
cp bad/other.so bad/evcan_bad.so.1
run list plugins
grep -q 'bad/' out && fault "other files: $(cat out)"
rm -f bad/*

# The first of a name wins, and is told.
compile bad/evcan_b.so bad_plugin.c
cp bad/evcan_b.so bad/evcan_a.so
cp bad/evcan_b.so more/evcan_0.so
EVCAN_PLUGIN_PATH=bad:more
run list plugins
[ "$(grep -c '"bad", which is the name of one of bad/evcan_a.so$' out)" -eq 2 ] &&
	grep -q '^bad/evcan_a.so - bad 0$' out || fault "taken: $(cat out)"
EVCAN_PLUGIN_PATH=more:bad
run list plugins
[ "$(grep -c 'the name of one of more/evcan_0.so$' out)" -eq 2 ] ||
	fault "the other way round: $(cat out)"
# The same file twice is one plug-in.
rm -f bad/* more/*
compile bad/evcan_b.so bad_plugin.c
ln -s ../bad/evcan_b.so more/evcan_c.so
EVCAN_PLUGIN_PATH=bad:more:bad
run list plugins
[ "$(grep -c . out)" -eq 2 ] || fault "the same file: $(cat out)"

# What is new but not used does no harm; constructors that look around do not
# wait for themselves; linked to the library is as good as not.
EVCAN_PLUGIN_PATH=bad
for flags in '-DBAD=GOOD_NEWER' '-DBAD=18' \
	"-L$build/.libs -levcan" '-fvisibility=hidden'; do
	rm -f bad/*
	# shellcheck disable=SC2086 # words
	compile bad/evcan_bad.so bad_plugin.c $flags
	run list plugins
	grep -q '^  drivers: bad$' out || fault "$flags: $rc: $(cat out err)"
	bad 1 'cannot be opened' log bad:x
done

# A program that has the library built in does not mix it with a shared one,
# and has no functions for plug-ins that bring none.
rm -f bad/*
compile bad/evcan_bad.so bad_plugin.c "-L$build/.libs" -levcan
LD_LIBRARY_PATH=$build/.libs "$build/tests/conform_cyclic" x,interface=nosuch >out 2>&1
grep -q 'is not used: it is linked to a libevcan.so, but the program' out ||
	fault "two libraries in one program: $(cat out)"
compile bad/evcan_bad.so bad_plugin.c
"$build/tests/conform_cyclic" x,interface=nosuch >out 2>&1
grep -q 'is not used: it cannot be loaded: undefined symbol: evcan_' out ||
	fault "no library for a plug-in: $(cat out)"

# A set-user-ID program looks only where it was installed. Tried where this
# can be: as root, if somebody else may run what was built.
nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		env EVCAN_PLUGIN_PATH="$tmp/bad" "$1" x,interface=nosuch \
		>out 2>&1
}
compile bad/evcan_bad.so bad_plugin.c -DBAD=BAD_ABI
cp "$build/tests/conform_driver" plain && cp plain suid &&
	chmod 755 . plain && chmod 4755 suid
if [ "$(id -u)" -eq 0 ] && ! nobody ./plain && grep -q 'plug-in ABI 2' out
then
	nobody ./suid
	grep -q 'unknown interface' out && ! grep -q evcan_bad out ||
		fault "a set-user-ID program: $(cat out)"
	count=$((count + 1))
else
	echo 'not tried: a set-user-ID program'
fi

[ $status -eq 0 ] && echo "$count runs"
exit $status
