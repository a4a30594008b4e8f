/* SPDX-License-Identifier: MIT */
/*
 * The exec of another binary. The process keeps its pid, the named loops, their streams and the listening socket;
 * sessions end before.
 *
 * Owns the variable MINIMIO_HANDOVER. Calls loops, keep, the manager and the closers.
 */
#ifndef MINIMIO_DAEMON_RESTART_HANDOVER_H
#define MINIMIO_DAEMON_RESTART_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

struct program;
struct context;

/* What the previous binary has passed. */
struct handover {
    int ledger, listener; /* descriptors; -1: no previous binary */
    bool owns_path;       /* the daemon must remove the listener's socket file */
    int *closing;         /* descriptors that still have to be closed */
    size_t closing_count;
};

/* Reads and removes the variable of the environment. The caller owns the descriptors. handover_deinit frees the
 * array and closes no descriptor. */
void handover_take(struct handover *ret_handover);
void handover_deinit(struct handover *handover);

/*
 * Executes the program that has passed the preflight, with the settings of the preflight: a descriptor, or
 * TRIED_NO_FILE. All sessions must have ended. Returns on failure only, with a negative errno, and restores the state
 * before the call. -ESTALE: the file has changed since the preflight.
 */
int handover_run(struct context *context, const struct program *program, char **argv, int settings);

#endif
