#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# test_tool.sh - every command of evcan from outside, and all bad input

. "${top_srcdir:-.}/tests/tool_lib.sh"

# Starts `evcan ARGS` as $pid, with standard error in err.
start() {
	count=$((count + 1))
	rm -f out err
	"$EVCAN" "$@" >out 2>err &
	pid=$!
}

# Waits until a pattern stands in err, for 5 seconds.
await() {
	n=0
	while ! grep -qE "$1" err 2>/dev/null; do
		n=$((n + 1))
		[ $n -le 100 ] || {
			fault "no $1 in: $(cat err)"
			return
		}
		sleep 0.05
	done
}

# Waits until a file has a line, for 5 seconds.
await_file() {
	n=0
	while [ ! -s "$1" ]; do
		n=$((n + 1))
		[ $n -le 100 ] || {
			fault "no $1"
			return
		}
		sleep 0.05
	done
}

# good PATTERN ARGS: status 0, and a line of out or err matches.
good() {
	pattern=$1
	shift
	run "$@"
	[ $rc -eq 0 ] || fault "evcan $*: status $rc: $(cat err)"
	cat out err | grep -qE "$pattern" ||
		fault "evcan $*: says: $(cat out err)"
}

same() {
	cmp -s "$1" "$2" || fault "$1 and $2 differ: $(diff "$1" "$2" | head -5)"
}

# Material ------------------------------------------------------------------

awk 'BEGIN { for (i = 0; i < 2000; i++) {
	f = sprintf("%03X#%08X", 256 + i % 64, i)
	if (i % 40 == 7) f = sprintf("1234%04X#1122334455667788", i)
	if (i % 40 == 9) f = "321#R4"
	if (i % 40 == 11) f = "456##5ABABABABABABABABABABABAB"
	if (i % 40 == 13) f = "20000004#000C000000000000"
	printf "(%d.%06d) can0 %s\n", 1700000000 + int(i / 4000),
	    i % 4000 * 250, f } }' >drive.log
frames=2000
errors=50

cat >gateway.json <<'END'
{
  "buses": {
    "car": {"interface": "virtual", "channel": "car", "fd": true},
    "tap": {"interface": "virtual", "channel": "car", "fd": true},
    "bench": {"interface": "virtual", "channel": "bench", "fd": true},
    "far": {"interface": "virtual", "channel": "bench", "fd": true}
  },
  "loggers": [{"buses": ["far"], "file": "out.log"}],
  "bridges": [{"from": "tap", "to": "bench", "both_ways": true}],
  "players": [{"file": "drive.log", "bus": "car"}]
}
END

# The tool itself -----------------------------------------------------------

good '^evcan [0-9]+\.[0-9]+\.[0-9]+$' --version
good '^  convert ' --help
good '^  convert ' help
for command in run log play send bridge convert detect list; do
	good "^usage: evcan $command" "$command" --help
	[ ! -s err ] || fault "$command --help writes to standard error"
	[ "$(wc -l <out)" -le 25 ] ||
		fault "$command --help has $(wc -l <out) lines"
	grep -qE "^  evcan $command" out || fault "$command --help: no example"
	awk 'length > 79 { exit 1 }' out ||
		fault "$command --help has long lines"
	good '^evcan [0-9]' "$command" --version
	bad 2 'unknown flag --nonsense' "$command" --nonsense
done
bad 2 'a command is missing'
bad 2 'unknown command "lgo"; did you mean "log"' lgo
bad 2 'unknown command "zzzzzz"' zzzzzz
bad 2 '"view" comes with a later version' view
bad 2 'did you mean --channel' log --chanel x
bad 2 -- '--channel needs a value' log --channel
bad 2 -- '-c needs a value' log -c
bad 2 'unknown flag -Z' log -Z
bad 2 'takes no value' log --fd=1 virtual:a
bad 2 'takes a number, not "x"' log -n x virtual:a
bad 2 'takes a number, not "-1"' log -n -1 virtual:a
bad 2 'takes seconds' log -t soon virtual:a
bad 2 'rotation needs a file' log -s 1000 virtual:a
bad 2 'file-size takes bytes' log -s 10q virtual:a -f x.log
[ ! -e x.log ] || fault 'a wrong size left a file'
bad 2 'exclude each other' log --active --passive virtual:a

# Buses ---------------------------------------------------------------------

bad 2 'unknown interface "nosuch"; there are: .*socketcan.*virtual' \
	send -i nosuch 123#
bad 2 'unknown interface "nosuch"; there are: .*socketcan.*virtual' \
	send nosuch:a 123#
bad 2 'no interface given; there are: .*virtual' log
bad 2 'no interface given; there are: .*virtual' log -c can0
bad 1 'channel' send socketcan: 123#
bad 1 'channel' log -i socketcan
bad 2 'no option "colour"' log virtual:a,colour=red
bad 2 'no option "colour"' log virtual:a -o colour=red
bad 2 'colour' log virtual:a -o colour
bad 2 'rx_queue_size.*"many" is not' log virtual:a,rx_queue_size=many
bad 2 'rx_queue_size.*-5' log virtual:a,rx_queue_size=-5
bad 2 'fd: "maybe" is not true or false' log virtual:a,fd=maybe
bad 2 'bitrate: "fast"' log virtual:a -b fast
bad 2 'timing' log virtual:a --timing f_clock=8000000 brp=99999
bad 2 'column 3: expected : or ~' log virtual:a --filter 12x
bad 2 'filter' log virtual:a --filter 123:
bad 2 'filter' log virtual:a --filter 123456789:7FF
bad 1 'nosuch.conf' log virtual:a --config nosuch.conf
echo 'garbage' >bad.conf
bad 2 'bad.conf' log virtual:a --config bad.conf
printf '[default]\ninterface = virtual\n[lab]\nchannel = bench7\n' >can.conf
good 'virtual:bench7' log --config can.conf --config-context lab -t 0.05
good 'virtual:bench7' log --config can.conf --config_context=lab -t 0.05
CAN_INTERFACE=virtual CAN_CHANNEL=envy "$EVCAN" log -t 0.05 2>err >out ||
	fault "log with CAN_INTERFACE: $(cat err)"
grep -q 'virtual:envy' err || fault "CAN_CHANNEL is not heeded: $(cat err)"
rm -f can.conf

# python-can's spellings
good 'Connected to virtual:x' log --bus_kwargs receive_own_messages=true \
	rx_queue_size=5 -i virtual -c x -t 0.05 --filter 123:7FF 124~7FF
good 'Connected to virtual:x' log -i virtual -c x --file_name py.log -t 0.05 \
	--data_bitrate=2000000 --timing f_clock=8000000 brp=1 tseg1=13 \
	tseg2=2 sjw=1 nof_samples=1

# What this kernel cannot do ------------------------------------------------

if [ ! -e /proc/net/can ]; then
	bad 1 'kernel has no SocketCAN|no interface|No such' \
		log socketcan:can0
	bad 1 'kernel has no SocketCAN|no interface|No such' \
		send socketcan:can0 123#
	bad 1 'kernel has no SocketCAN|no interface|No such' \
		bridge socketcan:can0 socketcan:can1
else
	bad 1 'nosuch0' log socketcan:nosuch0
fi

# send ----------------------------------------------------------------------

bad 2 'which frame' send virtual:a
bad 2 'standard identifier is at most 7FF' send virtual:a 800#
bad 2 'extended identifier' send virtual:a FFFFFFFF#
bad 2 'column 5' send virtual:a '123#XX'
bad 2 '123#1122334455667788[9]' send virtual:a 123#112233445566778899
bad 2 'frame' send virtual:a 123#1
bad 2 'frame' send virtual:a '123##1AABB' virtual:b
bad 2 'Z23' send virtual:a 123# 'Z23#'
good '^\{"sent": 6\}$' send virtual:a 123#DEADBEEF 12345678#11.22 123#R8 \
	-n 2 --json
printf '# remark\n123#01\n\n124#02\r\n' | "$EVCAN" send virtual:a - --json \
	>out 2>err || fault "send -: $(cat err)"
[ "$(cat out)" = '{"sent": 2}' ] || fault "send - says $(cat out)"
printf '123#01\nbad\n' | "$EVCAN" send virtual:a - >out 2>err
rc=$?
[ $rc -eq 2 ] && grep -q '"bad"' err || fault "send - of a bad line: $rc"
# 6 frames, 50 ms apart, from the first on: a quarter second.
before=$(date +%s%N)
good . send virtual:a 123# -n 6 -g 0.05 --json
took=$((($(date +%s%N) - before) / 1000000))
[ $took -ge 250 ] && [ $took -lt 5000 ] || fault "send -g took $took ms"

# Whoever may not open CAN sockets, and a kernel that has none.
deny=$EVCAN_BUILD/tests/deny_can
tool=$EVCAN
EVCAN=$deny
bad 1 'no permission to open a CAN socket' \
	EPERM "$tool" log socketcan:can0
bad 1 'no permission to open a CAN socket' \
	EACCES "$tool" send socketcan:can0 '123#01'
bad 1 'no SocketCAN .*modprobe can-raw' \
	EAFNOSUPPORT "$tool" log socketcan:can0
EVCAN=$tool

# convert -------------------------------------------------------------------

good "^written *$frames\$" convert drive.log copy.log
same drive.log copy.log
good "\"written\": $frames" convert drive.log out.txt --json
[ "$(grep -c '^Timestamp: ' out.txt)" -eq $frames ] ||
	fault "out.txt has not $frames lines"
"$EVCAN" convert - - -F candump <drive.log >pipe.log 2>err ||
	fault "convert - -: $(cat err)"
same drive.log pipe.log
good 'written *2000' convert drive.log twice.log -a
good 'written *2000' convert drive.log twice.log --append
[ "$(wc -l <twice.log)" -eq 4000 ] || fault '--append does not append'
"$EVCAN" convert drive.log - -F printer 2>err | head -1 >out
[ "$(wc -l <out)" -eq 1 ] && ! grep -q 'evcan convert' err ||
	fault "convert | head: $(cat err)"
bad 2 'takes an input and an output' convert drive.log
bad 2 'needs a format' convert drive.log -
bad 2 'same file' convert drive.log drive.log
ln drive.log link.log
bad 2 'same file' convert drive.log link.log
bad 2 'x.foo: .*asc, blf, candump \(.log\), .*printer \(.txt\)' convert drive.log x.foo
[ ! -e x.foo ] || fault 'convert to an unknown suffix left a file'
bad 2 'nosuch' convert drive.log x.log -F nosuch
bad 2 'decimals' convert drive.log x.log -O decimals=99
bad 2 'colour' convert drive.log x.log -O colour=red
bad 1 'nosuch.log: .*No such file' convert nosuch.log x.log
bad 1 'No such file' convert drive.log nosuch/x.log
head -c 3000 /dev/zero >zero.log
run convert zero.log x.log
[ $rc -ne 0 ] || fault "convert of zero bytes ends with 0"
if [ -w /dev/full ]; then
	bad 1 'No space left' convert drive.log /dev/full -F candump -q
	"$EVCAN" convert drive.log - -F candump -q >/dev/full 2>err
	rc=$?
	[ $rc -eq 1 ] && [ "$(wc -l <err)" -eq 1 ] &&
		grep -q 'No space left' err ||
		fault "convert to a full standard output: $rc: $(cat err)"
	"$EVCAN" list drivers >/dev/full 2>err
	rc=$?
	[ $rc -eq 1 ] && grep -q 'No space left' err ||
		fault "list to a full standard output: $rc: $(cat err)"
fi
(head -20 drive.log; echo '(1.0) can0 12G#00'; head -20 drive.log) >faulty.log
run convert faulty.log x.log
[ $rc -eq 1 ] && grep -qE '^evcan convert: faulty.log:21: ' err &&
	grep -qE '^written +40$' err && grep -qE '^faults +1$' err ||
	fault "convert of a faulty line: $rc: $(cat err)"
"$EVCAN" convert drive.log /dev/null -F candump -q 2>err ||
	fault "convert to /dev/null: $(cat err)"
[ -c /dev/null ] || fault '/dev/null is gone'
bad 2 'cannot be rotated' convert drive.log /dev/null -F candump -s 1k
[ -c /dev/null ] || fault '/dev/null is gone'

# Asked to end while its input brings nothing: what came so far is written.
mkfifo pipe
for suffix in log blf mf4 trc; do
	(cat drive.log; sleep 20) >pipe &
	feeder=$!
	"$EVCAN" convert - "slow.$suffix" -q <pipe 2>err &
	pid=$!
	sleep 0.5
	kill -TERM $pid
	kill -TERM $pid     # as timeout(1) does
	wait $pid
	rc=$?
	kill $feeder
	wait $feeder 2>/dev/null
	[ $rc -eq 1 ] && grep -q 'interrupted; what was read so far' err ||
		fault "convert of a slow pipe, ended: $rc: $(cat err)"
	good "^read *$frames\$" convert "slow.$suffix" back.log
done
bad 2 'text for people' convert out.txt back.log -F candump

# In every format there is, and back: the frames, and the report of what the
# format has no place for.
for suffix in asc blf trc csv db mf4 pcap pcapng asc.gz csv.gz; do
	good "^written *$frames\$" convert drive.log "x.$suffix"
	good "^read *$frames\$" convert "x.$suffix" back.log
	[ "$(wc -l <back.log)" -eq $frames ] ||
		fault "$suffix brings back $(wc -l <back.log) frames"
done
good "^without-channel *$frames\$" convert x.asc x.pcap
gzip -t x.asc.gz || fault 'x.asc.gz is no gzip file'
gzip -dc x.asc.gz | "$EVCAN" convert - - -F candump -q >back.log 2>err ||
	fault "an unpacked x.asc.gz: $(cat err)"
[ "$(wc -l <back.log)" -eq $frames ] || fault 'x.asc.gz has not all frames'

# A new file after so many bytes: none lost, none twice, in order.
mkdir parts
good "^written *$frames\$" convert drive.log parts/cut.log -s 10k
[ "$(find parts -name 'cut_*T*_#*.log' | wc -l)" -ge 3 ] ||
	fault "-s 10k gives $(ls parts)"
cat parts/cut_*.log parts/cut.log >whole.log
same drive.log whole.log
cat >rotate.json <<'DOCUMENT'
{"buses": {"a": {"interface": "virtual", "channel": "r", "fd": true},
           "b": {"interface": "virtual", "channel": "r", "fd": true}},
 "loggers": [{"buses": ["b"], "file": "parts/run.blf",
              "rotate": {"size": 4000, "name": "{stem}-{count}{suffix}"},
              "max_container_size": 1024}],
 "players": [{"file": "drive.log", "bus": "a", "error_frames": true,
              "ignore_timestamps": true}]}
DOCUMENT
good 'parts/run-000.blf is complete' run rotate.json --until-played
n=0
for part in parts/run*.blf; do
	"$EVCAN" convert "$part" - -F candump -q >part.log 2>err ||
		fault "$part: $(cat err)"
	n=$((n + $(wc -l <part.log)))
done
[ $n -eq $frames ] || fault "the parts of run.blf have $n of $frames frames"

# play ----------------------------------------------------------------------

good "^replayed *$((frames - errors))\$" play virtual:a,fd=true drive.log
good "\"passed-over\": $errors" play virtual:a drive.log --speed 10 --json
good "\"replayed\": $frames" play virtual:a drive.log --error-frames \
	--ignore-timestamps --gap 0 --json
good "\"replayed\": $(((frames - errors) * 3))" play -i virtual -c a \
	drive.log -l 3 --speed 100 --json
good "\"replayed\": $(((frames - errors) * 2))" play virtual:a drive.log \
	copy.log --speed 100 --json
good '^ *Timestamp: ' play virtual:a drive.log -v --speed 100
awk 'BEGIN { for (i = 0; i < 100; i++)
	printf "(1700000000.%06d) can%d %03X#%02X\n", i * 1000, i % 3, i, i
}' >three.log
good '^replayed +34$' play --map virtual:a=can0 three.log
good '^passed-over +33$' play --map virtual:a=can0 --map virtual:b=can1 \
	three.log
good '^replayed +100$' play -i virtual -c rest --map a=can0 --map b=can1 \
	three.log
good '^replayed +17$' play --map virtual:a,fd=true=can0 three.log --filter \
	0:7C0,64:7FF --until 0.0485
good '^replayed +10$' play virtual:a three.log --from 0.0205 --until 0.0305
good '^replayed +200$' play virtual:a three.log three.log
good '^replayed +600$' play virtual:a three.log three.log -l 3
good '^replayed +100$' play virtual:a three.log three.log --align start \
	--until 0.0495
good '^late-p99-us +[0-9]+$' play virtual:a three.log
bad 2 'OUT=CHANNEL' play --map virtual:a three.log
bad 2 'OUT=CHANNEL' play --map =can0 three.log -q
bad 2 'wrong:a: unknown interface' play --map wrong:a=can0 three.log
bad 2 'filter' play virtual:a three.log --filter x
bad 2 'align' play virtual:a three.log --align middle -q
bad 2 'until' play virtual:a three.log --from 5 --until 2 -q
bad 2 'played once' play virtual:a - -
bad 2 'which log' play
bad 2 'one file' play virtual:a drive.log copy.log --loop 2 --sequence
bad 2 'speed' play virtual:a drive.log --speed 0 -q
bad 2 'speed' play virtual:a drive.log --speed fast -q
bad 2 'loop' play virtual:a drive.log --loop 0
bad 2 'loop' play virtual:a drive.log --loop x -q
bad 1 'nosuch.log: .*No such file' play virtual:a nosuch.log -q
bad 1 'nosuch.log: .*No such file' play virtual:a drive.log nosuch.log
(sleep 20) >pipe &
feeder=$!
"$EVCAN" play virtual:a - -q <pipe 2>err &
pid=$!
sleep 0.5
kill -INT $pid
before=$(date +%s%N)
wait $pid || fault "play of a pipe that brings nothing: $(cat err)"
took=$((($(date +%s%N) - before) / 1000000))
[ $took -lt 5000 ] || fault "play of an idle pipe ends after $took ms"
kill $feeder
before=$(date +%s%N)
good . play virtual:a drive.log
took=$((($(date +%s%N) - before) / 1000000))
[ $took -ge 490 ] && [ $took -lt 20000 ] ||
	fault "0.5 s of drive played in $took ms"
start play virtual:a drive.log --loop i
await Connected
sleep 0.3
kill -INT $pid
wait $pid || fault "play, interrupted: $(cat err)"
grep -qE '^replayed +[1-9]' err || fault "play, interrupted: $(cat err)"

# log -----------------------------------------------------------------------

good '^received *0$' log virtual:a -t 0.05
good '"received": 0' log virtual:a virtual:b -t 0.05 --json
bad 2 'x.foo: .*candump' log virtual:a -f x.foo
bad 1 'nosuch/x.log: .*No such file' log virtual:a -f nosuch/x.log
bad 2 'nosuch' log virtual:a -F nosuch
bad 2 'same file' log virtual:a -f x.log -f ./x.log
"$EVCAN" log virtual:a -q -t 20 -f x.mf4 2>err &
pid=$!
sleep 0.5
kill -HUP $pid     # although nobody moved the file
sleep 0.3
kill -TERM $pid
kill -TERM $pid
wait $pid || fault "log in MF4, SIGHUP and SIGTERM twice: $(cat err)"
for signal in INT TERM; do
	rm -f signal.log
	start log virtual:a -f signal.log
	await Connected
	mv signal.log signal.1.log
	kill -HUP $pid
	n=0
	while [ ! -e signal.log ] && [ $n -lt 100 ]; do
		sleep 0.05
		n=$((n + 1))
	done
	[ -e signal.log ] || fault 'SIGHUP does not open the log anew'
	kill -$signal $pid
	wait $pid || fault "log, ended by $signal: $?: $(cat err)"
	grep -qE '^lost +0$' err || fault "log, ended by $signal: $(cat err)"
done

# bridge --------------------------------------------------------------------

bad 2 'two buses' bridge virtual:a
bad 2 'two buses' bridge virtual:a virtual:b virtual:c
bad 2 'two buses' bridge --bus1-channel a --bus1-interface virtual
bad 2 'unknown interface' bridge virtual:a nosuch:b -q
start bridge --bus1-interface virtual --bus1-channel a \
	--bus2-interface=virtual --bus2_channel b
await 'Connected to virtual:b'
kill -TERM $pid
wait $pid || fault "bridge, ended: $?: $(cat err)"
grep -q 'Connected to virtual:b' err && grep -qE '^lost +0$' err ||
	fault "bridge: $(cat err)"

# run -----------------------------------------------------------------------

good 'no faults' run --check gateway.json
rm -f out.log
good '^lost +0$' run gateway.json --until-played
[ "$(tail -1 out)" = 'lost     0' ] || fault "run ends with: $(tail -1 out)"
for row in "replayed *$((frames - errors))" "bridged *$((frames - errors))" \
	"recorded *$((frames - errors))"; do
	grep -qE "^$row\$" out || fault "run: not $row: $(cat out err)"
done
# Everything but the error frames, in order, and nothing else.
grep -v ' 2000' drive.log | cut -d' ' -f3 >want
cut -d' ' -f3 out.log >have
same want have
good '"lost": 0' run gateway.json --until-played --json -q
json out
good 'Timestamp: .*' run gateway.json --until-played --monitor tap
"$EVCAN" run - --check <gateway.json >out 2>err ||
	fault "run -: $(cat err)"
sed 's/"bus": "car"/"bus": "car", "loop": true/' \
	gateway.json >forever.json
rm -f out.log
start run forever.json --status 1 --monitor all --monitor-rate 0
await 's: in [0-9.k]+/s, out [0-9.k]+/s, bridged [0-9.k]+/s, recorded '
mv out.log moved.log
kill -HUP $pid
await_file out.log
kill -TERM $pid
wait $pid || fault "run, ended by TERM: $?: $(cat err)"
recorded=$(sed -n 's/^recorded *//p' out)
[ "$(cat moved.log out.log | wc -l)" -eq "${recorded:-0}" ] ||
	fault "run: $(cat moved.log out.log | wc -l) lines, $recorded recorded"
grep -qE '^lost +0$' out || fault "run, ended by TERM: $(tail -9 out err)"
[ "$(grep -c '^Timestamp: ' out)" -ge 1000 ] ||
	fault "run --monitor all showed $(grep -c '^Timestamp: ' out) frames"

bad 2 'which document' run
bad 1 'nosuch.json.*No such file' run nosuch.json
bad 2 'no such bus' run gateway.json --monitor nosuch
doc() {
	sed "$1" gateway.json >bad.json
}
doc 's/"bridges"/"bridgs"/'
bad 2 'bad.json:9:[0-9]+.*bridgs' run bad.json
doc 's/"both_ways"/"both_way"/'
bad 2 'bad.json:9:[0-9]+.*both_way' run bad.json
doc 's/"from": "tap"/"from": "tip"/'
bad 2 'bad.json:9:[0-9]+.*tip' run bad.json
doc 's/"both_ways": true/"both_ways": "perhaps"/'
bad 2 'bad.json:9:[0-9]+.*both_ways' run bad.json
doc 's/"channel": "bench", "fd": true}/"channel": "bench", "fd": 7}/'
bad 2 'bad.json:5:[0-9]+.*fd' run bad.json
doc 's/"interface": "virtual", "channel": "car"/"interface": "vrtual"/'
bad 2 'bad.json:3:[0-9]+.*vrtual.*there are' run bad.json
doc 's/"out.log"/"out.foo"/'
bad 2 'bad.json:8:[0-9]+.*out.foo.*candump' run bad.json
doc 's/"out.log"/"-"/'
good '^ *Timestamp: ' run bad.json --until-played
doc 's/"out.log"/"out.mf4.gz"/'
bad 2 'bad.json:8:[0-9]+.*cannot be written through gzip' run --check bad.json
doc 's/"out.log"/"out.asc", "tz": "Mars"/'
bad 2 'bad.json:8:[0-9]+.*"Mars" is no zone' run --check bad.json
doc 's/"out.log"/"out.blf", "rotate": {"size": 9, "name": "{stem}"}/'
bad 2 'bad.json:8:[0-9]+.*lacks .count.' run --check bad.json
doc 's/"out.log"/"out.blf", "rotate": {"size": -5}/'
bad 2 'bad.json:8:[0-9]+.*is not an integer of at least 0' run bad.json
[ ! -e out.mf4.gz ] && [ ! -e out.asc ] && [ ! -e out.blf ] ||
	fault 'run --check leaves a file'
doc 's/"bus": "car"}/"bus": "car"]/'
bad 2 'bad.json:10:[0-9]+' run bad.json
doc 's/"players"/"cyclic": [{"bus": "car", "frame": "123#"}], "players"/'
bad 2 'bad.json:10:[0-9]+.*cyclic' run bad.json
doc 's/"out.log"/"nosuch\/out.log"/'
bad 1 'nosuch/out.log.*No such file' run bad.json
doc 's/"drive.log"/"nosuch.log"/'
bad 1 'nosuch.log.*No such file' run bad.json

# A full disk: frames are kept and the gateway goes on to its end.
if [ -w /dev/full ]; then
	doc 's/"file": "out.log"/"file": "\/dev\/full", "format": "candump"/'
	run run bad.json --until-played
	[ $rc -eq 1 ] && grep -q 'No space left' err &&
		grep -qE "^bridged +$((frames - errors))\$" out ||
		fault "run to a full disk: $rc: $(cat out err)"
fi

# detect and list -----------------------------------------------------------

good '^virtual:' detect
good '^virtual:' detect virtual
good '"interface": "virtual"' detect virtual --json
json out
bad 2 'nosuch' detect nosuch
# What detect prints can be opened.
spec=$("$EVCAN" detect virtual | head -1 | cut -f1)
good 'Connected' log "$spec" -t 0.05
good '^virtual - ' list drivers
good 'rx_queue_size: integer' list drivers virtual
good '^candump - .*\.log' list formats
good 'gs_usb' list drivers
good '"name": "socketcan"' list drivers --json
json out
good '"name": "candump"' list formats --json
json out
bad 2 'neither' list things
bad 2 'takes drivers or formats' list
bad 2 'no driver "nosuch"' list drivers nosuch
bad 2 'no format "nosuch"' list formats nosuch

# Closed descriptors ----------------------------------------------------------

"$EVCAN" list drivers >&- 2>err
rc=$?
[ $rc -eq 1 ] && [ "$(wc -l <err)" -eq 1 ] ||
	fault "list without standard output: $rc: $(cat err)"
"$EVCAN" list drivers 2>/dev/null | head -1 >out
[ -s out ] || fault 'list | head shows nothing'

[ $status -eq 0 ] && echo "$count runs"
exit $status
