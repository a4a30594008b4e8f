/* SPDX-License-Identifier: MIT */
/*
 * libminimio-client: a session with minimiod, for C programs. Installed as <minimio-client.h>.
 *
 * A program connects, calls methods and gets their results, and is told which of its tokens have become ready. What
 * methods there are, and what their parameters and results mean, is the protocol's text; here they are JSON texts as
 * the daemon takes and gives them, so that a program brings the JSON library that it likes, or none.
 *
 * One thread at a time uses a session; different sessions are independent of each other. No function changes a signal,
 * and SIGPIPE is never raised. Descriptors are close-on-exec.
 *
 * Timeouts are nanoseconds: 0 does what can be done now, a negative one waits without limit. A signal neither fails nor
 * shortens a wait. After a timeout the session goes on: the reply that did not come in time comes by
 * minimio_client_next, if it comes.
 *
 * Functions that return int give 0 or a count when they succeed and a negative errno value when they fail; what they
 * hand out through a `ret_` pointer is untouched when they fail. minimio_client_error tells the same to people:
 *   -EREMOTEIO    the daemon answered with an error: minimio_client_fault_name, minimio_client_fault
 *   -ETIMEDOUT    the timeout passed
 *   -ECONNRESET   the daemon closed the session: minimio_client_rejoin, or free it
 *   -ECANCELED    the session's loop was taken over or closed
 *   -EBADMSG, -EMSGSIZE   what came is no message of the protocol, or too long for one: free the session
 *   -ENOBUFS      more than MINIMIO_CLIENT_KEPT_MAX bytes of messages came and were not fetched
 *   -ENOMEM, and what the system says of the socket
 */
#ifndef MINIMIO_CLIENT_H
#define MINIMIO_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

#define MINIMIO_CLIENT_KEPT_MAX (16 * 1024 * 1024) /* bytes of messages that came and were not fetched yet */
#define MINIMIO_CLIENT_FDS_MAX  16                 /* descriptors with one request */
#define MINIMIO_CLIENT_FOREVER  INT64_C(-1)        /* any negative timeout */

struct minimio_client;

/* ---- The session ------------------------------------------------------------------------------------------------ */

/*
 * Opens a session at the socket `path`; NULL: where the daemon's socket is found by everybody, which is
 * $MINIMIO_SOCKET, $XDG_RUNTIME_DIR/minimio.sock, /run/user/UID/minimio.sock if it exists or the next does not, or
 * /run/minimio/minimio.sock.
 * Errors: connect's (-ENOENT, -ECONNREFUSED: no daemon is there; -EACCES); -EINVAL, an empty path; -ENAMETOOLONG;
 * -ETIMEDOUT; -EMFILE, -ENFILE; -ENOMEM.
 */
int minimio_client_connect(const char *path, int64_t timeout_ns, struct minimio_client **ret_client);

/* Ends the session, closes descriptors that came and were not taken, and frees it. NULL is accepted; returns NULL. */
struct minimio_client *minimio_client_free(struct minimio_client *client);

/* The session's socket path; valid as long as the session. */
const char *minimio_client_path(const struct minimio_client *client);

/*
 * Opens a named loop, creating it if there is none, and remembers the name for minimio_client_rejoin. `takeover`: also
 * if another session is in it. `*ret_created`, where not NULL: it was created, so there are no streams in it.
 * Errors: -EREMOTEIO (LOOP_BUSY, LOOP_OPEN), and those above.
 */
int minimio_client_join(struct minimio_client *client, const char *loop, bool takeover, int64_t timeout_ns,
                        bool *ret_created);

/*
 * After -ECONNRESET, or whenever it is wanted: connects anew, awaiting a daemon that is not there until the timeout,
 * and opens the loop of the last join again; without one the session has a new anonymous loop. What was sent and not
 * answered is never answered, what was kept and not fetched is forgotten, and descriptors that were not taken are
 * closed; of readiness nothing is lost, as the daemon tells again what is ready. minimio_client_fd is another one.
 * Errors: as for connect and join. The session can be rejoined again after each.
 */
int minimio_client_rejoin(struct minimio_client *client, int64_t timeout_ns, bool *ret_created);

/* ---- Requests --------------------------------------------------------------------------------------------------- */

/*
 * Calls a method and awaits its reply. `params` is JSON text, an object or an array; NULL for none. `*ret_result`,
 * where `ret_result` is not NULL, is the result's JSON text, valid until the next call of a function that takes this
 * session. Events and other messages that come meanwhile are kept for minimio_client_events and _next.
 * Errors: -EREMOTEIO and those above.
 */
int minimio_client_call(struct minimio_client *client, const char *method, const char *params, int64_t timeout_ns,
                        const char **ret_result);

/*
 * Sends a request without waiting: what the kernel does not take now is kept, and goes with the next use of the
 * session or minimio_client_flush. The reply comes by minimio_client_next with this id. `ret_id` NULL makes it a
 * notification, which has no reply.
 */
int minimio_client_send(struct minimio_client *client, const char *method, const char *params, uint64_t *ret_id);

/* Sends bytes as they are: whole messages with ids of the caller's own, batches, or parts of them. */
int minimio_client_send_bytes(struct minimio_client *client, const void *bytes, size_t length);

/*
 * The next request, call or bytes carry a duplicate of this descriptor, which the daemon's `register` with `fd` takes
 * over. `fd` stays the caller's and may be closed at once. Errors: -ENOBUFS, there are MINIMIO_CLIENT_FDS_MAX; -EBADF,
 * -EMFILE; -ENOMEM.
 */
int minimio_client_attach(struct minimio_client *client, int fd);

/*
 * The oldest descriptor that came with a reply and was not taken yet: the caller's from then on. They come in the
 * order of the replies that say `"fd":true`. Error: -ENOENT, there is none.
 */
int minimio_client_take_fd(struct minimio_client *client);

/*
 * Takes a stream out of the session's loop: returns its descriptor, the caller's from then on. The token is forgotten
 * once the descriptor is here. Where it does not arrive, since a proxy (ssh, socat) that forwards the daemon's socket
 * passes bytes alone, the stream stays in the loop with its interests and mode, armed anew. Events of the token that
 * came and were not fetched are dropped. A daemon older than `keep` gives the stream away at once.
 * Errors: -ENOENT, the descriptor did not arrive; those of minimio_client_call.
 */
int minimio_client_take(struct minimio_client *client, uint64_t token, int64_t timeout_ns);

/*
 * The same in two steps, for a program that may fail to use the descriptor. _begin returns a duplicate; the token stays
 * registered, without interests. Its closed flags
 * are told meanwhile. Then either _commit forgets the token and its events; or _undo gives it its interests and mode
 * again and arms it. Also after _commit, _undo registers `fd`, the descriptor from _begin, under the token again; its
 * address is not known to the daemon then. `fd` stays the caller's. One at a time: another _begin forgets the one
 * before. Errors: those of minimio_client_take; -EINVAL, nothing was begun.
 */
int minimio_client_take_begin(struct minimio_client *client, uint64_t token, int64_t timeout_ns);
int minimio_client_take_commit(struct minimio_client *client, int64_t timeout_ns);
int minimio_client_take_undo(struct minimio_client *client, int fd, int64_t timeout_ns);

/* Waits until all that was sent has left. 0, or an error. */
int minimio_client_flush(struct minimio_client *client, int64_t timeout_ns);

/*
 * No more will be sent. The daemon answers what it has, tells the events that can still come, and closes the session.
 * Sends what is left first, as minimio_client_flush.
 */
int minimio_client_finish(struct minimio_client *client, int64_t timeout_ns);

/* ---- Events ----------------------------------------------------------------------------------------------------- */

/* Each a bit of an event's readiness, as the protocol has them. */
#define MINIMIO_CLIENT_READABLE     0x01
#define MINIMIO_CLIENT_WRITABLE     0x02
#define MINIMIO_CLIENT_READ_CLOSED  0x04 /* the peer will send no more */
#define MINIMIO_CLIENT_WRITE_CLOSED 0x08
#define MINIMIO_CLIENT_ERROR        0x10

/* Plain data. */
struct minimio_client_event {
    uint64_t token;
    uint32_t readiness;
};

/*
 * Waits for events of a loop with push delivery, which is the default, and writes at most `capacity` of them; what does
 * not fit comes with the next call. Other messages are kept for minimio_client_next.
 * Returns how many were written; 0 at the timeout. Errors: -EINVAL, a capacity of 0; -ECANCELED, the loop was taken
 * over, or the daemon ends; and those above.
 */
int minimio_client_events(struct minimio_client *client, struct minimio_client_event *events, size_t capacity,
                          int64_t timeout_ns);

/*
 * Reads the events of a `ready` notification's parameters or of a `poll`'s result: writes the first `capacity`, and
 * returns how many there are. Error: -EBADMSG, it is no such JSON text.
 */
int minimio_client_read_events(const char *json, struct minimio_client_event *events, size_t capacity);

/* ---- Messages, one by one --------------------------------------------------------------------------------------- */

enum minimio_client_kind {
    MINIMIO_CLIENT_RESULT,       /* a reply: `id`, and in `body` the result */
    MINIMIO_CLIENT_FAULT,        /* a reply: `id`, and in `body` the error object */
    MINIMIO_CLIENT_READY,        /* events: `body` is for minimio_client_read_events */
    MINIMIO_CLIENT_NOTIFICATION, /* another: `method` and, in `body`, its parameters or "null" */
    MINIMIO_CLIENT_BATCH,        /* the replies of a batch: `body` is all of it */
};

#define MINIMIO_CLIENT_NO_ID UINT64_MAX /* of a reply whose id is null or none of minimio_client_send's */

/* NUL-terminated JSON texts, valid until the next call of a function that takes the session. */
struct minimio_client_message {
    enum minimio_client_kind kind;
    uint64_t id;
    const char *method; /* NULL: none */
    const char *body;
    const char *json; /* the whole line, without its end */
};

/* The next message in their order, those kept first. Returns 1; 0 at the timeout; or an error. */
int minimio_client_next(struct minimio_client *client, struct minimio_client_message *ret_message, int64_t timeout_ns);

/* ---- In another event loop -------------------------------------------------------------------------------------- */

/*
 * The session's socket; borrowed, non-blocking. Wait for what minimio_client_wants tells, and then fetch with a timeout
 * of 0 until nothing is left. What was read already is kept and does not make the socket readable: fetch before each
 * wait.
 */
int minimio_client_fd(const struct minimio_client *client);

/* What to wait for, as poll(2) has it: POLLIN, with POLLOUT as long as there is something to send. */
short minimio_client_wants(const struct minimio_client *client);

/* ---- Errors ----------------------------------------------------------------------------------------------------- */

/* Why the last call failed, for people; "" if it did not. Valid until the next call of a function for this session. */
const char *minimio_client_error(const struct minimio_client *client);

/* After -EREMOTEIO: the error's name, such as "CONNECT_FAILED", and its JSON object; else NULL. Valid likewise. */
const char *minimio_client_fault_name(const struct minimio_client *client);
const char *minimio_client_fault(const struct minimio_client *client);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
