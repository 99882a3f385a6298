# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154
#
# What the scripts of this directory share: messages, the cache, the table of
# kernels, Debian packages, and counting KTAP results. Sourced, never run.

set -euo pipefail
export LC_ALL=C

# What "make check" and its caller hand down would steer the makes in here:
# a jobserver, or CHECK=, which to the kernel's makefiles is a program. SEED= stays:
# nothing in there reads it, and what is random here does.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES CHECK FORMAT MUTANTS FILES MATRIX TORTURE_STEPS ARCH CROSS_COMPILE KCFLAGS KCPPFLAGS KBUILD_OUTPUT W C V O M

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cache=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/ntaffinity

# --- messages ---------------------------------------------------------------

say()
{
	printf '%s\n' "$*"
}

die()
{
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

# 75 -> "1m15s"
duration()
{
	if [ "$1" -ge 60 ]; then
		printf '%dm%02ds' $(($1 / 60)) $(($1 % 60))
	else
		printf '%ds' "$1"
	fi
}

# The lines of a log that say what went wrong, or else its end.
log_excerpt()
{
	local lines
	lines=$(grep -nE 'error|warning|Error |No space|undefined|No rule' "$1" | head -n 20) || true
	[ -n "$lines" ] || lines=$(tail -n 20 "$1")
	printf '%s\n' "$lines" | sed 's/^/    /'
	say "    whole log: $1"
}

# run_logged LABEL LOG COMMAND...: runs it with its output in LOG and a line of
# progress every ten seconds, with the number of files made or of tests done; to the
# descriptor that progress names, if it is set.
run_logged()
{
	local label=$1 log=$2 start=$SECONDS pid next=10 rc=0 made tests
	shift 2

	# In a process group of its own, which an interruption of this script
	# ends as a whole: what runs in the background ignores SIGINT.
	set -m
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	set +m
	# shellcheck disable=SC2064
	trap "kill -- -$pid 2>/dev/null || true; exit 130" INT TERM HUP
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.5
		if [ $((SECONDS - start)) -ge "$next" ]; then
			next=$((next + 10))
			made=$(grep -cE '^  (CC|AS|LD|AR|HOSTCC)' "$log") || true
			tests=$(grep -cE '^ *(not )?ok ' "$log") || true
			say "    $label: $(duration $((SECONDS - start)))$([ "$made" -eq 0 ] || echo ", $made files made")$([ "$tests" -eq 0 ] || echo ", $tests results")" >&"${progress:-1}"
		fi
	done
	wait "$pid" || rc=$?
	trap - INT TERM HUP
	return "$rc"
}

# --- the cache --------------------------------------------------------------

make_cache()
{
	case $cache in
	*[[:space:]:]*)
		die "the kernel build cannot work in '$cache': set XDG_CACHE_HOME to a path without spaces and colons"
		;;
	esac
	mkdir -p "$cache" || die "cannot make the cache directory $cache: set XDG_CACHE_HOME to one that you can write"
}

# lock NAME: waits until no other run holds it; kept until this process ends,
# and by what it started, so that an orphaned make cannot meet a second one, or
# until unlock NAME.
declare -A locks=()

lock()
{
	local fd
	make_cache
	exec {fd}>"$cache/$1.lock"
	locks[$1]=$fd
	if ! flock -n "$fd"; then
		say "    another run holds $cache/$1.lock, waiting for it" >&2
		flock "$fd"
	fi
}

unlock()
{
	local fd=${locks[$1]}
	exec {fd}>&-
}

# Where the copies of this tree are built: trees do not disturb each other.
work=$cache/work/$(basename "$tree")-$(printf '%s' "$tree" | sha256sum | cut -c1-8)

# Every file of the project, without what builds leave behind. The second form
# is for a tree that git does not know, such as an unpacked archive.
project_files()
{
	if git -c safe.directory="$tree" -C "$tree" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		(cd "$tree" && git -c safe.directory="$tree" ls-files -co --exclude-standard |
			while read -r file; do [ ! -f "$file" ] || printf '%s\n' "$file"; done)
	else
		(cd "$tree" && find . -type f ! -name '*.mod.c' ! -name '*.o' ! -name '*.ko' ! -name '.*.cmd' \
			! -name 'modules.order' ! -name 'Module.symvers' ! -name '*.mod' ! -path './.git/*' | sed 's,^\./,,')
	fi | sort
}

# --- the table of kernels ---------------------------------------------------

kernel_names()
{
	awk '!/^#/ && NF { print $1 }' "$tree/scripts/kernels"
}

# Those that "make check" builds for; the others are for "make matrix".
checked_kernels()
{
	awk '!/^#/ && NF && $8 != "-" { print $1 }' "$tree/scripts/kernels"
}

# The table that README.md shows: what is between the marks.
readme_kernels()
{
	sed -n '/^<!-- scripts\/matrix.sh -w -->$/,/^<!-- end -->$/p' "$tree/README.md" | sed '1d; $d'
}

# kernel_row NAME: sets the k_* variables from the table. NAME+FRAGMENT is the kernel
# of that row with one more fragment of configuration.
kernel_row()
{
	local row
	row=$(awk -v name="${1%%+*}" '!/^#/ && $1 == name' "$tree/scripts/kernels")
	[ -n "$row" ] || die "no kernel '$1' in scripts/kernels, only: $(kernel_names | tr '\n' ' ')"
	read -r k_name k_kind k_package k_suite k_runner k_config k_minutes k_checks k_matrix k_text <<<"$row"
	[ "$1" = "$k_name" ] || k_config+=+${1#*+}
	k_name=$1
}

# kernel_env NAME: sets the kernel_* variables that kernel.sh has left.
kernel_env()
{
	local env=$cache/kernels/$1/env
	kernel_row "$1"
	kernel_llvm=
	[ -f "$env" ] || die "kernel $1 is not ready: run scripts/kernel.sh $1"
	# shellcheck disable=SC1090
	. "$env"
}

# Any source tree of the newest kernel built here: the home of the newest
# checkpatch and kernel-doc.
newest_source()
{
	local name
	for name in $(kernel_names); do
		[ -f "$cache/kernels/$name/env" ] || continue
		(kernel_env "$name" && [ -z "$kernel_source" ] || printf '%s %s\n' "$kernel_version" "$kernel_source")
	done | sort -V | tail -n 1 | cut -d' ' -f2
}

# --- Debian packages --------------------------------------------------------

# apt_for SUITE: sets apt_options. The system's own configuration is used as it
# is; another suite lives wholly in the cache, so that the system stays as it
# was, and root is not needed.
apt_for()
{
	local dir=$cache/apt/$1 keyring=/usr/share/keyrings/debian-archive-keyring.gpg archive=debian

	apt_options=(-q)
	[ "$(id -u)" -ne 0 ] || apt_options+=(-o APT::Sandbox::User=root)
	[ "$1" != system ] || return 0

	[ -f "$keyring" ] || die "$keyring is missing: install debian-archive-keyring"
	mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial" "$dir/parts"
	case $1 in *-security) archive=debian-security ;; esac
	printf 'deb [signed-by=%s] http://deb.debian.org/%s %s main\n' "$keyring" "$archive" "$1" >"$dir/sources.list"
	apt_options+=(
		-o "Dir::Etc::sourcelist=$dir/sources.list" -o "Dir::Etc::sourceparts=$dir/parts"
		-o "Dir::State::lists=$dir/state/lists" -o "Dir::Cache=$dir/cache"
		-o "Dir::State::status=/var/lib/dpkg/status" -o APT::Get::List-Cleanup=false
	)
}

# apt_refresh SUITE: brings a private list up to date, once a day. Offline, the
# old one does. The system's lists are packages.sh's business.
apt_refresh()
{
	local stamp=$cache/apt/$1/updated
	[ "$1" != system ] || return 0
	[ -z "$(find "$stamp" -mmin -1440 2>/dev/null)" ] || return 0
	apt_for "$1"
	say "    reading Debian's list of $1"
	if apt-get "${apt_options[@]}" update >"$cache/apt/$1/log" 2>&1; then
		touch "$stamp"
	elif [ -f "$stamp" ]; then
		say "    no new list of $1 (see $cache/apt/$1/log), the old one does"
	else
		sed 's/^/    /' "$cache/apt/$1/log"
		die "cannot read the list of $1 from deb.debian.org"
	fi
}

# candidate SUITE PACKAGE: the version that apt would take; nothing if unknown.
candidate()
{
	local apt_options
	apt_for "$1"
	apt-cache "${apt_options[@]}" show --no-all-versions "$2" 2>/dev/null |
		awk '$1 == "Version:" { print $2; exit }' || true
}

# resolve_package: from k_package and k_suite to the real package and version,
# in package and version; fails if apt does not know it.
resolve_package()
{
	local apt_options
	apt_for "$k_suite"
	case $k_kind in
	stock)
		package=$(apt-cache "${apt_options[@]}" show --no-all-versions "$k_package" 2>/dev/null |
			sed -nE 's/^Depends: .*\b(linux-image-[0-9][^ ,]*).*/\1/p' | head -n 1)
		;;
	source)
		# apt-cache takes a prefix, the shell matches the pattern.
		package=$(apt-cache "${apt_options[@]}" pkgnames "${k_package%%\**}" 2>/dev/null |
			while read -r name; do
				# shellcheck disable=SC2254
				case $name in $k_package) printf '%s\n' "$name" ;; esac
			done | sort -V | tail -n 1)
		;;
	esac
	[ -n "$package" ] && version=$(candidate "$k_suite" "$package") && [ -n "$version" ]
}

# fetch_deb SUITE PACKAGE VERSION: downloads it; its path is in deb.
fetch_deb()
{
	local apt_options dir=$cache/debs/$2
	apt_for "$1"
	rm -rf "$dir"
	mkdir -p "$dir"
	if ! (cd "$dir" && apt-get "${apt_options[@]}" download "$2=$3") >"$cache/debs/log" 2>&1; then
		sed 's/^/    /' "$cache/debs/log"
		die "cannot download $2 $3; if it is gone from the archive, 'apt-get update' helps"
	fi
	deb=$(echo "$dir"/*.deb)
}

# --- the demo ---------------------------------------------------------------

# The kernels that the demo runs on.
demo_kernels()
{
	awk '!/^#/ && $8 ~ /(^|,)demo(,|$)/ { print $1 }' "$tree/scripts/kernels"
}

# demo_boot NAME: 130 possible CPUs are three groups of 64, the last one short.
# All of them online would take minutes to boot: the guest brings up those that
# it uses.
demo_boot()
{
	"$tree/scripts/boot.sh" -c 130 -m 1024 -a maxcpus=2 "$1" demo.sh
}

# --- results ----------------------------------------------------------------

# ktap_count: reads KTAP, writes "failed NAME" for each failure, and at last
# "total PASSED FAILED SKIPPED". A line that has more deeply indented results
# before it sums them up, and is no test of its own: it counts only if it
# failed and none of them did. 6.1 does not mark a skipped row of a
# parameterised case, but counts it in the line after the rows.
ktap_count()
{
	awk '
	/^ *(not )?ok( |$)/ {
		match($0, /^ */); indent = RLENGTH
		line = substr($0, indent + 1)
		bad = line ~ /^not /
		name = line; sub(/^(not )?ok *[0-9]* *(- )?/, "", name)
		parent = childbad = 0
		while (depth > 0 && at[depth] > indent) {
			parent = 1
			if (failed[depth]) childbad = 1
			depth--
		}
		depth++; at[depth] = indent; failed[depth] = bad
		skip = line ~ /# SKIP/
		if (parent) {
			if (bad && !childbad) { fails++; print "failed " name }
		} else if (bad) {
			fails++; print "failed " (indent > 4 ? test ": " : "") name
		} else if (skip) {
			skips++; rowskips++
		} else {
			passes++
		}
	}
	/^ *# Subtest: / { test = $0; sub(/^ *# Subtest: /, "", test); rowskips = 0 }
	/^    # .*: pass:[0-9]+ fail:[0-9]+ skip:[0-9]+ total:/ {
		more = $0; sub(/.* skip:/, "", more); more -= rowskips
		if (more > 0) { skips += more; passes -= more }
	}
	/^Bail out!/ { fails++; print "failed " $0 }
	END { printf "total %d %d %d\n", passes, fails, skips }'
}
