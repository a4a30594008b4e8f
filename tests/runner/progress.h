/* SPDX-License-Identifier: MIT */
/*
 * What a run says while it lasts. On a terminal one line that changes in place; elsewhere a line for each suite that
 * has ended, and one that names the running suites when nothing has ended for a while.
 */
#ifndef MINIMIO_TESTS_PROGRESS_H
#define MINIMIO_TESTS_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

void progress_start(size_t total, int parallel, int seconds);

/* A job has ended. `result` is a few words. The processor time is that of the job and of the processes it waited for.
 */
void progress_ended(const char *name, const char *result, int64_t elapsed_ns, double processor_seconds);

/* Once a second: `running` names what still runs. */
void progress_tick(const char *running);

/* Clears the line of a terminal, before something else is printed. */
void progress_clear(void);

#endif
