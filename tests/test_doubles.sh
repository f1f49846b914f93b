#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# test_doubles.sh - the conformance suites on every vendor's double
#
# A row: suite, double, interface, two channels that hear each other, flags.

set -u
LC_ALL=C
export LC_ALL
build=${top_builddir:-$PWD}
doubles=${EVCAN_DOUBLES:-$build/tests/doubles/.libs}

rows='
driver iscan   iscan  0             1
driver ixxat   ixxat  0             1
driver ixxat4  ixxat  0             1
driver ixxat4  ixxat  0             1             --fd
driver kvaser  kvaser 0             1
driver kvaser  kvaser 0             1             --fd
cyclic kvaser  kvaser 0             1             --loop
driver neovi   neovi  HSCAN,serial=AB0001 HSCAN,serial=123456
driver neovi   neovi  HSCAN,serial=AB0001 HSCAN,serial=123456 --fd
driver neovi_old neovi HSCAN,serial=AB0001 HSCAN,serial=123456
driver nican   nican  CAN0          CAN1
driver pcan    pcan   PCAN_USBBUS1  PCAN_USBBUS2
driver pcan    pcan   PCAN_USBBUS1  PCAN_USBBUS2  --fd
driver systec  systec 0             1
driver usb2can usb2can ED000001     ED000002
driver vector  vector 0             1
driver vector  vector 0             1             --fd
'

status=0

while read -r suite double interface a b flags; do
	[ -n "$suite" ] || continue
	library=$doubles/${double}_double.so
	if [ ! -e "$library" ]; then
		echo "FAIL: $library was not built"
		status=1
		continue
	fi
	# shellcheck disable=SC2086 # flags are words
	if "$build/tests/conform_$suite" "$interface:$a,library=$library" \
		"$interface:$b,library=$library" $flags >doubles.out 2>&1
	then
		echo "ok - $suite: $double $flags: $(grep -c OK doubles.out) tests"
	else
		tail -n 40 doubles.out
		echo "FAIL: $suite: $double $flags"
		status=1
	fi
done <<END
$rows
END
rm -f doubles.out
exit $status
