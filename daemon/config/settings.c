/* SPDX-License-Identifier: MIT */
/*
 * Parsers of the settings that command line and file share. The state is in struct settings.
 */
#include "daemon/config/settings.h"

#include "daemon/base/log.h"
#include "proto/number.h"
#include "proto/socket_path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void settings_init(struct settings *ret_settings)
{
    *ret_settings = (struct settings){.socket_mode = SETTING_NOT_GIVEN, .log_level = SETTING_NOT_GIVEN};
}

void settings_deinit(struct settings *settings)
{
    free(settings->socket);
    access_deinit(&settings->access);
    rules_deinit(&settings->rules);
    settings_init(settings);
}

/* The prefix of a name in messages: dashes on the command line, no prefix in the file. */
static const char *dashes(const struct config_errors *config_errors)
{
    return config_errors->file ? "" : "--";
}

static void store_text(char **place, const char *text, struct config_errors *config_errors, unsigned line)
{
    char *copy = strdup(text);

    if (!copy) {
        config_error(config_errors, line, "out of memory");
        return;
    }
    free(*place);
    *place = copy;
}

void settings_take_socket(struct settings *settings, const char *text, struct config_errors *config_errors,
                          unsigned line)
{
    char path[SOCKET_PATH_SIZE];
    int result = socket_path_to_listen(text, path, sizeof path);

    if (result < 0)
        config_error(config_errors, line, "%ssocket '%s': %s", dashes(config_errors), text,
                     result == -ENAMETOOLONG ? "the path is too long for a socket" : "the path is empty");
    else
        store_text(&settings->socket, text, config_errors, line);
}

void settings_take_mode(struct settings *settings, const char *text, struct config_errors *config_errors, unsigned line)
{
    uint64_t mode;

    if (number_parse(text, 8, 0777, &mode) < 0)
        config_error(config_errors, line, "%ssocket-mode '%s': write it in octal, 0 to 0777", dashes(config_errors),
                     text);
    else
        settings->socket_mode = (int)mode;
}

void settings_take_level(struct settings *settings, const char *text, struct config_errors *config_errors,
                         unsigned line)
{
    int level = log_level_from_name(text);

    if (level < 0)
        config_error(config_errors, line, "%slog-level '%s': write error, warning, info or debug",
                     dashes(config_errors), text);
    else
        settings->log_level = level;
}

static bool bounds_others(const struct limit_info *limit)
{
    return limit->offset == offsetof(struct limits, batch) || limit->offset == offsetof(struct limits, id_bytes) ||
           limit->offset == offsetof(struct limits, line_bytes);
}

void settings_take_limit(struct settings *settings, const char *name, const char *text,
                         struct config_errors *config_errors, unsigned line)
{
    const char *prefix = config_errors->file ? "" : "--limit ";
    struct span span = {name, strlen(name)};
    const struct limit_info *limit = limits_find(span);
    uint64_t value;

    if (!limit)
        config_error(config_errors, line, "%s%s: there is no such limit; minimiod --help lists them", prefix, name);
    else if (number_parse(text, 10, UINT64_MAX, &value) < 0)
        config_error(config_errors, line, "%s%s = '%s': write a number, %u to %u", prefix, name, text, limit->min,
                     limit->max);
    else if (limits_set(&settings->limits, span, value) < 0)
        config_error(config_errors, line, "%s%s = '%s': out of its range, %u to %u", prefix, name, text, limit->min,
                     limit->max);
    else if (bounds_others(limit))
        settings->line_limits = line;
}
