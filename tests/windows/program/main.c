/* SPDX-License-Identifier: MIT */
/* A program of somebody's own, compiled and linked with what minimio.pc says. */
#include <minimio.h>

int main(void)
{
    struct minimio_poll *poll;
    struct minimio_event event;

    if (minimio_poll_new(&poll) < 0)
        return 1;
    int count = minimio_poll_poll(poll, &event, 1, 0);
    minimio_poll_free(poll);
    return count != 0;
}
