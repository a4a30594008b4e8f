/* SPDX-License-Identifier: MIT */
/*
 * The options that every command takes, and the values of options and arguments.
 */
#ifndef MINIMIO_CLIENT_CTL_OPTIONS_H
#define MINIMIO_CLIENT_CTL_OPTIONS_H

#include "client/ctl/command.h"
#include "client/ctl/param_option.h"

#include <stdint.h>

/* The options that every command takes, before its name or behind it. */
struct options {
    const char *socket;
    bool json;
    int64_t timeout_ns; /* negative: none */
    const char *loop;   /* NULL: the session's anonymous one */
    bool takeover;
    int64_t linger_ns;                     /* negative: as the daemon has it */
    int exit_code;                         /* where options_next returned OPTIONS_EXIT */
    const struct command *const *commands; /* all commands, ended by NULL, for the help and the completions */
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
    OPTION_PARAM = 256, /* and more: a parameter of the command's method, by its place */
};

#define OPTIONS_END  (-1)
#define OPTIONS_EXIT (-2)

/*
 * The letter of the command's next own option (its argument is optarg), OPTIONS_END after the last, with optind at
 * the first argument, or OPTIONS_EXIT: all is said, end with options->exit_code. `command` NULL: those in front of
 * the command's name, which end there.
 */
int options_next(const struct command *command, struct options *options, int argc, char **argv);

/*
 * All long options of a command, ended by zeros: its own, its method's, the loop's, those of all. `names` is where the
 * method's are written. Returns how many.
 */
#define OPTIONS_MAX 40
size_t options_of(const struct command *command, struct option ret_table[OPTIONS_MAX],
                  char names[PARAMS_MAX][OPTION_NAME_SIZE]);

/* For commands without options of their own: reads the common ones; false: end with options->exit_code. */
bool options_read(const struct command *command, struct options *options, int argc, char **argv);

/* Each of these reads a value, or says what is wrong with it and which values are allowed. Returns 0 or
 * EXIT_WRONG_USAGE. */
int option_duration_from(const struct command *command, const char *option, const char *text, int64_t least_ns,
                         int64_t *ret_duration_ns);
int option_duration(const struct command *command, const char *option, const char *text, int64_t *ret_duration_ns);

int option_line(const struct command *command, const char *text, const char **ret_line); /* of --exec, not empty */
int option_count(const struct command *command, const char *text, uint64_t *ret_count);  /* of --count, 1 or more */
int option_token(const struct command *command, const char *text, uint64_t *ret_token);  /* of --token */
int argument_token(const struct command *command, const char *text, uint64_t *ret_token);

/* Which of the words, ended by NULL, the first `length` bytes of the text are; `more` is another word for the message,
 * or NULL. Returns its index, or -EINVAL having said which words there are. */
int option_choice(const struct command *command, const char *option, const char *text, size_t length,
                  const char *const *choices, const char *more);

/* Without --loop a command would work in the session's own loop, which ends with the session. Returns 0, or
 * EXIT_WRONG_USAGE having said so. */
int require_loop(const struct command *command, const struct options *options);

#endif
