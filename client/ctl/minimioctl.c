/* SPDX-License-Identifier: MIT */
/*
 * minimioctl: the command line of minimio. Here are the table of commands, the options in front of a command's name,
 * and the help; what a command does is in its own file.
 */
#include "client/ctl/command.h"

#include "client/ctl/first_process.h"
#include "client/ctl/output.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const struct command *const commands[] = {
    &command_watch, &command_wait,  &command_connect,    &command_register, &command_reregister,  &command_deregister,
    &command_take,  &command_read,  &command_write,      &command_shutdown, &command_events,      &command_run,
    &command_list,  &command_loops, &command_close_loop, &command_call,     &command_batch,       &command_discover,
    &command_ping,  &command_hello, &command_stats,      &command_top,      &command_completions, NULL,
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]) - 1)

static const char loop_help[] = "  --loop NAME        the named loop\n"
                                "  --takeover         take over from the attached session\n"
                                "  --linger D         keep the loop this long after its last session ends (60s)\n";

static const char common_help[] =
    "  --socket PATH      the daemon's socket ($MINIMIO_SOCKET, $XDG_RUNTIME_DIR/minimio.sock,\n"
    "                     /run/user/UID/minimio.sock, /run/minimio/minimio.sock)\n"
    "  --json             print JSON, one object per line\n"
    "  --timeout D        give up after D: 500ms, 2s, 1.5m; a plain number is in seconds\n"
    "  -h, --help         print this help\n"
    "  -V, --version      print the version\n";

void print_usage(FILE *stream, const struct command *command)
{
    if (command)
        fprintf(stream, "usage: minimioctl %s [OPTION...]%s%s\n", command->name, *command->arguments ? " " : "",
                command->arguments);
    else
        fputs("usage: minimioctl COMMAND [OPTION...] [ARGUMENT...]\n", stream);
}

void print_help(FILE *stream)
{
    print_usage(stream, NULL);
    fputc('\n', stream);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(stream, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(stream, "  %-11s %s\n\nOptions of all commands:\n%s", "help", "print the help of a command", common_help);
    fputs("\nExit status: 0 success, 1 failure, 2 wrong usage, 124 timeout; of a command that was run: its\n"
          "own, 126 if it cannot be run, 127 if it was not found.\n"
          "'minimioctl COMMAND --help' prints the help of a command; see also minimioctl(1).\n",
          stream);
}

static bool has_options(const struct command *command)
{
    return command->options || command->takes_loop || command->method != METHODS;
}

void print_command_help(const struct command *command)
{
    bool has_own = *command->help || command->method != METHODS || command->takes_loop;

    print_usage(stdout, command);
    printf("\n%s.\n\n", command->summary);
    method_options_help(command);
    fputs(command->takes_loop ? loop_help : "", stdout);
    /* A text without options above it needs no line between. */
    fputs(command->help + (*command->help == '\n' && !has_options(command)), stdout);
    printf("%sOptions of all commands:\n%s", has_own ? "\n" : "", common_help);
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

static int no_command(const char *name)
{
    return wrong_usage(NULL, *name ? "there is no command '%s'" : "the command is empty: '%s'", name);
}

/* `help` and `help COMMAND`; options and `help` itself ask for the same. */
static int help(int argc, char **argv)
{
    const char *name = argc > 1 && *argv[1] != '-' && strcmp(argv[1], "help") != 0 ? argv[1] : NULL;
    const struct command *command = name ? find_command(name) : NULL;

    if (argc > 2)
        return unexpected_argument(NULL, argv[2]);
    if (argc > 1 && (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0)) {
        puts("minimioctl " MINIMIO_VERSION);
        return EXIT_DONE;
    }
    if (name && !command)
        return no_command(name);
    if (command)
        print_command_help(command);
    else
        print_help(stdout);
    return EXIT_DONE;
}

static int run_command(struct options *options, int argc, char **argv)
{
    const struct command *command;

    if (argc <= 0) {
        print_help(stderr);
        return EXIT_WRONG_USAGE;
    }
    if (strcmp(argv[0], "help") == 0)
        return help(argc, argv);
    command = find_command(argv[0]);
    if (!command)
        return no_command(argv[0]);
    optind = 0; /* has getopt start anew */
    return command->run(command, options, argc, argv);
}

/*
 * Where standard input, output or error is closed, the next socket would get its number, and what is written there
 * would go to the daemon. /dev/null takes the place, opened the other way round, so that using it fails as before.
 */
static bool reserve_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {.timeout_ns = -1, .linger_ns = -1};
    int r;

    if (!reserve_standard_descriptors())
        return EXIT_FAILED; /* there may be nowhere to say why */
    first_process_begin();

    setlocale(LC_CTYPE, ""); /* which characters the terminal shows */
    if (options_next(NULL, &options, argc, argv) == OPTIONS_EXIT)
        r = options.exit_code;
    else
        r = run_command(&options, argc - optind, argv + optind);
    return output_flush() != 0 ? EXIT_FAILED : r;
}
