/* SPDX-License-Identifier: MIT */
/* Writes the lines of the debug log. Stateless. */
#include "daemon/sessions/trace.h"

#include "daemon/config/access.h"
#include "daemon/loops/stream.h"
#include "proto/methods.h"

#include <stdio.h>
#include <string.h>

/* The number of bytes of an id in a line; a longer id, up to id_bytes, is truncated. */
#define ID_SHOWN 64

/* The number of events of one delivery with a line, which limits the time for the lines. */
#define EVENTS_SHOWN 256

#define WHO         "session %llu: "
#define NUMBER(of)  ((unsigned long long)(of)->number)
#define LOOP_SHOWN  (NAME_MAX_BYTES + 16)
#define TOKEN_SHOWN 40
#define FLAGS_SHOWN 64

struct shown_id {
    char text[ID_SHOWN + 16];
};

/* An id as the client wrote the id. */
static struct shown_id show_id(struct span id)
{
    struct shown_id shown;

    if (!id.data)
        snprintf(shown.text, sizeof shown.text, "notification");
    else
        snprintf(shown.text, sizeof shown.text, "id %.*s%s", id.length > ID_SHOWN ? ID_SHOWN : (int)id.length, id.data,
                 id.length > ID_SHOWN ? "..." : "");
    return shown;
}

/* ---- Sessions and loops ----------------------------------------------------------------------------------------- */

void trace_opened(const struct session *session)
{
    struct ucred peer = access_peer(session->conn.fd);

    log_debug(WHO "opened, uid %u, pid %d", NUMBER(session), (unsigned)peer.uid, (int)peer.pid);
}

void trace_ended(const struct session *session)
{
    log_debug(WHO "ended", NUMBER(session));
}

static void show_loop(const struct loop *loop, char ret_text[LOOP_SHOWN])
{
    if (loop_is_named(loop))
        snprintf(ret_text, LOOP_SHOWN, "loop \"%s\"", loop_name(loop));
    else
        snprintf(ret_text, LOOP_SHOWN, "anonymous loop");
}

void trace_entered(const struct session *session)
{
    char name[LOOP_SHOWN];

    show_loop(session_loop(session), name);
    log_debug(WHO "entered the %s as %s", NUMBER(session), name, role_names[session->member.role]);
}

void trace_left(const struct session *session)
{
    char name[LOOP_SHOWN];

    show_loop(session_loop(session), name);
    log_debug(WHO "left the %s", NUMBER(session), name);
}

/* ---- Requests --------------------------------------------------------------------------------------------------- */

void trace_request(const struct call *call, const struct request *request)
{
    const struct method_info *method = &method_table[request->method];
    struct shown_id id = show_id(call->id);
    char token[TOKEN_SHOWN] = "";

    if (params_given(request->method, &request->params, offsetof(struct params, token)))
        snprintf(token, sizeof token, ", token %llu", (unsigned long long)request->params.token);
    log_debug(WHO "request %s, %s%s", NUMBER(call->session), method->name, id.text, token);
}

void trace_reply(const struct call *call)
{
    struct shown_id id = show_id(call->id);

    log_debug(WHO "reply, %s", NUMBER(call->session), id.text);
}

void trace_fault(const struct call *call, const struct fault *fault)
{
    struct shown_id id = show_id(call->id);

    log_debug(WHO "error, %s: %s: %s", NUMBER(call->session), id.text, fault_text(fault->name), fault->message);
}

/* ---- Events ----------------------------------------------------------------------------------------------------- */

static void show_readiness(uint8_t readiness, char ret_text[FLAGS_SHOWN])
{
    size_t length = 0;

    ret_text[0] = '\0';
    for (int bit = 0; readiness_names[bit]; bit++)
        if (readiness >> bit & 1)
            length += (size_t)snprintf(ret_text + length, FLAGS_SHOWN - length, " %s", readiness_names[bit]);
}

void trace_events(const struct session *session, size_t count)
{
    const struct stream *stream;
    size_t shown = 0;

    TAILQ_FOREACH(stream, &session_loop(session)->ready, list_link) {
        char flags[FLAGS_SHOWN];

        if (shown == count || shown == EVENTS_SHOWN)
            break;
        show_readiness(stream_event(stream), flags);
        log_debug(WHO "event, token %llu:%s", NUMBER(session), (unsigned long long)stream->token, flags);
        shown++;
    }
    if (shown < count)
        log_debug(WHO "%zu more events", NUMBER(session), count - shown);
}
