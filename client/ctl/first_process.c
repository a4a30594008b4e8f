/* SPDX-License-Identifier: MIT */
/*
 * Signal handlers of process 1. The file owns the pid of the running child.
 */
#include "client/ctl/first_process.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile pid_t awaited; /* pid of the running child; 0: no child */

static void first_process_end(int number)
{
    pid_t child = awaited;

    if (child > 0 && kill(child, number) == 0)
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
    _exit(128 + number);
}

void first_process_begin(void)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    struct sigaction action = {.sa_handler = first_process_end}, before;

    if (getpid() != 1)
        return;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(signals[i], &action, NULL);
}

void first_process_runs(pid_t child)
{
    awaited = child;
}
