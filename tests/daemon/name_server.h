/* SPDX-License-Identifier: MIT */
/*
 * A name server on loopback that says what a test wants it to. tests/preload/name_server.c has programs ask it.
 */
#ifndef MINIMIO_TESTS_DAEMON_NAME_SERVER_H
#define MINIMIO_TESTS_DAEMON_NAME_SERVER_H

#include "tests/skip.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* At the top of a test that has one. Only the resolver of glibc can be led to another port. */
#ifdef __GLIBC__
#define NEEDS_NAME_SERVER()
#else
#define NEEDS_NAME_SERVER() TEST_NEEDS(false, "a resolver of glibc's")
#endif

struct question {
    bool is_v6; /* for AAAA records */
    struct sockaddr_in client;
    unsigned char message[512];
    size_t size;
};

/* A UDP port that answers nothing unless told to. Programs that are started from now on ask it, and no other. */
int name_server_open(void);
void name_server_close(int server);

/* Programs that are started from now on ask this port, or the system's name servers again if it is 0. */
void name_server_use(int port);

/* Waits until it has been asked. */
void name_server_await(int server);

/* One question, and its answer whenever the test likes. */
void name_server_take(int server, struct question *ret_question);
void name_server_reply(int server, const struct question *question, const char *const *addresses);

/* Answers so many questions: those for A and AAAA records with the addresses (NULL-ended) of that family. */
void name_server_answer(int server, int count, const char *const *addresses);

#endif
