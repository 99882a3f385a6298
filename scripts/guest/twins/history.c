// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the case that runs records its events, and how it ends early: it fails, with
 * the history of its events, or is skipped. And its clock and its random numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "twins.h"

jmp_buf case_end;
char skip_reason[128];
static char history[16384];
static size_t history_length;

/* Record an event, for whoever has to understand a failure. */
void event(const char *format, ...)
{
	size_t room = sizeof(history) - history_length;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(history + history_length, room, format, args);
	va_end(args);
	if (length < 0 || (size_t)length + 2 >= room)
		return;
	history_length += length;
	history[history_length++] = '\n';
	history[history_length] = '\0';
}

void forget_history(void)
{
	history_length = 0;
	history[0] = '\0';
}

void fail(const char *format, ...)
{
	char *line, *rest = history;
	va_list args;

	printf("# FAIL: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n#   history:\n");
	while ((line = strsep(&rest, "\n")) && *line)
		printf("#     %s\n", line);
	longjmp(case_end, FAILED);
}

void skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(skip_reason, sizeof(skip_reason), format, args);
	va_end(args);
	longjmp(case_end, SKIPPED);
}

__u64 now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

__u64 seed, random_state;

/* A number below @n. Xorshift: the same histories for the same seed anywhere. */
unsigned int below(unsigned int n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 16) % n;
}
