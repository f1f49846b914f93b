#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# test_trace.sh - a loop that records makes no call that can wait for a disk
#
# A gateway plays a log onto a bus and records it, in each format, under
# strace. Between its first and its last epoll_wait the loop's thread may
# poll, and read and write event and timer fds; it may not touch a file.

set -u
LC_ALL=C
export LC_ALL
EVCAN=${EVCAN:-build/evcan}
case $EVCAN in
/*) ;;
*) EVCAN=$PWD/$EVCAN ;;
esac
# The leak checker cannot work under a tracer.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
LSAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS LSAN_OPTIONS
tmp=$(mktemp -d "${TMPDIR:-/tmp}/trace.XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 99

if ! strace -o probe.txt true 2>/dev/null; then
	echo 'strace is not here, or may not trace' >&2
	[ "${CI:-}" != true ] || exit 1
	exit 77
fi

status=0
awk 'BEGIN {
	for (i = 0; i < 20000; i++)
		printf "(%d.%06d) can0 %03X#%016X\n", 1500000000 + i / 4000,
		    i % 4000 * 250, i % 2048, i
}' >drive.log

formats=$("$EVCAN" list formats --json | tr -d '\n' |
	sed 's/{"name": "/\n/g' | sed -n '/"writes": true/{
		/^printer/d
		s/^\([a-z0-9_]*\)".*"suffixes": "\(\.[a-z0-9]*\).*/\1:\2/p
	}')
[ -n "$formats" ] || {
	echo 'no formats: this test is broken' >&2
	exit 1
}

for row in $formats asc:.asc.gz; do
	format=${row%%:*} file=out${row#*:}
	cat >gateway.json <<DOCUMENT
{"buses": {"a": {"interface": "virtual", "channel": "t"},
           "b": {"interface": "virtual", "channel": "t"}},
 "loggers": [{"buses": ["b"], "file": "$file", "format": "$format",
              "flush_interval": 0.05}],
 "players": [{"file": "drive.log", "bus": "a", "ignore_timestamps": true,
              "gap": 0.00002}]}
DOCUMENT
	timeout 120 strace -f -y -o trace.txt "$EVCAN" run gateway.json \
		--until-played -q </dev/null >out.txt 2>&1 || {
		echo "$format: $(cat out.txt)" >&2
		status=1
		continue
	}
	[ -s "$file" ] || {
		echo "$format: nothing was recorded" >&2
		status=1
	}
	# The first process in the trace is the loop's thread.
	awk -v format="$row" '
	NR == 1 { loop = $1 }
	$1 != loop { next }
	{
		call = $0
		sub(/^[0-9]+ +/, "", call)
		if (call ~ /^epoll_(p)?wait/) {
			polls++
			last = n
		}
		if (polls)
			calls[++n] = call
	}
	END {
		if (polls < 20) {
			print format ": the trace shows " polls + 0 " polls"
			exit 1
		}
		for (i = 1; i <= last; i++) {
			call = calls[i]
			if (call ~ /^(epoll_|timerfd_|futex|madvise|mmap|munmap|brk|mprotect|clock_|getpid|gettid|rt_sig|sched_yield|<... |--- |\+\+\+ )/)
				continue
			if (call ~ /^(read|write|close)\([0-9]+<(anon_inode:)?\[?(anon_inode:)?\[?(eventfd|timerfd|signalfd)/)
				continue
			if (call ~ /^(read|write|sendto|recvfrom)\([0-9]+<(pipe|socket)/)
				continue
			print format ": the loop made " call
			bad++
			if (bad > 5)
				break
		}
		exit bad > 0
	}' trace.txt >&2 || status=1
done
exit $status
