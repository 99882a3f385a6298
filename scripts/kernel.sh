#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel.sh NAME: makes the kernel NAME of scripts/kernels ready in the cache:
# downloads and unpacks a stock kernel, or builds one from source. Where it is
# goes to $cache/kernels/NAME/env, which is written last: if that file names a
# version and configuration, they are complete. An interrupted build goes on
# where it was.

. "$(dirname "$0")/lib.sh"

# Part of the cache key. To be raised when the recipe below changes in a way
# that needs a new build.
recipe=1

kernel_row "${1:?usage: kernel.sh NAME}"
home=$cache/kernels/$k_name

# finish: publishes the kernel, and removes what it replaces.
finish()
{
	local old
	cat >"$home/env.new" <<-END
		kernel_key=$key
		kernel_version=$version
		kernel_image=$kernel_image
		kernel_build=$kernel_build
		kernel_release=$kernel_release
		kernel_arch=$kernel_arch
		kernel_source=$kernel_source
		kernel_llvm=$kernel_llvm
	END
	mv "$home/env.new" "$home/env"
	for old in "$home"/*/; do
		[ "$old" = "$home/$key/" ] || rm -rf "$old"
	done
	for old in "$cache"/src/*/; do
		grep -qsxF "kernel_source=${old%/}" "$cache"/kernels/*/env "$cache"/kernels/*/source || rm -rf "$old"
	done
	rm -f "$home/source"
	say "    $k_name is ready: $kernel_release, in $(duration "$SECONDS")"
}

is_ready()
{
	[ -f "$home/env" ] && grep -qxF "kernel_key=$key" "$home/env"
}

space_for()
{
	local free
	free=$(df -Pk "$cache" | awk 'NR == 2 { print int($4 / 1048576) }')
	[ "$free" -ge "$1" ] || die "$k_name needs $1 GiB of space in $cache, only $free are free"
}

# unpack_headers: unpacks the headers of a stock kernel and the two packages
# that they stand on. The Makefile names one of those by an absolute path; their
# links are relative. Debian's newer headers depend on the image itself: to
# install them would put a second kernel, with initramfs-tools, on the system of
# whoever runs the tests.
unpack_headers()
{
	local root=$home/$key common=${kernel_release%-amd64} part partversion
	for part in "linux-headers-$kernel_release" "linux-headers-$common-common" "linux-kbuild-$common"; do
		partversion=$(candidate "$k_suite" "$part")
		[ "$partversion" = "$version" ] || die "apt offers $part ${partversion:-not at all}, and not $version as its image"
		fetch_deb "$k_suite" "$part" "$version"
		dpkg -x "$deb" "$root"
		rm -rf "$(dirname "$deb")"
	done
	sed -i "s,^include /usr/,include $root/usr/," "$kernel_build/Makefile"
}

prepare_stock()
{
	key=${version//[^[:alnum:].+-]/-}-r$recipe
	kernel_release=${package#linux-image-}
	kernel_build=/lib/modules/$kernel_release/build
	[ "$k_suite" = system ] || kernel_build=$home/$key/usr/src/linux-headers-$kernel_release
	kernel_image=$home/$key/boot/vmlinuz-$kernel_release
	kernel_arch=x86_64
	kernel_source='' kernel_llvm=''
	[ "$k_suite" != system ] || [ -e "$kernel_build/Makefile" ] ||
		die "the headers of $k_name are not installed: apt-get install linux-headers-$kernel_release"
	! is_ready || return 0

	space_for 1
	say "    $k_name: downloading $package $version (70 to 110 MB, unpacked and not installed)"
	fetch_deb "$k_suite" "$package" "$version"
	# The image alone: what the tests load is built here.
	rm -rf "${home:?}/$key"
	mkdir -p "$home/$key"
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$home/$key" ./boot
	[ -f "$kernel_image" ] || die "no $kernel_image in $package"
	rm -rf "$(dirname "$deb")"
	[ "$k_suite" = system ] || unpack_headers
	[ -e "$kernel_build/Makefile" ] || die "no $kernel_build/Makefile in the headers of $package"
	finish
}

# unpack_source: sets kernel_source, a tree shared by the kernels built from it.
unpack_source()
{
	kernel_source=$cache/src/${package}_${version//[^[:alnum:].+-]/-}
	[ ! -d "$kernel_source" ] || return 0
	say "    $k_name: downloading $package $version (140 MB or more)"
	fetch_deb "$k_suite" "$package" "$version"
	say "    $k_name: unpacking the source"
	rm -rf "$kernel_source.partial"
	mkdir -p "$kernel_source.partial"
	dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/src/$package.tar.xz" |
		tar -xJ --strip-components=1 -C "$kernel_source.partial"
	mv "$kernel_source.partial" "$kernel_source"
	rm -rf "$(dirname "$deb")"
}

configure()
{
	make "${make_args[@]}" allnoconfig &&
		scripts/kconfig/merge_config.sh -m -O "$kernel_build" "$kernel_build/.config" "${fragments[@]}" &&
		make "${make_args[@]}" olddefconfig
}

# lost_lines: the lines of the fragments that are not in the .config. Of lines about
# the same option the last one counts, as when they were merged. An option that is
# "not set" need not be there.
lost_lines()
{
	local line
	awk '/^(# )?CONFIG_/ {
		option = $1 == "#" ? $2 : $1; sub(/=.*/, "", option)
		if (/=/ || / is not set$/) last[option] = $0
	} END { for (option in last) print last[option] }' "${fragments[@]}" | sort |
		while read -r line; do
			case $line in
			"# "*) ! grep -q "^$(cut -d' ' -f2 <<<"$line")=" "$kernel_build/.config" || say "$line" ;;
			*) grep -qxF "$line" "$kernel_build/.config" || say "$line" ;;
			esac
		done
}

prepare_source()
{
	local fragments compiler lost log make_args goals

	IFS=+ read -ra fragments <<<"$k_config"
	fragments=("${fragments[@]/#/$tree/scripts/config/}")
	fragments=("${fragments[@]/%/.config}")
	kernel_llvm='' compiler=$(gcc -dumpfullversion)
	if grep -qx CONFIG_CC_IS_CLANG=y "${fragments[@]}"; then
		kernel_llvm=1 compiler=$(clang -dumpversion)
	fi
	key=$(sed '/^# CONFIG_/b; /^#/d; /^$/d' "${fragments[@]}"; echo "$compiler"; echo "$k_runner $recipe")
	key=${version//[^[:alnum:].+-]/-}-$(printf '%s' "$key" | sha256sum | cut -c1-8)
	! is_ready || return 0

	say "    $k_name: built once, then kept in $cache; usually takes $k_minutes min on two cores"
	space_for 4
	unpack_source
	kernel_build=$home/$key
	log=$home/build.log
	mkdir -p "$kernel_build"
	cd "$kernel_source"
	case $k_runner in
	uml) kernel_arch=um kernel_image=$kernel_build/linux goals=(linux modules) ;;
	qemu) kernel_arch=x86_64 kernel_image=$kernel_build/arch/x86/boot/bzImage goals=(bzImage modules) ;;
	none) kernel_arch=x86_64 kernel_image='' goals=(modules_prepare) ;;
	esac
	# Debian's version string says nothing about our configuration.
	make_args=(-s PAHOLE=no-pahole "O=$kernel_build" "ARCH=$kernel_arch" ${kernel_llvm:+LLVM=1}
		"LOCALVERSION=-nta-${k_name%-*}")

	# Others may prepare other kernels while this one is built.
	echo "kernel_source=$kernel_source" >"$home/source"
	unlock kernels
	run_logged "$k_name, configuration" "$log" configure ||
		{ log_excerpt "$log"; die "$k_name cannot be configured"; }
	lost=$(lost_lines)
	[ -z "$lost" ] || die "$package $version does not take these lines of scripts/config for $k_config: $lost"

	make_args=("${make_args[@]:1}" "-j$(nproc)")
	run_logged "$k_name" "$log" make "${make_args[@]}" "${goals[@]}" ||
		{ log_excerpt "$log"; die "$k_name does not build"; }
	kernel_release=$(cat "$kernel_build/include/config/kernel.release")
	[ -z "$kernel_image" ] || [ -f "$kernel_image" ] || die "no $kernel_image after the build"
	lock kernels
	finish
}

lock "kernel-$k_name"
lock kernels
mkdir -p "$home" "$cache/src" "$cache/debs"
apt_refresh "$k_suite"
if ! resolve_package; then
	[ -f "$home/env" ] || die "apt does not know $k_package (suite $k_suite)"
	say "    apt does not know $k_package now: the $k_name of the cache does"
	exit 0
fi
"prepare_$k_kind"
