/* SPDX-License-Identifier: MIT */
/*
 * minimioctl: the table of commands and the options before the name of a command. Each command is in a file of its own.
 */
#include "client/ctl/commands.h"
#include "client/ctl/first_process.h"
#include "client/ctl/help.h"
#include "client/ctl/options.h"
#include "client/ctl/output.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command *const commands[] = {
    &command_watch,      &command_wait,  &command_connect,  &command_register,    &command_reregister,
    &command_deregister, &command_take,  &command_read,     &command_write,       &command_shutdown,
    &command_events,     &command_run,   &command_checkout, &command_list,        &command_loops,
    &command_close_loop, &command_call,  &command_batch,    &command_discover,    &command_ping,
    &command_hello,      &command_stats, &command_top,      &command_completions, NULL,
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int no_command(const char *name)
{
    return wrong_usage(NULL, *name ? "there is no command '%s'" : "the command is empty: '%s'", name);
}

/* `help` and `help COMMAND`, equivalent to --help. */
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
        help_print_command(command);
    else
        help_print(stdout, commands);
    return EXIT_DONE;
}

static int run_command(struct options *options, int argc, char **argv)
{
    const struct command *command;

    if (argc <= 0) {
        help_print(stderr, commands);
        return EXIT_WRONG_USAGE;
    }
    if (strcmp(argv[0], "help") == 0)
        return help(argc, argv);
    command = find_command(argv[0]);
    if (!command)
        return no_command(argv[0]);
    options->role = command->is_guest ? ROLE_GUEST : ROLE_OWNER;
    optind = 0; /* reinitializes getopt */
    return command->run(command, options, argc, argv);
}

/*
 * If standard input, output or error is closed, the next socket would get the number, and output would go to the
 * daemon. Opens /dev/null in place of a closed descriptor, in the wrong direction, so that reads and writes still fail.
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
    struct options options = {.timeout_ns = -1, .linger_ns = -1, .commands = commands};
    int result;

    if (!reserve_standard_descriptors())
        return EXIT_FAILED; /* standard error may be closed */
    first_process_begin();

    setlocale(LC_CTYPE, ""); /* character set of the terminal */
    if (options_next(NULL, &options, argc, argv) == OPTIONS_EXIT)
        result = options.exit_code;
    else
        result = run_command(&options, argc - optind, argv + optind);
    return output_flush() != 0 ? EXIT_FAILED : result;
}
