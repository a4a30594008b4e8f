/* SPDX-License-Identifier: MIT */
/*
 * Runs the daemon for one input, as main() would, in this process and thread. Where the daemon would wait, the input
 * continues; the input sets the time, and decides when background work proceeds.
 */
#ifndef MINIMIO_FUZZ_WORLD_H
#define MINIMIO_FUZZ_WORLD_H

#include "daemon/server.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

struct world {
    struct server server;
    struct config config;
    struct limits limits; /* the limits in the settings */
    struct server_signals signals;
    struct sockaddr_un address; /* the address of the listening socket */
    socklen_t address_length;
    int64_t now_ns;
    bool impatient; /* the input continues even if the daemon would not wait */
    bool woken;     /* the daemon has work that the kernel does not report */
    bool narrow;    /* small limits, which a short input reaches */
};

/* Prepares the process for all inputs; idempotent. */
void world_prepare(void);

/* Performs the next step of the input when the daemon waits, or before the daemon continues with pending work.
 * False: only the passing of time is left. */
typedef bool world_step(struct world *world, bool waits);

/* Runs the daemon until a step requests the end in `signals`, and requires that all accounts are empty then. */
void world_run(struct world *world, world_step *step);

/* The number of open descriptors in this process. */
unsigned world_descriptors(void);

/* Clients have uids from 0 to WORLD_USERS - 1. */
#define WORLD_USERS 4

/* Sets the uid of the next client that connects. */
void world_expect_user(uid_t uid);

/* Reports that a client has received bytes, so the daemon makes progress. */
void world_note_progress(void);

/* Closes the descriptors in the queue of the closing process. Returns whether the queue had any. */
bool world_close(void);

#endif
