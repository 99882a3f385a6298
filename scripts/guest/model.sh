#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# model.sh HISTORIES,SEED PARAMETERS...: for each argument, a set of parameters of
# ntaffinity.ko such as "groupsize=2", loads the module and has kunit/model/module.c
# compare what the DDIs do with the model. Prints KTAP.

histories=${1%,*}
seed=${1#*,}
shift
status=0

for params; do
	echo "# ntaffinity.ko $params"
	dmesg -c >/dev/null

	# shellcheck disable=SC2086
	if ! insmod /ko/ntaffinity.ko $params; then
		echo "not ok - insmod ntaffinity.ko $params"
		status=1
		continue
	fi
	# shellcheck disable=SC2086
	if insmod /ko/ntaffinity_model.ko "histories=$histories" "seed=$seed" $params; then
		rmmod ntaffinity_model
	else
		echo "not ok - insmod ntaffinity_model.ko"
		status=1
	fi
	dmesg | sed -n 's/^\[ *[0-9.]*\] ntaffinity_model: //p' >log
	cat log
	if ! grep -q '^ok ' log; then
		grep -q '^not ok ' log || echo "not ok - no verdict"
		status=1
	fi
	rmmod ntaffinity || { echo "not ok - rmmod ntaffinity"; status=1; }
done
exit $status
