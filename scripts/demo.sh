#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What "make demo" does: boots Debian's stock kernel with 130 possible CPUs in
# QEMU, with the module and the samples built for it, and shows what
# scripts/guest/demo.sh prints there. Exit status 0 only if that says so.

. "$(dirname "$0")/lib.sh"

name=$(demo_kernels | head -n 1)
scripts=$tree/scripts
"$scripts/packages.sh" demo
"$scripts/kernel.sh" "$name"
"$scripts/build.sh" "$name"
say "    booting $name with 130 possible CPUs; usually takes 20 s"
if demo_boot "$name"; then
	say "demo: passed, in $(duration "$SECONDS")"
else
	say "demo: FAILED"
	exit 1
fi
