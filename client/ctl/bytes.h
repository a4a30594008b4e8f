/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a stream, through the daemon: `read` and `write` with base64 around them.
 */
#ifndef MINIMIO_CLIENT_CTL_BYTES_H
#define MINIMIO_CLIENT_CTL_BYTES_H

#include "client/ctl/command.h"
#include "client/lib/minimio-client.h"
#include "proto/buffer.h"

#include <cjson/cJSON.h>
#include <stdint.h>

#define BYTES_WRITE_MAX 49152 /* of one `write`: in base64, with the rest of the request, it fits any message */

/* The bytes of a `read`'s result, appended to `bytes`. Errors: -EBADMSG, it is none; -ENOMEM. */
int bytes_of_result(const cJSON *result, struct buffer *bytes, bool *ret_eof);

/* Calls `write`. `*ret_written` is what the kernel took. Says what failed. Returns 0 or the exit code. */
int bytes_write(const struct command *command, struct minimio_client *client, uint64_t token, struct span bytes,
                int64_t deadline_ns, size_t *ret_written);

/* Writes all of it to a descriptor that may not block. Says what failed. Returns 0 or the exit code. */
int bytes_put(const struct command *command, int fd, struct span bytes, int64_t deadline_ns);

#endif
