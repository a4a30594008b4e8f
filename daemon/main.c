/* SPDX-License-Identifier: MIT */
/*
 * minimiod: owns an event queue and the TCP streams of its clients. Reads the options, wires the parts together, and
 * ends them when a signal asks for it.
 */
#include "daemon/config.h"
#include "daemon/log.h"
#include "daemon/server.h"

#include <stdlib.h>
#include <string.h>

/* What a signal handler needs and cannot be passed. */
static struct server_signals signals;
static struct minimio_registrator *waker;

static void on_stop(int signal)
{
    (void)signal;
    signals.stop = 1;
    minimio_registrator_wake(waker);
}

static void on_reload(int signal)
{
    (void)signal;
    signals.reload = 1;
    minimio_registrator_wake(waker);
}

static void on_hand_over(int signal)
{
    (void)signal;
    signals.hand_over = 1;
    minimio_registrator_wake(waker);
}

/* Those that would end a process that has not said yet what to do with them: they wait until it has. */
static void hold_signals(int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR2);
    sigprocmask(how, &set, NULL);
}

static void watch_signals(struct minimio_registrator *registrator)
{
    struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    struct sigaction reload = {.sa_handler = on_reload, .sa_flags = SA_RESTART};
    struct sigaction hand_over = {.sa_handler = on_hand_over, .sa_flags = SA_RESTART};
    struct sigaction ignored = {.sa_handler = SIG_IGN};

    waker = registrator;
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGHUP, &reload, NULL);
    sigaction(SIGUSR2, &hand_over, NULL);
    sigaction(SIGPIPE, &ignored, NULL);
    hold_signals(SIG_UNBLOCK);
}

/* What is read anew is read between the two. */
static void reload(struct server *server)
{
    signals.reload = 0;
    service_reloading(server->service);
    server_ready(server);
}

/* Returns only when the other binary could not be started: then this one goes on. */
static void hand_over(struct server *server, char **argv)
{
    int result;

    signals.hand_over = 0;
    hold_signals(SIG_BLOCK);
    result = handover_run(server, argv);
    hold_signals(SIG_UNBLOCK);
    log_write(LOG_LEVEL_ERROR, "not handed over: %s; this binary goes on", strerror(-result));
    server_resume(server);
}

static void announce(struct server *server, const struct config *config)
{
    if (server->listener.path)
        log_write(LOG_LEVEL_INFO, "listening on %s", config->socket);
    else
        log_write(LOG_LEVEL_INFO, "listening on the service manager's socket");
    server_ready(server);
}

static int serve(struct server *server, const struct config *config, char **argv)
{
    struct handover handover;
    int result;

    handover_take(&handover);
    result = server_init(server, config, &handover);

    if (result == 0) {
        watch_signals(server->reactor.registrator);
        announce(server, config);
        while ((result = server_run(server, &signals)) > SERVER_STOPPED)
            if (result == SERVER_RELOAD)
                reload(server);
            else
                hand_over(server, argv);
        if (result < 0)
            log_write(LOG_LEVEL_ERROR, "cannot go on: %s", strerror(-result));
        signal(SIGTERM, SIG_IGN);
        signal(SIGINT, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
    }
    server_deinit(server);
    return result;
}

int main(int argc, char **argv)
{
    static struct config config;
    static struct server server;
    int result = config_read(&config, argc, argv);

    hold_signals(SIG_BLOCK);
    handover_init();
    if (result < 0)
        return 2;
    if (result == CONFIG_EXIT)
        return EXIT_SUCCESS;
    return serve(&server, &config, argv) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
