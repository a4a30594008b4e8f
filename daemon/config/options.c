/* SPDX-License-Identifier: MIT */
/*
 * The command line: options, --help and --version. State: getopt's.
 */
#include "daemon/config/options.h"

#include "proto/number.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_help(void)
{
    puts("usage: minimiod [OPTION]...\n"
         "Holds TCP streams for its clients and tells them which are ready, over a Unix socket.\n"
         "\n"
         "  --config PATH          the configuration file; else /etc/minimio/minimiod.conf, or for a user's own\n"
         "                         daemon $XDG_CONFIG_HOME/minimio/minimiod.conf, if there is one\n"
         "  --check-config         say what is wrong with the configuration, line by line, and exit\n"
         "  --socket PATH          where to listen; else $MINIMIO_SOCKET, the configuration's socket,\n"
         "                         $XDG_RUNTIME_DIR/minimio.sock, /run/user/UID/minimio.sock (not as root),\n"
         "                         /run/minimio/minimio.sock\n"
         "  --socket-mode MODE     its permissions, in octal (0660 for the system's socket, else 0600)\n"
         "  --limit NAME=N[,...]   change limits; may be given more than once\n"
         "  --store N              descriptors that the service manager keeps over a restart: the unit's\n"
         "                         FileDescriptorStoreMax (0, the default: none)\n"
         "  --log-level LEVEL      error, warning, info (the default) or debug\n"
         "  -h, --help             print this help\n"
         "  -V, --version          print the version\n"
         "\n"
         "The command line overrides the configuration file. Limits, with their defaults and ranges:");
    for (size_t i = 0; i < limit_count; i++) {
        const struct limit_info *limit = &limit_table[i];
        char default_value[16] = "all there are";
        if (limit->default_value)
            snprintf(default_value, sizeof default_value, "%u", limit->default_value);
        printf("  %-22s %-13s  %u to %u\n", limit->name, default_value, limit->min, limit->max);
    }
    puts("\nSIGTERM or SIGINT: tell the clients, and end. SIGHUP: read the configuration file again.\n"
         "SIGUSR2: become the program's new binary, with all named loops and their streams.");
}

/* Parses a copy: the arguments must stay unchanged for a later re-exec. */
static void take_limits(struct settings *settings, const char *list, struct config_errors *config_errors)
{
    char *copy = strdup(list), *rest = copy, *assignment;

    if (!copy)
        config_error(config_errors, 0, "out of memory");
    while ((assignment = strsep(&rest, ","))) {
        char *equals = strchr(assignment, '=');
        if (!equals) {
            config_error(config_errors, 0, "--limit '%s': write it as NAME=NUMBER", assignment);
            continue;
        }
        *equals = '\0';
        settings_take_limit(settings, assignment, equals + 1, config_errors, 0);
    }
    free(copy);
}

static void take_store(struct options *options, const char *text, struct config_errors *config_errors)
{
    uint64_t store;

    if (number_parse(text, 10, UINT32_MAX, &store) < 0)
        config_error(config_errors, 0, "--store '%s': write how many descriptors the service manager keeps", text);
    else
        options->store = (uint32_t)store;
}

/* Handles an option. Returns OPTIONS_ANSWERED, or OPTIONS_RUN to continue. */
static int take_option(struct options *options, int option, struct config_errors *config_errors)
{
    struct settings *settings = &options->settings;

    switch (option) {
    case 'c':
        options->config = optarg;
        break;
    case 'k':
        options->check = true;
        break;
    case 's':
        settings_take_socket(settings, optarg, config_errors, 0);
        break;
    case 'm':
        settings_take_mode(settings, optarg, config_errors, 0);
        break;
    case 'l':
        take_limits(settings, optarg, config_errors);
        break;
    case 'g':
        settings_take_level(settings, optarg, config_errors, 0);
        break;
    case 'n':
        take_store(options, optarg, config_errors);
        break;
    case 'h':
        print_help();
        return OPTIONS_ANSWERED;
    case 'V':
        puts("minimiod " MINIMIO_VERSION);
        return OPTIONS_ANSWERED;
    default: /* getopt has printed the unknown option */
        config_error(config_errors, 0, "see minimiod --help");
    }
    return OPTIONS_RUN;
}

int options_read(struct options *ret_options, int argc, char **argv, struct config_errors *config_errors)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'}, {"check-config", no_argument, NULL, 'k'},
        {"socket", required_argument, NULL, 's'}, {"socket-mode", required_argument, NULL, 'm'},
        {"limit", required_argument, NULL, 'l'},  {"log-level", required_argument, NULL, 'g'},
        {"help", no_argument, NULL, 'h'},         {"version", no_argument, NULL, 'V'},
        {"store", required_argument, NULL, 'n'},  {NULL, 0, NULL, 0},
    };
    int option;

    *ret_options = (struct options){.arguments = argv};
    settings_init(&ret_options->settings);
    while ((option = getopt_long(argc, argv, "hV", known, NULL)) != -1)
        if (take_option(ret_options, option, config_errors) == OPTIONS_ANSWERED)
            return OPTIONS_ANSWERED;
    if (optind < argc)
        config_error(config_errors, 0, "argument '%s': minimiod takes options only; see --help", argv[optind]);
    return config_errors->count ? -EINVAL : OPTIONS_RUN;
}

void options_deinit(struct options *options)
{
    settings_deinit(&options->settings);
}
