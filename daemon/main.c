/* SPDX-License-Identifier: MIT */
/*
 * minimiod: owns an event queue and the TCP streams of its clients.
 *
 * Reads the settings, runs the server, and carries out the requests of signals. Owns the signal handlers. Calls the
 * server, the settings and the preflight.
 */
#include "daemon/base/escape.h"
#include "daemon/base/log.h"
#include "daemon/base/program.h"
#include "daemon/config/config.h"
#include "daemon/config/options.h"
#include "daemon/config/tried_settings.h"
#include "daemon/connect/names_process.h"
#include "daemon/restart/preflight.h"
#include "daemon/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2

/* State of the signal handler, which takes no argument. */
static struct server_signals signals;
static struct minimio_registrator *waker;

/* ---- Signals ---------------------------------------------------------------------------------------------------- */

static void on_signal(int number)
{
    if (number == SIGHUP)
        signals.reload = 1;
    else if (number == SIGUSR2)
        signals.hand_over = 1;
    else if (number == SIGCHLD)
        signals.child = 1;
    else
        signals.stop = 1;
    minimio_registrator_wake(waker);
}

static const int watched[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD};

/* Blocks or unblocks the watched signals. Before handlers are installed, a signal could kill the process:
 * blocked signals stay pending. */
static void mask_signals(int how)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
        sigaddset(&set, watched[i]);
    sigprocmask(how, &set, NULL);
}

static void watch_signals(struct minimio_registrator *registrator)
{
    struct sigaction watch = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_NOCLDSTOP};

    waker = registrator;
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
        sigaction(watched[i], &watch, NULL);
    mask_signals(SIG_UNBLOCK);
}

static void ignore_signal(int signal_number)
{
    struct sigaction ignored = {.sa_handler = SIG_IGN};

    sigaction(signal_number, &ignored, NULL);
}

/* For the end, after the reactor that a signal would wake is freed. */
static void ignore_signals(void)
{
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
        ignore_signal(watched[i]);
}

/* ---- Settings --------------------------------------------------------------------------------------------------- */

static void log_config_error(const char *text)
{
    log_write(LOG_LEVEL_ERROR, "%s", text);
}

/* Prints "file:line: message", the format of compilers, which editors understand. */
static void print_config_error(const char *text)
{
    char printable[4096];

    escape_text(text, printable, sizeof printable);
    fprintf(stderr, "%s\n", printable);
}

static const char *file_of(const struct config *config)
{
    return config->file ? config->file : "none";
}

static int check_config(const struct options *options)
{
    struct config_errors config_errors = {.tell = print_config_error};
    struct config config;

    if (config_load(options, NULL, &config_errors, &config) < 0)
        return EXIT_USAGE;
    printf("configuration file: %s\nOK\n", file_of(&config));
    config_deinit(&config);
    return EXIT_SUCCESS;
}

static void reload_config(struct server *server, const struct options *options)
{
    struct config_errors config_errors = {.tell = log_config_error};
    struct config fresh;

    signals.reload = 0;
    manager_reloading(server->manager);
    if (config_load(options, server->context.config->file, &config_errors, &fresh) < 0) {
        log_write(LOG_LEVEL_ERROR, "the configuration was not reloaded: the previous configuration stays in force");
    } else {
        server_reconfigure(server, &fresh);
        log_write(LOG_LEVEL_INFO, "the configuration was reloaded and is in force; file: %s",
                  file_of(server->context.config));
    }
    server_ready(server);
}

/* ---- Handing over ----------------------------------------------------------------------------------------------- */

/* Reads the configuration file that the new binary would read. The new binary would start without a missing file,
 * and lose the file's rules: a missing file is an error here. `*ret_settings`: a descriptor of the text, or
 * TRIED_NO_FILE. False: failed, and logged. */
static bool read_settings(struct server *server, const struct options *options, int *ret_settings)
{
    struct config_errors config_errors = {.tell = log_config_error};
    struct config config;

    if (config_load(options, server->context.config->file, &config_errors, &config) < 0) {
        log_write(LOG_LEVEL_ERROR, "not handed over: the configuration is wrong; this binary continues");
        return false;
    }
    *ret_settings = config.file ? tried_settings_new(&config.text) : TRIED_NO_FILE;
    if (config.file && *ret_settings < 0) {
        log_write(LOG_LEVEL_ERROR, "not handed over: %s; this binary continues", strerror(-*ret_settings));
        config_deinit(&config);
        return false;
    }
    config_deinit(&config);
    return true;
}

/* A new binary that fails to start would lose every stream, so a preflight tests the binary first. */
static void begin_preflight(struct server *server, struct preflight *preflight, const struct options *options)
{
    static struct program program;
    int result = program_find(&program), settings;

    signals.hand_over = 0;
    if (result < 0)
        log_write(LOG_LEVEL_ERROR, "not handed over: cannot run '%s': %s; this binary continues", program_name(),
                  strerror(-result));
    if (result < 0 || !read_settings(server, options, &settings))
        return;
    result = preflight_begin(preflight, &server->context.turn.reactor.timers, &program, options->arguments, settings);
    if (result == -EALREADY)
        log_write(LOG_LEVEL_INFO, "a trial of a new binary is in progress; ignoring this SIGUSR2");
    else if (result < 0)
        log_write(LOG_LEVEL_ERROR, "not handed over: %s; this binary continues", strerror(-result));
}

/* Returns 0 if the exec has failed or was cancelled by SIGTERM or SIGINT, and this binary continues. Error: negative
 * errno, the daemon must end. */
static int hand_over(struct server *server, const struct options *options, const struct preflight *preflight)
{
    int result = server_take_leave(server);

    if (result < 0)
        return result;
    /* Signals received so far are handled by this process; later signals stay pending for the new binary. */
    mask_signals(SIG_BLOCK);
    result =
        signals.stop ? 0 : handover_run(&server->context, &preflight->program, options->arguments, preflight->settings);
    mask_signals(SIG_UNBLOCK);
    if (result < 0)
        log_write(LOG_LEVEL_ERROR, "not handed over: %s; this binary continues",
                  result == -ESTALE ? "the new binary was replaced after it was tried" : strerror(-result));
    server_resume(server);
    return 0;
}

static int finish_preflight(struct server *server, struct preflight *preflight, const struct options *options)
{
    int result;

    signals.child = 0;
    context_child_ended(&server->context);
    if (preflight_poll(preflight) != PREFLIGHT_PASSED)
        return 0;
    result = hand_over(server, options, preflight);
    preflight_forget_settings(preflight);
    return result;
}

/* ---- The run ---------------------------------------------------------------------------------------------------- */

/* Sessions of unmapped users are refused, because all unmapped users have the same uid. The daemon's own user may be
 * one of them. */
static void announce_unmapped_users(const struct config *config)
{
    if (config->overflow_uid == (uid_t)-1 || config->access.unmapped_users)
        return;
    if (geteuid() == config->overflow_uid)
        log_write(
            LOG_LEVEL_WARNING,
            "no session can be served: this daemon's own user is not mapped in its user namespace, and uid %u may "
            "be anybody; see unmapped-users in minimiod.conf(5)",
            (unsigned)config->overflow_uid);
    else
        log_write(LOG_LEVEL_INFO,
                  "not every user is mapped in this user namespace: sessions of uid %u, which may be anybody, are "
                  "refused; see unmapped-users in minimiod.conf(5)",
                  (unsigned)config->overflow_uid);
}

static void announce(struct server *server, const struct config *config)
{
    const struct limits *limits = &config->limits;
    const char *where = server->context.wire.listener.path ? config->socket : "the service manager's socket";

    log_write(
        LOG_LEVEL_INFO,
        "listening on %s; version %s; sessions %u, %u a user; registrations %u, %u a user; configuration file: %s",
        where, MINIMIO_VERSION, limits->sessions, limits->sessions_uid, limits->registrations,
        limits->registrations_uid, file_of(config));
    announce_unmapped_users(config);
    server_ready(server);
}

static int serve_until_stopped(struct server *server, struct config *config, const struct options *options)
{
    struct preflight preflight = {.settings = TRIED_NO_FILE};
    struct handover handover;
    int result;

    handover_take(&handover);
    result = server_init(server, config, &handover);
    if (result == 0) {
        watch_signals(server->context.turn.reactor.registrator);
        announce(server, config);
        while ((result = server_run(server, &signals)) > SERVER_STOPPED) {
            if (result == SERVER_RELOAD)
                reload_config(server, options);
            else if (result == SERVER_HAND_OVER)
                begin_preflight(server, &preflight, options);
            else if ((result = finish_preflight(server, &preflight, options)) < 0)
                break;
        }
        if (result < 0)
            log_write(LOG_LEVEL_ERROR, "cannot continue: %s", strerror(-result));
        preflight_deinit(&preflight);
        ignore_signals();
    }
    handover_deinit(&handover);
    server_deinit(server);
    log_finish();
    return result;
}

static int run_daemon(const struct options *options)
{
    static struct server server;
    struct config_errors config_errors = {.tell = log_config_error};
    struct config config;
    int result = config_load(options, NULL, &config_errors, &config);

    if (result < 0)
        return EXIT_USAGE;
    log_set_level(config.log_level);
    ignore_signal(SIGPIPE);
    result = serve_until_stopped(&server, &config, options);
    config_deinit(&config);
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* If a standard stream is closed, a later descriptor would get its number, and the log would be written to that
 * descriptor. */
static bool reserve_standard_fds(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    struct config_errors config_errors = {.tell = log_config_error};
    struct options options;
    int result;

    names_process_begin(argc, argv);
    if (!reserve_standard_fds())
        return EXIT_FAILURE; /* standard error may be closed */
    mask_signals(SIG_BLOCK);
    program_init(&argv[0]);
    result = options_read(&options, argc, argv, &config_errors);
    if (result < 0)
        result = EXIT_USAGE;
    else if (result == OPTIONS_ANSWERED)
        result = EXIT_SUCCESS;
    else
        result = options.check ? check_config(&options) : run_daemon(&options);
    options_deinit(&options);
    return result;
}
