/* SPDX-License-Identifier: MIT */
/*
 * A registered stream: connecting, or open and watched as its client asked. Gathers the readiness that is not told
 * yet. What the client sees of it is in PROTOCOL.md, "Registrations and events".
 *
 * There may be very many of them, most of them idle: what only a connecting one needs is in struct registering.
 */
#ifndef MINIMIO_DAEMON_STREAM_H
#define MINIMIO_DAEMON_STREAM_H

#include "daemon/address.h"
#include "daemon/descriptors.h"
#include "daemon/loop.h"
#include "daemon/reactor.h"
#include "proto/buffer.h"

struct registering;

struct stream {
    struct source source;
    struct loop *loop;
    uint64_t token;
    RB_ENTRY(stream) by_token;
    TAILQ_ENTRY(stream) place_link;
    union {
        struct registering *registering; /* while connecting */
        minimio_fd fd;                   /* once open */
    };
    uint32_t entry;         /* in the ledger of its loop */
    uint32_t held_by;       /* the batch after whose replies its events come; 0: none */
    uint8_t interests;      /* READY_ bits; 0: the closed flags and `error` alone, each once */
    uint8_t mode;           /* enum mode */
    uint8_t pending;        /* READY_ bits that are not told yet */
    uint8_t place;          /* enum stream_place */
    uint8_t kind;           /* enum descriptor_kind */
    bool connecting;        /* which of the union it is */
    bool adopted;           /* a client has or had it, and may have set it up in any way */
    bool credentials;       /* its peer sees the credentials of whoever writes to it */
    bool fired;             /* silent until it is armed again */
    bool looked_at;         /* is in the look */
    uint8_t closed_seen;    /* without interests: READY_ bits that became pending since it was armed */
    bool over;              /* both directions have ended, and the client was told: no further event can come */
    uint8_t loud;           /* for so many armings a oneshot in the reactor: it has spoken unasked */
    uint16_t error;         /* errno that ended the connection and that a call has consumed; 0: none */
    uint16_t pending_epoch; /* the loop's, when it became pending */
    uint16_t target_length; /* of the address as the client wrote it */
    char target[];
};

/* Makes a connecting stream and adds it to its loop, where the token must not be in use. NULL: out of memory. */
struct stream *stream_new(struct loop *loop, uint64_t token, struct span target, uint8_t interests, uint8_t mode);

/* Closes the stream and takes it out of its loop. One that is connecting must have lost its registering before. */
void stream_free(struct reactor *reactor, struct stream *stream);

/* Turns a connecting stream into an open one that is watched. Takes `fd`, which the reactor knows already, as a
 * oneshot that has fired. Errors: those of the registrator; the stream is then still connecting and `fd` the
 * caller's. */
int stream_open(struct reactor *reactor, struct stream *stream, minimio_fd fd);

/* Likewise, with a descriptor of that kind that a client has sent, and that the reactor does not know; whether it
 * carries credentials is set. */
int stream_adopt(struct reactor *reactor, struct stream *stream, minimio_fd fd, enum descriptor_kind kind);

/* Likewise, with what was kept of a stream that an earlier daemon had: its entry and whether it was adopted are set. */
int stream_restore(struct reactor *reactor, struct stream *stream, minimio_fd fd, enum descriptor_kind kind);

/*
 * The descriptor of an open stream, now the caller's; nothing watches it any more. The stream is freed. `copy`: a
 * duplicate for a stream that durable_stream_is_deposited, which is held until the service manager has closed its own;
 * or -1.
 */
minimio_fd stream_take(struct reactor *reactor, struct stream *stream, minimio_fd copy);

/* A client is given a duplicate of its descriptor. */
void stream_is_shared(struct stream *stream);

/* Replaces interests and mode of an open stream, forgets what was not told, and has what is ready now reported. */
int stream_rearm(struct reactor *reactor, struct stream *stream, uint8_t interests, uint8_t mode);

/* Rearms an open stream without interests. Cannot fail. */
void stream_clear_interests(struct reactor *reactor, struct stream *stream);

/* Whether each `poll` asks the kernel again if the stream is ready. */
bool stream_is_asked_again(const struct stream *stream);

/* Has the kernel say anew whether a level stream is ready; what was known is forgotten, but not the stream's place. */
int stream_ask(struct reactor *reactor, struct stream *stream);

/* It is ready, READY_ bits that it was asked for. */
void stream_is_ready(struct stream *stream, uint8_t bits);

/* Has the reactor say what is ready. */
void stream_tell_anew(struct stream *stream);

/* Its events wait for the end of the batch with this serial. */
void stream_hold(struct stream *stream, uint32_t batch);

/* They need not wait any more. */
void stream_release(struct stream *stream);

/* A session is about to be in its loop. What has become ready since the last session left is told as it is; of all else
 * the kernel is asked what is ready now. */
void stream_rejoin(struct reactor *reactor, struct stream *stream);

/* The kernel cannot be asked: what it was to be asked for is told, as readiness is a hint to try. */
void stream_hint(struct stream *stream);

/* What was pending has been told. */
void stream_told(struct stream *stream);

/* Whether an event can still come without a further request. */
bool stream_can_speak(const struct stream *stream);

/* "connecting", "armed" or "disarmed". */
const char *stream_state(const struct stream *stream);

/* Numeric addresses of an open stream; "" where there is none. */
void stream_addresses(const struct stream *stream, char ret_local[ADDRESS_TEXT_MAX], char ret_peer[ADDRESS_TEXT_MAX]);

/* ---- Data: stream_io.c ------------------------------------------------------------------------------------------- */

/* Each works on an open stream and never blocks, however its client has set the descriptor up. Errors: -EAGAIN, not
 * now; -ENOTSOCK, it is no socket; and what the system says. */

/*
 * Returns how many bytes were read, or with `peek` only looked at. `*ret_eof`: no more will come. An error that ended
 * the connection is an end too; stream->error keeps it, as the kernel tells it once.
 */
ssize_t stream_read(struct stream *stream, void *buffer, size_t length, bool peek, bool *ret_eof);
ssize_t stream_write(struct stream *stream, struct span data);
int stream_shutdown(const struct stream *stream, enum direction how);

#endif
