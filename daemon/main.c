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

static void watch_signals(struct minimio_registrator *registrator)
{
    struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    struct sigaction reload = {.sa_handler = on_reload, .sa_flags = SA_RESTART};
    struct sigaction ignored = {.sa_handler = SIG_IGN};

    waker = registrator;
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGHUP, &reload, NULL);
    sigaction(SIGPIPE, &ignored, NULL);
}

/* What is read anew is read between the two. */
static void reload(struct server *server)
{
    signals.reload = 0;
    service_reloading(server->service);
    server_ready(server);
}

static void announce(struct server *server, const struct config *config)
{
    if (server->listener.path)
        log_write(LOG_LEVEL_INFO, "listening on %s", config->socket);
    else
        log_write(LOG_LEVEL_INFO, "listening on the service manager's socket");
    server_ready(server);
}

static int serve(struct server *server, const struct config *config)
{
    int result = server_init(server, config);

    if (result == 0) {
        watch_signals(server->reactor.registrator);
        announce(server, config);
        while ((result = server_run(server, &signals)) == SERVER_RELOAD)
            reload(server);
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

    if (result < 0)
        return 2;
    if (result == CONFIG_EXIT)
        return EXIT_SUCCESS;
    return serve(&server, &config) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
