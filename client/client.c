/* SPDX-License-Identifier: MIT */
/*
 * Owns the socket, the bytes of the line under way, and the messages set aside. What holds: every message given out
 * or set aside is a JSON object. Leaves to others what methods and results mean.
 */
#include "client/client.h"

#include "client/deadline.h"
#include "client/line_reader.h"
#include "proto/buffer.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_RETRY_NS (10 * NS_PER_MS)

struct set_aside {
    cJSON *message;
    STAILQ_ENTRY(set_aside) entry;
};

struct client {
    int fd;
    uint64_t last_id;
    size_t set_aside_count;
    STAILQ_HEAD(, set_aside) set_aside;
    cJSON *fault;
    char error[512];
    struct line_reader reader;
};

static int fail(struct client *client, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int fail(struct client *client, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(client->error, sizeof(client->error), format, arguments);
    va_end(arguments);
    return error;
}

static int fail_system(struct client *client, int error)
{
    return fail(client, error, "the connection to the daemon failed: %s", strerror(-error));
}

static int fail_timed_out(struct client *client)
{
    return fail(client, -ETIMEDOUT, "the daemon did not answer in time");
}

static int fail_no_memory(struct client *client)
{
    return fail(client, -ENOMEM, "out of memory");
}

static void forget_error(struct client *client)
{
    cJSON_Delete(client->fault);
    client->fault = NULL;
    client->error[0] = '\0';
}

/* ---- Open and close --------------------------------------------------------------------------------------------- */

static int connect_socket(int fd, const struct sockaddr_un *address, int64_t deadline_ns)
{
    while (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
        /* A Unix socket never says EINPROGRESS: EAGAIN is a full backlog, of which poll tells nothing. */
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        if (deadline_left_ns(deadline_ns) == 0)
            return -ETIMEDOUT;
        deadline_pause(deadline_ns, CONNECT_RETRY_NS);
    }
    return 0;
}

static struct client *client_new(void)
{
    struct client *client = malloc(sizeof(*client));

    if (!client)
        return NULL;
    client->fd = -1;
    client->last_id = 0;
    client->set_aside_count = 0;
    STAILQ_INIT(&client->set_aside);
    client->fault = NULL;
    client->error[0] = '\0';
    line_reader_init(&client->reader);
    return client;
}

int client_connect(const char *path, int64_t deadline_ns, struct client **ret_client)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct client *client = NULL;
    int r = -ENAMETOOLONG;

    if (strlen(path) >= sizeof(address.sun_path))
        goto out;
    memcpy(address.sun_path, path, strlen(path) + 1);
    r = -ENOMEM;
    client = client_new();
    if (!client)
        goto out;
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    r = client->fd < 0 ? -errno : connect_socket(client->fd, &address, deadline_ns);
    if (r < 0)
        goto out;
    *ret_client = client;
    client = NULL;
out:
    client_free(client);
    return r;
}

struct client *client_free(struct client *client)
{
    struct set_aside *aside;

    if (!client)
        return NULL;
    while ((aside = STAILQ_FIRST(&client->set_aside))) {
        STAILQ_REMOVE_HEAD(&client->set_aside, entry);
        cJSON_Delete(aside->message);
        free(aside);
    }
    cJSON_Delete(client->fault);
    if (client->fd >= 0)
        close(client->fd);
    free(client);
    return NULL;
}

int client_fd(const struct client *client)
{
    return client->fd;
}

const char *client_error(const struct client *client)
{
    return client->error;
}

const cJSON *client_fault(const struct client *client)
{
    return client->fault;
}

/* ---- Receive ---------------------------------------------------------------------------------------------------- */

static int parse(struct client *client, struct span line, cJSON **ret_message)
{
    const char *end = NULL;
    cJSON *message = cJSON_ParseWithLengthOpts(line.data, line.length, &end, false);

    if (cJSON_IsObject(message) && end == line.data + line.length) {
        *ret_message = message;
        return 0;
    }
    cJSON_Delete(message);
    return fail(client, -EBADMSG, "the daemon sent a line that is no message: %.*s",
                (int)(line.length < 64 ? line.length : 64), line.data);
}

static int fail_closed(struct client *client)
{
    return fail(client, -ECONNRESET, "the daemon closed the connection%s",
                line_reader_is_open(&client->reader) ? " in the middle of a message" : "");
}

/* One read. -EAGAIN: nothing is there now. */
static int fill(struct client *client)
{
    int r = line_reader_fill(&client->reader, client->fd);

    if (r == 0 || r == -ECONNRESET)
        return fail_closed(client);
    return r < 0 && r != -EAGAIN ? fail_system(client, r) : r;
}

/* The next message of the bytes read so far; -EAGAIN: there is none. */
static int take_line(struct client *client, cJSON **ret_message)
{
    struct span line;
    int r = line_reader_next(&client->reader, &line);

    if (r == 0)
        return parse(client, line, ret_message);
    return r == -EMSGSIZE ? fail(client, r, "the daemon sent a line longer than %zu bytes", LINE_SIZE) : r;
}

static int receive(struct client *client, int64_t deadline_ns, cJSON **ret_message)
{
    int r;

    while ((r = take_line(client, ret_message)) == -EAGAIN) {
        r = fill(client);
        if (r == -EAGAIN) {
            r = deadline_wait_fd(deadline_ns, client->fd, POLLIN);
            if (r == -ETIMEDOUT)
                return fail_timed_out(client);
            if (r < 0)
                return fail_system(client, r);
        }
        if (r < 0)
            return r;
    }
    return r;
}

/* Takes the message, also when it fails. */
static int set_aside(struct client *client, cJSON *message)
{
    struct set_aside *aside = NULL;
    int r;

    if (client->set_aside_count == CLIENT_SET_ASIDE_MAX)
        r = fail(client, -ENOBUFS, "the daemon sent more than %d messages in between", CLIENT_SET_ASIDE_MAX);
    else if (!(aside = malloc(sizeof(*aside))))
        r = fail_no_memory(client);
    else {
        aside->message = message;
        STAILQ_INSERT_TAIL(&client->set_aside, aside, entry);
        client->set_aside_count++;
        return 0;
    }
    cJSON_Delete(message);
    return r;
}

int client_next(struct client *client, int64_t deadline_ns, cJSON **ret_message)
{
    struct set_aside *aside = STAILQ_FIRST(&client->set_aside);

    forget_error(client);
    if (!aside)
        return receive(client, deadline_ns, ret_message);
    STAILQ_REMOVE_HEAD(&client->set_aside, entry);
    client->set_aside_count--;
    *ret_message = aside->message;
    free(aside);
    return 0;
}

bool client_has_message(const struct client *client)
{
    return !STAILQ_EMPTY(&client->set_aside);
}

/* ---- Send ------------------------------------------------------------------------------------------------------- */

/* The daemon reads no more from a client that does not read from it: whoever waits to write must read meanwhile. */
static int wait_to_send(struct client *client, int64_t deadline_ns)
{
    int ready = deadline_wait_fd(deadline_ns, client->fd, POLLIN | POLLOUT);
    cJSON *message = NULL;
    int r = 0;

    if (ready == -ETIMEDOUT)
        return fail_timed_out(client);
    if (ready < 0)
        return fail_system(client, ready);
    if (!(ready & POLLIN))
        return 0;
    r = fill(client);
    while (r >= 0 && (r = take_line(client, &message)) == 0)
        r = set_aside(client, message);
    return r == -EAGAIN ? 0 : r;
}

static int send_all(struct client *client, const char *bytes, size_t length, int64_t deadline_ns)
{
    while (length > 0) {
        ssize_t n = send(client->fd, bytes, length, MSG_NOSIGNAL);
        int r = 0;

        if (n >= 0) {
            bytes += n;
            length -= (size_t)n;
        } else if (errno == EAGAIN) {
            r = wait_to_send(client, deadline_ns);
        } else if (errno == EPIPE || errno == ECONNRESET) {
            r = fail_closed(client);
        } else if (errno != EINTR) {
            r = fail_system(client, -errno);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

/* A method's name may hold anything that a person typed, so it is written as JSON has it. */
static void write_request(struct buffer *out, const char *method, const char *params, uint64_t id)
{
    cJSON name = {.type = cJSON_String | cJSON_IsReference, .valuestring = (char *)method};
    char *quoted = cJSON_PrintUnformatted(&name);
    char text[48];

    if (!quoted) {
        out->failed = true;
        return;
    }
    buffer_append_text(out, "{\"jsonrpc\":\"2.0\",\"method\":");
    buffer_append_text(out, quoted);
    if (id > 0) {
        snprintf(text, sizeof(text), ",\"id\":%" PRIu64, id);
        buffer_append_text(out, text);
    }
    if (params) {
        buffer_append_text(out, ",\"params\":");
        buffer_append_text(out, params);
    }
    buffer_append_text(out, "}\n");
    cJSON_free(quoted);
}

/* An id of 0 makes a notification: those that are given begin with 1. */
static int send_request(struct client *client, const char *method, const char *params, uint64_t id, int64_t deadline_ns)
{
    struct buffer out;
    int r;

    buffer_init(&out);
    write_request(&out, method, params, id);
    if (buffer_failed(&out))
        r = fail_no_memory(client);
    else
        r = send_all(client, buffer_bytes(&out), out.length, deadline_ns);
    buffer_deinit(&out);
    return r;
}

int client_send(struct client *client, const char *method, const char *params, int64_t deadline_ns, uint64_t *ret_id)
{
    uint64_t id = ret_id ? ++client->last_id : 0;
    int r;

    forget_error(client);
    r = send_request(client, method, params, id, deadline_ns);
    if (r == 0 && ret_id)
        *ret_id = id;
    return r;
}

/* ---- Call ------------------------------------------------------------------------------------------------------- */

/* Is this what the request `id` waits for? An error without an id speaks of the session, so it answers every call. */
static bool is_reply_to(const cJSON *message, uint64_t id)
{
    const cJSON *reply_id = cJSON_GetObjectItemCaseSensitive(message, "id");

    if (cJSON_IsNumber(reply_id))
        return reply_id->valuedouble == (double)id;
    return cJSON_IsNull(reply_id) && cJSON_HasObjectItem(message, "error");
}

void client_fault_text(const cJSON *fault, char *ret_text, size_t size)
{
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(fault, "data");
    const char *message = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fault, "message"));
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(data, "name"));
    const char *error = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(data, "errno"));

    snprintf(ret_text, size, "%s (%s%s%s)", message ? message : "an error without a message",
             name ? name : "an error without a name", error ? ", " : "", error ? error : "");
}

static int take_reply(struct client *client, cJSON *message, cJSON **ret_result)
{
    cJSON *result = cJSON_DetachItemFromObjectCaseSensitive(message, "result");

    if (result) {
        *ret_result = result;
        return 0;
    }
    client->fault = cJSON_DetachItemFromObjectCaseSensitive(message, "error");
    if (!client->fault)
        return fail(client, -EBADMSG, "the daemon sent a reply with neither result nor error");
    client_fault_text(client->fault, client->error, sizeof(client->error));
    return -EREMOTEIO;
}

static int await_reply(struct client *client, uint64_t id, int64_t deadline_ns, cJSON **ret_result)
{
    cJSON *message = NULL;
    int r;

    do {
        r = receive(client, deadline_ns, &message);
        if (r < 0)
            return r;
        if (is_reply_to(message, id)) {
            r = take_reply(client, message, ret_result);
            cJSON_Delete(message);
            return r;
        }
        r = set_aside(client, message);
    } while (r == 0);
    return r;
}

int client_call(struct client *client, const char *method, const char *params, int64_t deadline_ns, cJSON **ret_result)
{
    uint64_t id = ++client->last_id;
    int r;

    forget_error(client);
    r = send_request(client, method, params, id, deadline_ns);
    /* A daemon that refuses a session says why before it closes it: that is still to be read. */
    if (r == 0 || r == -ECONNRESET)
        r = await_reply(client, id, deadline_ns, ret_result);
    return r;
}
