#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# boot.sh [OPTIONS] NAME SCRIPT [ARGUMENTS...]: boots the kernel NAME with the
# modules that build.sh has made for it, runs scripts/guest/SCRIPT there, and
# writes to stdout what that prints, while it runs. Exit status 0 means that
# the script ran to its end with status 0 and that the kernel had nothing to
# complain about. The script's output and status come over a second channel;
# the console only tells whether the kernel printed a report of its own.
#
#   -c CPUS     how many are possible (QEMU: 4, UML: 8; 1 if the kernel knows no more)
#   -m MIB      memory (512)
#   -t SECONDS  hard limit (300); the machine is then killed
#   -a "ARGS"   more arguments for the kernel
#   -k DIR      with the modules in that directory, and not those of build.sh
#   -g FILE     with a kernel that has gcov: what the modules have counted, as an
#               archive
#   -n NODES    QEMU, with a kernel that has ACPI: NUMA nodes, each as CPUS:MIB,
#               separated by spaces; either may be empty. "0-2:256 :128 3:" has
#               three processors with memory, memory alone, a processor alone
#   -p NUMBER   UML: all its CPUs on one of this machine's processors, counted from
#               0, and in batches: where they wait for each other, as in each
#               migration, that is ten times as fast as on several, but nothing
#               happens at the same time
#   -i          QEMU: the clock counts instructions, one a nanosecond, of all
#               CPUs together, and leaps over the time in which all are idle

. "$(dirname "$0")/lib.sh"

cpus='' mib=512 limit=300 extra='' nodes='' processor='' modules='' counts='' icount=()
while getopts c:m:t:a:g:k:n:p:i option; do
	case $option in
	c) cpus=$OPTARG ;;
	m) mib=$OPTARG ;;
	t) limit=$OPTARG ;;
	a) extra=$OPTARG ;;
	g) counts=$OPTARG ;;
	k) modules=$OPTARG ;;
	n) nodes=$OPTARG ;;
	p) processor=$OPTARG ;;
	i) icount=(-icount "shift=0,sleep=off") ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
name=${1:?usage: boot.sh [OPTIONS] NAME SCRIPT [ARGUMENTS...]}
script=${2:?usage: boot.sh [OPTIONS] NAME SCRIPT [ARGUMENTS...]}
shift 2
kernel_env "$name"
[ -f "$tree/scripts/guest/$script" ] || die "no scripts/guest/$script"

# configured LINE...: whether the kernel's configuration has one of the lines.
configured()
{
	printf '%s\n' "$@" | grep -qxFf - "$kernel_build/.config"
}

[ -n "$cpus" ] || case $k_runner in qemu) cpus=4 ;; uml) cpus=8 ;; esac
configured CONFIG_SMP=y || cpus=1

# Who watches every access to memory takes his time, and more memory.
if configured CONFIG_KASAN=y CONFIG_KCSAN=y CONFIG_DEBUG_KMEMLEAK=y; then
	limit=$((limit * 4)) mib=$((mib * 2))
fi

# One access in 500 is watched, not in 4000: machines of this size are slow enough to
# meet the other one seldom.
! configured CONFIG_KCSAN=y || extra+=" kcsan.skip_watch=500"

# --- the machine's files ----------------------------------------------------

# busybox gives the guest its commands; unpacked, for the static one cannot be
# installed beside the dynamic one that a Debian may have.
busybox=$cache/busybox/bin/busybox
[ -x "$busybox" ] || (
	lock busybox
	[ ! -x "$busybox" ] || exit 0
	mkdir -p "$cache/debs"
	version=$(candidate system busybox-static)
	[ -n "$version" ] || die "apt does not know busybox-static: apt-get update"
	fetch_deb system busybox-static "$version"
	rm -rf "$cache/busybox" "$cache/busybox.new"
	dpkg -x "$deb" "$cache/busybox.new"
	mv "$cache/busybox.new" "$cache/busybox"
	rm -rf "$(dirname "$deb")"
)

# Logs are kept for a day.
mkdir -p "$work/run"
find "$work/run" -mindepth 1 -maxdepth 1 -mmin +1440 -exec rm -rf {} +
run=$(mktemp -d "$work/run/$name-${script%.sh}.XXXXXX")
root=$run/root
mkdir -p "$root"/{bin,dev,proc,sys,tmp,ko,guest}
cp "$busybox" "$root/bin/"
# Not the directories: those are sources, which build.sh has compiled.
find "$tree/scripts/guest" -maxdepth 1 -type f -exec cp -t "$root/guest" {} +
mv "$root/guest/init" "$root/init"
chmod +x "$root/init"
printf '%s\n' "$script" "$@" >"$root/command"
cp "$kernel_build/.config" "$root/config"
(
	lock "build-$(basename "$work")-$name"
	find "${modules:-$work/$name}" -name '*.ko' -exec cp -t "$root/ko" {} + 2>/dev/null || true
	find "$work/$name/bin" -maxdepth 1 -type f -perm /u+x -exec cp -t "$root/bin" {} + 2>/dev/null || true
)
# Debian's flags leave debug information in the modules, megabytes of it.
for ko in "$root"/ko/*.ko; do
	[ ! -f "$ko" ] || strip --strip-debug "$ko"
done
(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) >"$run/initramfs"

# --- the run ----------------------------------------------------------------

# "0-2,5" in the status of this process -> a line each
allowed_processors()
{
	sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status | tr ',' '\n' |
		while IFS=- read -r first last; do seq "$first" "${last:-$first}"; done
}

console=$run/console.log
result=$run/result
: >"$result"

# The nodes' numbers are their places in the list.
numa=()
if [ -n "$nodes" ]; then
	[ "$k_runner" = qemu ] || die "-n needs a kernel that boots in QEMU"
	mib=0 number=0
	for node in $nodes; do
		has=node,nodeid=$number
		[ -z "${node%:*}" ] || has+=,cpus=${node%:*}
		if [ -n "${node#*:}" ]; then
			mib=$((mib + ${node#*:}))
			numa+=(-object "memory-backend-ram,id=memory$number,size=${node#*:}M")
			has+=,memdev=memory$number
		fi
		numa+=(-numa "$has")
		number=$((number + 1))
	done
fi

# The limit ends the machine by SIGKILL: UML fills its console with reports when
# it gets SIGTERM.
#
# An oops ends the machine: nothing that runs after it proves anything.
args="nta_cpus=$cpus panic=-1 oops=panic log_buf_len=4M loglevel=7 $extra"
case $k_runner in
qemu)
	# One CPU a socket: the MP table, which a kernel without ACPI reads,
	# names but one CPU of each.
	# One thread for all CPUs: with one for each, a CPU now and then executes an
	# instruction that another has just patched half, and stumbles at a place
	# where the kernel turns something on or off. It is no slower.
	# no_timer_check: whether the timer works the kernel finds out in a tenth of a
	# second, in which QEMU may not have run at all on a busy machine. On one it may
	# not come round to a processor for half a minute either: watchdog_thresh.
	timeout -s KILL "$limit" qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none \
		-machine q35 -accel tcg,thread=single -cpu max -smp "$cpus,sockets=$cpus" -m "$mib" "${numa[@]}" "${icount[@]}" \
		-serial "file:$console" -serial "file:$result" \
		-kernel "$kernel_image" -initrd "$run/initramfs" \
		-append "console=ttyS0 nta_result=/dev/ttyS1 nta_end=reboot no_timer_check watchdog_thresh=60 $args" \
		</dev/null >"$run/vm.log" 2>&1 &
	;;
uml)
	read -ra args <<<"$args"
	# UML keeps its memory in a file. A container's /dev/shm may be too small
	# for it, and then the kernel would die of SIGBUS.
	export TMPDIR=$run
	shm=$(df -Pm /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
	[ "${shm:-0}" -le $((mib + 64)) ] || TMPDIR=/dev/shm
	ulimit -c 0
	batch=()
	if [ -n "$processor" ]; then
		mapfile -t processors < <(allowed_processors)
		batch=(chrt -b 0 taskset -c "${processors[processor % ${#processors[@]}]}")
	fi
	timeout -s KILL "$limit" "${batch[@]}" "$kernel_image" seccomp=on "ncpus=$cpus" "mem=${mib}M" \
		"initrd=$run/initramfs" "uml_dir=$run" umid=uml \
		con=null con0=null,fd:1 con1=null,fd:3 console=tty0 \
		nta_result=/dev/tty1 nta_end=poweroff "${args[@]}" \
		</dev/null >"$console" 2>&1 3>"$result" &
	;;
esac
vm=$!
# SIGALRM is the time limit to timeout: it ends the machine at once.
# shellcheck disable=SC2064
trap "kill -ALRM $vm 2>/dev/null || true; exit 130" INT TERM HUP
tail -n +1 -s 0.2 -f --pid="$vm" "$result" |
	sed -u -e '/^nta-\(exit\|gcov\): /d' -e "s,$work/$name/tree/,,g" &
show=$!
rc=0
{ wait "$vm"; } 2>/dev/null || rc=$?
wait "$show" || true
trap - INT TERM HUP
rm -rf "$root" "$run/initramfs"

[ -z "$counts" ] || sed -n 's/^nta-gcov: //p' "$result" | base64 -d >"$counts" || true

# --- the verdict ------------------------------------------------------------

failed=()
status=$(sed -n 's/^nta-exit: //p' "$result" | tail -n 1)
if [ "$rc" -eq 137 ] && [ -z "$status" ]; then
	failed+=("no end after $limit s: killed")
elif [ -z "$status" ]; then
	failed+=("the machine ended before $script did (status $rc)")
fi
[ "${status:-0}" -eq 0 ] || failed+=("$script ended with status $status")

# What a kernel prints when it finds something wrong with itself.
splats='WARNING:|BUG:|BUG |Oops|Kernel panic|Call Trace|INFO: (possible|suspicious|inconsistent|rcu|task|trying|lockdep)'
splats+='|suspicious RCU|sleeping function called|[Ss]tall.* (detected|on CPU)|blocked for more than|soft lockup|hard LOCKUP'
splats+='|lockup - pool|possible recursive locking|circular locking|inconsistent lock|invalid wait context|held lock freed|UBSAN|KASAN|KFENCE'
splats+='|ODEBUG|list_(add|del) corruption|refcount_t:|general protection fault|[Uu]nable to handle|double fault|Bad page|Segfault with no mm|SIGBUS|---\[ cut here'

# foreign_races_left_out: the kernel has races of its own, which KCSAN reports. Their
# lines are made empty. A race is ours where one access is in our own text, or in what
# we call to handle masks and memory, or where each is made for us.
foreign_races_left_out()
{
	awk '
	function leave_out() {
		for (i = 1; i <= n; i++) print race && !direct && stacks < 2 ? "" : line[i]
		n = race = direct = stacks = inside = 0
	}
	/====================/ { if (race) { line[++n] = $0; leave_out(); next } leave_out() }
	{ line[++n] = $0 }
	/BUG: KCSAN: / { race = 1 }
	/(read|write|read-write) .*(by task|by interrupt)/ { inside = frame = 1; ours = 0; next }
	!inside { next }
	/ [^ ]+\+0x[0-9a-f]+\/0x[0-9a-f]+/ {
		if (/ \[[a-z_]+\]/) {
			if (frame) direct = 1
			if (!ours) stacks++
			ours = 1
		}
		if (!/ (_*(bitmap|cpumask|mem)[a-z0-9_]*)\+/) frame = 0
		next
	}
	{ inside = 0 }
	END { leave_out() }' "$1"
}

reports=$console
if configured CONFIG_KCSAN=y; then
	reports=$run/reports
	foreign_races_left_out "$console" >"$reports"
fi
if grep -qE "$splats" "$reports"; then
	failed+=("the kernel printed a report")
	grep -nE -A 25 "$splats" "$reports" | head -n 60 >"$run/splat" || true
fi

[ ${#failed[@]} -gt 0 ] || exit 0
{
	printf '    %s\n' "${failed[@]/#/$name, $script: }"
	if [ -f "$run/splat" ]; then
		sed 's/^/    | /' "$run/splat"
	elif [ -z "$status" ]; then
		say "    last lines of the console:"
		tail -n 15 "$console" | sed 's/^/    | /'
	fi
	[ ! -s "$run/vm.log" ] || sed 's/^/    | /' "$run/vm.log"
	say "    console: $console"
	say "    result:  $result"
} >&2
exit 1
