#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# test_drivers_help.sh - drivers of vendors whose library is not there

doubles=${EVCAN_DOUBLES:-${top_builddir:-$PWD}/tests/doubles/.libs}
case $doubles in
/*) ;;
*) doubles=$PWD/$doubles ;;
esac
list=${top_srcdir:-.}/src/drivers/list.h
drivers=$(sed -n 's/^EVCAN_DRIVER(\([a-z0-9_]*\))$/\1/p' "$list")

. "${top_srcdir:-.}/tests/tool_lib.sh"

# Driver, a channel of it, where its library comes from, and what it is called
# here (-: nothing, it is for another system).
vendors='
ixxat    0               hms-networks\.com   -
iscan    0               thorsis\.com        -
kvaser   0               kvaser\.com         libcanlib
neovi    1               intrepid            libicsneo
nican    CAN0            ni\.com             -
pcan     PCAN_USBBUS1    peak-system\.com    libpcanbasic
systec   0               systec              -
usb2can  ED000001        8devices\.com       -
vector   0               vector\.com         -
'

for driver in $drivers; do
	case $driver in
	socketcan | virtual) continue ;;
	esac
	printf '%s\n' "$vendors" | grep -q "^$driver " ||
		fault "tests/test_drivers_help.sh has no row for $driver"
	unset "EVCAN_LIB_$(echo "$driver" | tr '[:lower:]' '[:upper:]')"
done

# good ARGS: no complaint.
good() {
	run "$@"
	[ $rc -eq 0 ] || fault "$*: status $rc: $(cat err)"
	[ ! -s err ] || fault "$*: says: $(cat err)"
}

# has PATTERN: a line of the last output matches.
has() {
	grep -qE -e "$1" out || fault "no line \"$1\" in: $(cat out)"
}

# All of them at once ----------------------------------------------------------

good list drivers
mv out table
for driver in $drivers; do
	grep -q "^$driver - ." table || fault "list drivers lacks $driver"
done
# The rest, with none that is there already.
sed -n '/^later versions will have$/,$p' table >later
[ "$(wc -l <later)" -gt 1 ] || fault "nothing comes later: $(tail -n 3 table)"
for driver in nixnet etas cantact neousys; do
	grep -qw "$driver" later || fault "no word of $driver: $(cat later)"
done
for driver in $drivers; do
	grep -qw "$driver" later && fault "$driver is here, not later"
done
bad 2 'no driver "nixnet" yet: a later version' list drivers nixnet
bad 2 'no driver "nosuch"; evcan list drivers tells' list drivers nosuch
good list drivers --json
python3 - out "$drivers" <<'END' || fault "JSON: $(head -c 300 out)"
import json, sys
rows = json.load(open(sys.argv[1]))
assert [row["name"] for row in rows] == sys.argv[2].split()
END
good detect
good detect --json
json out

# A device that refuses later, in its thread -------------------------------------

kvaser=kvaser:77,library=$doubles/kvaser_double.so
if [ -e "$doubles/kvaser_double.so" ]; then
	cat >one.log <<'END'
(1483389946.000000) can0 123#DEADBEEF
END
	cp one.log kept.log
	refusal='kvaser:77: channel 77: .*no such channel'
	bad 1 "$refusal" log "$kvaser" -f kept.log
	bad 1 "$refusal" log virtual:a "$kvaser"
	bad 1 "$refusal" bridge virtual:a "$kvaser"
	bad 1 "$refusal" play "$kvaser" one.log
	bad 1 "$refusal" send "$kvaser" 123#11
	bad 1 "$refusal" send "$kvaser" 123#11 --period 0.1
	cmp -s one.log kept.log || fault 'a log was emptied for no bus'
elif [ "${CI:-}" = true ]; then
	fault "$doubles/kvaser_double.so was not built"
fi

# One by one -------------------------------------------------------------------

# refused PATTERN ARGS: sending with them fails, in one line.
refused() {
	pattern=$1
	shift
	about='send'
	bad 1 "$pattern" -i "$driver" -c "$channel" "$@" 123#11
	about=''
}

# finds_nothing: and says so, which is no failure.
finds_nothing() {
	run detect "$driver"
	[ $rc -eq 0 ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ] &&
		grep -q 'nothing found' err ||
		fault "detect $driver: status $rc: $(cat out err)"
}

is_installed() {
	[ "$1" != - ] && { ldconfig -p || /sbin/ldconfig -p; } 2>/dev/null |
		grep -q "$1"
}

echo 'int main(void) { return 0; }' >text.so

printf '%s\n' "$vendors" | {
	while read -r driver channel source file; do
		echo "$drivers" | grep -qx "${driver:--}" || continue
		variable=EVCAN_LIB_$(echo "$driver" |
			tr '[:lower:]' '[:upper:]')

		# What it is, and every option with a sentence.
		good list drivers "$driver"
		has "^$driver - .{20}"
		has '^    library: text'
		has '^    rx_queue_size: integer'
		good list drivers "$driver" --json
		python3 - out <<'END' || fault "$driver: an option without help"
import json, sys
[row] = json.load(open(sys.argv[1]))
assert all(len(option["help"]) > 9 for option in row["options"])
END

		# Nothing is opened where there is something to open.
		if is_installed "$file"; then
			echo "skipped: there is a library for $driver"
		else
			refused "$source.*option library or $variable"
			finds_nothing
		fi
		refused 'option library /nowhere/lib\.so cannot .*No such file' \
			-o library=/nowhere/lib.so
		refused "option library $tmp/text\.so cannot .*(ELF|short)" \
			-o "library=$tmp/text.so"
		export "$variable=/nowhere/lib.so"
		refused "$variable /nowhere/lib\.so cannot .*No such file"
		finds_nothing
		if [ -e "$doubles/empty_double.so" ]; then
			refused "lacks the function [A-Za-z_]+; .*$source" \
				-o "library=$doubles/empty_double.so"
			export "$variable=$doubles/empty_double.so"
			refused "lacks the function [A-Za-z_]+; .*$source"
			finds_nothing
		elif [ "${CI:-}" = true ]; then
			fault "$doubles/empty_double.so was not built"
		fi
		unset "$variable"
	done
	[ $status -eq 0 ] && echo "$count commands"
	exit $status
}
