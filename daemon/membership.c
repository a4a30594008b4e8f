/* SPDX-License-Identifier: MIT */
#include "daemon/membership.h"

#include "daemon/durable.h"
#include "daemon/polling.h"
#include "daemon/server.h"
#include "daemon/stream.h"

/* ---- What waits ------------------------------------------------------------------------------------------------- */

void membership_end_calls(struct loop *loop, const struct fault *fault)
{
    struct stream *stream, *next;

    for (stream = loop_next(loop, NULL); stream; stream = next) {
        next = loop_following(stream);
        if (stream->connecting)
            registering_cancel(stream->registering, fault);
        else
            stream_leave(stream);
    }
    if (loop->polling)
        polling_cancel(loop->polling, fault);
}

static void part(struct loop *loop)
{
    loop_pause(loop);
    if (loop->session)
        loop->session->loop = NULL;
    loop->session = NULL;
    loop->held_by = 0;
}

/* ---- Closing ---------------------------------------------------------------------------------------------------- */

void membership_close(struct server *server, struct loop *loop, const struct fault *fault)
{
    struct account *account = loop->account;
    bool named = loop_is_named(loop);
    struct stream *stream;

    timer_stop(&server->reactor.timers, &loop->linger);
    /* First, so that what is answered from here on finds no loop. */
    part(loop);
    membership_end_calls(loop, fault);
    while ((stream = loop_next(loop, NULL))) {
        policy_remove_registration(&server->policy, account);
        stream_free(&server->reactor, stream);
    }
    durable_loop_gone(loop->loops->durable, loop);
    loop_free(loop);
    if (named)
        policy_remove_loop(&server->policy, account);
}

void membership_close_all(struct server *server)
{
    struct loop *loop;

    while ((loop = loops_after(&server->loops, NULL)))
        membership_close(server, loop, NULL);
}

/* ---- Leaving ---------------------------------------------------------------------------------------------------- */

static void lingered(struct timer *timer)
{
    struct loop *loop = container_of(timer, struct loop, linger);

    membership_close(container_of(loop->loops, struct server, loops), loop, NULL);
}

void membership_detach(struct loop *loop, const struct fault *fault)
{
    part(loop);
    membership_end_calls(loop, fault);
}

void membership_leave(struct session *session, const struct fault *fault)
{
    struct server *server = session->server;
    struct loop *loop = session->loop;

    if (!loop)
        return;
    membership_detach(loop, fault);
    if (loop_is_named(loop))
        membership_linger(server, loop);
    else
        membership_close(server, loop, NULL);
}

/* The loop's own time may exceed the limit: the limit was lowered, or the loop was restored from a ledger. */
void membership_linger(struct server *server, struct loop *loop)
{
    if (loop->linger_ms > server->limits->linger_ms)
        loop->linger_ms = server->limits->linger_ms;
    if (loop->linger_ms)
        timer_start(&server->reactor.timers, &loop->linger, loop->linger_ms, lingered);
    else
        membership_close(server, loop, NULL);
}

/* ---- Entering --------------------------------------------------------------------------------------------------- */

void membership_enter(struct session *session, struct loop *loop)
{
    struct server *server = session->server;
    struct stream *stream;

    timer_stop(&server->reactor.timers, &loop->linger);
    loop->session = session;
    session->loop = loop;
    for (stream = loop_next(loop, NULL); stream; stream = loop_following(stream))
        stream_rejoin(&server->reactor, stream);
    loop_resume(loop);
}
