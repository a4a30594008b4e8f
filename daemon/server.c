/* SPDX-License-Identifier: MIT */
#include "daemon/server.h"

#include "daemon/base/log.h"
#include "daemon/methods/dispatch.h"
#include "daemon/restart/restore.h"
#include "daemon/sessions/admission.h"
#include "daemon/sessions/lifecycle.h"
#include "daemon/sessions/sessions.h"

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

/* ---- A turn -------------------------------------------------------------------------------------------------------
 */

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

/* Clients have a moment to read what was said, the manager to take what it is to keep; neither is waited for longer. */
static int take_leave(struct server *server)
{
    int result = 0;

    sessions_begin_end(&server->context);
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
    int result;

    log_write(LOG_LEVEL_INFO, "handing over to the program's new binary: %u sessions end, %u registrations",
              server->context.accounts.sessions, server->context.accounts.registrations);
    listener_pause(&server->context.wire.listener);
    result = take_leave(server);
    sessions_free_all(&server->context);
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
    if (config_replace(server->context.config, fresh))
        log_write(LOG_LEVEL_WARNING, "socket and socket-mode stay as they are until the next start");
    log_set_level(server->context.config->log_level);
    sessions_apply_access(&server->context);
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
                              handover->owns_path ? config->socket : NULL, admission_admit, admission_turn_away,
                              &server->context);
        return 0;
    }
    result = listener_init(&server->context.wire.listener, &server->context.turn.reactor, config->socket,
                           config->socket_mode, admission_admit, admission_turn_away, &server->context);
    if (result < 0)
        explain(config, result);
    else if (config->system_socket)
        give_to_group(config);
    return result;
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

int server_init(struct server *server, struct config *config, const struct handover *handover)
{
    int result, listener = -ENOENT;

    memset(server, 0, sizeof *server);
    context_init(&server->context, config, session_deliver, handle_request, sessions_retry);
    for (size_t i = 0; i < handover->closing_count; i++)
        async_close(&server->context.wire.closer, handover->closing[i]);
    result = init_service(server);
    if (result == 0) {
        listener = find_listener(server, handover);
        if (listener < 0 && listener != -ENOENT)
            return listener;
        result = context_start(&server->context);
    }
    if (result == 0)
        result = restore_run(&server->context, server->service, handover->ledger);
    if (result < 0) {
        log_write(LOG_LEVEL_ERROR, "cannot start: %s", strerror(-result));
        return result;
    }
    return open_listener(server, handover, listener);
}

void server_deinit(struct server *server)
{
    sessions_free_all(&server->context);
    sessions_close_loops(&server->context);
    context_deinit(&server->context);
    manager_free(server->service);
    reactor_deinit(&server->context.turn.reactor);
    async_closers_end();
}
