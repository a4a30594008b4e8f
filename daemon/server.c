/* SPDX-License-Identifier: MIT */
#include "daemon/server.h"

#include "daemon/base/log.h"
#include "daemon/methods/dispatch.h"
#include "daemon/restart/restore.h"
#include "daemon/sessions/admission.h"
#include "daemon/sessions/delivery.h"
#include "daemon/sessions/lifecycle.h"
#include "daemon/sessions/sessions.h"

#include <errno.h>
#include <grp.h>
#include <malloc.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHUTDOWN_GRACE_MS 1000 /* time for clients to read their last lines at the end */

/* Below this peak of sessions and registrations, trimming is not worthwhile. */
#define PEAK_LEAST 1024
#define TRIM_MS    1000

/* Group of the system's socket file. */
#define SOCKET_GROUP "minimio"

/* ---- A turn ------------------------------------------------------------------------------------------------------ */

/* The status line of `systemctl status`. */
#define STATUS "%u sessions, %zu loops, %u registrations"
#define STATUS_OF(server)                                                                                              \
    (server)->context.accounts.sessions, (server)->context.loops.count, (server)->context.accounts.registrations

void server_ready(struct server *server)
{
    manager_ready(server->manager, STATUS, STATUS_OF(server));
}

static void report_status(struct server *server)
{
    if (manager_wants_status(server->manager) && !server->context.turn.stopping)
        manager_status(server->manager, STATUS, STATUS_OF(server));
    manager_turn(server->manager);
}

static uint32_t sessions_and_registrations(const struct server *server)
{
    return server->context.accounts.sessions + server->context.accounts.registrations;
}

static bool is_past_peak(const struct server *server)
{
    return server->peak >= PEAK_LEAST && sessions_and_registrations(server) <= server->peak / 4;
}

/* glibc keeps freed memory between allocated blocks until malloc_trim. */
static void trim_heap(struct timer *timer)
{
    struct server *server = container_of(timer, struct server, trim);

    if (!is_past_peak(server))
        return;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    server->peak = sessions_and_registrations(server);
}

/* Trims after TRIM_MS if three quarters of a peak are gone. Trimming takes milliseconds, so the delay limits how
 * often it happens. */
static void watch_peak(struct server *server)
{
    if (sessions_and_registrations(server) > server->peak)
        server->peak = sessions_and_registrations(server);
    if (is_past_peak(server) && !server->trim.running)
        timer_start(&server->context.turn.reactor.timers, &server->trim, TRIM_MS, trim_heap);
}

static int server_turn(struct server *server)
{
    bool busy = schedule_has_work(&server->context.turn.schedule);
    int result = reactor_turn(&server->context.turn.reactor, busy && !server->context.turn.stopping);

    if (result < 0)
        return result;
    if (server->context.turn.stopping)
        schedule_flush(&server->context.turn.schedule);
    else
        schedule_run(&server->context.turn.schedule, server->context.turn.reactor.woke_ns);
    report_status(server);
    reactor_free_deferred(&server->context.turn.reactor);
    watch_peak(server);
    return 0;
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

static void shutdown_grace_over(struct timer *timer)
{
    (void)timer; /* end_sessions() only tests timer.running */
}

/* Gives clients time to read their output, and the manager time to process messages; both have SHUTDOWN_GRACE_MS at
 * most. */
static int end_sessions(struct server *server)
{
    int result = 0;

    sessions_begin_end(&server->context);
    schedule_flush(&server->context.turn.schedule);
    timer_start(&server->context.turn.reactor.timers, &server->shutdown_grace, SHUTDOWN_GRACE_MS, shutdown_grace_over);
    while (result == 0 && server->shutdown_grace.running &&
           !(LIST_EMPTY(&server->context.sessions) && manager_is_synced(server->manager)))
        result = server_turn(server);
    return result;
}

static int server_stop(struct server *server)
{
    log_write(LOG_LEVEL_INFO, "stopping: %u sessions, %u registrations", server->context.accounts.sessions,
              server->context.accounts.registrations);
    manager_stopping(server->manager);
    listener_deinit(&server->context.wire.listener);
    return end_sessions(server);
}

int server_take_leave(struct server *server)
{
    int result;

    log_write(LOG_LEVEL_INFO, "handing over to the program's new binary: %u sessions end, %u registrations",
              server->context.accounts.sessions, server->context.accounts.registrations);
    listener_pause(&server->context.wire.listener);
    result = end_sessions(server);
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

    report_status(server); /* pending messages of the time before this call */
    while (result == 0 && !signals->stop && !signals->reload && !signals->hand_over && !signals->child)
        result = server_turn(server);
    if (result < 0)
        return result;
    if (signals->stop)
        return server_stop(server);
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

/* ---- The beginning ----------------------------------------------------------------------------------------------- */

static void log_listener_error(const struct config *config, int error)
{
    const char *path = config->socket;

    if (error == -EADDRINUSE)
        log_write(LOG_LEVEL_ERROR, "%s: another daemon answers there; stop it or choose another --socket", path);
    else if (error == -EEXIST)
        log_write(LOG_LEVEL_ERROR, "%s: exists and is not a socket; refusing to replace it", path);
    else
        log_write(LOG_LEVEL_ERROR, "%s: %s; see --socket", path, strerror(-error));
}

/* Without the group, or without permission to change the file's group, the socket is accessible to the daemon's own
 * user only, which is safe and logged. */
static void give_to_group(const struct config *config)
{
    const struct group *group = getgrnam(SOCKET_GROUP);

    if (!group || chown(config->socket, (uid_t)-1, group->gr_gid) < 0)
        log_write(LOG_LEVEL_WARNING, "%s: not given to the group " SOCKET_GROUP ": %s", config->socket,
                  group ? strerror(errno) : "there is no such group");
}

/* A listening socket of the previous binary, or of the service manager. Errors: as manager_take_listener. */
static int find_listener(struct server *server, const struct handover *handover)
{
    return handover->listener >= 0 ? handover->listener : manager_take_listener(server->manager);
}

/* `found`: a listening socket, or -ENOENT. */
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
        log_listener_error(config, result);
    else if (config->system_socket)
        give_to_group(config);
    return result;
}

/* Initializes the reactor and the client of the service manager. */
static int init_manager(struct server *server)
{
    struct reactor *reactor = &server->context.turn.reactor;
    int result = reactor_init(reactor);

    if (result < 0)
        return result;
    server->context.turn.stats.started_ns = reactor->timers.now_ns;
    result = manager_new(reactor, &server->manager);
    if (result == 0)
        manager_set_store_max(server->manager, server->context.config->store);
    return result;
}

int server_init(struct server *server, struct config *config, const struct handover *handover)
{
    int result, listener = -ENOENT;

    memset(server, 0, sizeof *server);
    context_init(&server->context, config, session_deliver, handle_request, sessions_retry);
    for (size_t i = 0; i < handover->closing_count; i++)
        async_close(&server->context.wire.closer, handover->closing[i]);
    result = init_manager(server);
    if (result == 0) {
        listener = find_listener(server, handover);
        if (listener < 0 && listener != -ENOENT)
            return listener;
        result = context_start(&server->context);
    }
    if (result == 0)
        result = restore_run(&server->context, server->manager, handover->ledger);
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
    manager_free(server->manager);
    reactor_deinit(&server->context.turn.reactor);
    async_closers_end();
}
