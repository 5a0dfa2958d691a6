#pragma once

#include <sys/types.h>

/*
 * The handshake that every workload keeps with the test that runs it:
 *
 *   workload → test   "ready\n" on stdout: the program is loaded, nothing of what it is to do has happened yet
 *   test → workload   one byte on stdin: go
 *   workload → test   one line of JSON on stdout: {"pid": …, "count": …, …}
 *   test → workload   end of file on stdin: exit
 *
 * So a test attaches between the first two steps and reads between the last two, while the process lives and sleeps.
 */

/* The number in argv[index], at least 1. Prints `usage` and exits with 2 when it is missing or none. */
long number_argument(int argc, char** argv, int index, const char* usage);

/* Says "ready" and waits for the byte. Exits with 1 when stdin ends instead. */
void wait_for_go(void);

/* Reads one byte of stdin: 1, or 0 at its end. */
ssize_t read_byte(void);

/* Prints the line of JSON: pid, count and, unless NULL, `more` (such as `"bytes": 10`). Then waits for the end of stdin. */
void report(long count, const char* more);

/* Prints what failed with errno's text; exits with 1. */
_Noreturn void give_up(const char* what);
