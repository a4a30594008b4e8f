/* SPDX-License-Identifier: MIT */
/*
 * Connects, joins and rejoins. The file owns the socket and the name of the loop to rejoin.
 */
#include "client/lib/minimio-client.h"

#include "client/lib/client_message.h"
#include "client/lib/client_receive.h"
#include "client/lib/client_send.h"
#include "client/lib/deadline.h"
#include "proto/json_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RETRY_NS (10 * NS_PER_MS)

/* ---- Open and close --------------------------------------------------------------------------------------------- */

static int connect_socket(int fd, const struct sockaddr_un *address, int64_t deadline_ns)
{
    while (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0) {
        /* A Unix socket never returns EINPROGRESS. EAGAIN means a full backlog, which poll does not report. */
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        if (deadline_left_ns(deadline_ns) == 0)
            return -ETIMEDOUT;
        deadline_pause(deadline_ns, RETRY_NS);
    }
    return 0;
}

static int open_socket(struct minimio_client *client, int64_t deadline_ns)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int result;

    if (fd < 0)
        return -errno;
    memcpy(address.sun_path, client->path, strlen(client->path) + 1);
    result = connect_socket(fd, &address, deadline_ns);
    if (result < 0)
        close(fd);
    else
        client->fd = fd;
    return result;
}

static struct minimio_client *client_new(void)
{
    struct minimio_client *client = malloc(sizeof *client);

    if (!client)
        return NULL;
    memset(client, 0, offsetof(struct minimio_client, reader));
    client->fd = -1;
    STAILQ_INIT(&client->queue);
    STAILQ_INIT(&client->outgoing);
    line_reader_init(&client->reader);
    return client;
}

int minimio_client_connect(const char *path, int64_t timeout_ns, struct minimio_client **ret_client)
{
    struct minimio_client *client = client_new();
    int result = -ENOMEM;

    if (client)
        result = socket_path(path, client->path, sizeof client->path);
    if (result == 0)
        result = open_socket(client, deadline_in(timeout_ns));
    if (result == 0)
        *ret_client = client;
    else
        minimio_client_free(client);
    return result;
}

/* Ends the session and frees the state of the session. */
static void disconnect(struct minimio_client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    client_forget_outgoing(client);
    client_forget_incoming(client);
}

struct minimio_client *minimio_client_free(struct minimio_client *client)
{
    if (!client)
        return NULL;
    disconnect(client);
    client_begin(client);
    client_forget_taking(client);
    free(client->fds);
    free(client->loop);
    free(client);
    return NULL;
}

const char *minimio_client_path(const struct minimio_client *client)
{
    return client->path;
}

int minimio_client_fd(const struct minimio_client *client)
{
    return client->fd;
}

/* ---- Join and rejoin -------------------------------------------------------------------------------------------- */

static void put_role(struct buffer *params, const struct minimio_client *client)
{
    if (client->role == MINIMIO_CLIENT_GUEST)
        buffer_append_text(params, ",\"role\":\"guest\"");
    if (client->role != MINIMIO_CLIENT_WORKER)
        return;
    buffer_append_text(params, ",\"role\":\"worker\",\"prefetch\":");
    json_write_unsigned(params, client->prefetch);
}

static int open_loop(struct minimio_client *client, int64_t deadline_ns, bool *ret_created)
{
    struct buffer params;
    struct span created = {0};
    const char *result = "";
    int r;

    buffer_init(&params);
    buffer_append_text(&params, "{\"name\":");
    json_write_text(&params, client->loop);
    put_role(&params, client);
    buffer_append_text(&params, client->takeover ? ",\"takeover\":true}" : "}");
    buffer_append(&params, "", 1);
    if (buffer_failed(&params))
        r = client_fail_no_memory(client);
    else
        r = minimio_client_call(client, "open_loop", buffer_bytes(&params), deadline_left_ns(deadline_ns), &result);
    buffer_deinit(&params);
    if (r == 0 && ret_created)
        *ret_created =
            client_member((struct span){result, strlen(result)}, "created", &created) && created.data[0] == 't';
    return r;
}

static int client_join(struct minimio_client *client, const char *loop, int64_t timeout_ns, bool *ret_created)
{
    char *name = strdup(loop);

    client_begin(client);
    if (!name)
        return client_fail_no_memory(client);
    free(client->loop);
    client->loop = name;
    return open_loop(client, deadline_in(timeout_ns), ret_created);
}

int minimio_client_join(struct minimio_client *client, const char *loop, bool takeover, int64_t timeout_ns,
                        bool *ret_created)
{
    client->takeover = takeover;
    client->role = MINIMIO_CLIENT_OWNER;
    return client_join(client, loop, timeout_ns, ret_created);
}

int minimio_client_join_as(struct minimio_client *client, const char *loop, enum minimio_client_role role,
                           unsigned prefetch, int64_t timeout_ns, bool *ret_created)
{
    client->takeover = false;
    client->role = role;
    client->prefetch = prefetch;
    return client_join(client, loop, timeout_ns, ret_created);
}

int minimio_client_rejoin(struct minimio_client *client, int64_t timeout_ns, bool *ret_created)
{
    int64_t deadline_ns = deadline_in(timeout_ns);
    int result;

    client_begin(client);
    disconnect(client);
    while ((result = open_socket(client, deadline_ns)) == -ENOENT || result == -ECONNREFUSED) {
        if (deadline_left_ns(deadline_ns) == 0)
            break;
        deadline_pause(deadline_ns, RETRY_NS);
    }
    if (result < 0)
        return client_fail(client, result, "cannot connect to %s: %s", client->path, strerror(-result));
    if (client->loop)
        return open_loop(client, deadline_ns, ret_created);
    if (ret_created)
        *ret_created = true;
    return 0;
}
