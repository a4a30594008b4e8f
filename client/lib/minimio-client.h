/* SPDX-License-Identifier: MIT */
/*
 * libminimio-client: a session with minimiod, for C programs. Installed as <minimio-client.h>.
 *
 * A program connects, calls methods, and receives results and the events of ready tokens. minimio-protocol(7) describes
 * the methods, parameters and results. Parameters and results are JSON texts, so that a program can use any JSON
 * library or no JSON library.
 *
 * A session must not be used by several threads at the same time; sessions are independent of each other. No function
 * changes signal handlers or masks, and no function raises SIGPIPE. Descriptors are close-on-exec.
 *
 * Timeouts are in nanoseconds: 0 does not wait, a negative timeout waits without limit. A signal neither fails nor
 * shortens a wait. A session stays usable after a timeout: a late reply is returned by minimio_client_next.
 *
 * Functions that return int return 0 or a count on success, and a negative errno on failure. Outputs (`ret_` pointers)
 * are unchanged on failure. minimio_client_error returns the text of the error:
 *   -EREMOTEIO    the daemon has sent an error: see minimio_client_fault_name, minimio_client_fault
 *   -ETIMEDOUT    timeout
 *   -ECONNRESET   the daemon has closed the session: call minimio_client_rejoin or _free
 *   -ECANCELED    the session's loop was taken over or closed
 *   -EBADMSG, -EMSGSIZE   a message is invalid or too long: free the session
 *   -ENOBUFS      more than MINIMIO_CLIENT_KEPT_MAX bytes of unfetched messages
 *   -ENOMEM, and errors of the socket
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

#define MINIMIO_CLIENT_KEPT_MAX (16 * 1024 * 1024) /* bytes of unfetched messages */
#define MINIMIO_CLIENT_FDS_MAX  16                 /* descriptors of a request */
#define MINIMIO_CLIENT_FOREVER  INT64_C(-1)        /* any negative timeout */

struct minimio_client;

/* ---- The session ------------------------------------------------------------------------------------------------ */

/*
 * Opens a session at the socket `path`. NULL means the default path: the first set or existing path of $MINIMIO_SOCKET,
 * $XDG_RUNTIME_DIR/minimio.sock, /run/user/UID/minimio.sock (also if the next path does not exist), and
 * /run/minimio/minimio.sock.
 * Errors of connect (-ENOENT, -ECONNREFUSED: no daemon; -EACCES); -EINVAL, an empty path; -ENAMETOOLONG; -ETIMEDOUT;
 * -EMFILE, -ENFILE; -ENOMEM.
 */
int minimio_client_connect(const char *path, int64_t timeout_ns, struct minimio_client **ret_client);

/* Ends and frees the session, and closes descriptors that were received and not taken. Accepts NULL; returns NULL. */
struct minimio_client *minimio_client_free(struct minimio_client *client);

/* The session's socket path; valid until the session is freed. */
const char *minimio_client_path(const struct minimio_client *client);

/*
 * Opens a named loop, creates a missing loop, and stores the name for minimio_client_rejoin. `takeover`: take the loop
 * over from an attached session. `*ret_created` (may be NULL): the loop is new and has no streams.
 * Errors: -EREMOTEIO (LOOP_BUSY, LOOP_OPEN), and the errors above.
 */
int minimio_client_join(struct minimio_client *client, const char *loop, bool takeover, int64_t timeout_ns,
                        bool *ret_created);

/* The role of a session in a named loop: see open_loop in minimio-protocol(7). */
enum minimio_client_role {
    MINIMIO_CLIENT_OWNER,  /* gets all events */
    MINIMIO_CLIENT_GUEST,  /* gets no events; any number may be in a loop */
    MINIMIO_CLIENT_WORKER, /* shares the events with other workers */
};

/*
 * Opens a named loop in a role, creates a missing loop, and stores name and role for minimio_client_rejoin. `prefetch`:
 * how many tokens a worker may hold at once, 1 to 256; ignored for other roles. `*ret_created`: as for
 * minimio_client_join. Errors: -EREMOTEIO (LOOP_BUSY, LOOP_OPEN, INVALID_PARAMS), and the errors above.
 */
int minimio_client_join_as(struct minimio_client *client, const char *loop, enum minimio_client_role role,
                           unsigned prefetch, int64_t timeout_ns, bool *ret_created);

/*
 * Reconnects, after -ECONNRESET or at any time. Waits for an absent daemon until the timeout, and opens the loop of the
 * last join in the same role; without a join, the session has a new anonymous loop. Pending requests get no reply,
 * unfetched messages are dropped, and descriptors that were not taken are closed. No readiness is lost, because the
 * daemon reports ready streams again. minimio_client_fd changes. Errors of connect and join. minimio_client_rejoin can
 * be called again after each error.
 */
int minimio_client_rejoin(struct minimio_client *client, int64_t timeout_ns, bool *ret_created);

/* ---- Requests --------------------------------------------------------------------------------------------------- */

/*
 * Calls a method and waits for the reply. `params` is a JSON object or array; NULL: no parameters. `*ret_result` is the
 * JSON text of the result, valid until the next call with this session; `ret_result` may be NULL. Messages that arrive
 * before the reply are queued for minimio_client_events and _next.
 * Errors: -EREMOTEIO, and the errors above.
 */
int minimio_client_call(struct minimio_client *client, const char *method, const char *params, int64_t timeout_ns,
                        const char **ret_result);

/*
 * Sends a request without waiting. Unsent bytes are queued, and sent at the next use of the session or by
 * minimio_client_flush. minimio_client_next returns the reply with `*ret_id`. `ret_id` NULL: send a notification, which
 * has no reply.
 */
int minimio_client_send(struct minimio_client *client, const char *method, const char *params, uint64_t *ret_id);

/* Sends bytes unchanged: messages with ids chosen by the caller, batches, or parts of messages. */
int minimio_client_send_bytes(struct minimio_client *client, const void *bytes, size_t length);

/*
 * Attaches a duplicate of a descriptor to the next request, call or bytes, for the daemon's `register` with `fd`. The
 * caller keeps `fd`, and may close `fd` at once. Errors: -ENOBUFS, MINIMIO_CLIENT_FDS_MAX descriptors are attached;
 * -EBADF, -EMFILE; -ENOMEM.
 */
int minimio_client_attach(struct minimio_client *client, int fd);

/*
 * Returns the oldest received descriptor, then owned by the caller. Descriptors are in the order of the replies with
 * `"fd":true`. Error: -ENOENT, no descriptor.
 */
int minimio_client_take_fd(struct minimio_client *client);

/*
 * Takes a stream out of the session's loop, and returns the descriptor, then owned by the caller. The token is removed
 * after the descriptor has arrived. If no descriptor arrives, because a proxy for the daemon's socket (ssh, socat)
 * forwards only bytes, the stream stays in the loop, armed, with the same interests and mode. Unfetched events of the
 * token are dropped. A daemon older than the parameter `keep` removes the token at once.
 * Errors: -ENOENT, no descriptor arrived; errors of minimio_client_call.
 */
int minimio_client_take(struct minimio_client *client, uint64_t token, int64_t timeout_ns);

/*
 * minimio_client_take in two steps, for a program that may fail to use the descriptor. _begin returns a duplicate; the
 * token stays registered without interests, and the daemon still reports closed flags. Then _commit removes the token
 * and its events, or _undo restores the interests and the mode and arms the token. After _commit, _undo registers `fd`,
 * the descriptor from _begin, as the token again, without the address. The caller keeps `fd`. A further _begin discards
 * the state of the last _begin. Errors of minimio_client_take; -EINVAL, no _begin.
 */
int minimio_client_take_begin(struct minimio_client *client, uint64_t token, int64_t timeout_ns);
int minimio_client_take_commit(struct minimio_client *client, int64_t timeout_ns);
int minimio_client_take_undo(struct minimio_client *client, int fd, int64_t timeout_ns);

/* Waits until the queued output is sent. Returns 0 or an error. */
int minimio_client_flush(struct minimio_client *client, int64_t timeout_ns);

/*
 * Sends queued output, as minimio_client_flush, and shuts the sending direction down. The daemon answers pending
 * requests, sends remaining events, and closes the session.
 */
int minimio_client_finish(struct minimio_client *client, int64_t timeout_ns);

/* ---- Events ----------------------------------------------------------------------------------------------------- */

/* Bits of an event's readiness; see the protocol. */
#define MINIMIO_CLIENT_READABLE     0x01
#define MINIMIO_CLIENT_WRITABLE     0x02
#define MINIMIO_CLIENT_READ_CLOSED  0x04 /* the peer has closed the sending direction */
#define MINIMIO_CLIENT_WRITE_CLOSED 0x08
#define MINIMIO_CLIENT_ERROR        0x10
#define MINIMIO_CLIENT_REDELIVERED  0x20 /* to a worker: the last worker may have acted on the event in part */

/* An event owns no memory. */
struct minimio_client_event {
    uint64_t token;
    uint32_t readiness;
};

/*
 * Waits for events of a loop with push delivery, the default, and writes at most `capacity` events; the next call
 * returns further events. Other messages are queued for minimio_client_next. Returns the number of events; 0 at the
 * timeout. Errors: -EINVAL, `capacity` is 0; -ECANCELED, the loop was taken over, or the daemon ends; and the errors
 * above.
 */
int minimio_client_events(struct minimio_client *client, struct minimio_client_event *events, size_t capacity,
                          int64_t timeout_ns);

/*
 * Parses events in the parameters of a `ready` notification or in the result of `poll`. Writes the first `capacity`
 * events, and returns the number of all events. Error: -EBADMSG, invalid JSON text.
 */
int minimio_client_read_events(const char *json, struct minimio_client_event *events, size_t capacity);

/* ---- Messages, one by one --------------------------------------------------------------------------------------- */

enum minimio_client_kind {
    MINIMIO_CLIENT_RESULT,       /* a reply with `id`; `body` is the result */
    MINIMIO_CLIENT_FAULT,        /* a reply with `id`; `body` is the error object */
    MINIMIO_CLIENT_READY,        /* events; `body` is for minimio_client_read_events */
    MINIMIO_CLIENT_NOTIFICATION, /* another notification: `method`; `body` is the parameters or "null" */
    MINIMIO_CLIENT_BATCH,        /* the replies of a batch; `body` is the array */
};

#define MINIMIO_CLIENT_NO_ID UINT64_MAX /* a reply whose id is not from minimio_client_send */

/* NUL-terminated JSON texts, valid until the next call with the session. */
struct minimio_client_message {
    enum minimio_client_kind kind;
    uint64_t id;
    const char *method; /* NULL: no method */
    const char *body;
    const char *json; /* the line without LF */
};

/* The next message in order of arrival. Returns 1; 0 at the timeout; or an error. */
int minimio_client_next(struct minimio_client *client, struct minimio_client_message *ret_message, int64_t timeout_ns);

/* ---- In another event loop -------------------------------------------------------------------------------------- */

/*
 * The session's socket; borrowed, non-blocking. Wait for the events of minimio_client_wants, then fetch messages with a
 * timeout of 0 until no message is left. Fetch before each wait, because queued messages do not make the socket
 * readable.
 */
int minimio_client_fd(const struct minimio_client *client);

/* The events to wait for with poll(2): POLLIN, and POLLOUT while output is queued. */
short minimio_client_wants(const struct minimio_client *client);

/* ---- Errors ----------------------------------------------------------------------------------------------------- */

/* The error of the last call, for people; "" after success. Valid until the next call with this session. */
const char *minimio_client_error(const struct minimio_client *client);

/* After -EREMOTEIO: the error's name, such as "CONNECT_FAILED", and the JSON error object; else NULL. Valid until the
 * next call with this session. */
const char *minimio_client_fault_name(const struct minimio_client *client);
const char *minimio_client_fault(const struct minimio_client *client);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
