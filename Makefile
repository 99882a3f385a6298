# SPDX-License-Identifier: GPL-2.0-only
#
# The commands of ntaffinity; "make help" lists them. What kbuild makes of the
# tree is in Kbuild; what the others do is in scripts/.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

modules: headers
	$(MAKE) -C $(KDIR) M=$(CURDIR) NTA_SUITES=no modules

# modules_install leaves depmod out where the build directory has no System.map,
# and would sign with a key that is not there: both so with Debian's headers.
# Their "make kernelrelease" is wrong too, unlike utsrelease.h.
install: modules
	$(MAKE) -C $(KDIR) M=$(CURDIR) CONFIG_MODULE_SIG_ALL= modules_install
	depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) \
		$$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)

clean: headers
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

headers:
	@test -e "$(KDIR)/Makefile" || { \
		echo "ntaffinity: no kernel headers in $(KDIR): apt install linux-headers-$(KVER), or choose a kernel with KVER= or KDIR=" >&2; \
		exit 1; }

demo:
	@scripts/demo.sh

check:
	@scripts/check.sh $(CHECK)

matrix:
	@scripts/matrix.sh $(MATRIX)

bench:
	@scripts/bench.sh $(FORMAT)

torture:
	@scripts/torture.sh "$(TORTURE_STEPS)" $(SEED)

model:
	@scripts/model.sh

mutants:
	@scripts/mutants.sh $(if $(MUTANTS),-n $(MUTANTS)) $(if $(SEED),-s $(SEED)) $(FILES)

coverage:
	@scripts/coverage.sh

help:
	@echo 'make            builds src/ntaffinity.ko for the running kernel'
	@echo '                KVER=6.1.0-56-amd64: for another one that is installed'
	@echo '                KDIR=/path: for the kernel built in that directory'
	@echo 'make install    installs it below /lib/modules (INSTALL_MOD_PATH= goes before it)'
	@echo 'make clean      removes what make has built'
	@echo 'make demo       shows it on a stock kernel with 130 CPUs, in QEMU'
	@echo 'make check      runs all tests; CHECK="PATTERN..." some of them:'
	@echo '                make check CHECK="kunit-uml-7 checkpatch"'
	@echo '                scripts/check.sh -l lists them; SEED=: torture and user as once before'
	@echo 'make matrix     runs the tests on every supported kernel, for 1 1/2 hours; MATRIX="PATTERN..." on'
	@echo '                some of them: make matrix MATRIX="none-* debug-7"'
	@echo '                scripts/matrix.sh -l lists them'
	@echo 'make bench      measures what the calls cost, beside what they replace'
	@echo '                FORMAT=csv: as comma-separated values'
	@echo 'make torture    random steps in many threads, with others that disturb them;'
	@echo '                TORTURE_STEPS=1000000: so many on each kernel; SEED=: as once before'
	@echo 'make model      compares the rules with a second model of them, in random histories'
	@echo 'make mutants    makes small changes of the sources, and tells which no test notices'
	@echo '                MUTANTS=40 SEED=2 FILES="apply.c irql.c": some of them'
	@echo 'make coverage   which lines and branches of src/ the tests run'
	@echo ''
	@echo 'all but the first three install the Debian packages that they miss, and keep their test'
	@echo 'kernels in $${XDG_CACHE_HOME:-~/.cache}/ntaffinity (4 GB, with matrix 12 GB; remove it'
	@echo 'at any time).'

.PHONY: modules install clean headers demo check matrix bench model torture mutants coverage help
