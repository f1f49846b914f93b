#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# test_tool_timing.sh - evcan timing from outside

. "${top_srcdir:-.}/tests/tool_lib.sh"
about='timing'

# good ARGS: no complaint.
good() {
	run "$@"
	[ $rc -eq 0 ] || fault "timing $*: status $rc: $(cat err)"
	[ ! -s err ] || fault "timing $*: says: $(cat err)"
}

# has PATTERN: a line of the last output, blanks squeezed, matches.
has() {
	tr -s ' ' <out | grep -qE -e "$1" || fault "no line \"$1\" in: $(cat out)"
}

# Tables -------------------------------------------------------------------

good --clock 8M --bitrate 500k
has '^500 kbit/s at 87.5 %, clock 8 MHz, generic limits: 2 solutions$'
has '^ 1 1 16 13 2 2 87.50% 0 0.49% 0x40 0x1C$'
has '^ 2 2 8 6 1 1 87.50% 0 0.49% 0x01 0x05$'
has '^ --timing f_clock=8000000 brp=1 tseg1=13 tseg2=2 sjw=2 nof_samples=1$'
has '^ ip link set can0 type can tq 125 prop-seg 6 phase-seg1 7 phase-seg2 2 sjw 2$'

# The same, said otherwise.
cp out first
good -c 8000000 -b 500000 --sample-point 87.5% --controller generic
cmp -s out first || fault "not the same: $(diff out first)"
good --clock 8_000_000 --bitrate=0.5M --sample_point=87.5 --pick 1
cmp -s out first || fault "not the same: $(diff out first)"

good --clock 80M --bitrate 500k --pick 3
has '^ 1 10 16 13 2 2 87.50% 0 0.49%$'
has '^To have number 3, give evcan$'
has '^ --timing f_clock=80000000 brp=8 tseg1=16 tseg2=3 sjw=3 nof_samples=1$'

# 83333 is no divisor of 24 MHz: by one in a quarter of a million.
good --clock 24M --bitrate 83.333k
has '^ 1 18 16 13 2 2 87.50% \+0.000% '
has '^83333 bit/s at 87.5 %'

# Sample points: for slow, faster and fast buses.
for pair in 500k:87.5 501k:80 1M:75; do
	good --clock 80M --bitrate "${pair%:*}" --all
	has "bit/s at ${pair#*:} %"
done

good --clock 80M --bitrate 500k --data-bitrate 2M --controller mcan
has '^ 1 1 160 139 20 20 87.5% 1 40 29 10 10 75.0% 0 0.49%$'
has '^ and [0-9]+ more with --all$'
has 'nom_brp=1 nom_tseg1=139 nom_tseg2=20 nom_sjw=20 data_brp=1 data_tseg1=29 data_tseg2=10 data_sjw=10$'
has 'tq 12 prop-seg 69 phase-seg1 70 phase-seg2 20 sjw 20 dtq 12 dprop-seg 14 dphase-seg1 15 dphase-seg2 10 dsjw 10 fd on$'
[ "$(grep -cE '^ +[0-9]+ ' out)" -eq 10 ] || fault "not ten rows: $(cat out)"
good --clock 80M --bitrate 500k --data-bitrate 2M --controller mcan --all
n=$(sed -n 's/.*limits: \([0-9]*\) solutions$/\1/p' out)
[ "$(grep -cE '^ +[0-9]+ ' out)" -eq "$n" ] || fault "not $n rows: $(cat out)"

# A classic bit that is finer than --timing can say.
good --clock 80M --bitrate 500k --controller mcan
has '^ nothing: its --timing for classic CAN ends at '
has 'tq 12 prop-seg 69 phase-seg1 70 '

# What there is already ------------------------------------------------------

good --timing f_clock=8000000 btr0=0x43 btr1=0xBA
has '^ 1 4 16 11 4 2 75.00% 0 .* 0x43 0xBA$'
has 'nof_samples=3$'
has 'sjw 2 triple-sampling on$'
good --timing f_clock=8_000_000 brp=1 tseg1=5 tseg2=2 sjw=1 --clock 16M
has '^ --timing f_clock=16000000 brp=2 tseg1=5 tseg2=2 sjw=1 nof_samples=1$'
good --timing f_clock=80000000 nom_brp=5 nom_tseg1=27 nom_tseg2=4 nom_sjw=4 \
	data_brp=5 data_tseg1=6 data_tseg2=1 data_sjw=1 --clock 60M
has 'nom_brp=2 nom_tseg1=51 nom_tseg2=8 nom_sjw=8 data_brp=2 data_tseg1=12 data_tseg2=2 data_sjw=2$'

# What is printed for --timing is taken back, for each solution.
good --clock 80M --bitrate 500k --data-bitrate 2M --controller mcan --all --json
python3 - out >timings <<'END' || fault "JSON: $(cat out)"
import json
import sys
found = json.load(open(sys.argv[1]))
assert found["controller"] == "mcan" and found["clock"] == 80000000
assert found["data_bitrate"] == 2000000 and found["sample_point"] == 87.5
assert found["count"] == len(found["solutions"]) > 30
errors = []
for one in found["solutions"]:
    for name, rate in (("nominal", 500000), ("data", 2000000)):
        bit = one[name]
        quanta = 1 + bit["tseg1"] + bit["tseg2"]
        assert bit["quanta"] == quanta
        assert abs(bit["sample_point"] -
                   100 * (1 + bit["tseg1"]) / quanta) < 1e-6
        real = 80e6 / bit["brp"] / quanta
        assert abs(real - bit["bitrate"]) < 1e-3
        assert abs((real / rate - 1) * 100 - bit["error"]) < 1e-6
        assert abs(bit["tq_ns"] - bit["brp"] * 12.5) < 1e-6
    errors.append(abs(one["nominal"]["error"]) + abs(one["data"]["error"]))
    assert "btr0" not in one
    assert one["tolerance"] >= 0 and " fd on" in one["ip_link"]
    print(one["timing"])
assert all(a <= b + 0.01 for a, b in zip(errors, errors[1:])), errors
END
head -n 12 timings | while read -r line; do
	# shellcheck disable=SC2086 # several words
	good --timing $line
	has "^ --timing $line\$"
	[ $status -eq 0 ] || exit 1
done || status=1
good --clock 8M --bitrate 125k --json
python3 -c 'import json, sys
one = json.load(open(sys.argv[1]))["solutions"][0]
assert (one["btr0"], one["btr1"]) == (0x43, 0x1c), one
assert "data" not in one' out || fault "JSON: $(cat out)"

# Every controller that --help names, and one screen of it ---------------------

good --help
[ "$(wc -l <out)" -le 24 ] || fault "--help is $(wc -l <out) lines"
for name in generic sja1000 bxcan flexcan mcan mcp251xfd peak kvaser; do
	grep -q "$name" out || fault "--help lacks $name"
done
for name in generic sja1000 bxcan flexcan mcan mcp251xfd peak kvaser; do
	good --clock 24M --bitrate 250k --controller $name
	has ", $name limits: "
done
for name in generic mcan mcp251xfd peak kvaser; do
	good --clock 40M --bitrate 250k --data-bitrate 1M --controller $name
	has ', 1 Mbit/s at 75 %, '
done

# Errors -------------------------------------------------------------------------

bad 2 '--clock is missing' --bitrate 500k
bad 2 '--bitrate is missing' --clock 8M
bad 2 '--clock takes a whole number .*not "8X"' --clock 8X --bitrate 500k
for text in '' x 0 -1 4294967296 99999999999999999999 5000M 1.5 0.0001k \
	1.0000001M 1k5 _1 '1 M' 1e6 8MHz; do
	bad 2 '--bitrate takes a whole number' --clock 8M --bitrate "$text"
done
for text in '' x 49.9 100.1 0.875 87,5 nan 80%% -1; do
	bad 2 '--sample-point takes percent from 50 to 100' --clock 8M \
		--bitrate 500k --sample-point "$text"
done
bad 2 '--data-sample-point needs --data-bitrate' --clock 8M --bitrate 500k \
	--data-sample-point 80
bad 2 'did you mean "mcan"' --clock 8M --bitrate 500k --controller mcann
bad 2 'there are generic, .*, kvaser' --clock 8M --bitrate 500k \
	--controller xyzxyz
bad 2 'sja1000 has no CAN FD' --clock 8M --bitrate 500k --data-bitrate 1M \
	--controller sja1000
bad 1 'a clock of 7 MHz gives no 800 kbit/s, within 1/256 and the generic' \
	--clock 7M --bitrate 800k
bad 1 'gives no 500 kbit/s with 7 Mbit/s' --clock 80M --bitrate 500k \
	--data-bitrate 7M
bad 2 'data bitrate, 250000 bit/s, is lower' --clock 80M --bitrate 500k \
	--data-bitrate 250k
bad 2 '--pick takes a number from 1 to 2' --clock 8M --bitrate 500k --pick 3
bad 2 '--pick takes a number from 1 to 2' --clock 8M --bitrate 500k --pick 0
bad 2 'takes flags only, not "500k"' --clock 8M 500k
bad 2 'says the bitrate already' --timing f_clock=8000000 btr0=0 btr1=0x1c \
	--bitrate 500k
bad 2 'tseg1 is 17, but must be from 1 to 16' --timing f_clock=8000000 brp=1 \
	tseg1=17 tseg2=2 sjw=1
bad 2 '"bitrate" is not one of its keys' --timing bitrate=500000
bad 1 'none of these gives the same bits: 7000000' --timing f_clock=8000000 \
	btr0=0 btr1=0x1c --clock 7M
bad 2 'unknown flag --clok; did you mean --clock' --clok 8M

[ $status -eq 0 ] && echo "$count commands"
exit $status
