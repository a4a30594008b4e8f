/* SPDX-License-Identifier: MIT */
/*
 * minimioctl as a container's first process. The kernel delivers to process 1 only the signals that it has handlers
 * for, so that without handlers nothing but SIGKILL would end a command that waits.
 */
#ifndef MINIMIO_CLIENT_CTL_FIRST_PROCESS_H
#define MINIMIO_CLIENT_CTL_FIRST_PROCESS_H

#include <sys/types.h>

/*
 * Where this process is process 1: SIGHUP, SIGINT, SIGQUIT and SIGTERM end it from then on, with exit status 128 and
 * the signal's number. A signal that is ignored stays ignored. In any other process the kernel's own way is left: the
 * parent sees the signal. A program that this process becomes has no handlers.
 */
void first_process_begin(void);

/* The program that is run and awaited; 0: none. A signal that ends this process is passed to the program, whose end is
 * awaited, as the end of process 1 kills every process that is left. */
void first_process_runs(pid_t child);

#endif
