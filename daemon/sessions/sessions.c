/* SPDX-License-Identifier: MIT */
#include "daemon/sessions/sessions.h"

#include "daemon/loops/persist.h"
#include "daemon/sessions/attach.h"
#include "daemon/sessions/lifecycle.h"
#include "proto/reply.h"

void sessions_retry(struct turn *turn)
{
    struct context *context = container_of(turn, struct context, turn);
    struct session *session;

    LIST_FOREACH(session, &context->sessions, entry) {
        session_resume_events(session);
        if (session->conn.readable || session->conn.backlog)
            conn_schedule_input(&session->conn);
        if (session->conn.out.length) /* even if blocked: we may have consumed the EPOLLOUT edge already */
            conn_mark_dirty(&session->conn);
    }
}

void sessions_apply_access(struct context *context)
{
    struct session *session;

    LIST_FOREACH(session, &context->sessions, entry)
        conn_apply_access(&session->conn);
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

static void sessions_notify_end(struct context *context)
{
    struct session *session;
    struct fault fault;

    fault_set(&fault, FAULT_LOOP_CLOSED, "the daemon ends");
    LIST_FOREACH(session, &context->sessions, entry) {
        if (session->conn.state != CONN_SERVING) { /* the last line is written; the session may end at once */
            attach_end_calls(session, NULL);       /* a closing loop waits for pending calls */
            conn_mark_dirty(&session->conn);
            continue;
        }
        attach_end_calls(session, &fault);
        notify_loop_closed(&session->conn.out, session_loop(session) ? loop_name(session_loop(session)) : NULL,
                           "shutdown");
        conn_end_line(&session->conn);
        conn_begin_close(&session->conn);
    }
}

static void sessions_stop(struct context *context)
{
    context->turn.stopping = true;
    lingerings_end(&context->wire.lingerings);
}

void sessions_begin_end(struct context *context)
{
    sessions_stop(context);
    sessions_notify_end(context);
    attach_finish_closing(context);
}

void sessions_free_all(struct context *context)
{
    struct session *session;

    while ((session = LIST_FIRST(&context->sessions)))
        session_free(session);
}

void sessions_close_loops(struct context *context)
{
    sessions_stop(context);
    attach_finish_closing(context);
    persist_stop(&context->loops);
    attach_close_all(context);
}
