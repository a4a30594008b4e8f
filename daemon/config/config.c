/* SPDX-License-Identifier: MIT */
/*
 * Merges command line, environment, file and defaults into the effective configuration. The file has no state.
 */
#include "daemon/config/config.h"

#include "daemon/config/config_file.h"
#include "daemon/config/tried_settings.h"
#include "daemon/config/user_namespace.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SYSTEM_SOCKET      "/run/minimio/minimio.sock"
#define SYSTEM_SOCKET_MODE 0660
#define OWN_SOCKET_MODE    0600

/* The size of the error reply for a result that does not fit, without the id. */
#define CONFIG_ANSWER_BYTES 256

/* ---- The file --------------------------------------------------------------------------------------------------- */

static const char *config_environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* The file of a per-user daemon, which does not run as root and has a runtime folder, is in the user's configuration.
 */
static void default_file(char *ret_path, size_t size)
{
    const char *configuration = config_environment("XDG_CONFIG_HOME"), *home = config_environment("HOME");

    char folder[PATH_MAX];

    ret_path[0] = '\0';
    if (geteuid() == 0 || !runtime_folder(folder, sizeof folder))
        snprintf(ret_path, size, "/etc/" CONFIG_FILE_NAME);
    else if (configuration)
        snprintf(ret_path, size, "%s/" CONFIG_FILE_NAME, configuration);
    else if (home)
        snprintf(ret_path, size, "%s/.config/" CONFIG_FILE_NAME, home);
}

/* An explicitly named file must exist. On reload the previous file must exist too: dropping its rules silently would
 * open access. `fd`: a copy of the file, or -1. */
static void read_file(const char *wanted, int fd, struct config *config, struct settings *settings,
                      struct config_errors *config_errors)
{
    char path[PATH_MAX];

    default_file(path, sizeof path);
    if (!wanted && !*path)
        return;
    if (config_file_read(wanted ? wanted : path, fd, settings, config_errors, &config->text) == -ENOENT) {
        if (!wanted)
            return;
        config_error(config_errors, 0, "no such file");
    }
    config->file = strdup(wanted ? wanted : path);
    if (!config->file)
        config_error(config_errors, 0, "out of memory");
}

/* ---- Resolving --------------------------------------------------------------------------------------------------- */

static void resolve_limits(struct limits *limits, const struct settings *options, const struct settings *file)
{
    for (size_t i = 0; i < limit_count; i++) {
        const struct limit_info *limit = &limit_table[i];
        struct span name = {limit->name, strlen(limit->name)};
        uint32_t value = limits_get(&options->limits, limit);

        if (!value)
            value = limits_get(&file->limits, limit);
        if (value)
            limits_set(limits, name, value);
    }
}

/* The replies of a batch share a line. Each share must have room for the id and the error reply. */
static void check_batch(const struct limits *limits, unsigned line, struct config_errors *config_errors)
{
    if ((uint64_t)limits->batch * (limits->id_bytes + CONFIG_ANSWER_BYTES) <= limits->line_bytes)
        return;
    if (!line)
        config_errors->file = NULL;
    config_error(config_errors, line,
                 "%sbatch * (id_bytes + %d) must be at most line_bytes, and %u * (%u + %d) is more than %u",
                 line ? "" : "--limit: ", CONFIG_ANSWER_BYTES, limits->batch, limits->id_bytes, CONFIG_ANSWER_BYTES,
                 limits->line_bytes);
}

/* Raises the descriptor limit to the hard limit, because each stream needs a descriptor. */
static uint32_t raise_descriptors(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return 0;
    if (files.rlim_cur < files.rlim_max) {
        struct rlimit raised = {.rlim_cur = files.rlim_max, .rlim_max = files.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            files = raised;
    }
    return files.rlim_cur > UINT32_MAX ? UINT32_MAX : (uint32_t)files.rlim_cur;
}

/* The default covers registrations, sessions and descriptors in flight. */
static void resolve_descriptors_uid(struct limits *limits, uint32_t most)
{
    uint64_t usual = (uint64_t)limits->registrations_uid + limits->registrations_uid / 4 + limits->sessions_uid +
                     limits->descriptors_unclaimed;

    if (!limits->descriptors_uid)
        limits->descriptors_uid = usual > most ? most : (uint32_t)usual;
    else if (limits->descriptors_uid > most)
        limits->descriptors_uid = most;
}

/* The kernel limits unread descriptors of the daemon's user to the descriptor limit. Beyond this limit, the daemon
 * could send no descriptors at all, not even to the service manager. */
static void resolve_unread(struct limits *limits, uint32_t descriptors)
{
    uint32_t most = descriptors / 4;

    if (!limits->descriptors_unread || limits->descriptors_unread > most)
        limits->descriptors_unread = most;
    if (!limits->descriptors_unread_uid)
        limits->descriptors_unread_uid = limits->descriptors_unread / 4;
    if (limits->descriptors_unread_uid > limits->descriptors_unread)
        limits->descriptors_unread_uid = limits->descriptors_unread;
}

static void resolve_descriptors(struct config *config, struct config_errors *config_errors)
{
    struct limits *limits = &config->limits;
    uint32_t most;

    config->descriptors = raise_descriptors();
    if (config->descriptors <= CONFIG_DESCRIPTOR_RESERVE) {
        config_errors->file = NULL;
        config_error(config_errors, 0,
                     "%u descriptors are too few: it needs %d for itself and one a stream; see ulimit -n",
                     config->descriptors, CONFIG_DESCRIPTOR_RESERVE);
        return;
    }
    most = config->descriptors - CONFIG_DESCRIPTOR_RESERVE;
    if (limits->registrations > most)
        log_write(LOG_LEVEL_WARNING, "registrations: %u is more than %u descriptors allow, so it is %u; see ulimit -n",
                  limits->registrations, config->descriptors, most);
    if (!limits->registrations || limits->registrations > most)
        limits->registrations = most;
    if (!limits->registrations_uid || limits->registrations_uid > limits->registrations)
        limits->registrations_uid = limits->registrations;
    resolve_descriptors_uid(limits, most);
    resolve_unread(limits, config->descriptors);
}

/* The environment overrides the file; the command line overrides both. */
static void resolve_socket(struct config *config, const struct settings *options, const struct settings *file,
                           struct config_errors *config_errors)
{
    const char *given = options->socket ? options->socket : config_environment("MINIMIO_SOCKET") ? NULL : file->socket;
    int mode = options->socket_mode != SETTING_NOT_GIVEN ? options->socket_mode : file->socket_mode;

    if (socket_path_to_listen(given, config->socket, sizeof config->socket) < 0) {
        config_errors->file = NULL;
        config_error(config_errors, 0, "the socket's path from the environment is too long for a socket; see --socket");
        return;
    }
    config->system_socket = !strcmp(config->socket, SYSTEM_SOCKET);
    if (mode == SETTING_NOT_GIVEN)
        mode = config->system_socket ? SYSTEM_SOCKET_MODE : OWN_SOCKET_MODE;
    config->socket_mode = (mode_t)mode;
}

static void resolve_settings(struct config *config, const struct settings *options, struct settings *file,
                             struct config_errors *config_errors)
{
    int level = options->log_level != SETTING_NOT_GIVEN ? options->log_level : file->log_level;

    config->log_level = level == SETTING_NOT_GIVEN ? LOG_LEVEL_INFO : (enum log_level)level;
    config->access = file->access;
    config->rules = file->rules;
    file->access = (struct access_rules){0};
    file->rules = (struct rules){0};
    resolve_limits(&config->limits, options, file);
    check_batch(&config->limits, file->line_limits, config_errors);
    resolve_socket(config, options, file, config_errors);
    resolve_descriptors(config, config_errors);
}

int config_load(const struct options *options, const char *file, struct config_errors *config_errors,
                struct config *ret_config)
{
    struct config config = {0};
    struct settings settings;
    uint32_t before = config_errors->count;
    int tried = tried_settings_take();

    settings_init(&settings);
    limits_init(&config.limits);
    if (tried != TRIED_NO_FILE)
        read_file(options->config ? options->config : file, tried, &config, &settings, config_errors);
    if (tried >= 0)
        close(tried);
    config.store = options->store;
    config.overflow_uid = user_namespace_overflow_uid();
    resolve_settings(&config, &options->settings, &settings, config_errors);
    settings_deinit(&settings);
    if (config_errors->count > before) {
        config_deinit(&config);
        return -EINVAL;
    }
    *ret_config = config;
    return 0;
}

void config_deinit(struct config *config)
{
    free(config->file);
    config_text_deinit(&config->text);
    access_deinit(&config->access);
    rules_deinit(&config->rules);
    *config = (struct config){0};
}

bool config_replace(struct config *config, struct config *fresh)
{
    bool changed = strcmp(config->socket, fresh->socket) != 0 || config->socket_mode != fresh->socket_mode;

    memcpy(fresh->socket, config->socket, sizeof fresh->socket);
    fresh->socket_mode = config->socket_mode;
    fresh->system_socket = config->system_socket;
    config_deinit(config);
    *config = *fresh;
    *fresh = (struct config){0};
    return changed;
}
