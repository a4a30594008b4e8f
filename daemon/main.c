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
static volatile sig_atomic_t stop_asked;
static struct minimio_registrator *waker;

static void on_stop(int signal)
{
    (void)signal;
    stop_asked = 1;
    minimio_registrator_wake(waker);
}

static void watch_signals(struct minimio_registrator *registrator)
{
    struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    struct sigaction ignored = {.sa_handler = SIG_IGN};

    waker = registrator;
    sigemptyset(&stop.sa_mask);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGPIPE, &ignored, NULL);
    sigaction(SIGHUP, &ignored, NULL); /* there is nothing to read anew, and a closed terminal ends no session */
}

static int serve(struct server *server, const struct config *config)
{
    int result = server_init(server, config);

    if (result == 0) {
        watch_signals(server->reactor.registrator);
        log_write(LOG_LEVEL_INFO, "listening on %s", config->socket);
        result = server_run(server, &stop_asked);
        if (result < 0)
            log_write(LOG_LEVEL_ERROR, "cannot go on: %s", strerror(-result));
        signal(SIGTERM, SIG_IGN);
        signal(SIGINT, SIG_IGN);
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
