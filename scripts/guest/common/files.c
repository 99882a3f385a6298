// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whole files at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

/* Returns false if there is no such file; what does not fit is left out. */
bool read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t got;

	text[0] = '\0';
	if (fd < 0)
		return false;
	while (length + 1 < size && (got = read(fd, text + length, size - 1 - length)) > 0)
		length += got;
	close(fd);
	text[length] = '\0';
	return true;
}

/* Returns 0 or the errno. */
int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	close(fd);
	return error;
}
