/* SPDX-License-Identifier: MIT */
/*
 * The programs that minimioctl runs: what they are told in their environment, and the stream that is their standard
 * input and output.
 */
#ifndef MINIMIO_CLIENT_PROGRAM_H
#define MINIMIO_CLIENT_PROGRAM_H

#include "client/command.h"

/* Becomes the program, found by PATH. Returns only when it failed, having said why: EXIT_NOT_FOUND, EXIT_CANNOT_RUN. */
int program_become(const struct command *command, char *const *arguments);

/* Makes the stream, which is then blocking, standard input and output, and becomes the program. */
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

/* Likewise, a command line for the shell. */
int program_run_shell(const struct command *command, const char *line);

#endif
