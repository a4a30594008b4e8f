/* SPDX-License-Identifier: MIT */
/*
 * The daemon as its main would run it, for one input, in this process and this thread. Where it would wait, the input
 * goes on instead; the time is what the input says; a thread that it starts runs when the input lets it.
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
    struct limits limits; /* those of the settings */
    struct server_signals signals;
    struct sockaddr_un address; /* where it listens */
    socklen_t address_length;
    int64_t now_ns;
    bool impatient; /* the input goes on even where the daemon would not wait */
    bool woken;     /* there is more to be done than the kernel knows */
    bool narrow;    /* limits that a short input reaches */
};

/* What all inputs have in common; only the first time something is done. */
void world_set_out(void);

/* What the input does when the daemon waits, or before it goes on with what it has. False: there is nothing left to do
 * but to let time pass. */
typedef bool world_step(struct world *world, bool waits);

/* Runs the daemon to its end, which a step asks for in `signals`, and requires that it has counted everybody out. */
void world_run(struct world *world, world_step *step);

/* How many descriptors this process has. */
unsigned world_descriptors(void);

/* Uids from 0 that clients may have. */
#define WORLD_USERS 4

/* Who the next client that connects is. */
void world_expect(uid_t uid);

/* A client has heard something: what the daemon does is not for nothing. */
void world_heard(void);

/* Closes what the daemon has given to its closing process; whether there was anything. */
bool world_close(void);

#endif
