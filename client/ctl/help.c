/* SPDX-License-Identifier: MIT */
/*
 * The texts of --help. The file has no state.
 */
#include "client/ctl/help.h"

#include "client/ctl/param_option.h"

#include <stdio.h>

static const char loop_help[] = "  --loop NAME        the named loop\n"
                                "  --linger D         keep the loop this long after its last session ends (10m)\n";

static const char consumer_help[] = "  --takeover         take over from the attached session\n"
                                    "  --wait D           wait up to D while another session has the loop (0)\n";

static const char common_help[] =
    "  --socket PATH      the daemon's socket ($MINIMIO_SOCKET, $XDG_RUNTIME_DIR/minimio.sock,\n"
    "                     /run/user/UID/minimio.sock, /run/minimio/minimio.sock)\n"
    "  --json             print JSON, one object per line\n"
    "  --timeout D        give up after D: 500ms, 2s, 1.5m; a plain number is in seconds\n"
    "  -h, --help         print this help\n"
    "  -V, --version      print the version\n";

void help_print(FILE *stream, const struct command *const *commands)
{
    command_print_usage(stream, NULL);
    fputc('\n', stream);
    for (size_t i = 0; commands[i]; i++)
        fprintf(stream, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(stream, "  %-11s %s\n\nOptions of all commands:\n%s", "help", "print the help of a command", common_help);
    fputs("\nExit status: 0 success, 1 failure, 2 wrong usage, 124 timeout; of a command that was run: its\n"
          "own, 126 if it cannot be run, 127 if it was not found.\n"
          "'minimioctl COMMAND --help' prints the help of a command; see also minimioctl(1).\n",
          stream);
}

static bool has_options(const struct command *command)
{
    return command->options || command->takes_loop || command->method != METHOD_COUNT;
}

void help_print_command(const struct command *command)
{
    bool has_own = *command->help || command->method != METHOD_COUNT || command->takes_loop;

    command_print_usage(stdout, command);
    printf("\n%s.\n\n", command->summary);
    param_option_help(command);
    fputs(command->takes_loop ? loop_help : "", stdout);
    fputs(command_may_find_busy(command) ? consumer_help : "", stdout);
    /* Without options above, skip the empty line. */
    fputs(command->help + (*command->help == '\n' && !has_options(command)), stdout);
    printf("%sOptions of all commands:\n%s", has_own ? "\n" : "", common_help);
    if (command->more_help)
        command->more_help();
}
