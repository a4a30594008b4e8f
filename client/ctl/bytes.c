/* SPDX-License-Identifier: MIT */
/*
 * Transfer of bytes by `read` and `write`, as base64. The file has no state.
 */
#include "client/ctl/bytes.h"

#include "client/ctl/connection.h"
#include "client/ctl/json.h"
#include "client/ctl/output.h"
#include "client/lib/deadline.h"
#include "proto/base64.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

int bytes_of_result(const cJSON *result, struct buffer *bytes, bool *ret_eof)
{
    const char *data = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "data"));
    const char *encoding = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "encoding"));

    if (!data || !encoding)
        return -EBADMSG;
    if (strcmp(encoding, "base64") != 0)
        buffer_append_text(bytes, data);
    else if (base64_decode(bytes, (struct span){data, strlen(data)}) < 0)
        return -EBADMSG;
    if (buffer_failed(bytes))
        return -ENOMEM;
    *ret_eof = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(result, "eof"));
    return 0;
}

static cJSON *write_params(uint64_t token, struct span bytes)
{
    cJSON *params = cJSON_CreateObject();
    struct buffer text;

    buffer_init(&text);
    base64_encode(&text, bytes.data, bytes.length);
    buffer_append(&text, "", 1);
    json_add_integer(params, "token", token);
    cJSON_AddStringToObject(params, "encoding", "base64");
    if (!buffer_failed(&text))
        cJSON_AddStringToObject(params, "data", buffer_bytes(&text));
    buffer_deinit(&text);
    return params;
}

int bytes_write(const struct command *command, struct minimio_client *client, uint64_t token, struct span bytes,
                int64_t deadline_ns, size_t *ret_written)
{
    uint64_t written;
    bool said;
    cJSON *result;
    int r;

    if (bytes.length > BYTES_WRITE_MAX)
        bytes.length = BYTES_WRITE_MAX;
    r = session_call_with(command, client, "write", write_params(token, bytes), deadline_ns, &result);
    if (r != 0)
        return r;
    said = json_integer(cJSON_GetObjectItemCaseSensitive(result, "bytes"), &written);
    cJSON_Delete(result);
    if (!said || written > bytes.length)
        return failed(command, "the daemon did not say how much it wrote");
    *ret_written = (size_t)written;
    return 0;
}

int bytes_put(const struct command *command, int fd, struct span bytes, int64_t deadline_ns)
{
    while (bytes.length > 0) {
        ssize_t n = write(fd, bytes.data, bytes.length);

        if (n >= 0) {
            bytes.data += n;
            bytes.length -= (size_t)n;
        } else if (errno == EAGAIN) {
            if (deadline_wait_fd(deadline_ns, fd, POLLOUT) == -ETIMEDOUT) {
                failed(command, "standard output is not read in time");
                return EXIT_TIMED_OUT;
            }
        } else if (errno != EINTR) {
            return output_failed();
        }
    }
    return 0;
}
