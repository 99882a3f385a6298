#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What "make bench" does: on each kernel that scripts/kernels marks with bench,
# measures what the calls cost beside what they are compared with, and prints a
# table. Exit status 0 only if no row is short of its aim, but for those of which
# bench.floors says why, as far as it says.
#
#   bench.sh            a table
#   bench.sh csv        the same as comma-separated values, alone on stdout
#
# User Mode Linux runs at the speed of this machine, and nothing else should run
# on it meanwhile. QEMU counts instructions instead: the figures are the same
# each time, and there is no more than one CPU at a time. The rows that show how
# the calls scale are drawn as well.

. "$(dirname "$0")/lib.sh"

format=${1:-table}
case $format in
table | csv) ;;
*) die "FORMAT is table or csv, not $format" ;;
esac
scripts=$tree/scripts
results=$work/bench
mkdir -p "$results"

# What is told meanwhile goes to stderr, or the values would not be alone.
exec 3>&1 1>&2

"$scripts/packages.sh" check
benched=()
for name in $(kernel_names); do
	kernel_row "$name"
	case ,$k_checks, in
	*,bench,*) benched+=("$name") ;;
	esac
done

# text_size NAME: bytes of machine code in the module, all sections of it.
text_size()
{
	size -A "$work/$1/tree/src/ntaffinity.ko" |
		awk '$1 ~ /text/ { bytes += $2 } END { print bytes }'
}

# row NAME AGAINST OURS REFERENCE UNIT AIM: a row of which less is better.
row()
{
	awk -v OFS='\t' -v name="$1" -v against="$2" -v ours="$3" -v ref="$4" -v unit="$5" -v aim="$6" 'BEGIN {
		ratio = sprintf("%.3f", ours / ref)
		print name, against, ours, ref, unit, ratio, "<= " aim, ratio + 0 <= aim + 0 ? "ok" : "short" }'
}

: >"$results/all"
for name in "${benched[@]}"; do
	kernel_row "$name"
	"$scripts/kernel.sh" "$name"
	"$scripts/build.sh" "$name"
	say "    measuring on $name; takes 2 to 4 minutes"
	options=(-c 4 -t 900) rounds=101 turns=9 unit=ns mode=()
	case $k_runner in
	uml) options+=(-m 1024) ;;
	# The clock is the processor's, which icount drives.
	qemu) options+=(-i -a tsc=reliable) rounds=31 turns=3 unit=instructions mode=(icount) ;;
	esac
	"$scripts/boot.sh" "${options[@]}" "$name" bench.sh "$rounds" "$turns" "${mode[@]}" >"$results/$name" ||
		{ tail -n 5 "$results/$name"; die "$name has not measured to the end"; }
	bytes=$(text_size "$name")
	{
		# The shell there tells of those that it has killed.
		sed -n "/	/{ s/	ns	/	$unit	/; p }" "$results/$name"
		row "machine code of the module" "64 KiB" "$bytes" 65536 bytes 1.000
	} | sed "s/^/$name	/" >>"$results/all"
done

# --- what cannot be reached ---------------------------------------------------

# A short row that is within its floor gets the number of the reason instead.
awk -F '\t' -v OFS='\t' -v notes="$results/notes" '
	BEGIN { printf "" >notes }
	NR == FNR { if (!/^#/) { n++; kernel[n] = $1; row[n] = $2; floor[n] = $3; why[n] = $4 }; next }
	$9 == "short" {
		# At least instead of at most: the floor is of the inverse.
		ratio = $8 ~ /^>=/ ? 1 / $7 : $7
		for (i = 1; i <= n; i++)
			if ($1 ~ "^(" kernel[i] ")$" && $2 ~ "^(" row[i] ")$") {
				if (ratio <= floor[i]) {
					if (!(i in number)) {
						number[i] = ++count
						printf "(%d) %s\n", count, why[i] >notes
					}
					$9 = "(" number[i] ")"
				}
				break
			}
	}
	{ print }' "$scripts/bench.floors" "$results/all" >"$results/judged"
mv "$results/judged" "$results/all"

# --- the drawing ------------------------------------------------------------

"$scripts/plot.sh" <"$results/all" >"$results/scale.svg"

# --- the table --------------------------------------------------------------

case $format in
csv)
	echo kernel,row,against,ours,reference,unit,ratio,aim,verdict
	sed 's/"/""/g; s/\t/","/g; s/^/"/; s/$/"/' "$results/all"
	;;
table)
	awk -F '\t' '
	function figure(x) { return x == "" ? "" : x >= 100 ? sprintf("%.0f", x) : sprintf("%.1f", x) }
	$1 != kernel {
		kernel = $1
		printf "\n%s\n%-46s %-28s %10s %10s %-13s %7s %9s  %s\n", kernel,
			"row", "against", "ours", "reference", "", "ratio", "aim", "verdict"
	}
	{ sub(/0$/, "", $8)
	  printf "%-46s %-28s %10s %10s %-13s %7s %9s  %s\n", $2, $3, figure($4), figure($5), $6,
		$7 == "" ? "" : sprintf("%.2f", $7), $8, $9 }' "$results/all"
	;;
esac >&3

short=$(awk -F '\t' '$9 == "short"' "$results/all" | wc -l)
say
say "why an aim cannot be reached:"
fold -s -w 100 "$results/notes"
say
say "drawing: $results/scale.svg"
say "bench: $short rows are short of their aim without a reason, in $(duration "$SECONDS")"
[ "$short" -eq 0 ]
