#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run_python.sh - run a test in Python; where its first lines say
# "<test>.py PRINT_SOMETHING", with the program tests/interop/print_something

set -u
LC_ALL=C
export LC_ALL

# Where python3 is one of the user's own, the system's may have python-can.
python=python3
python3 -c 'import can' 2>/dev/null || python=/usr/bin/python3
command -v $python >/dev/null || {
	echo 'no python3' >&2
	exit 77
}
program=$(head -n 20 "$1" | sed -n "s/.*${1##*/} \(PRINT_[A-Z_]*\).*/\1/p" |
	head -n 1 | tr '[:upper:]' '[:lower:]')
exec $python "$1" ${program:+"${top_builddir:-.}/tests/interop/$program"}
