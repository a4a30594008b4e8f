/* SPDX-License-Identifier: MIT */
/*
 * minimioctl: the command line of minimio. Here are the table of commands, the options in front of a command's name,
 * and the help; what a command does is in its own file.
 */
#include "client/command.h"

#include "client/output.h"

#include <stdio.h>
#include <string.h>

const struct command *const commands[] = {
    &command_watch,
    &command_wait,
    &command_connect,
    &command_register,
    &command_reregister,
    &command_deregister,
    &command_take,
    &command_read,
    &command_write,
    &command_shutdown,
    &command_events,
    &command_run,
    &command_list,
    &command_loops,
    &command_close_loop,
    &command_call,
    &command_batch,
    &command_discover,
    &command_ping,
    &command_hello,
    &command_stats,
    &command_top,
    NULL,
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]) - 1)

static const char loop_help[] = "  --loop NAME        the named loop\n"
                                "  --takeover         also if another session is in it, which loses it\n"
                                "  --linger D         the loop outlives this session for so long (60s)\n";

static const char common_help[] =
    "  --socket PATH      the daemon's socket ($MINIMIO_SOCKET, $XDG_RUNTIME_DIR/minimio.sock,\n"
    "                     /run/minimio/minimio.sock)\n"
    "  --json             print JSON, one object a line\n"
    "  --timeout D        give up after D: 500ms, 2s, 1.5m; a plain number is seconds\n"
    "  --help, --version\n";

void print_help(void)
{
    puts("usage: minimioctl COMMAND [OPTION...] [ARGUMENT...]\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    printf("\nOptions of all commands:\n%s", common_help);
    puts("\nExit codes: 0 done, 1 failed, 2 wrong usage, 124 timed out; of commands that are run: their own,\n"
         "126 cannot be run, 127 not found.\n"
         "minimioctl COMMAND --help tells more about one; so does minimioctl(1).");
}

void print_command_help(const struct command *command)
{
    bool has_own = *command->help || command->method != METHODS || command->takes_loop;

    printf("usage: minimioctl %s [OPTION...]%s%s\n\n%s.\n\n", command->name, *command->arguments ? " " : "",
           command->arguments, command->summary);
    method_options_help(command);
    printf("%s%s%sOptions of all commands:\n%s", command->takes_loop ? loop_help : "", command->help,
           has_own ? "\n" : "", common_help);
    if (command->more_help)
        command->more_help();
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

/* `help` and `help COMMAND`. */
static int help(int argc, char **argv)
{
    const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;

    if (argc > 1 && !command)
        return wrong_usage(NULL, "there is no command '%s'", argv[1]);
    if (command)
        print_command_help(command);
    else
        print_help();
    return EXIT_DONE;
}

static int run_command(struct options *options, int argc, char **argv)
{
    const struct command *command;
    char full_name[64];

    if (argc <= 0 || strcmp(argv[0], "help") == 0)
        return help(argc, argv);
    if (argc == 2 && strcmp(argv[0], "completions") == 0 && print_completions(argv[1]))
        return EXIT_DONE;
    command = find_command(argv[0]);
    if (!command)
        return wrong_usage(NULL, "there is no command '%s'", argv[0]);
    /* getopt names the program by argv[0] in what it says, and 0 makes it start anew. */
    snprintf(full_name, sizeof(full_name), "minimioctl %s", command->name);
    argv[0] = full_name;
    optind = 0;
    return command->run(command, options, argc, argv);
}

int main(int argc, char **argv)
{
    static char name[] = "minimioctl";
    struct options options = {.timeout_ns = -1, .linger_ns = -1};
    int r;

    if (argc > 0)
        argv[0] = name;
    if (options_next(NULL, &options, argc, argv) == OPTIONS_EXIT)
        r = options.exit_code;
    else
        r = run_command(&options, argc - optind, argv + optind);
    return output_flush() != 0 ? EXIT_FAILED : r;
}
