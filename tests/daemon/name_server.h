/* SPDX-License-Identifier: MIT */
/*
 * A name server on loopback that says what a test wants it to.
 */
#ifndef MINIMIO_TESTS_DAEMON_NAME_SERVER_H
#define MINIMIO_TESTS_DAEMON_NAME_SERVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct question {
    bool is_v6; /* for AAAA records */
    struct sockaddr_in client;
    unsigned char message[512];
    size_t size;
};

/* A UDP port that answers nothing unless told to; its address as --dns takes it. */
int name_server_open(char ret_address[32]);

/* Waits until it has been asked. */
void name_server_await(int server);

/* One question, and its answer whenever the test likes. */
void name_server_take(int server, struct question *ret_question);
void name_server_reply(int server, const struct question *question, const char *const *addresses);

/* Answers so many questions: those for A and AAAA records with the addresses (NULL-ended) of that family. */
void name_server_answer(int server, int count, const char *const *addresses);

#endif
