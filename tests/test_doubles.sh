#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# test_doubles.sh - the conformance suites on every vendor's double
#
# A row: suite, double, interface, two channels that hear each other, flags. It
# goes on in the next line behind a backslash.

set -u
LC_ALL=C
export LC_ALL
build=${top_builddir:-$PWD}
doubles=${EVCAN_DOUBLES:-$build/tests/doubles/.libs}

rows='
driver iscan   iscan  0             1             --later --dlc-8
driver ixxat   ixxat  0             1             --later
driver ixxat4  ixxat  0             1             --later
driver ixxat4  ixxat  0             1             --fd --later
cyclic ixxat4  ixxat  0             1             --loop
driver kvaser  kvaser 0             1             --later
driver kvaser  kvaser 0             1             --fd --later --no-esi
cyclic kvaser  kvaser 0             1             --loop
driver kvaser_old kvaser 0          1             --later
driver neovi   neovi  HSCAN,serial=AB0001 HSCAN,serial=123456 --later --dlc-8
driver neovi   neovi  HSCAN,serial=AB0001 HSCAN,serial=123456 --fd --later \
    --dlc-8 --no-esi
driver neovi_old neovi HSCAN,serial=AB0001 HSCAN,serial=123456 --later --dlc-8
driver nican   nican  CAN0          CAN1          --later --dlc-8
driver nican_old nican CAN0         CAN1          --later --dlc-8
driver pcan    pcan   PCAN_USBBUS1  PCAN_USBBUS2  --later --dlc-8
driver pcan    pcan   PCAN_USBBUS1  PCAN_USBBUS2  --fd --later --dlc-8 \
    --no-esi
driver systec  systec 0             1             --later --dlc-8
driver usb2can usb2can ED000001     ED000002      --later --dlc-8
driver vector  vector 0             1             --later --dlc-8
driver vector  vector 0             1             --fd --later --dlc-8 \
    --no-esi
vendor iscan iscan 0 1 --open isCAN_DeviceInitEx:15:use \
    --read isCAN_ReceiveMessageEx --write isCAN_TransmitMessageEx \
    --close isCAN_CloseDevice --queue iscan_queue=40 --any-version
vendor ixxat ixxat 0,unique_hardware_id=HW100001 \
    0,unique_hardware_id=HW200002 \
    --open vciDeviceOpen:0xe001000a:VCI_E_ACCESSDENIED \
    --read canChannelReadMessage --write canChannelPostMessage \
    --close vciDeviceClose --flood 3000 --too-old major=2 --no-passive
vendor ixxat4 ixxat 0,unique_hardware_id=HW100001 \
    0,unique_hardware_id=HW200002 \
    --open vciDeviceOpen:0xe001000a:VCI_E_ACCESSDENIED \
    --read canChannelReadMessage --write canChannelPostMessage \
    --close vciDeviceClose --flood 3000 --too-old major=2 --no-passive
vendor kvaser kvaser 0 1 --open canOpenChannel:-5:canERR_NOCHANNELS \
    --read canRead --write canWrite --close canClose --queue kvaser_queue=40 \
    --too-old kvaser_version=0x0448
vendor neovi neovi HSCAN,serial=AB0001,receive_own_messages=false \
    HSCAN,serial=123456,receive_own_messages=false \
    --open icsneoOpenDevice:0x3002:DriverFailedToOpen \
    --read icsneoWaitForRxMessagesWithTimeOut --write icsneoTxMessages \
    --close icsneoClosePort --flood 21000 --any-version
vendor nican nican CAN0 CAN1 \
    --open ncOpenObject:0xBFF62103:CanErrFirmwareNoResponse \
    --read ncReadMult --write ncWrite --close ncCloseObject --flood 1300 \
    --too-old nican_version=102
vendor nican_old nican CAN0 CAN1 \
    --open ncOpenObject:0x80000002:CanErrDriver \
    --read ncReadMult --write ncWrite --close ncCloseObject --flood 1300 \
    --too-old nican_version=102
vendor pcan pcan PCAN_USBBUS1 PCAN_USBBUS2 \
    --open CAN_Initialize:0x2000:PCAN_ERROR_RESOURCE --read CAN_Read \
    --write CAN_Write --close CAN_Uninitialize --flood 2100 --any-version
vendor systec systec 0,device_number=0 0,device_number=1 \
    --open UcanInitHardwareEx:4:USBCAN_ERR_ILLVERSION \
    --read UcanReadCanMsgEx --write UcanWriteCanMsgEx \
    --close UcanDeinitHardware --flood 5000 --no-errors \
    --too-old systec_version=0x902
vendor usb2can usb2can ED000001 ED000002 --open CanalOpen:0:CanalOpen \
    --read CanalBlockingReceive --write CanalSend --close CanalClose \
    --flood 1100 --no-send-errors --too-old usb2can_version=0x900
vendor vector vector 0,bitrate=500000 1,bitrate=500000 \
    --open xlOpenPort:202:XL_ERR_WRONG_BUS_TYPE --read xlReceive \
    --write xlCanTransmit --close xlClosePort --queue vector_queue=40 \
    --too-old vector_version=4
vendor pcan pcan PCAN_USBBUS1,fd=true PCAN_USBBUS2,fd=true \
    --open CAN_InitializeFD:0x2000:PCAN_ERROR_RESOURCE --read CAN_ReadFD \
    --write CAN_WriteFD --close CAN_Uninitialize --flood 2100 --any-version
vendor vector vector 0,fd=true 1,fd=true \
    --open xlOpenPort:202:XL_ERR_WRONG_BUS_TYPE --read xlCanReceive \
    --write xlCanTransmitEx --close xlClosePort --queue vector_queue=40 \
    --too-old vector_version=4
'

# run_row OUT SUITE DOUBLE INTERFACE A B FLAGS...: its result in files.
run_row() {
	out=$1 suite=$2 double=$3 interface=$4 a=$5 b=$6
	shift 6
	library=$doubles/${double}_double.so
	if [ ! -e "$library" ]; then
		echo "FAIL: $library was not built" >"$out.result"
	elif "$build/tests/conform_$suite" "$interface:$a,library=$library" \
		"$interface:$b,library=$library" "$@" >"$out" 2>&1 </dev/null
	then
		case $* in
		*--open*) shown='' ;;
		*) shown=$* ;;
		esac
		echo "ok - $suite: $double $a $shown:" \
			"$(grep -c OK "$out") tests" >"$out.result"
	else
		{
			tail -n 40 "$out"
			echo "FAIL: $suite: $double $*"
		} >"$out.result"
	fi
}

dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
n=10

# They wait most of the time: six at once.
# shellcheck disable=SC2162 # backslashes join lines
while read suite double interface a b flags; do
	[ -n "$suite" ] || continue
	n=$((n + 1))
	# shellcheck disable=SC2086 # flags are words
	run_row "$dir/$n" "$suite" "$double" "$interface" "$a" "$b" $flags &
	[ $((n % 6)) -ne 0 ] || wait
done <<END
$rows
END
wait
set -- "$dir"/*.result
cat "$@"
[ $# -eq $((n - 10)) ] || exit 1
! grep -q '^FAIL' "$@"
