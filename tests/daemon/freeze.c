/* SPDX-License-Identifier: MIT */
#include "tests/daemon/freeze.h"

#include "tests/daemon/fixture.h"

#include <signal.h>
#include <sys/wait.h>

void freeze(void)
{
    int status;

    ck_assert_int_eq(kill(minimiod.process.pid, SIGSTOP), 0);
    ck_assert_int_eq(waitpid(minimiod.process.pid, &status, WUNTRACED), minimiod.process.pid);
    ck_assert(WIFSTOPPED(status));
}

void thaw(void)
{
    ck_assert_int_eq(kill(minimiod.process.pid, SIGCONT), 0);
}
