/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whole files at once, for the programs that run in the guest.
 */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>
#include <stddef.h>

bool read_file(const char *path, char *text, size_t size);
int write_file(const char *path, const char *text);

#endif /* FILES_H */
