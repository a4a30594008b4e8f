/* SPDX-License-Identifier: MIT */
/*
 * The programs that minimioctl runs: what they are told in their environment, and the stream that is their standard
 * input and output.
 */
#ifndef MINIMIO_CLIENT_CTL_PROGRAM_H
#define MINIMIO_CLIENT_CTL_PROGRAM_H

#include "client/ctl/command.h"
#include "client/lib/minimio-client.h"

#include <stdint.h>
#include <sys/types.h>

/* Looks the program up as execvp does. Returns 0, or having said why not EXIT_NOT_FOUND or EXIT_CANNOT_RUN. */
int program_find(const struct command *command, const char *name);

/* Becomes the program, found by PATH. Returns only when it failed, having said why: EXIT_NOT_FOUND, EXIT_CANNOT_RUN. */
int program_become(const struct command *command, char *const *arguments);

/* Few programs expect standard input not to block. Returns the flags that the open file had, or a negative errno. */
int program_make_blocking(int stream);
void program_restore_flags(int stream, int flags);

/* Makes the stream, which is then blocking, standard input and output, and becomes the program. When that failed, the
 * stream's flags are as they were. */
int program_become_with(const struct command *command, char *const *arguments, int stream);

/* Sets MINIMIO_TOKEN, MINIMIO_READINESS, MINIMIO_ADDRESS, MINIMIO_LOOP (where there is one) and MINIMIO_SOCKET for the
 * programs that are run from then on. */
void program_tell(const struct minimio_client *client, const char *loop, uint64_t token, const char *address,
                  uint32_t readiness);

/*
 * Runs a program and waits for its end: with a stream as its standard input and output, or, `stream` negative, without
 * an input. Returns how it ended: its exit code, 128 and the signal's number, or what program_become returns.
 */
int program_run(const struct command *command, char *const *arguments, int stream);

/* The first half of program_run: returns 0 and the child when the program runs, or why it does not. */
int program_start(const struct command *command, char *const *arguments, int stream, pid_t *ret_child);

/* The second half: waits for the program's end. */
int program_await(const struct command *command, const char *name, pid_t child);

/* Likewise, a command line for the shell. */
int program_run_shell(const struct command *command, const char *line);

#endif
