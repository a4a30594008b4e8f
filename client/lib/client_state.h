/* SPDX-License-Identifier: MIT */
/*
 * What the files of libminimio-client share: the session's state, and its errors. From the bottom to the top:
 * client_message.c what a line means; client_send.c what goes out; client_receive.c what comes in, up to the queue of
 * kept messages; client_exchange.c waiting for the socket; client_events.c calls, and how events are given out;
 * client_take.c the stream that is being taken; client.c connecting and joining.
 */
#ifndef MINIMIO_CLIENT_LIB_CLIENT_STATE_H
#define MINIMIO_CLIENT_LIB_CLIENT_STATE_H

#include "client/lib/line_reader.h"
#include "client/lib/minimio-client.h"
#include "proto/buffer.h"
#include "proto/socket_path.h"

#include <bsd/sys/queue.h>

#define CLIENT_FDS_KEPT_MAX 253 /* the kernel's SCM_MAX_FD: one read never brings more */

/* A message as it came. The texts of `view` lie in it. */
struct kept {
    struct minimio_client_message view;
    size_t size;
    STAILQ_ENTRY(kept) entry;
    char text[];
};

/* What waits to be sent; its descriptors leave with its first byte. */
struct outgoing {
    struct buffer bytes;
    int fds[MINIMIO_CLIENT_FDS_MAX];
    size_t fd_count;
    STAILQ_ENTRY(outgoing) entry;
};

struct minimio_client {
    int fd;
    char path[SOCKET_PATH_SIZE];
    char *loop; /* of the last join; NULL: none */
    bool takeover;
    uint64_t last_id;
    size_t kept_bytes;
    STAILQ_HEAD(, kept) kept;
    struct kept *current;                /* what the last call gave out */
    struct minimio_client_event *events; /* of the `ready` that is being given out */
    size_t event_count, events_given;
    int broken; /* 0, or what is wrong with the session for good; told in broken_error */
    char broken_error[512];
    STAILQ_HEAD(, outgoing) outgoing;
    int attached[MINIMIO_CLIENT_FDS_MAX]; /* for the next request */
    size_t attached_count;
    int *fds; /* came and were not taken */
    size_t fd_count;
    struct {
        uint64_t token;
        bool begun;
        bool kept;    /* the daemon has the token still */
        char *before; /* its interests and mode, as members of its parameters; NULL: not known */
    } taking;
    char *fault;
    char fault_name[64];
    char error[512];
    struct line_reader reader;
};

/* ---- Errors ----------------------------------------------------------------------------------------------------- */

/* Each of these remembers what to tell people, and returns its error. */
int client_fail(struct minimio_client *client, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int client_fail_system(struct minimio_client *client, int error);
int client_fail_to_send(struct minimio_client *client, int error);
int client_fail_timed_out(struct minimio_client *client);
int client_fail_no_memory(struct minimio_client *client);
int client_fail_closed(struct minimio_client *client);

/* The session is broken by `error`, which was just told: client_fail_again tells the same whenever more is asked for.
 */
int client_fail_for_good(struct minimio_client *client, int error);
int client_fail_again(struct minimio_client *client);

/* A function of the public ones begins: what the last one told or gave out is over. */
void client_begin(struct minimio_client *client);

/* ---- The session ------------------------------------------------------------------------------------------------ */

void client_close_fds(int *fds, size_t *count);
void client_forget_taking(struct minimio_client *client);

#endif
