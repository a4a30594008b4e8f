/* SPDX-License-Identifier: MIT */
/*
 * Usage lines and error messages. The file has no state.
 */
#include "client/ctl/command.h"

#include "client/ctl/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void command_print_usage(FILE *stream, const struct command *command)
{
    if (command)
        fprintf(stream, "usage: minimioctl %s [OPTION...]%s%s\n", command->name, *command->arguments ? " " : "",
                command->arguments);
    else
        fputs("usage: minimioctl COMMAND [OPTION...] [ARGUMENT...]\n", stream);
}

bool command_may_find_busy(const struct command *command)
{
    const struct option *option = command->options;

    while (option && option->name && strcmp(option->name, "role") != 0)
        option++;
    return command->takes_loop && (!command->is_guest || (option && option->name));
}

int wrong_usage(const struct command *command, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "minimioctl%s%s: ", command ? " " : "", command ? command->name : "");
    output_text(stderr, text);
    fputc('\n', stderr);
    command_print_usage(stderr, command);
    fprintf(stderr, "Try 'minimioctl %s%s--help'.\n", command ? command->name : "", command ? " " : "");
    return EXIT_WRONG_USAGE;
}

int unexpected_argument(const struct command *command, const char *argument)
{
    return wrong_usage(command, "unexpected argument '%s'", argument);
}

int failed(const struct command *command, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "minimioctl %s: ", command->name);
    output_text(stderr, text);
    fputc('\n', stderr);
    return EXIT_FAILED;
}
