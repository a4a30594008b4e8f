/* SPDX-License-Identifier: MIT */
/*
 * minimioctl as process 1 of a container. The kernel delivers to process 1 only signals with a handler, so that without
 * handlers only SIGKILL would end a waiting command.
 */
#ifndef MINIMIO_CLIENT_CTL_FIRST_PROCESS_H
#define MINIMIO_CLIENT_CTL_FIRST_PROCESS_H

#include <sys/types.h>

/*
 * In process 1, installs handlers of SIGHUP, SIGINT, SIGQUIT and SIGTERM that exit with status 128 plus the signal's
 * number. Ignored signals stay ignored. In other processes the default action remains, so that the parent process sees
 * the signal. exec removes the handlers.
 */
void first_process_begin(void);

/* Sets the running child; 0: no child. The handlers forward the signal to the child and wait for the child's end,
 * because the end of process 1 kills all remaining processes. */
void first_process_runs(pid_t child);

#endif
