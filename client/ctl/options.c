/* SPDX-License-Identifier: MIT */
/*
 * Parsing of options, with messages that name the valid values. State: getopt's.
 */
#include "client/ctl/options.h"

#include "client/ctl/help.h"
#include "client/ctl/output.h"
#include "client/lib/deadline.h"
#include "proto/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Prefixes of GNU getopt: `+` stops at the first argument that is not an option; `:` suppresses getopt's messages and
 * distinguishes a missing value from an unknown option. */
#define SHORT_OPTIONS        ":hV"
#define SHORT_OPTIONS_STRICT "+:hV"

#define DURATION_RANGE "to 8784h, such as 500ms, 2s, 1.5m or 1h"

/* ---- Values ----------------------------------------------------------------------------------------------------- */

int option_duration_from(const struct command *command, const char *option, const char *text, int64_t least_ns,
                         int64_t *ret_duration_ns)
{
    int64_t duration_ns;
    char least[32] = "0";

    if (duration_parse(text, &duration_ns) == 0 && duration_ns >= least_ns) {
        *ret_duration_ns = duration_ns;
        return 0;
    }
    if (least_ns > 0)
        output_duration((double)least_ns / NS_PER_MS, least, sizeof least);
    return wrong_usage(command, "invalid %s '%s': a duration from %s " DURATION_RANGE, option, text, least);
}

int option_duration(const struct command *command, const char *option, const char *text, int64_t *ret_duration_ns)
{
    return option_duration_from(command, option, text, 0, ret_duration_ns);
}

static int read_number(const struct command *command, const char *what, const char *text, uint64_t least,
                       uint64_t *ret_number)
{
    uint64_t number;

    if (number_parse(text, 10, INTEGER_MAX, &number) < 0 || number < least)
        return wrong_usage(command, "invalid %s '%s': an integer from %" PRIu64 " to %" PRIu64, what, text, least,
                           INTEGER_MAX);
    *ret_number = number;
    return 0;
}

int option_line(const struct command *command, const char *text, const char **ret_line)
{
    if (text[strspn(text, " \t\n")] == '\0')
        return wrong_usage(command, "invalid --exec '%s': a command of the shell", text);
    *ret_line = text;
    return 0;
}

int option_count(const struct command *command, const char *text, uint64_t *ret_count)
{
    return read_number(command, "--count", text, 1, ret_count);
}

int option_token(const struct command *command, const char *text, uint64_t *ret_token)
{
    return read_number(command, "--token", text, 0, ret_token);
}

int argument_token(const struct command *command, const char *text, uint64_t *ret_token)
{
    return read_number(command, "token", text, 0, ret_token);
}

int option_choice(const struct command *command, const char *option, const char *text, size_t length,
                  const char *const *choices, const char *more)
{
    char words[128] = "";
    size_t used = 0;

    for (size_t i = 0; choices[i]; i++) {
        if (strlen(choices[i]) == length && memcmp(choices[i], text, length) == 0)
            return (int)i;
        used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", used > 0 ? ", " : "", choices[i]);
    }
    wrong_usage(command, "invalid %s '%.*s'; use %s%s%s", option, (int)length, text, words, more ? ", " : "",
                more ? more : "");
    return -EINVAL;
}

/* Same rule as in the daemon. */
static int option_loop(const struct command *command, const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(text);

    if (length >= 1 && length <= NAME_MAX_BYTES && strspn(text, allowed) == length)
        return 0;
    return wrong_usage(command, "invalid --loop '%s': a name of 1 to %d letters, digits, dots, underscores and hyphens",
                       text, NAME_MAX_BYTES);
}

int require_loop(const struct command *command, const struct options *options)
{
    return options->loop ? 0 : wrong_usage(command, "missing required option --loop NAME");
}

/* ---- Options ---------------------------------------------------------------------------------------------------- */

static int end_with(struct options *options, int exit_code)
{
    options->exit_code = exit_code;
    return OPTIONS_EXIT;
}

/* The number of options with the typed prefix, up to `=`. `*ret_option` is the last match. */
static size_t find_options(const struct option *table, const char *typed, const struct option **ret_option)
{
    size_t length = strcspn(typed, "="), count = 0;

    for (; table->name; table++)
        if (strncmp(table->name, typed, length) == 0) {
            *ret_option = table;
            count++;
        }
    return count;
}

/* The wrong option is the argument before optind, except for a letter within a group of letters, as in -xV. */
static int wrong_option(const struct command *command, const struct option *table, int letter, char *const *argv)
{
    const char *typed = argv[optind - 1];
    int length = (int)strcspn(typed, "=");
    const struct option *option = NULL;
    size_t count = strncmp(typed, "--", 2) == 0 ? find_options(table, typed + 2, &option) : 0;

    if (letter == ':')
        return wrong_usage(command, "option '%s' needs a value", typed);
    if (optopt != 0 && typed[length] == '=' && option && option->val == optopt && !option->has_arg)
        return wrong_usage(command, "option '%.*s' takes no value", length, typed);
    if (optopt != 0)
        return wrong_usage(command, "unknown option '-%c'", optopt);
    if (count > 1)
        return wrong_usage(command, "option '%.*s' is ambiguous", length, typed);
    return wrong_usage(command, "unknown option '%.*s'", length, typed);
}

/* Handles a common option. Returns 0 to continue, OPTIONS_EXIT, or the letter of another option. */
static int take_common(const struct command *command, struct options *options, int letter)
{
    int result;

    switch (letter) {
    case OPTION_SOCKET:
        result = *optarg ? 0 : wrong_usage(command, "invalid --socket '': a path");
        options->socket = optarg;
        return result == 0 ? 0 : end_with(options, result);
    case OPTION_JSON:
        options->json = true;
        return 0;
    case OPTION_TIMEOUT:
        result = option_duration(command, "--timeout", optarg, &options->timeout_ns);
        return result == 0 ? 0 : end_with(options, result);
    case OPTION_LOOP:
        result = option_loop(command, optarg);
        options->loop = optarg;
        return result == 0 ? 0 : end_with(options, result);
    case OPTION_TAKEOVER:
        options->takeover = true;
        return 0;
    case OPTION_LINGER:
        result = option_duration(command, "--linger", optarg, &options->linger_ns);
        return result == 0 ? 0 : end_with(options, result);
    case OPTION_WAIT:
        result = option_duration(command, "--wait", optarg, &options->wait_ns);
        return result == 0 ? 0 : end_with(options, result);
    case OPTION_HELP:
        if (command)
            help_print_command(command);
        else
            help_print(stdout, options->commands);
        return end_with(options, EXIT_DONE);
    case OPTION_VERSION:
        puts("minimioctl " MINIMIO_VERSION);
        return end_with(options, EXIT_DONE);
    default:
        return letter;
    }
}

static const struct option loop_options[] = {
    {"loop", required_argument, NULL, OPTION_LOOP},
    {"takeover", no_argument, NULL, OPTION_TAKEOVER},
    {"linger", required_argument, NULL, OPTION_LINGER},
    {0},
};

/* For commands that can find the loop busy. */
static const struct option consumer_options[] = {{"wait", required_argument, NULL, OPTION_WAIT}, {0}};

static const struct option common_options[] = {
    {"socket", required_argument, NULL, OPTION_SOCKET},   {"json", no_argument, NULL, OPTION_JSON},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT}, {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},       {0},
};

static size_t append(struct option table[OPTIONS_MAX], size_t count, const struct option *more)
{
    while (more && more->name && count < OPTIONS_MAX - 1)
        table[count++] = *more++;
    table[count] = (struct option){0};
    return count;
}

size_t options_of(const struct command *command, struct option ret_table[OPTIONS_MAX],
                  char names[PARAMS_MAX][OPTION_NAME_SIZE])
{
    size_t count = append(ret_table, 0, command ? command->options : NULL);
    bool argument;

    for (size_t i = 0; command && i < PARAMS_MAX; i++)
        if (param_option(command, i, names[i], &argument))
            count = append(ret_table, count,
                           (const struct option[]){{names[i], argument, NULL, OPTION_PARAM + (int)i}, {0}});
    if (command && command->takes_loop)
        count = append(ret_table, count, loop_options);
    if (command && command_may_find_busy(command))
        count = append(ret_table, count, consumer_options);
    return append(ret_table, count, common_options);
}

int options_next(const struct command *command, struct options *options, int argc, char **argv)
{
    const char *letters = command ? SHORT_OPTIONS : SHORT_OPTIONS_STRICT;
    struct option table[OPTIONS_MAX];
    char names[PARAMS_MAX][OPTION_NAME_SIZE];
    int letter;

    options_of(command, table, names);
    do {
        letter = getopt_long(argc, argv, letters, table, NULL);
        if (letter == -1)
            return OPTIONS_END;
        if (letter == '?' || letter == ':')
            return end_with(options, wrong_option(command, table, letter, argv));
        letter = take_common(command, options, letter);
    } while (letter == 0);
    return letter;
}

bool options_read(const struct command *command, struct options *options, int argc, char **argv)
{
    return options_next(command, options, argc, argv) == OPTIONS_END;
}

bool options_read_role(const struct command *command, struct options *options, int argc, char **argv)
{
    int letter, role;

    while ((letter = options_next(command, options, argc, argv)) != OPTIONS_END) {
        if (letter == OPTIONS_EXIT)
            return false;
        role = option_choice(command, "--role", optarg, strlen(optarg), role_names, NULL);
        options->role = (enum role)(role < 0 ? ROLE_GUEST : role);
        options->role_given = true;
        options->exit_code = EXIT_WRONG_USAGE;
        if (role < 0)
            return false;
    }
    if (options->role_given && !options->loop)
        options->exit_code = wrong_usage(command, "--role needs --loop NAME");
    return !options->role_given || options->loop;
}
