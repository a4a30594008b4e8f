/* SPDX-License-Identifier: MIT */
#include "daemon/sessions/delivery.h"

#include "daemon/base/invariant.h"
#include "daemon/base/probe.h"
#include "daemon/loops/lease.h"
#include "daemon/loops/stream.h"
#include "daemon/sessions/trace.h"
#include "proto/reply.h"

#include <errno.h>
#include <stdint.h>

/* Workers that get events before the clock is read. */
#define WORKERS_PER_LOOK 16

void delivery_mark(struct session *session, size_t count)
{
    struct loop *loop = session_loop(session);
    struct stats *stats = &session->context->turn.stats;

    stats->events += count;
    PROBE2(deliver, session->number, count);
    if (log_is_debug())
        trace_events(session, count);
    INVARIANT(count <= loop->ready_count);
    if (session->member.role == ROLE_WORKER)
        stats->redeliveries += lease_ready(&session->member, count);
    else
        while (count--)
            stats->redeliveries += stream_mark_delivered(TAILQ_FIRST(&loop->ready));
}

/* Writes a line with as many events as fit, and at most `most`. Events count as delivered only when the line is
 * complete. */
static int deliver_line(struct session *session, size_t most)
{
    struct conn *conn = &session->conn;
    struct buffer *out = &conn->out;
    size_t begun_at = out->length, count = 0;
    struct stream *stream;

    reply_ready_begin(out);
    TAILQ_FOREACH(stream, &session_loop(session)->ready, list_link) {
        if (count == most ||
            !reply_events_add(out, stream->token, stream_event(stream), begun_at, conn->limits->line_bytes - 2))
            break;
        count++;
    }
    reply_events_end(out);
    buffer_append(out, "\n", 1);
    if (buffer_failed(out)) {
        buffer_truncate(out, begun_at);
        return -ENOMEM;
    }
    delivery_mark(session, count);
    conn_mark_dirty(conn);
    return 0;
}

/* ---- To the owner ----------------------------------------------------------------------------------------------- */

static void deliver_lines(struct session *session)
{
    while (!TAILQ_EMPTY(&session_loop(session)->ready) && conn_is_writable(&session->conn)) {
        if (deliver_line(session, SIZE_MAX) < 0) {
            turn_retry_soon(session->conn.wire->turn);
            break;
        }
    }
}

static void deliver_to_owner(struct loop *loop)
{
    struct session *session = session_of_member(loop->owner);

    if (loop->delivery == DELIVERY_PUSH)
        deliver_lines(session);
    else if (conn_is_writable(&session->conn) && loop_owner_is_due(loop)) /* the readiness may have been cleared */
        session->member.poll->answer(session->member.poll);
}

/* ---- To the workers --------------------------------------------------------------------------------------------- */

static int give(struct session *session)
{
    struct member *member = &session->member;

    if (member->loop->delivery == DELIVERY_POLL) {
        member->poll->answer(member->poll);
        return 0;
    }
    if (deliver_line(session, member_take_share(member)) < 0)
        return -ENOMEM;
    member_requeue(member);
    return 0;
}

/* Serves the worker, or takes the worker off its list, because the client does not read or cannot end a lease. */
static int serve_worker(struct member *member)
{
    struct session *session = session_of_member(member);

    session_update_worker(session);
    return member->is_receptive ? give(session) : 0;
}

static struct member *next_worker(const struct loop *loop)
{
    if (!TAILQ_EMPTY(&loop->expired))
        return TAILQ_FIRST(&loop->expired);
    return TAILQ_EMPTY(&loop->ready) ? NULL : TAILQ_FIRST(&loop->idle);
}

static void deliver_to_workers(struct loop *loop)
{
    struct turn *turn = &session_of_member(TAILQ_FIRST(&loop->members))->context->turn;
    struct member *member;

    loop->round_left = 0; /* a round shares the events that are ready now */
    for (uint32_t done = 1; (member = next_worker(loop)); done++) {
        if (serve_worker(member) < 0) {
            turn_retry_soon(turn);
            return;
        }
        if (done % WORKERS_PER_LOOK == 0 && turn_piece_is_over(turn))
            break;
    }
    loop_enqueue_if_ready(loop);
}

void session_deliver(struct task *task)
{
    struct loop *loop = container_of(task, struct loop, deliver_task);

    if (loop->owner)
        deliver_to_owner(loop);
    else if (loop->worker_count)
        deliver_to_workers(loop);
    if (!loop->worker_count)
        loop_dequeue(loop);
}
