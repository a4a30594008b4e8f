/* SPDX-License-Identifier: MIT */
#include "daemon/server.h"

#include "daemon/base/log.h"
#include "daemon/loops/persist.h"
#include "daemon/loops/stream.h"
#include "daemon/methods/handlers.h"
#include "daemon/restart/restore.h"
#include "daemon/sessions/attach.h"
#include "daemon/sessions/lifecycle.h"
#include "proto/reply.h"

#include <errno.h>
#include <grp.h>
#include <malloc.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHUTDOWN_GRACE_MS 1000 /* how long clients have to read their last lines when the daemon ends */

/* Memory of fewer sessions and registrations than this is not worth giving back. */
#define PEAK_LEAST 1024
#define TRIM_MS    1000

/* Whose files the system's socket belongs to. */
#define SOCKET_GROUP "minimio"

/* ---- Clients ------------------------------------------------------------------------------------------------------
 */

/* What a client has sent waits with its user's descriptors, if need be. */
static void refuse(struct server *server, int fd, uid_t uid, bool may_linger, const struct fault *fault)
{
    server->context.turn.stats.errors[fault->name]++;
    log_write_ratelimited(LOG_REFUSED_SESSION, uid, "session of uid %u refused: %s", (unsigned)uid, fault->message);
    conn_refuse(&server->context.wire, accounts_begin_refusal(&server->context.accounts, uid), fd, may_linger, fault);
}

/* The overflow uid is many users, who would share their loops and limits. */
static bool is_unmapped(const struct config *config, const struct ucred *peer)
{
    return config->overflow_uid != (uid_t)-1 && peer->uid == config->overflow_uid;
}

static int check_access(const struct server *server, const struct ucred *peer, int fd, struct fault *ret_fault)
{
    if (is_unmapped(server->context.config, peer) && !server->context.config->access.unmapped_users) {
        fault_set(ret_fault, FAULT_DENIED,
                  "this user is not mapped in the daemon's user namespace: see unmapped-users in minimiod.conf(5)");
        strcpy(ret_fault->rule, "unmapped-users");
        return -EACCES;
    }
    if (access_allows(&server->context.config->access, peer, fd))
        return 0;
    fault_set(ret_fault, FAULT_DENIED, "this daemon's operator has not listed this user or its groups in [access]");
    strcpy(ret_fault->rule, "access");
    return -EACCES;
}

static void turn_away(void *owner, int fd)
{
    struct server *server = owner;
    struct fault fault;

    fault_set_limit(&fault, FAULT_LIMIT_EXCEEDED, "descriptors", server->context.config->descriptors,
                    "the daemon has no descriptor left; try again later");
    refuse(server, fd, access_peer(fd).uid, false, &fault);
}

static void admit(void *owner, int fd)
{
    struct server *server = owner;
    struct ucred peer = access_peer(fd);
    struct account *account;
    struct fault fault;

    if (fd_room_has(fd)) {
        turn_away(server, fd);
        return;
    }
    if (check_access(server, &peer, fd, &fault) < 0 ||
        accounts_add_session(&server->context.accounts, peer.uid, &account, &fault) < 0) {
        refuse(server, fd, peer.uid, true, &fault);
    } else if (session_new(&server->context, fd, account) < 0) {
        accounts_remove_session(&server->context.accounts, account);
        fault_set(&fault, FAULT_INTERNAL, "the daemon is out of memory; try again later");
        refuse(server, fd, peer.uid, false, &fault);
    }
}

/* ---- A turn -------------------------------------------------------------------------------------------------------
 */

static void retry_all(struct turn *turn)
{
    struct context *context = container_of(turn, struct context, turn);
    struct session *session;

    LIST_FOREACH(session, &context->sessions, entry)
    {
        if (session->loop)
            loop_enqueue_if_ready(session->loop);
        if (session->conn.readable || session->conn.backlog)
            conn_schedule_input(&session->conn);
        if (session->conn.out.length) /* even if it was blocked: of that the kernel may have told already */
            conn_mark_dirty(&session->conn);
    }
}

/* Streams that requests have armed again are asked about before their loops' events are written. */
static void settle(struct schedule *schedule)
{
    rearm_batch_flush(&container_of(schedule, struct server, context.turn.schedule)->context.loops.rearm);
}

/* As one line for `systemctl status`. */
#define STATUS "%u sessions, %zu loops, %u registrations"
#define STATUS_OF(server)                                                                                              \
    (server)->context.accounts.sessions, (server)->context.loops.count, (server)->context.accounts.registrations

void server_ready(struct server *server)
{
    manager_ready(server->service, STATUS, STATUS_OF(server));
}

static void report(struct server *server)
{
    if (manager_wants_status(server->service) && !server->context.turn.stopping)
        manager_status(server->service, STATUS, STATUS_OF(server));
    manager_turn(server->service);
}

static uint32_t held(const struct server *server)
{
    return server->context.accounts.sessions + server->context.accounts.registrations;
}

static bool is_past_peak(const struct server *server)
{
    return server->peak >= PEAK_LEAST && held(server) <= server->peak / 4;
}

/* glibc keeps what was freed between what was not, unless it is told otherwise. */
static void trim_heap(struct timer *timer)
{
    struct server *server = container_of(timer, struct server, trim);

    if (!is_past_peak(server))
        return;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    server->peak = held(server);
}

/* When three quarters of many are gone and stay away. Trimming takes milliseconds: it is not done over and over. */
static void watch_peak(struct server *server)
{
    if (held(server) > server->peak)
        server->peak = held(server);
    if (is_past_peak(server) && !server->trim.running)
        timer_start(&server->context.turn.reactor.timers, &server->trim, TRIM_MS, trim_heap);
}

static int turn(struct server *server)
{
    bool busy = schedule_has_work(&server->context.turn.schedule);
    int result = reactor_turn(&server->context.turn.reactor, busy && !server->context.turn.stopping);

    if (result < 0)
        return result;
    if (server->context.turn.stopping)
        schedule_flush(&server->context.turn.schedule);
    else
        schedule_run(&server->context.turn.schedule, server->context.turn.reactor.woke_ns);
    report(server);
    reactor_free_deferred(&server->context.turn.reactor);
    watch_peak(server);
    return 0;
}

/* ---- The end ------------------------------------------------------------------------------------------------------
 */

static void shutdown_grace_over(struct timer *timer)
{
    (void)timer; /* that it no longer runs is all that is looked at */
}

static void say_goodbye(struct server *server)
{
    struct session *session;
    struct fault fault;

    fault_set(&fault, FAULT_LOOP_CLOSED, "the daemon ends");
    LIST_FOREACH(session, &server->context.sessions, entry)
    {
        if (session->conn.state != CONN_SERVING) { /* its last line is written; what is left may end at once */
            attach_end_calls(session, NULL);       /* a loop that is being closed waits for them */
            conn_mark_dirty(&session->conn);
            continue;
        }
        attach_end_calls(session, &fault);
        notify_loop_closed(&session->conn.out, session->loop ? loop_name(session->loop) : NULL, "shutdown");
        conn_end_line(&session->conn);
        conn_begin_close(&session->conn);
    }
}

/* Clients have a moment to read what was said, the manager to take what it is to keep; neither is waited for longer. */
static int take_leave(struct server *server)
{
    int result = 0;

    server->context.turn.stopping = true;
    lingerings_end(&server->context.wire.lingerings);
    say_goodbye(server);
    attach_finish_closing(&server->context);
    schedule_flush(&server->context.turn.schedule);
    timer_start(&server->context.turn.reactor.timers, &server->shutdown_grace, SHUTDOWN_GRACE_MS, shutdown_grace_over);
    while (result == 0 && server->shutdown_grace.running &&
           !(LIST_EMPTY(&server->context.sessions) && manager_is_synced(server->service)))
        result = turn(server);
    return result;
}

static int stop(struct server *server)
{
    log_write(LOG_LEVEL_INFO, "stopping: %u sessions, %u registrations", server->context.accounts.sessions,
              server->context.accounts.registrations);
    manager_stopping(server->service);
    listener_deinit(&server->context.wire.listener);
    return take_leave(server);
}

int server_take_leave(struct server *server)
{
    struct session *session;
    int result;

    log_write(LOG_LEVEL_INFO, "handing over to the program's new binary: %u sessions end, %u registrations",
              server->context.accounts.sessions, server->context.accounts.registrations);
    listener_pause(&server->context.wire.listener);
    result = take_leave(server);
    while ((session = LIST_FIRST(&server->context.sessions)))
        session_free(session);
    return result;
}

void server_resume(struct server *server)
{
    timer_stop(&server->context.turn.reactor.timers, &server->shutdown_grace);
    server->context.turn.stopping = false;
    listener_resume(&server->context.wire.listener);
}

int server_run(struct server *server, const struct server_signals *signals)
{
    int result = 0;

    report(server); /* what was to be said since the last turn, or before the first */
    while (result == 0 && !signals->stop && !signals->reload && !signals->hand_over && !signals->child)
        result = turn(server);
    if (result < 0)
        return result;
    if (signals->stop)
        return stop(server);
    if (signals->reload)
        return SERVER_RELOAD;
    return signals->hand_over ? SERVER_HAND_OVER : SERVER_CHILD;
}

void server_reconfigure(struct server *server, struct config *fresh)
{
    struct session *session;

    if (config_replace(server->context.config, fresh))
        log_write(LOG_LEVEL_WARNING, "socket and socket-mode stay as they are until the next start");
    log_set_level(server->context.config->log_level);
    LIST_FOREACH(session, &server->context.sessions, entry)
    conn_apply_access(&session->conn);
}

/* ---- The beginning ------------------------------------------------------------------------------------------------
 */

static void explain(const struct config *config, int error)
{
    const char *path = config->socket;

    if (error == -EADDRINUSE)
        log_write(LOG_LEVEL_ERROR, "%s: another daemon answers there; stop it or choose another --socket", path);
    else if (error == -EEXIST)
        log_write(LOG_LEVEL_ERROR, "%s: exists and is not a socket; refusing to replace it", path);
    else
        log_write(LOG_LEVEL_ERROR, "%s: %s; see --socket", path, strerror(-error));
}

/* Without the group, or the right to give the file to it, the socket is the daemon's own user's: safe, and said. */
static void give_to_group(const struct config *config)
{
    const struct group *group = getgrnam(SOCKET_GROUP);

    if (!group || chown(config->socket, (uid_t)-1, group->gr_gid) < 0)
        log_write(LOG_LEVEL_WARNING, "%s: not given to the group " SOCKET_GROUP ": %s", config->socket,
                  group ? strerror(errno) : "there is no such group");
}

/* One that listens already: the binary's before, or the manager's. */
static int find_listener(struct server *server, const struct handover *handover)
{
    return handover->listener >= 0 ? handover->listener : manager_take_listener(server->service);
}

/* `found`: one that listens already, or -ENOENT. */
static int open_listener(struct server *server, const struct handover *handover, int found)
{
    const struct config *config = server->context.config;
    int result;

    if (found >= 0) {
        listener_init_adopted(&server->context.wire.listener, &server->context.turn.reactor, found,
                              handover->owns_path ? config->socket : NULL, admit, turn_away, server);
        return 0;
    }
    result = listener_init(&server->context.wire.listener, &server->context.turn.reactor, config->socket,
                           config->socket_mode, admit, turn_away, server);
    if (result < 0)
        explain(config, result);
    else if (config->system_socket)
        give_to_group(config);
    return result;
}

static void init_context(struct context *context, struct config *config)
{
    struct turn *turn = &context->turn;

    context->config = config;
    context->wire.turn = turn;
    context->wire.access = &config->access;
    context->handle = handle_request;
    LIST_INIT(&context->sessions);
    turn_init(turn, &config->limits, settle, retry_all);
    loops_init(&context->loops, &turn->reactor, &context->recorder, session_deliver);
    context->loops.rearm.report = stream_rearmed;
    fd_room_set(config->descriptors - CONFIG_DESCRIPTOR_ROOM);
    async_closers_start();
    async_closer_init(&context->wire.closer, true);
    recorder_init(&context->recorder, &context->wire.closer);
    accounts_init(&context->accounts, turn->limits, &turn->schedule, config->descriptors - CONFIG_DESCRIPTOR_RESERVE);
    unreads_init(&context->wire.unreads, &turn->reactor);
    lingerings_init(&context->wire.lingerings, &turn->reactor, &context->accounts, &context->wire.closer);
}

/* The reactor, and the link to the service manager. */
static int init_service(struct server *server)
{
    struct reactor *reactor = &server->context.turn.reactor;
    int result = reactor_init(reactor);

    if (result < 0)
        return result;
    server->context.turn.stats.started_ns = reactor->timers.now_ns;
    result = manager_new(reactor, &server->service);
    if (result == 0)
        manager_set_store_max(server->service, server->context.config->store);
    return result;
}

static int init_rest(struct server *server, const struct handover *handover)
{
    struct context *context = &server->context;
    int result = resolver_new(&context->turn.reactor, context->turn.limits, &context->resolver);

    return result == 0 ? restore(context, server->service, handover->ledger) : result;
}

int server_init(struct server *server, struct config *config, const struct handover *handover)
{
    int result, listener = -ENOENT;

    memset(server, 0, sizeof *server);
    init_context(&server->context, config);
    for (size_t i = 0; i < handover->closing_count; i++)
        async_close(&server->context.wire.closer, handover->closing[i]);
    result = init_service(server);
    if (result == 0) {
        listener = find_listener(server, handover);
        if (listener < 0 && listener != -ENOENT)
            return listener;
        result = init_rest(server, handover);
    }
    if (result < 0) {
        log_write(LOG_LEVEL_ERROR, "cannot start: %s", strerror(-result));
        return result;
    }
    return open_listener(server, handover, listener);
}

void server_deinit(struct server *server)
{
    struct session *session;

    while ((session = LIST_FIRST(&server->context.sessions)))
        session_free(session);
    server->context.turn.stopping = true;
    lingerings_end(&server->context.wire.lingerings);
    attach_finish_closing(&server->context);
    persist_stop(&server->context.loops); /* what is kept is for the next daemon */
    attach_close_all(&server->context);
    unreads_deinit(&server->context.wire.unreads);
    listener_deinit(&server->context.wire.listener);
    resolver_free(server->context.resolver);
    manager_free(server->service);
    reactor_deinit(&server->context.turn.reactor);
    async_closers_end();
}
