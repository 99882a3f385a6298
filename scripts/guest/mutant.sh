#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# mutant.sh TEST...: the quick tests one after the other, as far as the first thing
# that fails: nothing is waited for then, not even the end of that case. The last line
# names the test and what failed, or says "survives".
#
# A test that has nothing to say for so many seconds hangs. No case takes as long.

patience=40

cd /tmp || exit

# What KUnit and the kernel print at once.
failures='(EXPECTATION|ASSERTION) FAILED|^[^ ]*;? *not ok |WARNING: |BUG: |Call Trace'
grep -m 1 -E "$failures" </dev/kmsg >failure &

# How far the test is.
said()
{
	dmesg | tail -n 1
	wc -c <"$name.log"
}

# Whether the process ends, and nothing fails until then.
goes_on()
{
	before=
	tenths=0
	while kill -0 "$1" 2>/dev/null; do
		[ ! -s failure ] || return 1
		usleep 100000
		tenths=$((tenths + 1))
		[ $((tenths % 50)) -eq 0 ] || continue
		now=$(said)
		[ "$now" = "$before" ] || tenths=0
		before=$now
		if [ "$tenths" -ge $((patience * 10)) ]; then
			echo "says nothing any more" >failure
			return 1
		fi
	done
	[ ! -s failure ]
}

try()
{
	name=$1
	script=$2
	shift 2
	sh "/guest/$script.sh" "$@" >"$name.log" 2>&1 &
	test=$!
	if ! goes_on "$test" || ! wait "$test" || grep -q '^ *not ok' "$name.log" ||
		! grep -q '^ *ok' "$name.log"; then
		[ -s failure ] || grep '^ *not ok' "$name.log" >failure
		echo "killed by $name: $(sed -n '1{s/^[^;]*;//;s/^ *#* *//;s/ at .*//;p}' failure)"
		exit 1
	fi
}

for test; do
	case $test in
	model) try model model 600,1 groupsize=2 ;;
	kunit) try kunit kunit groupsize=2 ;;
	observed) try observed model 600,1 "groupsize=2 rules=observed groupaware=1" ;;
	unload) try unload unload ;;
	twins) try twins user 1 "" 100 ;;
	*) exit 2 ;;
	esac
done
echo survives
