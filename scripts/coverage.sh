#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What "make coverage" does: on each kernel that scripts/kernels marks with coverage,
# built once more with gcov, runs the tests, and prints for each file of src/ how many
# of its lines and branches ran, and which lines did not. A line has run if it has on
# one of the kernels. Exit status 0 only if the tests passed, and 95 % of the lines ran.
#
#   coverage.sh            all of it; SEED= in the environment is that of the torture
#   coverage.sh -r         only the table, of what the last run has counted

. "$(dirname "$0")/lib.sh"

scripts=$tree/scripts
logs=$work/coverage
aim=95

coverage_kernels()
{
	awk '!/^#/ && NF && ($8 "," $9) ~ /(^|,)coverage(,|$)/ { print $1 }' "$scripts/kernels"
}

# run STEP NAME BOOT-ARGUMENTS...: its counts go to a directory, with what gcov needs
# beside them: the notes that the compiler has left.
run()
{
	local step=$1 name=$2 dir=$logs/$2/$1 log=$logs/$2/$1.log rc=0 counts notes
	shift 2
	mkdir -p "$dir"
	say "== $step-$name"
	# shellcheck disable=SC2317 # run_logged calls it
	boot_it() { "$scripts/boot.sh" -g "$dir/counts.tar.gz" "$@" 2>"$log.err"; }
	run_logged "$step-$name" "$log" boot_it "$@" || rc=$?
	counts=$(ktap_count <"$log")
	if [ "$rc" -ne 0 ]; then
		sed -n 's/^failed /    not ok: /p' <<<"$counts"
		cat "$log.err"
		bad=$((bad + 1))
	fi
	read -r _ passed failed skipped <<<"${counts##*$'\n'}"
	say "    $passed passed, $failed failed, $skipped skipped"
	[ -s "$dir/counts.tar.gz" ] || { say "    no counts"; bad=$((bad + 1)); return; }

	tar -xz -C "$dir" -f "$dir/counts.tar.gz"
	find "$dir" -path '*/src/*.gcda' -exec mv -t "$dir" {} +
	for notes in "$work/$name/tree/src"/*.gcno; do
		cp "$notes" "$dir/"
	done
	# Newer kernels name the sources relative to the tree.
	ln -s "$work/$name/tree"/{src,include} "$dir/"
	# Branches with their counts, and one file for each source, with its whole path.
	if ! (cd "$dir" && gcov -b -c -p ./*.gcda) >"$dir/gcov.log" 2>&1 || grep 'Cannot open source file src/' "$dir/gcov.log"; then
		tail "$dir/gcov.log"
		bad=$((bad + 1))
	fi
}

lock "coverage-$(basename "$work")"
bad=0
if [ "${1:-}" != -r ]; then
	rm -rf "$logs"
	"$scripts/packages.sh" check
	for row in $(coverage_kernels); do
		name=$row+gcov
		"$scripts/kernel.sh" "$name"
		"$scripts/build.sh" "$name"
		run kunit "$name" -t 1200 "$name" kunit.sh groupsize=2 groupsize=64 \
			"groupsize=2 rules=observed groupaware=1 verify=1 levelcheck=0"
		run fewcpus "$name" -t 1200 -a maxcpus=3 "$name" kunit.sh groupsize=2
		run load "$name" -t 1200 "$name" load.sh
		run starve "$name" -c 4 -t 1200 -a rcupdate.rcu_expedited=1 "$name" starve.sh
		run user "$name" -c 4 -t 1200 "$name" user.sh
		run torture "$name" -c 4 -m 1024 -t 1200 "$name" torture.sh "${SEED:-1}" 10000 12 groupsize=2
	done
fi

# A gcov file has lines COUNT:NUMBER:SOURCE, with "-" for a line without code and
# "#####" for one that did not run, "branch N taken COUNT" or "branch N never executed"
# after a line that has branches, and "function NAME called ..." before a function. A
# function of a header stands there once for each file that has it.
mapfile -t files < <(find "$logs" -name '*.gcov' -path '*/*src#*' | sort)
[ ${#files[@]} -gt 0 ] || die "no counts in $logs"
awk -v aim="$aim" '
FNR == 1 {
	source = FILENAME; gsub(/#/, "/", source)
	sub(/\.gcov$/, "", source); sub(/.*\/src\//, "src/", source)
	# The kernel is the directory above that of the step.
	kernel = FILENAME; sub(/\/[^\/]*\/[^\/]*$/, "", kernel)
	name = ""
}
source !~ /^src\/[^\/]*\.[ch]$/ { next }
/^function / { name = $2; next }
/^ *[0-9#=-][^:]*: *[0-9]+:/ {
	split($0, part, ":")
	count = part[1]; number = part[2] + 0
	gsub(/[ *]/, "", count)
	if (count == "-" || !number) next
	line = source SUBSEP number
	if (!(line in function_of)) {
		function_of[line] = name
		if (number > last[source]) last[source] = number
	}
	if (count !~ /^[#=]/) ran[line] = 1
	next
}
/^branch +[0-9]+ / {
	at = kernel SUBSEP line
	if ($2 + 1 > branches[at]) branches[at] = $2 + 1
	if ($3 == "taken" && $4 > 0 && !((at, $2) in taken)) {
		taken[at, $2] = 1
		took[at]++
	}
}
# percent PART WHOLE
function percent(part, whole) {
	return whole ? sprintf("%5.1f", 100 * part / whole) : "    -"
}
END {
	# Of a line, the kernel whose tests took most of its branches.
	for (at in branches) {
		split(at, part, SUBSEP)
		line = part[2] SUBSEP part[3]
		if (!(line in most) || took[at] > most[line]) {
			most[line] = took[at] + 0
			of[line] = branches[at]
		}
	}
	printf "%-28s %7s %7s %6s %9s %7s %6s\n", "file", "lines", "ran", "%", "branches", "taken", "%"
	sort = "sort"
	for (source in last) {
		lines = good = all = some = 0
		missing = ""; from = 0
		for (number = 1; number <= last[source] + 1; number++) {
			line = source SUBSEP number
			known = line in function_of
			if (known) {
				lines++
				if (line in ran) good++
				all += of[line]; some += most[line]
			}
			if (known && !(line in ran)) {
				if (!from) { from = number; where = function_of[line] }
				to = number
			}
			if (from && ((known && (line in ran)) || number > last[source])) {
				missing = missing sprintf("%s\t%d\t%s: %s\n", source, from,
					where, from == to ? from : from "-" to)
				from = 0
			}
		}
		printf "%-28s %7d %7d %6s %9d %7d %6s\n", source, lines, good, percent(good, lines),
			all, some, percent(some, all) | sort
		total += lines; total_good += good; total_all += all; total_some += some
		not_run = not_run missing
	}
	close(sort)
	printf "%-28s %7d %7d %6s %9d %7d %6s\n", "all", total, total_good, percent(total_good, total),
		total_all, total_some, percent(total_some, total_all)
	print "\nlines that did not run:"
	sort = "sort -t \"\t\" -k1,1 -k2,2n | cut -f 1,3 | sed \"s/^/    /; s/\t/: /\""
	printf "%s", not_run | sort
	close(sort)
	exit !(total_good * 100 >= aim * total)
}' "${files[@]}" || { say "fewer than $aim % of the lines"; bad=$((bad + 1)); }
say
say "coverage: $(find "$logs" -name counts.tar.gz | wc -l) runs, $bad failed, in $(duration "$SECONDS")"
[ "$bad" -eq 0 ]
