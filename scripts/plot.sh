#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# plot.sh: draws the rows of bench.sh that show how the calls scale, as SVG: a pair
# with the number of live entries, and what depends on groups and processors with
# the number of possible CPUs. Each from the first kernel that has measured it. Rows
# on stdin, with the kernel before each.

export LC_ALL=C
awk -F '\t' '
function text(x, y, anchor, words) {
	printf "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>\n", x, y, anchor, words
}
function log10(x) { return log(x) / log(10) }
function power(i) { return "10<tspan dy=\"-4\" font-size=\"9\">" i "</tspan>" }

# frame(LEFT, WIDTH, TITLE, BELOW): a panel of its own.
function frame(left, width, title, below) {
	printf "<path d=\"M%d 40V300H%d\" fill=\"none\" stroke=\"black\"/>\n", left, left + width
	text(left, 24, "start", title)
	text(left + width / 2, 345, "middle", below)
}
function grid(left, width, y, words) {
	printf "<path d=\"M%d %dH%d\" stroke=\"#ddd\"/>\n", left, y, left + width
	text(left - 6, y + 4, "end", words)
}
function point(x, y, color, words) {
	printf "<circle cx=\"%d\" cy=\"%d\" r=\"4\" fill=\"%s\"><title>%s</title></circle>\n", x, y, color, words
}
function line(points, color) {
	printf "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>\n", points, color
}

# --- live entries ---
function entries_x(count) { return 80 + log10(count) * 80 }
function entries_y(time) { return 300 - time / top * 260 }
function draw_entries(i, points) {
	frame(80, 500, "a Set and Revert pair, no migration: " pair_unit " (" pair_kernel ")", "live entries")
	if (!pairs) { text(330, 150, "middle", "not measured"); return }
	for (i = 0; i <= 6; i++)
		text(entries_x(10 ^ i), 318, "middle", power(i))
	top *= 1.1
	for (i = 0; i <= 4; i++)
		grid(80, 500, entries_y(top * i / 4), sprintf("%.0f", top * i / 4))
	for (i = 1; i <= pairs; i++)
		points = points sprintf("%d,%d ", entries_x(entries[i]), entries_y(time[i]))
	line(points, color[1])
	for (i = 1; i <= pairs; i++)
		point(entries_x(entries[i]), entries_y(time[i]), color[1], entries[i] ": " time[i] " " pair_unit)
}

# --- possible CPUs ---
function cpus_x(count) { return 700 + (log10(count) - log10(8)) * 110 }
function cpus_y(cost) { return 300 - log10(cost < 1 ? 1 : cost) * 65 }
function draw_cpus(i, s, name, count, points, y, last) {
	frame(680, 350, "parts that depend on processors: " cpus_unit " (" cpus_kernel ")", "possible CPUs")
	if (!names) { text(855, 150, "middle", "not measured"); return }
	for (i = 0; i <= 4; i++)
		grid(680, 350, cpus_y(10 ^ i), power(i))
	count = split(sizes, size, " ")
	for (s = 1; s <= count; s++)
		text(cpus_x(size[s]), 318, "middle", size[s])
	for (i = 1; i <= names; i++) {
		name = names_of[i]
		points = ""
		for (s = 1; s <= count; s++)
			points = points sprintf("%d,%d ", cpus_x(size[s]), cpus_y(cost[name, size[s]]))
		line(points, color[i])
		for (s = 1; s <= count; s++)
			point(cpus_x(size[s]), cpus_y(cost[name, size[s]]), color[i],
			      name ", " size[s] ": " cost[name, size[s]] " " cpus_unit)
		# Beside the lines, one below the other.
		y = 40 + i * 16
		printf "<path d=\"M1045 %dH1065\" stroke=\"%s\" stroke-width=\"2\"/>\n", y - 4, color[i]
		text(1072, y, "start", name)
	}
}

BEGIN { split("#0057b7 #c0392b #27ae60 #8e44ad #d35400 #16a085 #7f8c8d #b8860b #2c3e50 #e056a0", color, " ") }

$2 ~ /^pair, [0-9]+ live entr/ && (!pairs || $1 == pair_kernel) {
	split($2, words, " ")
	pairs++
	entries[pairs] = words[2]
	time[pairs] = $4
	pair_kernel = $1
	pair_unit = $6
	if ($4 > top) top = $4
}
$2 ~ /^scale: .*, [0-9]+ possible CPUs$/ && (!names || $1 == cpus_kernel) {
	name = $2
	sub(/^scale: /, "", name)
	sub(/, [0-9]+ possible CPUs$/, "", name)
	cpus = $2
	sub(/ possible CPUs$/, "", cpus)
	sub(/.* /, "", cpus)
	against = $3 + 0
	if (!(name in known)) { known[name]; names_of[++names] = name }
	if (!(against in is_size)) { is_size[against]; sizes = sizes against " " }
	if (!(cpus in is_size)) { is_size[cpus]; sizes = sizes cpus " " }
	cost[name, against] = $5
	cost[name, cpus] = $4
	cpus_kernel = $1
	cpus_unit = $6
}
END {
	print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1240\" height=\"360\" font-family=\"sans-serif\" font-size=\"12\">"
	print "<!-- SPDX-License-Identifier: GPL-2.0-only -->"
	print "<rect width=\"1240\" height=\"360\" fill=\"white\"/>"
	draw_entries()
	draw_cpus()
	print "</svg>"
}'
