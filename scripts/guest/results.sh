# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# What the tests written in shell share: KTAP results and waiting. Sourced, never run.

status=0
number=0

# result TEXT: of the command that came before.
result()
{
	if [ $? -eq 0 ]; then
		number=$((number + 1)); echo "ok $number $*"
	else
		number=$((number + 1)); echo "not ok $number $*"
		status=1
	fi
}

skip()
{
	number=$((number + 1)); echo "ok $number $1 # SKIP $2"
}

# The end: the plan, and the exit status.
end_results()
{
	echo "1..$number"
	exit $status
}

# Until COMMAND...: waits for it to be true, 60 seconds at the most.
until_true()
{
	tries=600
	while ! "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		usleep 100000
	done
}

# The affinity of a process as user space sees it: a list of CPUs.
affinity()
{
	sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "/proc/$1/status"
}

has_affinity()
{
	[ "$(affinity "$1")" = "$2" ]
}
