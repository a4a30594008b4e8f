/* SPDX-License-Identifier: MIT */
/*
 * Connects to servers through minimiod and prints the data of each server, in the order of arrival. When a stream is
 * ready, the program takes the stream out of the daemon and reads the descriptor directly.
 *
 * cc client.c $(pkg-config --cflags --libs minimio-client); usage: client HOST:PORT...
 */
#include <fcntl.h>
#include <inttypes.h>
#include <minimio-client.h>
#include <stdio.h>
#include <unistd.h>

static int register_streams(struct minimio_client *client, int count, char **addresses)
{
    char params[400];
    int result = 0;

    for (int i = 0; i < count && result == 0; i++) {
        snprintf(params, sizeof params, "{\"token\":%d,\"address\":\"%s\"}", i + 1, addresses[i]);
        result = minimio_client_call(client, "register", params, MINIMIO_CLIENT_FOREVER, NULL);
    }
    return result;
}

/* Prints the data of a stream up to the end. */
static int print_stream(struct minimio_client *client, uint64_t token)
{
    char text[4096];
    ssize_t n;
    int fd;

    fd = minimio_client_take(client, token, MINIMIO_CLIENT_FOREVER);
    if (fd < 0)
        return fd;
    fcntl(fd, F_SETFL, 0); /* the daemon has made the descriptor non-blocking */
    printf("%" PRIu64 ": ", token);
    while ((n = read(fd, text, sizeof text)) > 0)
        fwrite(text, 1, (size_t)n, stdout);
    fflush(stdout);
    close(fd);
    return 0;
}

int main(int argc, char **argv)
{
    struct minimio_client_event event;
    struct minimio_client *client;
    int left = argc - 1;
    int result;

    /* If stdout is closed, the session's socket would get its number, and receive the data of the servers. */
    if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
        return 1;
    result = minimio_client_connect(NULL, MINIMIO_CLIENT_FOREVER, &client);
    if (result < 0) {
        fputs("client: cannot connect to the daemon\n", stderr);
        return 1;
    }
    result = register_streams(client, left, argv + 1);
    while (result >= 0 && left > 0) {
        result = minimio_client_events(client, &event, 1, MINIMIO_CLIENT_FOREVER);
        if (result > 0)
            result = print_stream(client, event.token);
        left--;
    }
    if (result < 0)
        fprintf(stderr, "client: %s\n", minimio_client_error(client));
    minimio_client_free(client);
    return result < 0;
}
