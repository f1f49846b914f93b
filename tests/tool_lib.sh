# shellcheck shell=sh
# tool_lib.sh - what the tests of the tool share.  To be read first, with
#   . "${top_srcdir:-.}/tests/tool_lib.sh"
# It goes into a directory of the test's own, which is also its HOME.

set -u
LC_ALL=C
export LC_ALL
EVCAN=${EVCAN:-build/evcan}
case $EVCAN in
/*) ;;
*) EVCAN=$PWD/$EVCAN ;;
esac
unset CAN_INTERFACE CAN_CHANNEL CAN_BITRATE CAN_CONFIG
tmp=$(mktemp -d "${TMPDIR:-/tmp}/tool.XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 99
HOME=$tmp
export HOME

status=0
count=0
about=''        # the command that run and bad are about; empty: it is said

fault() {
	printf 'FAIL: %.1500s\n' "$*" >&2
	status=1
}

# evcan's status, out, err and milliseconds of `evcan ARGS`.
run() {
	count=$((count + 1))
	before=$(date +%s%N)
	# shellcheck disable=SC2086 # empty is no word
	timeout 60 "$EVCAN" $about "$@" >out 2>err </dev/null
	rc=$?
	took=$((($(date +%s%N) - before) / 1000000))
}

# bad STATUS PATTERN ARGS: that status, nothing on standard output, one line
# on standard error that begins with evcan and matches.
bad() {
	want=$1
	pattern=$2
	shift 2
	run "$@"
	[ $rc -eq "$want" ] || fault "evcan${about:+ $about} $*: status $rc, not $want"
	[ ! -s out ] || fault "evcan${about:+ $about} $*: on standard output: $(cat out)"
	[ "$(wc -l <err)" -eq 1 ] ||
		fault "evcan${about:+ $about} $*: $(wc -l <err) lines: $(cat err)"
	grep -qE -e "^evcan${about:+ $about}( [a-z]+)?: .*($pattern)" err ||
		fault "evcan${about:+ $about} $*: says: $(cat err)"
}

json() {
	python3 -c 'import json,sys; json.load(open(sys.argv[1]))' "$1" ||
		fault "$1 is no JSON: $(head -c 300 "$1")"
}
