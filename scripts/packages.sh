#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# packages.sh demo|check|matrix [ROW...]: sees to the Debian packages that "make
# demo", "make check" or those rows of "make matrix" need. As root, or with sudo, it installs those that are
# missing, and says which and why; else it prints the one command that does it,
# and fails. Test kernels and busybox are not installed but unpacked into the
# cache (kernel.sh, boot.sh).

. "$(dirname "$0")/lib.sh"

purpose=${1:-check}
[ $# -eq 0 ] || shift
case $purpose in
demo) rows=$(demo_kernels | head -n 1) ;;
check) rows=$(checked_kernels) ;;
matrix) rows=$* ;;
*) die "demo, check or matrix, not $purpose" ;;
esac

command -v apt-get >/dev/null ||
	die "this is no Debian (no apt-get): the test kernels are Debian packages, and a Debian 12 is needed to $purpose"

# package: why. The headers of the stock kernels are added below.
needs=(
	"gcc: compiles the modules"
	"libc6-dev: the kernel's build tools are C programs, and so is a test (static)"
	"make: drives the build"
	"cpio: packs the test machine's file system"
	"qemu-system-x86: the test machine"
)
if [ "$purpose" != demo ]; then
	needs+=(
		"flex: builds the test kernels' configuration"
		"bison: builds the test kernels' configuration"
		"bc: builds the test kernels"
		"libelf-dev: builds the test kernels' objtool"
		"libssl-dev: builds the test kernels"
		"xz-utils: unpacks the kernel sources"
		"perl: runs checkpatch"
		"python3: runs kernel-doc"
		"sparse: checks the sources"
		"pahole: the headers of Debian's 6.12 have the modules' types described"
	)
fi

for name in $rows; do
	kernel_row "$name"
	case +$k_config+ in
	*+clang+*)
		needs+=(
			"clang: compiles $name and its modules"
			"lld: links them"
			"llvm: builds them"
		)
		break
		;;
	esac
done

installed()
{
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# missing_packages: sets missing to those not installed, and unknown if apt
# cannot name the headers of a stock kernel, or has never heard of a package.
missing_packages()
{
	local need name package version
	missing=()
	unknown=

	for need in "${needs[@]}"; do
		installed "${need%%:*}" || missing+=("$need")
	done
	for name in $rows; do
		kernel_row "$name"
		[ "$k_suite" = system ] || continue
		if ! resolve_package; then
			unknown+=" $k_package"
		elif [ "$k_kind" = stock ] && ! installed "${package/image/headers}"; then
			missing+=("${package/image/headers}: builds the modules for $k_name")
		fi
	done
	for need in "${missing[@]}"; do
		[ -n "$(candidate system "${need%%:*}")" ] || unknown+=" ${need%%:*}"
	done
}

make_cache
missing_packages
if [ ${#missing[@]} -eq 0 ] && [ -z "$unknown" ]; then
	say "    all packages are installed"
	exit 0
fi

if [ "$(id -u)" -eq 0 ]; then
	root=()
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
	root=(sudo)
else
	say "    These packages are missing:"
	[ ${#missing[@]} -eq 0 ] || printf '      %s\n' "${missing[@]}"
	[ -z "$unknown" ] || say "      (not in apt's present lists:$unknown)"
	say "    Run as root, then try again:"
	names=("${missing[@]%%:*}")
	# Headers that the present lists cannot name come by their metapackage.
	[ -z "$unknown" ] || names+=(linux-headers-amd64)
	say "      apt-get update && apt-get install -y --no-install-recommends ${names[*]}"
	exit 1
fi

# The password is asked for here: run_logged is no place for questions.
[ ${#root[@]} -eq 0 ] || sudo -v

as_root()
{
	"${root[@]}" env DEBIAN_FRONTEND=noninteractive "$@"
}

log=$cache/packages.log
if [ -n "$unknown" ]; then
	say "    apt does not know$unknown: apt-get update"
	as_root apt-get -q update >"$log" 2>&1 || { log_excerpt "$log"; die "apt-get update failed"; }
	missing_packages
	[ -z "$unknown" ] || die "apt still does not know$unknown: this needs a Debian 12 (bookworm) with its security suite"
fi

install_missing()
{
	as_root apt-get -q install -y --no-install-recommends "${missing[@]%%:*}"
}

if [ ${#missing[@]} -gt 0 ]; then
	say "    installing:"
	printf '      %s\n' "${missing[@]}"
	if ! run_logged apt "$log" install_missing; then
		# A mirror drops superseded packages: new lists name the present ones.
		say "    apt-get install failed: once more, after apt-get update"
		as_root apt-get -q update >"$log" 2>&1 || { log_excerpt "$log"; die "apt-get update failed"; }
		missing_packages
		run_logged apt "$log" install_missing || { log_excerpt "$log"; die "apt-get install failed"; }
	fi
fi
