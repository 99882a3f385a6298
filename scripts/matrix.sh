#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What "make matrix" does: the tests on every kernel of scripts/kernels, one row
# after the other, and at last a table of kernels and checks. Exit status 0 only if
# nothing has failed.
#
#   matrix.sh             all rows
#   matrix.sh PATTERN...  those whose name fits one of the patterns
#   matrix.sh -l          lists them
#   matrix.sh -t          writes the table of README.md to stdout
#   matrix.sh -w          writes it into README.md

. "$(dirname "$0")/lib.sh"

table()
{
	local name tests
	echo "| name | kernel | where it runs | tested by |"
	echo "|---|---|---|---|"
	for name in $(kernel_names); do
		kernel_row "$name"
		tests="\`make matrix\`"
		[ "$k_checks" = - ] || tests="\`make check\`, $tests"
		echo "| $k_name | $k_text | $tests |"
	done
}

case ${1:-} in
-l)
	kernel_names
	exit 0
	;;
-t)
	table
	exit 0
	;;
-w)
	mkdir -p "$(dirname "$work")"
	table >"$work-table"
	sed -i -e "/^<!-- scripts\/matrix.sh -w -->$/r $work-table" \
		-e '/^<!-- scripts\/matrix.sh -w -->$/,/^<!-- end -->$/ { /^<!-- /!d }' "$tree/README.md"
	rm "$work-table"
	exit 0
	;;
esac

rows=()
for name in $(kernel_names); do
	[ $# -gt 0 ] || rows+=("$name")
	for pattern; do
		# shellcheck disable=SC2254
		case $name in
		$pattern)
			rows+=("$name")
			break
			;;
		esac
	done
done
[ ${#rows[@]} -gt 0 ] || die "no kernel fits: $*; matrix.sh -l lists them"

# The results are to be of this run until they are in the table. check.sh has a lock
# of its own.
lock "table-$(basename "$work")"
rc=0
"$tree/scripts/check.sh" -m "${rows[@]}" || rc=$?

# A cell has the passed, failed and skipped tests of a check, or how it ended if it
# is no list of tests.
echo
awk -F '\t' -v rows="${rows[*]}" '
BEGIN {
	columns = split("kernel build refused kunit fewcpus load numa user starve torture", column, " ")
	count = split(rows, row, " ")
}
$1 ~ /-/ {
	check = $1; sub(/-.*/, "", check)
	name = $1; sub(/[^-]*-/, "", name)
	cell[name, check] = $2 == "skipped" || $4 + $5 + $6 <= 1 ? $2 : $4 "/" $5 "/" $6
	if ($5 > 0 && $4 + $6 > 0) cell[name, check] = cell[name, check] "!"
	seconds[name] += $3
}
END {
	printf "%-17s", "passed/failed/skipped"
	for (i = 2; i <= columns; i++) printf " %-11s", column[i]
	print "minutes"
	for (r = 1; r <= count; r++) {
		name = row[r]
		printf "%-21s", name
		if (cell[name, "kernel"] != "ok") cell[name, "build"] = "no kernel"
		for (i = 2; i <= columns; i++) {
			printf " %-11s", (name, column[i]) in cell ? cell[name, column[i]] : "-"
		}
		printf "%5.1f\n", seconds[name] / 60
	}
}' "$work/matrix/results"
exit "$rc"
