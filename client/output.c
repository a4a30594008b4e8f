/* SPDX-License-Identifier: MIT */
#include "client/output.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

int output_flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    if (errno == EPIPE) {
        /* Whoever started this program had SIGPIPE ignored; the end is to look as if not. */
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    fprintf(stderr, "minimioctl: cannot write to standard output: %s\n", strerror(errno));
    return 1;
}

void output_make_printable(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at; at++)
        if (*at < ' ' || *at == 0x7f)
            *at = '?';
}
