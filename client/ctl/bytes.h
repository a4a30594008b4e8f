/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a stream, by the methods `read` and `write` with base64.
 */
#ifndef MINIMIO_CLIENT_CTL_BYTES_H
#define MINIMIO_CLIENT_CTL_BYTES_H

#include "client/ctl/command.h"
#include "client/lib/minimio-client.h"
#include "proto/buffer.h"

#include <cjson/cJSON.h>
#include <stdint.h>

#define BYTES_WRITE_MAX 49152 /* of a `write`: as base64 the request fits into a message of the default size */

/* Appends the bytes of a `read` result to `bytes`. Errors: -EBADMSG, not a `read` result; -ENOMEM. */
int bytes_of_result(const cJSON *result, struct buffer *bytes, bool *ret_eof);

/* Calls `write`. `*ret_written` is the number of bytes written. Prints the error. Returns 0 or the exit code. */
int bytes_write(const struct command *command, struct minimio_client *client, uint64_t token, struct span bytes,
                int64_t deadline_ns, size_t *ret_written);

/* Writes all bytes to a descriptor, which may be non-blocking. Prints the error. Returns 0 or the exit code. */
int bytes_put(const struct command *command, int fd, struct span bytes, int64_t deadline_ns);

#endif
