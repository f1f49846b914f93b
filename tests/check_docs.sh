#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# check_docs.sh - what is public is documented, and the documents are true

set -u
LC_ALL=C
export LC_ALL
cd "${top_srcdir:-.}" || exit 99

status=0

fault() {
	printf '%s\n' "$*" >&2
	status=1
}

# A doc comment holds for the declarations that follow it without an empty
# line between.
undocumented=$(awk '
	FNR == 1 || /^$/ { documented = 0 }
	/^[ \t]*\/\*\*/ { documented = 1 }
	/^[ \t]*(\/\*|\*)/ || /^(#|typedef|extern|static)/ { next }
	match($0, /^[a-z].*[ *]evcan_[a-z0-9_]+\(/) && !documented {
		print FILENAME ":" FNR ": no comment: " $0
	}
' include/evcan/*.h)
[ -z "$undocumented" ] || fault "$undocumented"

# Commands, as the tool names them, each have their section in the manual.
man=docs/evcan.1
[ -x "${EVCAN:-}" ] || {
	echo 'EVCAN does not name the tool' >&2
	exit 99
}
commands=$("$EVCAN" --help | sed -n 's/^  *evcan \([a-z][a-z]*\).*/\1/p;
	s/^  \([a-z][a-z]*\)  .*/\1/p' | sort -u)
[ "$(printf '%s\n' "$commands" | grep -c .)" -ge 5 ] ||
	fault "evcan --help names hardly any command: this check is broken"
for command in $commands; do
	grep -qE "^\.(S[SHs]|It|Nm).*[ \"]$command([ \"]|\$)" $man ||
		fault "$man: no section on evcan $command"
	# Every long option that the command's help names is in the manual.
	for option in $("$EVCAN" "$command" --help 2>&1 |
		grep -oE -- '--[a-z][a-z-]+' | sort -u); do
		sed 's/\\-/-/g; s/Fl -/--/g' $man | grep -qe "$option" ||
			fault "$man: no $option, which evcan $command --help names"
	done
done

if command -v mandoc >/dev/null; then
	mandoc -T lint -W warning $man >&2 || fault "$man: see mandoc above"
fi

# C in the documents that stands by itself compiles as it stands.
tmp=$(mktemp -d "${TMPDIR:-/tmp}/docs.XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT
for doc in README.md docs/*.md; do
	[ -e "$doc" ] || continue
	awk -v to="$tmp/$(basename "$doc" .md)" '
		/^```c$/ { file = to "-" ++n ".c"; next }
		/^```$/ { file = "" }
		file { print >file }' "$doc"
done
for file in "$tmp"/*.c; do
	grep -q '^#include' "$file" || continue
	# shellcheck disable=SC2086 # a compiler may come with options
	${CC:-cc} ${CPPFLAGS:-} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror \
		-pedantic -Iinclude -Isrc -fsyntax-only "$file" ||
		fault "${file##*/} of the documents does not compile"
done

# Paths that the documents name exist.
for doc in README.md docs/*.md; do
	[ -e "$doc" ] || continue
	# shellcheck disable=SC2016 # the quotes of Markdown
	for path in $(grep -oE \
		'`(src|include|tests|docs|examples)/[A-Za-z0-9_./-]*`' "$doc" |
		tr -d '`' | sort -u); do
		[ -e "$path" ] || [ -e "${path%.c}" ] ||
			fault "$doc names $path, which is not there"
	done
done
exit $status
