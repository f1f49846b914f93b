#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# check_floors.sh - the house of docs/architecture.md: who may include whom
#
# A floor sees only the floors below it and the public headers.  A file that
# stands on no floor, or not in Makefile.am, is an error.

set -u
LC_ALL=C
export LC_ALL
cd "${top_srcdir:-.}" || exit 99

# Floor, then its files below src/ without suffix.  Those of directories need
# no row: src/drivers, src/loggers, src/tools and examples are floors.
floors='
pure    bit_timing bit_timing_clock bit_timing_internal bit_timing_limits
pure    bit_timing_solve bit_timing_text bytes can_packet cells channel
pure    channel_map crc decode_lines error error_frame fast_text filter
pure    filter_parse frame frame_text lateness lines modifier modifier_options
pure    option_guess option_value options quote remark ring schedule table_row
pure    text version zone
service codec condition environment feed gunzip inflate_ahead netlink now
service squeeze vendor vendor_classic vendor_clock vendor_filter
service vendor_internal vendor_library vendor_news vendor_thread wake
core    alarm bridge bus bus_internal bus_io bus_life bus_send clock config
core    config_sources config_spec cyclic cyclic_check cyclic_device
core    cyclic_grid cyclic_internal cyclic_send cyclic_task detect doc gateway
core    gateway_doc gateway_doc_cyclic gateway_doc_parts gateway_doc_player
core    gateway_internal gateway_log gateway_send gateway_stop ini json
core    listener listener_internal log_file log_marks log_reader log_registry
core    log_rotate log_sink log_sink_file log_sink_open log_source log_start
core    log_tally log_worker log_writer notifier player player_internal
core    player_options player_route player_run player_source plugin
core    plugin_check pollset read_ahead reader registry safe_bus safe_queue
core    subscription subscription_bus subscription_internal subscription_table
core    subscription_watch sync
'

# Floor: the floors whose headers it may include; then which system headers.
# "c": those of C11, threads and jansson; "system": no event2, no jansson.
sees='
pure     pure              c
service  pure,service      system
core     pure,service,core all
drivers  pure,service      system
loggers  pure,service      c
tools    tools             all
examples none              all
'

c_headers=' assert ctype errno float inttypes jansson limits locale math pthread
stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib string strings
time '

faults=0

fault() {
	printf '%s\n' "$*" >&2
	faults=$((faults + 1))
}

# floor_of PATH: the floor it stands on, or nothing.
floor_of() {
	case $1 in
	src/drivers/*) echo drivers ;;
	src/loggers/*) echo loggers ;;
	src/tools/*) echo tools ;;
	examples/*) echo examples ;;
	src/*)
		stem=${1#src/}
		printf '%s\n' "$floors" | awk -v stem="${stem%.*}" '
			{ for (i = 2; i <= NF; i++) if ($i == stem) print $1 }'
		;;
	esac
}

# owner_of PATH: whose file it is: the longest name in the list of its
# directory that it is called by, alone or before "_".
owner_of() {
	stem=${1##*/}
	stem=${stem%.*}
	sed -n 's/^EVCAN_[A-Z]*(\(.*\))$/\1/p' "${1%/*}/list.h" |
		awk -v stem="$stem" '
		stem == $0 || index(stem, $0 "_") == 1 {
			if (length($0) > length(best)) best = $0
		}
		END { print best }'
}

# row FLOOR FIELD: a field of its row in the second table.
row() {
	printf '%s\n' "$sees" | awk -v f="$1" -v n="$2" '$1 == f { print $n }'
}

# check_local FILE FLOOR HEADER: an include in quotes.
check_local() {
	case $3 in
	drivers/list.h | loggers/list.h) return ;; # counted below
	config.h) return ;; # configure's
	../*) path=src/${3#../} ;;
	*) path=${1%/*}/$3 ;;
	esac
	[ -e "$path" ] || path=src/$3
	[ -e "$path" ] || {
		fault "$1: no such header: \"$3\""
		return
	}
	below=$(floor_of "$path")
	case $2/$below in
	drivers/drivers | loggers/loggers)
		[ "$(owner_of "$1")" = "$(owner_of "$path")" ] ||
			fault "$1 includes \"$3\", which is another's"
		return
		;;
	esac
	case ",$(row "$2" 2)," in
	*",$below,"*) ;;
	*) fault "$1 ($2) includes \"$3\" (${below:-no floor})" ;;
	esac
}

# check_system FILE FLOOR HEADER: an include in angle brackets.
check_system() {
	case $3 in
	evcan/*)
		[ -e "include/$3" ] || fault "$1: no such header: <$3>"
		return
		;;
	esac
	case $1 in
	src/loggers/sqlite*) return ;; # owns its file: sqlite3.h, sys/stat.h
	esac
	case $(row "$2" 3) in
	all) ;;
	system)
		case $3 in
		event2/* | event.h | evutil.h | jansson.h)
			fault "$1 ($2) includes <$3>"
			;;
		esac
		;;
	c)
		case $(printf '%s' "$c_headers" | tr '\n' ' ') in
		*" ${3%.h} "*) ;;
		*) fault "$1 ($2) includes <$3>" ;;
		esac
		;;
	esac
}

check_file() {
	floor=$(floor_of "$1")
	if [ -z "$floor" ]; then
		fault "$1: on no floor; give it one in tests/check_floors.sh"
		return
	fi
	sed -n 's/^[ 	]*#[ 	]*include[ 	]*\([<"][^>"]*\)[>"].*/\1/p' "$1" \
		>"$tmp"
	while read -r header; do
		case $header in
		'<'*) check_system "$1" "$floor" "${header#<}" ;;
		*) check_local "$1" "$floor" "${header#\"}" ;;
		esac
	done <"$tmp"
	case $floor/${1##*/} in
	drivers/socketcan*) ;; # is of one system by its nature
	drivers/* | loggers/*)
		grep -nE '^[ 	]*#[ 	]*(if|elif).*(__linux__|_WIN32|__APPLE__|BSD__)' \
			"$1" >&2 && fault "$1: a system #ifdef ($floor have none)"
		;;
	esac
}

# check_listed FILE: it stands in Makefile.am, programs without their suffix.
check_listed() {
	case $1 in
	tests/* | examples/*.c) name=${1%.c} ;;
	*) name=$1 ;;
	esac
	grep -qE "(^|[^A-Za-z0-9_/])$name(\.c)?([^A-Za-z0-9_.]|\$)" Makefile.am ||
		fault "$1: not in Makefile.am"
}

# check_list LIST: one file of src includes it, and it lists its directory.
check_list() {
	dir=${1%/*}
	users=$(grep -lE "^#[ 	]*include \"$1\"" src/*.c src/*/*.c | sort)
	[ "$(printf '%s\n' "$users" | grep -c .)" = 1 ] ||
		fault "$1 is to be included by one file, not by: $users"
	for file in src/"$dir"/*.c; do
		[ -n "$(owner_of "$file")" ] ||
			fault "$file: not in src/$1"
	done
}

tmp=$(mktemp "${TMPDIR:-/tmp}/floors.XXXXXX") || exit 99
trap 'rm -f "$tmp"' EXIT

for file in src/*.[ch] src/*/*.[ch] examples/*.c; do
	check_file "$file"
done
for file in src/*.[ch] src/*/*.[ch] examples/*.c include/evcan/*.h \
	tests/*.[ch] tests/*/*.c tests/test_*.sh; do
	[ -e "$file" ] && check_listed "$file"
done
for file in src/*.[ch] src/*/*.[ch] examples/*.c include/evcan/*.h \
	tests/*.[ch] tests/*/*.[ch]; do
	[ -e "$file" ] || continue
	head -n 3 "$file" | tr '\n\t' '  ' | tr -s ' *' | grep -q \
		"^/\* SPDX-License-Identifier: BSD-3-Clause \*/ /\* [ *]*[a-z/]*${file##*/} - " ||
		fault "$file: does not begin with its licence and \"name - what\""
done
check_list drivers/list.h
check_list loggers/list.h

[ $faults -eq 0 ] || {
	printf '%s\n' "$faults faults; docs/architecture.md tells the rules" >&2
	exit 1
}
