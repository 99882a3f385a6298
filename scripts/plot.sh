#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# plot.sh: draws the rows of bench.sh that show how a pair scales with the number
# of live entries, as SVG. Rows on stdin, with the kernel before each.

export LC_ALL=C
awk -F '\t' '
function x(entries) { return 80 + log(entries) / log(10) * 80 }
function y(time) { return 300 - time / top * 260 }
$2 ~ /^pair, [0-9]+ live entr/ {
	split($2, words, " ")
	n++; entries[n] = words[2]; time[n] = $4; kernel[n] = $1
	if ($4 > top) top = $4
}
END {
	top *= 1.1
	print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"620\" height=\"360\" font-family=\"sans-serif\" font-size=\"12\">"
	print "<!-- SPDX-License-Identifier: GPL-2.0-only -->"
	print "<rect width=\"620\" height=\"360\" fill=\"white\"/>"
	print "<path d=\"M80 40V300H580\" fill=\"none\" stroke=\"black\"/>"
	if (!n) { print "<text x=\"100\" y=\"150\">not measured</text></svg>"; exit }
	for (i = 0; i <= 6; i++)
		printf "<text x=\"%d\" y=\"318\" text-anchor=\"middle\">10<tspan dy=\"-4\" font-size=\"9\">%d</tspan></text>\n", x(10 ^ i), i
	for (i = 0; i <= 4; i++)
		printf "<text x=\"74\" y=\"%d\" text-anchor=\"end\">%.0f</text><path d=\"M80 %dH580\" stroke=\"#ddd\"/>\n", y(top * i / 4) + 4, top * i / 4, y(top * i / 4)
	print "<text x=\"330\" y=\"345\" text-anchor=\"middle\">live entries</text>"
	print "<text x=\"80\" y=\"28\">ns for a Set and Revert pair, no migration (" kernel[1] ")</text>"
	for (i = 1; i <= n; i++)
		points = points sprintf("%d,%d ", x(entries[i]), y(time[i]))
	print "<polyline points=\"" points "\" fill=\"none\" stroke=\"#0057b7\" stroke-width=\"2\"/>"
	for (i = 1; i <= n; i++)
		printf "<circle cx=\"%d\" cy=\"%d\" r=\"4\" fill=\"#0057b7\"><title>%s: %s ns</title></circle>\n", x(entries[i]), y(time[i]), entries[i], time[i]
	print "</svg>"
}'
