/* SPDX-License-Identifier: MIT */
/*
 * Becoming another binary: the process stays, and with it its number, its named loops, their streams and the listening
 * socket; sessions do not.
 */
#ifndef MINIMIO_DAEMON_RESTART_HANDOVER_H
#define MINIMIO_DAEMON_RESTART_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

struct program;
struct context;

/* What the binary before has left. */
struct handover {
    int ledger, listener; /* descriptors; -1: there was no binary before */
    bool owns_path;       /* the listener's file is ours to remove */
    int *closing;         /* descriptors that it had not begun to close */
    size_t closing_count;
};

/* Takes it out of the environment. The descriptors are the caller's from then on. */
void handover_take(struct handover *ret_handover);
void handover_deinit(struct handover *handover);

/*
 * Becomes the program that was tried, with the settings that were tried: a descriptor, or TRIED_NO_FILE. There are no
 * sessions any more. Returns only if that failed, with a negative errno; all is then as it was before. -ESTALE: the
 * file is not the one that was tried.
 */
int handover_run(struct context *context, const struct program *program, char **argv, int settings);

#endif
