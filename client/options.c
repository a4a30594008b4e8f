/* SPDX-License-Identifier: MIT */
#include "client/command.h"

#include "client/deadline.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* GNU getopt reads the order of arguments off the first character: `+` stops at the first that is no option. */
#define SHORT_OPTIONS        "hV"
#define SHORT_OPTIONS_STRICT "+hV"

static void point_to_help(const struct command *command)
{
    fprintf(stderr, "Try 'minimioctl %s%s--help'.\n", command ? command->name : "", command ? " " : "");
}

int wrong_usage(const struct command *command, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "minimioctl%s%s: ", command ? " " : "", command ? command->name : "");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    point_to_help(command);
    return EXIT_WRONG_USAGE;
}

int option_duration(const struct command *command, const char *option, const char *text, int64_t *ret_duration_ns)
{
    int r = duration_parse(text, ret_duration_ns);

    if (r == -ERANGE)
        return wrong_usage(command, "%s: '%s' is more than a year", option, text);
    if (r < 0)
        return wrong_usage(command, "%s: '%s' is no duration; write 500ms, 2s, 1.5m, 1h or a number of seconds", option,
                           text);
    return 0;
}

static int read_number(const char *text, uint64_t *ret_number)
{
    char *end;

    errno = 0;
    if (text[0] < '0' || text[0] > '9')
        return -EINVAL;
    *ret_number = strtoull(text, &end, 10);
    return errno != 0 || *end != '\0' ? -EINVAL : 0;
}

int option_count(const struct command *command, const char *text, uint64_t *ret_count)
{
    if (read_number(text, ret_count) == 0 && *ret_count > 0)
        return 0;
    return wrong_usage(command, "--count: '%s' is no number of events", text);
}

int argument_token(const struct command *command, const char *text, uint64_t *ret_token)
{
    if (read_number(text, ret_token) == 0 && *ret_token <= INTEGER_MAX)
        return 0;
    return wrong_usage(command, "'%s' is no token: a whole number up to 2^53 - 1", text);
}

int require_loop(const struct command *command, const struct options *options)
{
    return options->loop ? 0 : wrong_usage(command, "--loop NAME is missing: whose streams?");
}

static int end_with(struct options *options, int exit_code)
{
    options->exit_code = exit_code;
    return OPTIONS_EXIT;
}

/* Takes one common option. Returns 0 to go on, OPTIONS_EXIT, or the letter of an option that is not common. */
static int take_common(const struct command *command, struct options *options, int letter)
{
    int r;

    switch (letter) {
    case OPTION_SOCKET:
        options->socket = optarg;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case OPTION_TIMEOUT:
        r = option_duration(command, "--timeout", optarg, &options->timeout_ns);
        return r == 0 ? 0 : end_with(options, r);
    case OPTION_LOOP:
        options->loop = optarg;
        return 0;
    case OPTION_TAKEOVER:
        options->takeover = true;
        return 0;
    case OPTION_LINGER:
        r = option_duration(command, "--linger", optarg, &options->linger_ns);
        return r == 0 ? 0 : end_with(options, r);
    case OPTION_HELP:
        if (command)
            print_command_help(command);
        else
            print_help();
        return end_with(options, EXIT_DONE);
    case OPTION_VERSION:
        puts("minimioctl " MINIMIO_VERSION);
        return end_with(options, EXIT_DONE);
    case '?': /* getopt has said what is wrong */
        point_to_help(command);
        return end_with(options, EXIT_WRONG_USAGE);
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
        if (method_option(command, i, names[i], &argument))
            count = append(ret_table, count,
                           (const struct option[]){{names[i], argument, NULL, OPTION_PARAM + (int)i}, {0}});
    if (command && command->takes_loop)
        count = append(ret_table, count, loop_options);
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
        letter = take_common(command, options, letter);
    } while (letter == 0);
    return letter;
}

bool options_read(const struct command *command, struct options *options, int argc, char **argv)
{
    return options_next(command, options, argc, argv) == OPTIONS_END;
}
