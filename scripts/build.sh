#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# build.sh [-s] [-r WORD] NAME [MAKE ARGUMENTS...]: builds the modules with W=1 against
# the kernel NAME, then each sample as a stranger would: copied out of the
# tree, with nothing but our headers and Module.symvers. Any warning is a
# failure. So is the driver that README.md shows. At last it compiles the programs
# that run in the guest. -s runs sparse over every file too,
# where only what it says about our files counts. -r: the modules must not build,
# and all that the compiler has to say is a line of ours that names WORD.
#
# The work is done on a copy in the cache, one for each kernel, so that kernels
# do not mix and the tree stays clean. Only changed files are copied: a second
# build compiles only those, and sparse is not run again where nothing has changed.

. "$(dirname "$0")/lib.sh"

sparse='' refused=''
while getopts sr: option; do
	case $option in
	s) sparse=1 ;;
	r) refused=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
name=${1:?usage: build.sh [-s] [-r WORD] NAME [MAKE ARGUMENTS...]}
shift
kernel_env "$name"
[ -f "$tree/Kbuild" ] || die "there is no Kbuild in $tree"

lock "build-$(basename "$work")-$name"
if [ -n "$sparse" ]; then
	sparse=$(
		cd "$tree"
		printf '%s\n' "$kernel_key" "$(sparse --version)" "$*"
		project_files | grep -E '^(include|src|kunit|samples|scripts/build\.sh|README\.md|Kbuild$)' | xargs -d '\n' sha256sum
	)
	if [ "$sparse" = "$(cat "$work/$name/sparse" 2>/dev/null)" ]; then
		say "    $name: nothing has changed since sparse had nothing to say"
		exit 0
	fi
fi
copy=$work/$name/tree
log=$work/$name/build.log
mkdir -p "$copy"

# Copies of trees that are gone are of no use to anyone.
printf '%s\n' "$tree" >"$work/tree"
for other in "$cache"/work/*/; do
	[ ! -f "$other/tree" ] || [ -d "$(cat "$other/tree")" ] || rm -rf "$other"
done

# A warning shows only when its file is compiled. So what was not finished
# without one is built anew, or the next run would take it for good.
if [ "$(cat "$work/$name/clean" 2>/dev/null)" != "$kernel_key" ]; then
	rm -rf "$copy" "$work/$name/samples"
fi
rm -f "$work/$name/clean"

# sync_files FROM TO: makes TO hold the files named on stdin, relative to FROM,
# and no other source.
sync_files()
{
	local from=$1 to=$2 file list
	mkdir -p "$to"
	list=$(cat)
	while read -r file; do
		grep -qxF "$file" <<<"$list" || rm -f "$to/$file"
	done < <(cd "$to" && find . -type f \( -name '*.[chS]' ! -name '*.mod.c' -o -name Kbuild -o -name Makefile \) | sed 's,^\./,,')
	while read -r file; do
		[ -n "$file" ] || continue
		if ! cmp -s "$from/$file" "$to/$file"; then
			mkdir -p "$(dirname "$to/$file")"
			cp "$from/$file" "$to/$file"
		fi
	done <<<"$list"
}

# The kernel tells these about itself; they say nothing about the modules.
notes='(the compiler|pahole version) differs from the one used to build the kernel|Skipping BTF generation|The kernel was built by:|You are using:'

# Our own kernels are built without pahole, whether it is installed or not: else
# its coming or going would part the modules from their kernel.
pahole=()
[ "$k_kind" != source ] || pahole=(PAHOLE=no-pahole)

# With gcov the modules count what they run, the kernel does not.
gcov=()
! grep -qx CONFIG_GCOV_KERNEL=y "$kernel_build/.config" || gcov=(GCOV_PROFILE=y)

# make_modules DIRECTORY MAKE-ARGUMENTS...
make_modules()
{
	local dir=$1 rc=0
	shift
	make -C "$kernel_build" "ARCH=$kernel_arch" ${kernel_llvm:+LLVM=1} "${pahole[@]}" "${gcov[@]}" "M=$dir" "-j$(nproc)" \
		W=1 ${sparse:+C=2} "$@" modules >"$log.part" 2>&1 || rc=$?
	sed -i "s,$dir/,,g" "$log.part"
	cat "$log.part" >>"$log"
	return "$rc"
}

# build DIRECTORY MAKE-ARGUMENTS...
build()
{
	local dir=$1 rc=0 found
	make_modules "$@" || rc=$?
	found=$(grep -nE '(warning|error):|^(WARNING|ERROR)|\*\*\*' "$log.part" | grep -vE "$notes") || true
	if [ -n "$sparse" ]; then
		# The kernel's own headers are not ours to mend.
		found=$(printf '%s\n' "$found" | grep -vE '^[0-9]+:(/|\./|include/(linux|asm|uapi|trace)|arch/|\.\./)') || true
		grep -q '^  CHECK ' "$log.part" || found="sparse looked at no file"
	fi
	if [ "$rc" -ne 0 ] || [ -n "$found" ]; then
		printf '%s\n' "${found:-$(tail -n 20 "$log.part")}" | head -n 40 | sed 's/^/    /' || true
		say "    whole log: $log"
		die "$(basename "$dir") does not build for $name without complaint"
	fi
}

: >"$log"
project_files | grep -E '^(Kbuild$|((include|src)/.*|kunit/[^/]*)(\.[chS]|Kbuild|Makefile)$)' |
	sync_files "$tree" "$copy"

if [ -n "$refused" ]; then
	! make_modules "$copy" "$@" || die "$name is not refused"
	said=$(sed -n 's/.* error: //p' "$log" | sort -u)
	if ! grep -q "^#error \"ntaffinity .*$refused" <<<"$said" || [ "$(wc -l <<<"$said")" -ne 1 ]; then
		printf '%s\n' "${said:-$(tail -n 20 "$log")}" | head -n 40 | sed 's/^/    /'
		die "$name is refused, but not in one line that names $refused"
	fi
	say "    $said"
	exit 0
fi
build "$copy" "$@"

for sample in $(project_files | sed -nE 's,^samples/([^/]+)/Kbuild$,\1,p'); do
	project_files | sed -n "s,^samples/$sample/,,p" |
		sync_files "$tree/samples/$sample" "$work/$name/samples/$sample"
	build "$work/$name/samples/$sample" "NTAFFINITY=$copy" \
		"KBUILD_EXTRA_SYMBOLS=$copy/Module.symvers" "$@"
done
# The directories below kunit are drivers as well, but may use internal headers.
for test in $(project_files | sed -nE 's,^kunit/([^/]+)/Kbuild$,\1,p'); do
	project_files | sed -n "s,^kunit/$test/,,p" |
		sync_files "$tree/kunit/$test" "$work/$name/$test"
	build "$work/$name/$test" "NTAFFINITY=$copy" \
		"KBUILD_EXTRA_SYMBOLS=$copy/Module.symvers" "$@"
done

# The driver that README.md shows must build as it stands there.
readme=$work/$name/readme
mkdir -p "$readme"
# shellcheck disable=SC2016 # the quotes of markdown
sed -n '/^```c$/,/^```$/p' "$tree/README.md" | sed '/^```/d' >"$readme/mydriver.c"
# shellcheck disable=SC2016
sed -n '/^```make$/,/^```$/p' "$tree/README.md" | sed "/^\`\`\`/d; s,/path/to/ntaffinity,$copy," >"$readme/Kbuild"
build "$readme" "KBUILD_EXTRA_SYMBOLS=$copy/Module.symvers" "$@"

# The guest's own programs. Static, for the guest has no libraries. One is made anew
# when a file of it has changed, has come or has gone.
common=$work/$name/common
project_files | sed -n 's,^scripts/guest/common/,,p' | sync_files "$tree/scripts/guest/common" "$common"
for program in $(project_files | sed -nE 's,^scripts/guest/([^/]+)/.*\.c$,\1,p' | grep -vx common | sort -u); do
	binary=$work/$name/bin/$program
	mkdir -p "$work/$name/bin"
	project_files | sed -n "s,^scripts/guest/$program/,,p" |
		sync_files "$tree/scripts/guest/$program" "$binary.src"
	if [ -x "$binary" ] && [ -z "$(find "$binary.src" "$common" -newer "$binary")" ]; then
		continue
	fi
	gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -pthread -I"$common" -o "$binary.new" "$binary.src"/*.c "$common"/*.c >"$log.part" 2>&1 || {
		sed "s,$binary.src/,scripts/guest/$program/,g; s/^/    /" "$log.part"
		die "scripts/guest/$program does not build without complaint"
	}
	mv "$binary.new" "$binary"
done

for old in "$work/$name"/samples/*/; do
	[ ! -d "$old" ] || [ -f "$tree/samples/$(basename "$old")/Kbuild" ] || rm -rf "$old"
done

printf '%s\n' "$kernel_key" >"$work/$name/clean"
[ -z "$sparse" ] || printf '%s\n' "$sparse" >"$work/$name/sparse"
say "    $name: $(find "$work/$name" -name '*.ko' | wc -l) modules, no warning, in $(duration "$SECONDS")"
