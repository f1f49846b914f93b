#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# check_matrix.sh - the tables of docs/formats.md say what the code does
#
#   check_matrix.sh           compares
#   check_matrix.sh --write   writes them anew
#
# One table is printed by tests/format_matrix, which writes, reads back and
# compares; the lists of options come from `evcan list formats --json`.

set -u
LC_ALL=C
export LC_ALL

src=${top_srcdir:-.}
build=${top_builddir:-.}
doc=$src/docs/formats.md
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
status=0

# put NAME: replaces what stands between the marks of NAME by $tmp/NAME.
put() {
	awk -v name="$1" -v file="$tmp/$1" '
		$0 == "<!-- " name ": begin -->" {
			print
			while ((getline line <file) > 0)
				print line
			skip = 1
			found = 1
		}
		$0 == "<!-- " name ": end -->" { skip = 0 }
		!skip && $0 != "<!-- " name ": begin -->"
		END { exit !found }' "$tmp/new.md" >"$tmp/next.md" || {
		echo "docs/formats.md has no marks for $1" >&2
		exit 1
	}
	mv "$tmp/next.md" "$tmp/new.md"
}

cp "$doc" "$tmp/new.md"
"$build/tests/format_matrix" >"$tmp/matrix" || exit 1
put matrix
"${EVCAN:-$build/evcan}" list formats | sed 's/^/    /; s/ *$//' \
	>"$tmp/options" || exit 1
put options

if [ "${1:-}" = --write ]; then
	cp "$tmp/new.md" "$doc"
elif ! cmp -s "$doc" "$tmp/new.md"; then
	diff -u "$doc" "$tmp/new.md"
	echo "docs/formats.md is not true any more: tests/check_matrix.sh" \
		"--write makes it so" >&2
	status=1
fi
exit $status
