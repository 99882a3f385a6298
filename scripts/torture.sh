#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What "make torture" does: on each kernel that scripts/kernels marks with torture
# or longtorture, has many threads take random steps with all calls while others
# disturb them, and prints a table. Exit status 0 only if every rule held, and every
# kind of step was taken that the kernel offers; in less than 100000 steps, nearly every.
#
#   torture.sh [STEPS [SEED]]     STEPS in all threads together and on each kernel;
#                                 without it 10^7 in User Mode Linux, 10^5 in QEMU
#   torture.sh -s NAME [SEED]     ten seconds on one kernel; "make check". In QEMU some
#                                 minutes; "make matrix". SEED= in the environment is
#                                 as good
#
# The choices of each thread come from the seed, and are the same again with it;
# how the threads meet is not. Options and kernels are to be had by hand:
# scripts/boot.sh -c 4 -t SECONDS NAME torture.sh SEED STEPS THREADS PARAMETERS...

. "$(dirname "$0")/lib.sh"

scripts=$tree/scripts
logs=$work/torture
threads=12

# Seven figures, so that it can be told over the telephone.
new_seed()
{
	echo $((($(od -An -N4 -tu4 /dev/urandom)) % 9000000 + 1000000))
}

is_number()
{
	case $1 in
	*[!0-9]*) die "TORTURE_STEPS and SEED are numbers" ;;
	esac
}

# torture NAME SEED STEPS PARAMETERS...: its output on stdout. Three minutes more
# than the slowest machine that was seen takes for the steps.
torture()
{
	local name=$1 seed=$2 steps=$3 limit
	shift 3
	limit=$((180 + steps * $# / 500))
	"$scripts/boot.sh" -c 4 -m 1024 -t "$limit" "$name" torture.sh "$seed" "$steps" "$threads" "$@"
}

if [ "${1:-}" = -s ]; then
	name=${2:?usage: torture.sh -s NAME [SEED]}
	kernel_row "$name"
	seed=${3:-${SEED:-$(new_seed)}}
	is_number "$seed"
	# With PREEMPT_RT whoever is raised disables migration, and a kernel loses track of
	# such a thread when its affinity changes and its processor goes: it says so in
	# affine_move_task() (6.12).
	case $k_runner+$k_config+ in
	uml*) torture "$name" "$seed" 20000 groupsize=2 ;;
	*+rt+*) torture "$name" "$seed" 20000 "groupsize=2 nohotplug" "groupsize=64 nohotplug" ;;
	*) torture "$name" "$seed" 20000 groupsize=2 "groupsize=2 nohotplug" ;;
	esac
	exit
fi

steps=${1:-}
seed=${2:-${SEED:-$(new_seed)}}
is_number "$steps$seed"

lock "torture-$(basename "$work")"
mkdir -p "$logs"
"$scripts/packages.sh" check
table=()
bad=0
for name in $(kernel_names); do
	kernel_row "$name"
	case ,$k_checks, in
	*,torture,* | *,longtorture,*) ;;
	*) continue ;;
	esac
	"$scripts/kernel.sh" "$name"
	"$scripts/build.sh" "$name"
	count=$steps
	[ -n "$count" ] || case $k_runner in uml) count=10000000 ;; qemu) count=100000 ;; esac
	# In one group; in several; as drivers have seen Windows. With all processors
	# online user mode asks for any mask, and each refusal is known.
	for params in "groupsize=64" "groupsize=2" "groupsize=2 nohotplug" \
		"groupsize=1 rules=observed groupaware=1"; do
		start=$SECONDS rc=0
		log=$logs/$name-${params//[ =]/-}.log
		say "== $name, $params, seed $seed, $count steps"
		run_logged "$name" "$log" torture "$name" "$seed" $((count / 4)) "$params" || rc=$?
		counts=$(ktap_count <"$log")
		read -r _ passed failed skipped <<<"${counts##*$'\n'}"
		verdict=ok
		if [ "$rc" -ne 0 ] || [ "$failed" -ne 0 ] || [ "$passed" -eq 0 ]; then
			verdict=FAILED
			bad=$((bad + 1))
			grep -E '^(not ok|# FAIL)|^    ' "$log" | head -n 80 || true
			say "    whole log: $log"
		fi
		taken=$(sed -nE 's/^# ([0-9]+) steps in .*/\1/p' "$log")
		table+=("$(printf '%-11s %-40s %9s %9s %6s %7s %7s  %s' "$name" "$params" "$seed" "${taken:-0}" \
			"$passed" "$skipped" "$(duration $((SECONDS - start)))" "$verdict")")
	done
done

say
printf '%-11s %-40s %9s %9s %6s %7s %7s  %s\n' kernel parameters seed steps kinds skipped time verdict
printf '%s\n' "${table[@]}"
say
say "torture: ${#table[@]} runs, $bad failed, in $(duration "$SECONDS")"
[ "$bad" -eq 0 ] && [ ${#table[@]} -gt 0 ]
