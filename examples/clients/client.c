/* SPDX-License-Identifier: MIT */
/*
 * Connects to servers through minimiod and prints what they say, in the order in which they say it. When one is ready
 * its stream is taken out of the daemon, and read as any other descriptor is.
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
    int r = 0;

    for (int i = 0; i < count && r == 0; i++) {
        snprintf(params, sizeof params, "{\"token\":%d,\"address\":\"%s\"}", i + 1, addresses[i]);
        r = minimio_client_call(client, "register", params, MINIMIO_CLIENT_FOREVER, NULL);
    }
    return r;
}

/* Prints what a stream has, up to its end. */
static int print_stream(struct minimio_client *client, uint64_t token)
{
    char text[4096];
    ssize_t n;
    int fd;

    fd = minimio_client_take(client, token, MINIMIO_CLIENT_FOREVER);
    if (fd < 0)
        return fd;
    fcntl(fd, F_SETFL, 0); /* the daemon had it non-blocking */
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
    int r;

    /* The session would get the number of a closed standard output, and be sent the data of the servers. */
    if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
        return 1;
    r = minimio_client_connect(NULL, MINIMIO_CLIENT_FOREVER, &client);
    if (r < 0) {
        fputs("client: cannot connect to the daemon\n", stderr);
        return 1;
    }
    r = register_streams(client, left, argv + 1);
    while (r >= 0 && left > 0) {
        r = minimio_client_events(client, &event, 1, MINIMIO_CLIENT_FOREVER);
        if (r > 0)
            r = print_stream(client, event.token);
        left--;
    }
    if (r < 0)
        fprintf(stderr, "client: %s\n", minimio_client_error(client));
    minimio_client_free(client);
    return r < 0;
}
