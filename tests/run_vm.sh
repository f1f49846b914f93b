#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run_vm.sh - run a guest script in the virtual machine, as its head says:
#
#   tests/vm/vm OPTIONS tests/vm/guest/NAME.sh ARGUMENTS
#
# where an argument BUILDDIR stands for the build directory.
# EVCAN_BUILD is the build directory and EVCAN the tool, there as here.

set -u
LC_ALL=C
export LC_ALL

script=$1
name=${script##*/}
here=$(cd "$(dirname "$0")" && pwd)
build=${top_builddir:-$PWD}

line=$(sed -n "s,^# *tests/vm/vm\(.*tests/vm/guest/$name.*\),\1,p" "$script" |
	head -n 1)
[ -n "$line" ] || {
	echo "$script: no line \"#   tests/vm/vm ... tests/vm/guest/$name\"" >&2
	exit 99
}
options=${line%%tests/vm/guest/*}
arguments=$(printf '%s\n' "${line##*tests/vm/guest/"$name"}" |
	sed "s,BUILDDIR,$build,g")
# shellcheck disable=SC2086 # lists
exec "$here/vm/vm" -e EVCAN_BUILD="$build" \
	-e EVCAN="$build/evcan" -e CI="${CI:-}" $options "$script" $arguments
