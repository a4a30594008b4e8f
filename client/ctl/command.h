/* SPDX-License-Identifier: MIT */
/*
 * What every command of minimioctl has in common: its entry in the table, the options that all share, the exit codes,
 * and the session with the daemon with its failures explained.
 */
#ifndef MINIMIO_CLIENT_CTL_COMMAND_H
#define MINIMIO_CLIENT_CTL_COMMAND_H

#include "client/ctl/json.h"
#include "client/lib/minimio-client.h"

#include "proto/methods.h"

#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1, /* the daemon or a peer said no, or is not there */
    EXIT_WRONG_USAGE = 2,
    EXIT_TIMED_OUT = 124, /* as timeout(1) has it, and the next two as shells have them */
    EXIT_CANNOT_RUN = 126,
    EXIT_NOT_FOUND = 127,
};

/* The options that every command takes, before its name or behind it. */
struct options {
    const char *socket;
    bool json;
    int64_t timeout_ns; /* negative: none */
    const char *loop;   /* NULL: the session's anonymous one */
    bool takeover;
    int64_t linger_ns; /* negative: as the daemon has it */
    int exit_code;     /* where options_next returned OPTIONS_EXIT */
};

struct command {
    const char *name;
    const char *arguments;        /* for the line of usage */
    const char *summary;          /* one line */
    const char *help;             /* the command's own options and what else is to know */
    const struct option *options; /* its own, letters lower case, ended by zeros; NULL: none */
    bool takes_loop;              /* it has --loop, --takeover, --linger */
    bool makes_loop;              /* and makes the loop where there is none; else that is a failure */
    enum method method;           /* whose parameters are options too, but for those in `positional`; METHODS: none */
    const char *positional;
    void (*more_help)(void);
    int (*run)(const struct command *command, struct options *options, int argc, char **argv);
};

extern const struct command command_watch;
extern const struct command command_wait;
extern const struct command command_connect;
extern const struct command command_register;
extern const struct command command_reregister;
extern const struct command command_deregister;
extern const struct command command_take;
extern const struct command command_read;
extern const struct command command_write;
extern const struct command command_shutdown;
extern const struct command command_events;
extern const struct command command_run;
extern const struct command command_list;
extern const struct command command_loops;
extern const struct command command_close_loop;
extern const struct command command_call;
extern const struct command command_batch;
extern const struct command command_discover;
extern const struct command command_ping;
extern const struct command command_hello;
extern const struct command command_stats;
extern const struct command command_top;
extern const struct command command_completions;

/* ---- Options: options.c ----------------------------------------------------------------------------------------- */

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

#define OPTION_NAME_SIZE 32

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

/* Says on standard error what is wrong with the command line, and the usage. `command` NULL: of minimioctl as a whole.
 * Returns EXIT_WRONG_USAGE. */
int wrong_usage(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

int unexpected_argument(const struct command *command, const char *argument);

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

/* ---- Parameters of a method as options: method_options.c -------------------------------------------------------- */

/* Reads the options of a command that has a method; the parameters that were given are members of `params`. Returns
 * 0 with optind at the first argument, or OPTIONS_EXIT. */
int method_options_read(const struct command *command, struct options *options, int argc, char **argv, cJSON *params);

/* The option that sets this parameter, such as "max" or "no-nodelay"; false: it is none. */
bool method_option(const struct command *command, size_t param, char ret_name[OPTION_NAME_SIZE], bool *ret_argument);

void method_options_help(const struct command *command);

/* minimioctl.c */
extern const struct command *const commands[]; /* ends with NULL */
void print_help(FILE *stream);
void print_usage(FILE *stream, const struct command *command); /* one line; NULL: of minimioctl as a whole */
void print_command_help(const struct command *command);

/* ---- The session: connection.c ---------------------------------------------------------------------------------- */

/* Opens a session, or says why not and what to do. Returns 0 or the exit code. */
int connection_open(const struct command *command, const struct options *options, int64_t deadline_ns,
                    struct minimio_client **ret_client);

/* Likewise, but a daemon that is not there is awaited for `patience_ns`. */
int connection_await(const struct command *command, const struct options *options, int64_t patience_ns,
                     int64_t deadline_ns, struct minimio_client **ret_client);

/* Likewise, and tells whether the loop that was opened, --loop's or the session's own, is one that has to be polled. */
int connection_open_loop(const struct command *command, const struct options *options, int64_t deadline_ns,
                         struct minimio_client **ret_client, bool *ret_polled, uint64_t *ret_registrations);

/* Likewise, with parameters that it takes. */
int session_call_with(const struct command *command, struct minimio_client *client, const char *method, cJSON *params,
                      int64_t deadline_ns, cJSON **ret_result);

/* Adds a member, which is then the object's; NULL, as cJSON's makers return it, is no memory. Returns whether it was
 * added. */
bool params_add(cJSON *params, const char *name, cJSON *value);

/* All registrations of the session's loop, appended to `all`, an array. Says what failed. Returns 0 or the exit code.
 */
int fetch_registrations(const struct command *command, struct minimio_client *client, int64_t deadline_ns, cJSON *all);

/* Says that the loop has no such token. Returns EXIT_FAILED. */
int tell_unknown_token(const struct command *command, uint64_t token);

/* Is the token registered in the session's loop? Says what failed. Returns 0 or the exit code. */
int require_token(const struct command *command, struct minimio_client *client, uint64_t token, int64_t deadline_ns);

/* Calls a method, or says why it failed. `ret_result` may be NULL. Returns 0 or the exit code. */
int session_call(const struct command *command, struct minimio_client *client, const char *method, const char *params,
                 int64_t deadline_ns, cJSON **ret_result);

/* Opens a session, calls one method and closes it. Says what failed. Returns 0 or the exit code. */
int connection_call(const struct command *command, const struct options *options, const char *method,
                    const char *params, cJSON **ret_result);

/* Says on standard error why a call of the client failed with `error`. Returns the exit code. */
int connection_failed(const struct command *command, const struct minimio_client *client, int error);

/*
 * An error object of the daemon in one line: the system's words where the system says why, as `wait` prints them
 * ("Connection refused"), else the message and the error's name ("... (TOKEN_UNKNOWN)"). Cut where it does not fit.
 * `address` is the one that was asked for, and not repeated; NULL: none.
 */
void explain_fault(const cJSON *fault, const char *address, char *ret_text, size_t size);

/* Says on standard error what failed, in one line, unsafe characters escaped. Returns EXIT_FAILED. */
int failed(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
