#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# check_exports.sh - the library exports what its headers declare, no more

set -eu
LC_ALL=C
export LC_ALL

lib=${top_builddir:-.}/.libs/libevcan.so
command -v nm >/dev/null || {
	echo 'no nm (Debian: binutils)' >&2
	[ "${CI:-}" = true ] && exit 1
	exit 77
}
[ -e "$lib" ] || {
	echo "no $lib: configured without shared libraries" >&2
	exit 77
}

tmp=$(mktemp -d "${TMPDIR:-/tmp}/exports.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

# Only functions: data cannot change its size without breaking programs.
nm -D --defined-only "$lib" | awk '{ print $2, $3 }' | sed 's/@.*//' |
	grep -v ' _\(init\|fini\)$' | sort >"$tmp/symbols"
awk '{ print $2 }' "$tmp/symbols" >"$tmp/exported"

# Without comments and preprocessor lines, a declaration is a name before a
# parenthesis.
for header in "${top_srcdir:-.}"/include/evcan/*.h; do
	awk '{
		line = $0
		while (1) {
			if (inside) {
				end = index(line, "*/")
				if (!end)
					break
				line = substr(line, end + 2)
				inside = 0
			}
			start = index(line, "/*")
			if (!start) {
				print line
				break
			}
			print substr(line, 1, start - 1)
			line = substr(line, start + 2)
			inside = 1
		}
	}' "$header" | grep -v '^ *#' | grep -v '^static inline' |
		grep -oE '\bevcan_[a-z0-9_]+ *\(' | tr -d ' ('
done | sort -u >"$tmp/declared"

status=0
[ "$(wc -l <"$tmp/declared")" -gt 50 ] || {
	echo 'found hardly any function in the headers: this check is broken' >&2
	status=1
}
if grep -v '^T ' "$tmp/symbols" >&2; then
	echo 'exports that are not functions, above' >&2
	status=1
fi
if comm -23 "$tmp/exported" "$tmp/declared" | grep . >&2; then
	echo 'exported, but in no public header, above' >&2
	status=1
fi
if comm -13 "$tmp/exported" "$tmp/declared" | grep . >&2; then
	echo 'declared in a public header, but not in the library, above' >&2
	status=1
fi
exit $status
