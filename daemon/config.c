/* SPDX-License-Identifier: MIT */
#include "daemon/config.h"

#include "daemon/log.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define SYSTEM_SOCKET      "/run/minimio/minimio.sock"
#define SYSTEM_SOCKET_MODE 0660
#define OWN_SOCKET_MODE    0600

/* The shortest answer that says that the real one did not fit, without its id. */
#define CONFIG_ANSWER_BYTES 256

static void print_help(void)
{
    puts("usage: minimiod [OPTION]...\n"
         "Holds TCP streams for its clients and tells them which are ready, over a Unix socket.\n"
         "\n"
         "  --socket PATH          where to listen; else $MINIMIO_SOCKET, $XDG_RUNTIME_DIR/minimio.sock,\n"
         "                         " SYSTEM_SOCKET "\n"
         "  --socket-mode MODE     its permissions, in octal (0660 for the system's socket, else 0600)\n"
         "  --limit NAME=N[,...]   change limits; may be given more than once\n"
         "  --dns SERVER[,...]     name servers, ADDRESS[:PORT], in place of the system's\n"
         "  --store N              descriptors that the service manager keeps over a restart: the unit's\n"
         "                         FileDescriptorStoreMax (0, the default: none)\n"
         "  --log-level LEVEL      error, warning, info (the default) or debug\n"
         "  --help, --version\n"
         "\n"
         "limits, with their defaults and ranges:");
    for (size_t i = 0; i < limit_count; i++) {
        const struct limit_info *limit = &limit_table[i];
        char fallback[16] = "all there are";
        if (limit->fallback)
            snprintf(fallback, sizeof fallback, "%u", limit->fallback);
        printf("  %-22s %-13s  %u to %u\n", limit->name, fallback, limit->min, limit->max);
    }
    puts("\nSIGTERM or SIGINT: tell the clients, and end.");
}

static int complain(const char *what, const char *value, const char *advice)
{
    fprintf(stderr, "minimiod: %s '%s': %s\n", what, value, advice);
    return -EINVAL;
}

/* A whole decimal number, and nothing else. */
static int parse_number(const char *text, uint64_t *ret_number)
{
    char *end;

    if (*text < '0' || *text > '9')
        return -EINVAL;
    errno = 0;
    *ret_number = strtoull(text, &end, 10);
    return errno || *end ? -EINVAL : 0;
}

static int read_limit(struct limits *limits, char *assignment)
{
    char *equals = strchr(assignment, '=');
    struct span name = {assignment, equals ? (size_t)(equals - assignment) : 0};
    uint64_t value;
    int result;

    if (!equals || parse_number(equals + 1, &value) < 0)
        return complain("--limit", assignment, "write it as NAME=NUMBER");
    result = limits_set(limits, name, value);
    if (result == -ENOENT)
        return complain("--limit", assignment, "there is no such limit; see --help");
    if (result < 0)
        return complain("--limit", assignment, "out of its range; see --help");
    return 0;
}

static int read_limits(struct limits *limits, char *list)
{
    char *rest = list, *assignment;

    while ((assignment = strsep(&rest, ","))) {
        int result = read_limit(limits, assignment);
        if (result < 0)
            return result;
    }
    return 0;
}

static int read_mode(const char *text, mode_t *ret_mode)
{
    char *end;
    unsigned long mode = strtoul(text, &end, 8);

    if (!*text || *end || *text < '0' || *text > '7' || mode > 0777)
        return complain("--socket-mode", text, "write it in octal, 0 to 0777");
    *ret_mode = (mode_t)mode;
    return 0;
}

static int read_store(const char *text, uint32_t *ret_store)
{
    uint64_t store;

    if (parse_number(text, &store) < 0 || store > UINT32_MAX)
        return complain("--store", text, "write how many descriptors the service manager keeps");
    *ret_store = (uint32_t)store;
    return 0;
}

static int read_log_level(const char *text)
{
    int level = log_level_from_name(text);

    if (level < 0)
        return complain("--log-level", text, "error, warning, info or debug");
    log_set_level((enum log_level)level);
    return 0;
}

/* The descriptor limit as far up as it goes: each stream is one. */
static int settle_descriptors(struct config *config)
{
    struct limits *limits = &config->limits;
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return -errno;
    if (files.rlim_cur < files.rlim_max) {
        struct rlimit raised = {.rlim_cur = files.rlim_max, .rlim_max = files.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            files = raised;
    }
    config->descriptors = files.rlim_cur > UINT32_MAX ? UINT32_MAX : (uint32_t)files.rlim_cur;
    if (config->descriptors <= CONFIG_DESCRIPTOR_RESERVE) {
        fprintf(stderr,
                "minimiod: %u descriptors are too few: it needs %d for itself and one a stream; see ulimit -n\n",
                config->descriptors, CONFIG_DESCRIPTOR_RESERVE);
        return -EINVAL;
    }
    if (!limits->registrations || limits->registrations > config->descriptors - CONFIG_DESCRIPTOR_RESERVE)
        limits->registrations = config->descriptors - CONFIG_DESCRIPTOR_RESERVE;
    if (!limits->registrations_uid || limits->registrations_uid > limits->registrations)
        limits->registrations_uid = limits->registrations;
    return 0;
}

/* Every answer of a batch has a share of its line, into which at least its id and the error that says so must fit. */
static int check_batch(const struct limits *limits)
{
    if ((uint64_t)limits->batch * (limits->id_bytes + CONFIG_ANSWER_BYTES) <= limits->line_bytes)
        return 0;
    fprintf(stderr, "minimiod: --limit: batch * (id_bytes + %d) must be at most line_bytes\n", CONFIG_ANSWER_BYTES);
    return -EINVAL;
}

static int settle_socket(struct config *config, const char *option, bool mode_given)
{
    int result = socket_path(option, config->socket, sizeof config->socket);

    if (result == -ENAMETOOLONG)
        return complain("--socket", option ? option : "from the environment", "the path is too long for a socket");
    if (result < 0)
        return complain("--socket", option ? option : "", "the path is empty");
    config->system_socket = !strcmp(config->socket, SYSTEM_SOCKET);
    if (!mode_given)
        config->socket_mode = config->system_socket ? SYSTEM_SOCKET_MODE : OWN_SOCKET_MODE;
    return 0;
}

int config_read(struct config *ret_config, int argc, char **argv)
{
    static const struct option options[] = {
        {"socket", required_argument, NULL, 's'},
        {"socket-mode", required_argument, NULL, 'm'},
        {"limit", required_argument, NULL, 'l'},
        {"dns", required_argument, NULL, 'd'},
        {"log-level", required_argument, NULL, 'g'},
        {"store", required_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    const char *socket_option = NULL;
    bool mode_given = false;
    int option, result = 0;

    *ret_config = (struct config){0};
    limits_init(&ret_config->limits);
    while (result == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's':
            socket_option = optarg;
            break;
        case 'm':
            mode_given = true;
            result = read_mode(optarg, &ret_config->socket_mode);
            break;
        case 'l':
            result = read_limits(&ret_config->limits, optarg);
            break;
        case 'd':
            ret_config->servers = optarg;
            break;
        case 'k':
            result = read_store(optarg, &ret_config->store);
            break;
        case 'g':
            result = read_log_level(optarg);
            break;
        case 'h':
            print_help();
            return CONFIG_EXIT;
        case 'v':
            puts("minimiod " MINIMIO_VERSION);
            return CONFIG_EXIT;
        default:
            fputs("minimiod: see minimiod --help\n", stderr);
            return -EINVAL;
        }
    }
    if (result == 0 && optind < argc)
        result = complain("argument", argv[optind], "minimiod takes options only; see --help");
    if (result == 0)
        result = settle_socket(ret_config, socket_option, mode_given);
    if (result == 0)
        result = check_batch(&ret_config->limits);
    return result < 0 ? result : settle_descriptors(ret_config);
}
