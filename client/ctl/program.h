/* SPDX-License-Identifier: MIT */
/*
 * Runs programs with a stream as standard input and output, and with an event in the environment.
 */
#ifndef MINIMIO_CLIENT_CTL_PROGRAM_H
#define MINIMIO_CLIENT_CTL_PROGRAM_H

#include "client/ctl/command.h"
#include "client/lib/minimio-client.h"

#include <stdint.h>
#include <sys/types.h>

/* Searches the program as execvp does. Returns 0, or EXIT_NOT_FOUND or EXIT_CANNOT_RUN after printing the error. */
int program_find(const struct command *command, const char *name);

/* Executes the program, with a search in PATH. Returns EXIT_NOT_FOUND or EXIT_CANNOT_RUN after printing the error. */
int program_become(const struct command *command, char *const *arguments);

/* Clears O_NONBLOCK, which few programs expect on standard input. Returns the earlier flags, or a negative errno. */
int program_make_blocking(int stream);
void program_restore_flags(int stream, int flags);

/* Makes the stream blocking, and executes the program with the stream as standard input and output. Restores the flags
 * if exec fails. */
int program_become_with(const struct command *command, char *const *arguments, int stream);

/* Sets MINIMIO_TOKEN, MINIMIO_READINESS, MINIMIO_ADDRESS, MINIMIO_LOOP (for named loops) and MINIMIO_SOCKET in the
 * environment of later programs. */
void program_tell(const struct minimio_client *client, const char *loop, uint64_t token, const char *address,
                  uint32_t readiness);

/*
 * Runs a program and waits for the end. `stream` is standard input and output; negative: standard input is empty.
 * Returns the exit status, 128 plus the number of a signal, or an error of program_become.
 */
int program_run(const struct command *command, char *const *arguments, int stream);

/* The first half of program_run: returns 0 and the child's pid when the program runs, or an error. */
int program_start(const struct command *command, char *const *arguments, int stream, pid_t *ret_child);

/* Cuts the program behind `--` off the arguments, because getopt would reorder them. NULL: no `--`. */
char **program_cut(int *argc, char **argv);

/* Requires a program. Returns 0, or EXIT_WRONG_USAGE after printing the error. */
int program_require(const struct command *command, char **program);

/* Whether the stream would be ready for good: the peer has closed or reset the connection, and all data is read. */
bool program_stream_has_ended(int stream);

/* A stream for a program. */
struct program_stream {
    int fd;
    int number; /* of the descriptor in the program; negative: standard input and output */
};

/* As program_start. The program gets SIGTERM when this process ends, because the next holder of the token must not
 * share the stream with the program. */
int program_start_with(const struct command *command, char *const *arguments, struct program_stream stream,
                       pid_t *ret_child);

/* The second half of program_run: waits for the end of the program. */
int program_await(const struct command *command, const char *name, pid_t child);

/* As program_run, for a command line of the shell. */
int program_run_shell(const struct command *command, const char *line);

#endif
