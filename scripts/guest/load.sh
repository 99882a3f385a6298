#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# load.sh: what only user space can see of the module: its parameters, user
# threads that call a driver, memory that runs out, threads that end or are left
# with a system affinity, and the unload. Prints KTAP; each result names the
# rule it proves.

. /guest/results.sh

try=/sys/kernel/debug/from_the_shell
debug=/sys/kernel/debug/ntaffinity

# logged TEXT: whether the kernel log since the last clear_log has it.
clear_log()
{
	dmesg -c >/dev/null
}

logged()
{
	dmesg | grep -qF -- "$1"
}

stat()
{
	sed -n "s/^$1 //p" $debug/stats
}

# gone PID: whether nothing of the process is left, a zombie neither.
gone()
{
	[ ! -d "/proc/$1" ]
}

# --- parameters (O3) --------------------------------------------------------

# refused PARAMETER: load fails, the log names the value and what is allowed.
refused()
{
	clear_log
	! insmod /ko/ntaffinity.ko "$1" 2>/dev/null &&
		logged "ntaffinity: $1" && logged ": allowed are" && [ ! -d /sys/module/ntaffinity ]
}

for bad in groupsize=0 groupsize=3 groupsize=128 groupsize=-1 groupsize=many groupsize= \
	groupsize rules=windows rules= rules groupaware=2 groupaware=maybe verify=2 levelcheck=x; do
	refused "$bad"
	result "O3 insmod with $bad fails and the log says what is allowed"
done

insmod /ko/ntaffinity.ko && (
	cd /sys/module/ntaffinity/parameters &&
		[ "$(cat groupsize) $(cat rules) $(cat groupaware) $(cat verify)" = "64 documented N N" ]
)
result "O3 the parameters have their defaults and can be read"
rmmod ntaffinity

insmod /ko/ntaffinity.ko groupsize=0x2 rules=observed groupaware=1 && (
	cd /sys/module/ntaffinity/parameters &&
		[ "$(cat groupsize) $(cat rules) $(cat groupaware)" = "2 observed Y" ]
)
result "O3 the parameters show the values given"

! (echo 4 >/sys/module/ntaffinity/parameters/groupsize) 2>/dev/null
result "O3 the parameters cannot be changed after the load"

# From here on this script is the thread that calls.
cpus=$(grep -c ^processor /proc/cpuinfo)
highest=$((cpus / 2 - 1))
all=$(affinity $$)

# --- one processor: all that there is to choose ------------------------------

if [ "$cpus" -eq 1 ]; then
	rmmod ntaffinity
	insmod /ko/ntaffinity.ko && insmod /ko/from_the_shell.ko
	echo set 0 1 >$try/call && has_affinity $$ 0 && [ "$(cat $try/previous)" = "0 0x0" ]
	result "S1 S4 with one processor a Set of it succeeds"
	echo set 0 1 >$try/call && [ "$(cat $try/previous)" = "0 0x1" ]
	result "S3 and a second one has it as Previous"
	refusals=$(stat refused_stray_bits)
	echo set 0 3 >$try/call && [ "$(cat $try/previous)" = "0 0x0" ] &&
		[ "$(stat refused_stray_bits)" -eq $((refusals + 1)) ]
	result "S6 and one of two processors is refused"
	echo revert 0 0 >$try/call && has_affinity $$ 0 && [ "$(stat leaked)" = 0 ]
	result "R1 and the Revert ends it"
	sh -c "echo set 0 1 >$try/call" &
	wait $!
	until_true eval '[ "$(stat leaked)" = 1 ]'
	result "U8 a process that ends while active is counted"
	echo set 0 1 >$try/call && rmmod from_the_shell && clear_log && rmmod ntaffinity &&
		logged "gets its user affinity back" && has_affinity $$ 0
	result "U12 the module unloads with an active thread"
	clear_log
	insmod /ko/ntaffinity.ko && insmod /ko/mydriver.ko && logged "index 0 runs on CPU 0"
	result "S1 the driver that README.md shows visits the processor"
	rmmod mydriver && insmod /ko/raised_levels.ko && rmmod raised_levels
	result "I3 I4 a driver that raises the level loads and unloads"
	clear_log
	insmod /ko/miniport.ko && logged "miniport: 1 of 1 threads worked in their groups"
	result "P5 a miniport has a thread for the group"
	rmmod miniport ntaffinity && [ ! -d /sys/module/ntaffinity ]
	result "P6 both unload at once with the thread running"
	skip "U2 U12 I4 P6 what is seen of a thread that moves" "needs several processors"
	end_results
fi

# --- the group-less forms with groupaware=1 (E5) ----------------------------

insmod /ko/from_the_shell.ko

echo setex 1 >$try/call && has_affinity $$ $((highest * 2))
result "E5 with groupaware=1 SetEx acts on the highest active group"
echo set 0 2 >$try/call && [ "$(cat $try/previous)" = "$highest 0x1" ]
result "E5 and the group form sees that group as Previous"
echo revertex 2 >$try/call && has_affinity $$ $((highest * 2 + 1))
result "E5 and so does RevertEx with a mask"
echo revertex 0 >$try/call && has_affinity $$ "$all"
result "E5 and RevertEx(0) restores the user affinity"

echo revertex 1 >$try/call && has_affinity $$ $((highest * 2)) &&
	echo revert 0 0 >$try/call && has_affinity $$ "$all"
result "V2 with rules=observed a valid RevertEx takes effect without a Set"
echo set 0 0xff >$try/call && has_affinity $$ 0-1 &&
	echo revert 0 0 >$try/call && has_affinity $$ "$all"
result "V1 with rules=observed stray bits are ignored"

rmmod from_the_shell ntaffinity
result "U12 both modules unload when no thread is active"

# --- the driver of README.md ------------------------------------------------

clear_log
insmod /ko/ntaffinity.ko groupsize=2 && insmod /ko/mydriver.ko
i=0
while [ $i -lt $cpus ]; do
	logged "index $i runs on CPU $i" || break
	i=$((i + 1))
done
[ $i -eq $cpus ] && has_affinity $$ "$all" && rmmod mydriver ntaffinity
result "S1 the driver that README.md shows visits every processor"

# --- user threads -----------------------------------------------------------

insmod /ko/ntaffinity.ko groupsize=2 && insmod /ko/from_the_shell.ko

! rmmod ntaffinity 2>/dev/null
result "U12 ntaffinity cannot be unloaded while a driver is linked to it"

# caller USER-LIST: a process with that user affinity that obeys the lines in
# a pipe: a call of a DDI, "fail" before it for a call without memory, "pin",
# "close" to let go of the driver, "exec", "end".
caller()
{
	: >done.$1
	mkfifo orders.$1 && exec 5<>orders.$1
	taskset -c "$2" sh -c '
		exec 4>'$try'/call
		[ ! -f /proc/self/make-it-fail ] || exec 6>/proc/self/make-it-fail
		while read -r order; do
			case $order in
			fail*) echo 1 >&6; echo "${order#fail }" >&4; echo 0 >&6 ;;
			pin) exec 4>&-; echo 1 >/sys/kernel/debug/ntaffinity_pin/pin ;;
			close) exec 4>&- ;;
			exec) exec 4>&-; exec sleep 1000 ;;
			end) exit ;;
			*) echo "$order" >&4 ;;
			esac
			echo done >>done.'$1'
		done' <orders.$1 &
	pid=$!
}

# order NAME ORDER...: has the caller do that, and waits until it is done.
order()
{
	to=$1
	shift
	done=$(wc -l <done.$to)
	echo "$*" >orders.$to
	until_true eval "[ \$(wc -l <done.$to) -gt $done ]"
}

caller a 1-2
until_true has_affinity $pid 1-2
result "U2 a process with user affinity 1-2, which spans two groups"
order a set 1 2 && has_affinity $pid 3 && [ "$(cat $try/previous)" = "0 0x0" ]
result "U2 S4 U10 its thread sets 1:0x2: sched_getaffinity shows it, Previous is 0"
order a set 0 1 && has_affinity $pid 0 && [ "$(cat $try/previous)" = "1 0x2" ]
result "S3 a nested Set to 0:0x1 has Previous 1:0x2"
order a set 9999 1 && has_affinity $pid 0 && [ "$(cat $try/previous)" = "0 0x0" ]
result "S5 a bad group changes nothing"
order a revert 1 2 && has_affinity $pid 3
result "R3 the inner Revert goes back to 1:0x2"
order a revert 7 0 && has_affinity $pid 1-2
result "U2 R1 the outer Revert gives exactly 1-2 back"
order a revert 0 0 && has_affinity $pid 1-2
result "R6 one more Revert changes nothing"

order a set 0 1 && echo exec >orders.a
until_true grep -q sleep /proc/$pid/comm && has_affinity $pid 0
result "U11 exec leaves the system affinity alone"
before=$(stat leaked)
clear_log
kill -9 $pid
until_true gone $pid && until_true eval '[ $(stat leaked) -eq '$((before + 1))' ]' &&
	until_true logged "nobody reverted" && logged "[from_the_shell]"
result "U8 a process killed while active is counted and logged with the caller"

clear_log
caller b 0-1
order b set 1 1 && order b close
echo end >orders.b
until_true gone $pid && until_true eval '[ $(stat leaked) -eq '$((before + 2))' ]' &&
	! logged "nobody reverted"
result "U8 a second leak from the same call site is counted and not logged again"

before=$(stat threads_known)
i=0
while [ $i -lt 20 ]; do
	sh -c "echo set 0 1 >$try/call; echo revert 0 0 >$try/call" &
	wait $!
	i=$((i + 1))
done
until_true eval '[ $(stat threads_known) -le '$before' ]'
result "U8 the entries of threads that ended are freed"

clear_log
i=0
while [ $i -lt 100 ]; do
	echo set 999 1 >$try/call
	i=$((i + 1))
done
lines=$(dmesg | grep -cF "there is no such group")
[ "$lines" -ge 1 ] && [ "$lines" -le 20 ] && [ "$(stat refused_bad_group)" -ge 100 ]
result "S5 a hundred bad calls are all counted and logged at a limited rate ($lines lines)"

# --- memory that runs out (S16) ---------------------------------------------

failslab=/sys/kernel/debug/failslab
if [ -d $failslab ]; then
	echo Y >$failslab/task-filter
	echo N >$failslab/ignore-gfp-wait
	echo 100 >$failslab/probability
	echo 0 >$failslab/verbose
	echo -1 >$failslab/times

	caller c 0-1
	before=$(stat refused_no_memory)
	order c fail set 1 1 && has_affinity $pid 0-1 && [ "$(cat $try/previous)" = "0 0x0" ] &&
		[ "$(stat refused_no_memory)" -eq $((before + 1)) ]
	result "S16 a first Set without memory is refused and nothing changes"
	order c set 1 1 && has_affinity $pid 2 &&
		order c fail set 1 2 && has_affinity $pid 3 && [ "$(cat $try/previous)" = "1 0x1" ] &&
		order c fail revert 1 1 && has_affinity $pid 2 &&
		order c fail revert 0 0 && has_affinity $pid 0-1 &&
		order c fail set 1 1 && has_affinity $pid 2 && order c fail revert 0 0 &&
		has_affinity $pid 0-1 && [ "$(stat refused_no_memory)" -eq $((before + 1)) ]
	result "S16 once a thread has its state, Set and Revert need no memory"
	order c close
	echo end >orders.c
	until_true gone $pid
	echo 0 >$failslab/probability
else
	skip "S16 a first Set without memory is refused" "the kernel has no failslab"
	skip "S16 an active thread needs no memory" "the kernel has no failslab"
fi

# --- unload with active threads (U12) ---------------------------------------

caller d 1-2
order d set 1 2 && order d close && has_affinity $pid 3
left=$pid
caller e 0
order e set 1 1 && order e close && has_affinity $pid 2
result "U12 two processes are active and their driver is not in use"

if [ -f /ko/ntaffinity_pin.ko ]; then
	insmod /ko/ntaffinity_pin.ko
	active=$pid
	caller f 0-1
	order f set 1 1
	echo pin >orders.f
	until_true grep -q 1 /sys/kernel/debug/ntaffinity_pin/pin
	result "U12 a third may not migrate now, and is outside its user affinity"
	pinned=$pid
	pid=$active
	rmmod from_the_shell
	clear_log
	rmmod ntaffinity &
	unloader=$!
	until_true logged "unload waits for 1 thread(s)" && has_affinity $left 1-2
	result "U12 the unload waits for it, says so, and reverts the others meanwhile"
	echo 0 >/sys/kernel/debug/ntaffinity_pin/pin
	wait $unloader && until_true has_affinity $pinned 0-1
	result "U12 and goes on when it may migrate"
	rmmod ntaffinity_pin
else
	rmmod from_the_shell
	clear_log
	rmmod ntaffinity
	result "U12 ntaffinity unloads"
fi

has_affinity $left 1-2 && has_affinity $pid 0
result "U12 both have their user affinity"
logged "gets its user affinity back" && [ ! -d $debug ] && [ ! -d /sys/module/ntaffinity ]
result "U12 the log says which they were, and nothing of the module is left"

# --- drivers that forget (T3, O4) --------------------------------------------

insmod /ko/ntaffinity.ko groupsize=2 verify=1 && insmod /ko/from_the_shell.ko
clear_log
caller h 0-1
order h set 1 1 && has_affinity $pid 2
logged "comes back from a system call with the system affinity group 1 mask 0x1: nobody reverted after call_" && logged "[from_the_shell]" &&
	[ "$(stat not_reverted)" -ge 1 ]
result "O4 verify=1 reports a return to user mode with a system affinity in force"
order h revert 0 0 && has_affinity $pid 0-1
seen=$(stat not_reverted)
order h revert 0 0 && [ "$(stat not_reverted)" = "$seen" ]
result "O4 and no return after the Revert"
order h close && rmmod from_the_shell ntaffinity
result "O4 a module loaded with verify=1 unloads"

# An init routine, whose text is freed.
insmod /ko/ntaffinity.ko groupsize=2
clear_log
insmod /ko/ntaffinity_forgets.ko
logged "[ntaffinity_forgets]: Set to group 0 mask 0x0 refused: the mask is empty"
result "S7 a Set in an init routine is refused with a line"
until_true eval '[ "$(stat leaked)" = 1 ]' && until_true logged "nobody reverted after" &&
	dmesg | grep "nobody reverted after" | grep -qF "[ntaffinity_forgets]"
result "U13 U8 who called there is told when its text is freed, by the module"
# Only where its text lies where it did before could it be taken for what is gone.
init_text=/sys/module/ntaffinity_forgets/sections/.init.text
lies_at=$(cat $init_text)
lay_at=
for loads in 2 3 4 5 6 7 8 9; do
	lay_at="$lay_at $lies_at"
	rmmod ntaffinity_forgets
	clear_log
	insmod /ko/ntaffinity_forgets.ko
	lies_at=$(cat $init_text)
	case "$lay_at " in *" $lies_at "*) break ;; esac
done
logged "[ntaffinity_forgets]: Set to group 0 mask 0x0 refused: the mask is empty"
result "U13 what was loaded anew has lines of its own"
case "$lay_at " in
*" $lies_at "*) ;;
*) skip "U13 even where its text lies where it did" "it always lay elsewhere" ;;
esac
until_true eval '[ "$(stat leaked)" = "$loads" ]' && rmmod ntaffinity_forgets ntaffinity
result "U12 and both unload"

# --- DISPATCH_LEVEL (I2, I3, I4) ----------------------------------------------

tracing=/sys/kernel/tracing
insmod /ko/ntaffinity.ko groupsize=2
[ ! -d $tracing ] || : >$tracing/trace
[ ! -d $tracing ] || echo 1 >$tracing/events/ntaffinity/nta_deferred/enable
clear_log
insmod /ko/raised_levels.ko && logged "under a KSPIN_LOCK: 200 of 200 there"
result "I3 releasing a KSPIN_LOCK performs the move before it returns"
logged "Set, raise, work: 200 of 200 there"
result "I6 nobody leaves the processor before the level is lowered"
logged "under a native lock: 200 of 200 there"
result "I4 a move that waits for the end of a native section comes by itself"
dmesg | sed -n 's/.*raised_levels: that took us/# delay of a move after a native section, us/p'
if [ -d $tracing ]; then
	grep -q "nta_deferred: comm=insmod pid=[0-9]* group=[0-9]* mask=0x[12]$" $tracing/trace
	result "O1 a move that waits is a trace event"
	echo 0 >$tracing/events/ntaffinity/nta_deferred/enable
else
	skip "O1 a move that waits is a trace event" "this kernel has no trace events"
fi
rmmod raised_levels ntaffinity
result "I4 unload right after moves that had to wait"

# --- a level that is left raised (I10) ----------------------------------------

# Since 6.13 what looks at a system call's end may fault, and says so before it does.
may_fault=1
case $(uname -r) in
6.[0-9].* | 6.1[0-2].*) may_fault= ;;
esac

if [ -n "$may_fault" ] && grep -qx CONFIG_DEBUG_ATOMIC_SLEEP=y /config; then
	skip "I10 a thread that returns from its system call raised is brought down" \
		"this kernel's own check (DEBUG_ATOMIC_SLEEP) comes first"
else
	insmod /ko/ntaffinity.ko groupsize=2 && insmod /ko/from_the_shell.ko
	left=$(stat left_raised)
	clear_log
	# The check begins soon after the first raise: one that raises nothing.
	echo raise 0 >$try/call
	until_true grep -qx 'level_check sys_exit' $debug/compat
	result "I10 the check begins at the first raise"
	echo raise 2 >$try/call
	[ "$(stat left_raised)" -eq $((left + 1)) ] &&
		logged "returns from a system call above PASSIVE_LEVEL and is brought down, raised by call_" && logged "[from_the_shell]"
	result "I10 a thread that returns from its system call raised is brought down"
	echo raise 1 >$try/call
	[ "$(stat left_raised)" -eq $((left + 2)) ] && logged "at APC_LEVEL and is brought down"
	result "I10 from APC_LEVEL too"
	rmmod from_the_shell ntaffinity
	result "I10 and the module unloads"
fi

# --- threads of a miniport (P5, P6) -------------------------------------------

# The processes of that name: kernel threads bear their driver's.
threads_of()
{
	cat /proc/[0-9]*/comm 2>/dev/null | grep -cx "$1"
}

# Who has left the miniport is not gone yet for /proc.
none_of_miniport()
{
	[ "$(threads_of miniport)" -eq 0 ]
}

groups=$((cpus / 2))
said="miniport: $groups of $groups threads worked in their groups"

insmod /ko/ntaffinity.ko groupsize=2
clear_log
insmod /ko/miniport.ko && logged "$said" && [ "$(threads_of miniport)" -eq "$groups" ]
result "P5 a miniport has a thread for each group, which bears its name"
! rmmod ntaffinity 2>/dev/null
result "P5 and ntaffinity cannot be unloaded"
rmmod miniport ntaffinity && until_true none_of_miniport && [ ! -d /sys/module/ntaffinity ]
result "P6 both unload at once with the threads running, and the threads are gone"

insmod /ko/ntaffinity.ko groupsize=2 && insmod /ko/miniport.ko linger_ms=15000
clear_log
rmmod miniport &
unloader=$!
until_true logged "ntaffinity: unload of miniport waits for its thread miniport["
logged "which began in queue_thread [miniport]" && [ "$(threads_of miniport)" -eq "$groups" ] &&
	kill -0 $unloader && [ -d /sys/module/miniport ]
result "P6 the unload waits for threads that are still in the miniport, and says so"
wait $unloader && [ ! -d /sys/module/miniport ] && until_true none_of_miniport
result "P6 and goes on when they have left"
[ "$(dmesg | grep -c "unload of miniport waits")" -eq "$groups" ] && [ "$(stat leaked)" = 0 ] && [ "$(stat driver_gone)" = 0 ]
result "P6 a line for each thread, and nothing is left of them"

rounds=0
trouble=
while [ $rounds -lt 10 ] && [ -z "$trouble" ]; do
	insmod /ko/miniport.ko && rmmod miniport ntaffinity && insmod /ko/ntaffinity.ko groupsize=2 || trouble=" in round $rounds"
	rounds=$((rounds + 1))
done
rmmod ntaffinity
[ -z "$trouble" ]
result "P6 a miniport and ntaffinity unload in one command ten times in a row$trouble"

# --- again and again ---------------------------------------------------------

rounds=0
trouble=
while [ $rounds -lt 10 ] && [ -z "$trouble" ]; do
	insmod /ko/ntaffinity.ko && insmod /ko/from_the_shell.ko || trouble=load
	echo set 0 2 >$try/call
	has_affinity $$ 1 || trouble="$trouble, after the Set $(affinity $$)"
	echo revert 0 0 >$try/call
	has_affinity $$ "$all" || trouble="$trouble, after the Revert $(affinity $$)"
	rmmod from_the_shell ntaffinity || trouble="$trouble, unload"
	rounds=$((rounds + 1))
done
[ -z "$trouble" ]
result "U12 ten loads, pairs and unloads in a row${trouble:+ ($trouble)}"

end_results
