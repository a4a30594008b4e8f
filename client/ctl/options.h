/* SPDX-License-Identifier: MIT */
/*
 * Common options of all commands, and parsers of the values of options and arguments.
 */
#ifndef MINIMIO_CLIENT_CTL_OPTIONS_H
#define MINIMIO_CLIENT_CTL_OPTIONS_H

#include "client/ctl/command.h"
#include "client/ctl/param_option.h"

#include <stdint.h>

/* The common options, before or after the name of the command. */
struct options {
    const char *socket;
    bool json;
    int64_t timeout_ns; /* negative: no limit */
    const char *loop;   /* NULL: the anonymous loop */
    bool takeover;
    enum role role;                        /* in the loop of --loop; minimioctl.c sets the command's default */
    bool role_given;                       /* by --role */
    uint64_t prefetch;                     /* of a worker; 0: the daemon's default */
    int64_t linger_ns;                     /* negative: the daemon's default */
    int64_t wait_ns;                       /* for a busy loop; 0: do not wait */
    int exit_code;                         /* valid after OPTIONS_EXIT */
    const struct command *const *commands; /* all commands, NULL-terminated, for help and completions */
};

enum {
    OPTION_SOCKET = 'S',
    OPTION_JSON = 'J',
    OPTION_TIMEOUT = 'T',
    OPTION_HELP = 'h',
    OPTION_VERSION = 'V',
    OPTION_LOOP = 'L',
    OPTION_TAKEOVER = 'O',
    OPTION_LINGER = 'G',
    OPTION_WAIT = 'W',
    OPTION_PARAM = 256, /* plus the index of a parameter of the command's method */
};

#define OPTIONS_END  (-1)
#define OPTIONS_EXIT (-2)

/*
 * Parses the next option. Returns the letter of an own option of the command (the argument is optarg); OPTIONS_END
 * after the last option, with optind at the first argument; or OPTIONS_EXIT: exit with options->exit_code, messages
 * have been printed. `command` NULL: options before the name of the command.
 */
int options_next(const struct command *command, struct options *options, int argc, char **argv);

/*
 * All long options of a command, zero-terminated: own options, parameters of the method, options of the loop, common
 * options. `names` stores the names of the parameters. Returns the number of options.
 */
#define OPTIONS_MAX 40
size_t options_of(const struct command *command, struct option ret_table[OPTIONS_MAX],
                  char names[PARAMS_MAX][OPTION_NAME_SIZE]);

/* For commands without own options: parses the common options. False: exit with options->exit_code. */
bool options_read(const struct command *command, struct options *options, int argc, char **argv);

/* The same for commands whose only own option is --role. */
#define ROLE_HELP                                                                                                      \
    "  --role ROLE        in the loop: owner (gets the events), worker (shares the events), guest (gets\n"             \
    "                     no events, the default; of requests to poll: owner)\n"
bool options_read_role(const struct command *command, struct options *options, int argc, char **argv);

/* Parse a value. For an invalid value, print the error and the valid values. Return 0 or EXIT_WRONG_USAGE. */
int option_duration_from(const struct command *command, const char *option, const char *text, int64_t least_ns,
                         int64_t *ret_duration_ns);
int option_duration(const struct command *command, const char *option, const char *text, int64_t *ret_duration_ns);

int option_line(const struct command *command, const char *text, const char **ret_line); /* of --exec, not empty */
int option_count(const struct command *command, const char *text, uint64_t *ret_count);  /* of --count, 1 or more */
int option_token(const struct command *command, const char *text, uint64_t *ret_token);  /* of --token */
int argument_token(const struct command *command, const char *text, uint64_t *ret_token);

/* Returns the index of the choice that equals the first `length` bytes of the text, or -EINVAL after printing all
 * choices. `choices` is NULL-terminated; `more` is an additional choice for the message, or NULL. */
int option_choice(const struct command *command, const char *option, const char *text, size_t length,
                  const char *const *choices, const char *more);

/* Requires --loop: the anonymous loop ends with the session. Returns 0, or EXIT_WRONG_USAGE after printing the error.
 */
int require_loop(const struct command *command, const struct options *options);

#endif
