/* SPDX-License-Identifier: MIT */
/*
 * The state of a session and the errors, shared by the files of libminimio-client. The files from bottom to top:
 * client_message.c parses lines; client_send.c queues and sends; client_receive.c receives and queues messages;
 * client_exchange.c waits for the socket; client_events.c calls methods and returns events; client_take.c takes
 * streams; client.c connects and joins.
 */
#ifndef MINIMIO_CLIENT_LIB_CLIENT_STATE_H
#define MINIMIO_CLIENT_LIB_CLIENT_STATE_H

#include "client/lib/line_reader.h"
#include "client/lib/minimio-client.h"
#include "proto/buffer.h"
#include "proto/socket_path.h"

#include <bsd/sys/queue.h>

#define CLIENT_FDS_MAX 253 /* the kernel's SCM_MAX_FD, the maximum of a recvmsg */

/* A received message. The texts of `view` are parts of `text`. */
struct queued_message {
    struct minimio_client_message view;
    size_t size;
    STAILQ_ENTRY(queued_message) entry;
    char text[];
};

/* Queued output; the descriptors are sent with the first byte. */
struct outgoing {
    struct buffer bytes;
    int fds[MINIMIO_CLIENT_FDS_MAX];
    size_t fd_count;
    STAILQ_ENTRY(outgoing) entry;
};

struct minimio_client {
    int fd;
    char path[SOCKET_PATH_SIZE];
    char *loop; /* of the last join; NULL: no join */
    bool takeover;
    enum minimio_client_role role;
    unsigned prefetch; /* of a worker */
    uint64_t last_id;
    size_t queued_bytes;
    STAILQ_HEAD(, queued_message) queue;
    struct queued_message *current;      /* the message that the last call returned */
    struct minimio_client_event *events; /* of the current `ready` */
    size_t event_count, events_given;
    int broken; /* 0, or the permanent error of the session, with the text broken_error */
    char broken_error[512];
    STAILQ_HEAD(, outgoing) outgoing;
    int attached[MINIMIO_CLIENT_FDS_MAX]; /* for the next request */
    size_t attached_count;
    int *fds; /* received and not yet taken */
    size_t fd_count;
    struct {
        uint64_t token;
        bool begun;
        bool token_kept; /* the daemon still has the token */
        char *before;    /* interests and mode, as JSON members; NULL: unknown */
    } taking;
    char *fault;
    char fault_name[64];
    char error[512];
    struct line_reader reader;
};

/* ---- Errors ----------------------------------------------------------------------------------------------------- */

/* Set the text of the error, and return the error. */
int client_fail(struct minimio_client *client, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int client_fail_system(struct minimio_client *client, int error);
int client_fail_to_send(struct minimio_client *client, int error);
int client_fail_timed_out(struct minimio_client *client);
int client_fail_no_memory(struct minimio_client *client);
int client_fail_closed(struct minimio_client *client);

/* Makes the error that was just set permanent: client_fail_again sets and returns the same error on later calls. */
int client_fail_for_good(struct minimio_client *client, int error);
int client_fail_again(struct minimio_client *client);

/* Starts a public function: clears the error and the message of the last function. */
void client_begin(struct minimio_client *client);

/* ---- The session ------------------------------------------------------------------------------------------------ */

void client_close_fds(int *fds, size_t *count);
void client_forget_taking(struct minimio_client *client);

#endif
