/* SPDX-License-Identifier: MIT */
/*
 * Standard output: flush and errors. The file has no state.
 */
#include "client/ctl/output.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int output_flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return output_failed();
}

int output_failed(void)
{
    if (errno == EPIPE) {
        /* The parent process ignores SIGPIPE. Restore the default action, so that the signal ends the program. */
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    fprintf(stderr, "minimioctl: cannot write to standard output: %s\n", strerror(errno));
    return 1;
}

bool output_is_coloured(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}
