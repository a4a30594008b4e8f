/* SPDX-License-Identifier: MIT */
/*
 * minimiod: owns an event queue and the TCP streams of its clients. Reads the settings, wires the parts together, and
 * does what signals ask for.
 */
#include "daemon/config.h"
#include "daemon/escape.h"
#include "daemon/log.h"
#include "daemon/options.h"
#include "daemon/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 2

/* What a signal handler needs and cannot be passed. */
static struct server_signals signals;
static struct minimio_registrator *waker;

/* ---- Signals ---------------------------------------------------------------------------------------------------- */

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

    waker = registrator;
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGHUP, &reload, NULL);
    sigaction(SIGUSR2, &hand_over, NULL);
    hold_signals(SIG_UNBLOCK);
}

/* At the end, when there is nothing to wake any more. */
static void ignore(int signal_number)
{
    struct sigaction ignored = {.sa_handler = SIG_IGN};

    sigaction(signal_number, &ignored, NULL);
}

/* ---- Settings --------------------------------------------------------------------------------------------------- */

static void tell_log(const char *text)
{
    log_write(LOG_LEVEL_ERROR, "%s", text);
}

/* As compilers do, for editors to find the place. */
static void tell_plainly(const char *text)
{
    char printable[4096];

    escape_text(text, printable, sizeof printable);
    fprintf(stderr, "%s\n", printable);
}

static const char *file_of(const struct config *config)
{
    return config->file ? config->file : "none";
}

static int check(const struct options *options)
{
    struct complaints complaints = {.tell = tell_plainly};
    struct config config;

    if (config_load(options, NULL, &complaints, &config) < 0)
        return EXIT_USAGE;
    printf("configuration file: %s\nOK\n", file_of(&config));
    config_deinit(&config);
    return EXIT_SUCCESS;
}

static void reload(struct server *server, const struct options *options)
{
    struct complaints complaints = {.tell = tell_log};
    struct config fresh;

    signals.reload = 0;
    service_reloading(server->service);
    if (config_load(options, server->config->file, &complaints, &fresh) < 0) {
        log_write(LOG_LEVEL_ERROR, "the configuration was not reread: the old one stays in force");
    } else if (server_reconfigure(server, &fresh) < 0) {
        config_deinit(&fresh);
        log_write(LOG_LEVEL_ERROR, "out of memory: the old configuration stays in force");
    } else {
        log_write(LOG_LEVEL_INFO, "the configuration was reread and is in force; file: %s", file_of(server->config));
    }
    server_ready(server);
}

/* A binary that could not read its settings would end with every stream in its hands. */
static bool would_start(struct server *server, const struct options *options)
{
    struct complaints complaints = {.tell = tell_log};
    struct config config;

    if (config_load(options, server->config->file, &complaints, &config) < 0)
        return false;
    config_deinit(&config);
    return true;
}

/* Returns only where it failed: then this binary goes on. Error: negative errno, it cannot. */
static int hand_over(struct server *server, const struct options *options)
{
    int result;

    signals.hand_over = 0;
    if (!would_start(server, options)) {
        log_write(LOG_LEVEL_ERROR, "not handed over: the configuration is wrong; this binary goes on");
        return 0;
    }
    result = server_take_leave(server);
    if (result < 0)
        return result;
    /* One that came before now is nobody's but this binary's to obey; one that comes later is the next one's. */
    hold_signals(SIG_BLOCK);
    result = signals.stop ? 0 : handover_run(server, options->arguments);
    hold_signals(SIG_UNBLOCK);
    if (result < 0)
        log_write(LOG_LEVEL_ERROR, "not handed over: %s; this binary goes on", strerror(-result));
    server_resume(server);
    return 0;
}

/* ---- The run ---------------------------------------------------------------------------------------------------- */

static void announce(struct server *server, const struct config *config)
{
    const struct limits *limits = &config->limits;
    const char *where = server->listener.path ? config->socket : "the service manager's socket";

    log_write(
        LOG_LEVEL_INFO,
        "listening on %s; version %s; sessions %u, %u a user; registrations %u, %u a user; configuration file: %s",
        where, MINIMIO_VERSION, limits->sessions, limits->sessions_uid, limits->registrations,
        limits->registrations_uid, file_of(config));
    server_ready(server);
}

static int serve(struct server *server, struct config *config, const struct options *options)
{
    struct handover handover;
    int result;

    handover_take(&handover);
    result = server_init(server, config, &handover);
    if (result == 0) {
        watch_signals(server->reactor.registrator);
        announce(server, config);
        while ((result = server_run(server, &signals)) > SERVER_STOPPED) {
            if (result == SERVER_RELOAD)
                reload(server, options);
            else if ((result = hand_over(server, options)) < 0)
                break;
        }
        if (result < 0)
            log_write(LOG_LEVEL_ERROR, "cannot go on: %s", strerror(-result));
        ignore(SIGTERM);
        ignore(SIGINT);
        ignore(SIGHUP);
        ignore(SIGUSR2);
    }
    server_deinit(server);
    log_finish();
    return result;
}

static int run(const struct options *options)
{
    static struct server server;
    struct complaints complaints = {.tell = tell_log};
    struct config config;
    int result = config_load(options, NULL, &complaints, &config);

    if (result < 0)
        return EXIT_USAGE;
    log_set_level(config.log_level);
    ignore(SIGPIPE);
    result = serve(&server, &config, options);
    config_deinit(&config);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct complaints complaints = {.tell = tell_log};
    struct options options;
    int result;

    hold_signals(SIG_BLOCK);
    handover_init();
    result = options_read(&options, argc, argv, &complaints);
    if (result < 0)
        result = EXIT_USAGE;
    else if (result == OPTIONS_ANSWERED)
        result = EXIT_SUCCESS;
    else
        result = options.check ? check(&options) : run(&options);
    options_deinit(&options);
    return result;
}
