// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands of the guest, and with them loading and unloading the modules.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "twins.h"

/* Runs a command of the guest; returns its exit status. */
int run(const char *const argv[])
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], (char **)argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int insert_module(const char *path, const char *parameter)
{
	return run((const char *[]){ "insmod", path, parameter, NULL });
}

int remove_module(const char *name)
{
	return run((const char *[]){ "rmmod", name, NULL });
}

bool load_modules(void)
{
	return !insert_module("/ko/ntaffinity.ko", "groupsize=2") &&
	       !insert_module("/ko/from_the_shell.ko", NULL);
}

/* Counters from 0, and no call site has a line yet. */
void reload_modules(void)
{
	if (remove_module("from_the_shell") || remove_module("ntaffinity") || !load_modules())
		fail("the modules cannot be loaded anew");
}
